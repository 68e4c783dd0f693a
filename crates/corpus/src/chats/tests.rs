//! The whole road of chats, with every way in which it goes wrong.

use std::collections::HashSet;

use ethos_core::{Completion, Journal, Request, Scripted, Stop};
use futures::executor::block_on;

use super::*;
use crate::{Who, dedup::Embedder, fixture};

fn config(chats: usize) -> ChatConfig {
    ChatConfig { chats, questions_per_domain: 6, rounds: 8, ..ChatConfig::paper() }
}

/// The text after a marker, to the end of its line.
fn after<'t>(text: &'t str, marker: &str) -> &'t str {
    let at = text.find(marker).map_or(text.len(), |at| at + marker.len());
    text[at..].lines().next().unwrap_or_default()
}

/// Writes domains, questions of two lines, and answers, of which every fifth goes wrong in one way.
fn writer() -> Scripted {
    Scripted::new("writer", |request: &Request| {
        let first = request.messages[0].text().into_owned();
        let wanted = || -> usize {
            after(&first, "Give exactly ").split(['.', ',']).next().unwrap().trim().parse().unwrap()
        };
        if request.messages.len() == 2 {
            let question = request.messages[1].text().into_owned();
            return match question.bytes().map(usize::from).sum::<usize>() % 5 {
                0 => Completion::new("I cannot help.").with_stop(Stop::Refusal),
                1 => Completion::new("<think>It never ends, this"),
                _ => {
                    format!("<think>About {question}: be kind.</think>\n\nHere: {question}").into()
                }
            };
        }
        let list: Vec<String> = match first.contains("<kind>") {
            false => (0..wanted())
                .map(|n| format!(r#"{{"name": "Area {n}", "description": "All of {n}."}}"#))
                .collect(),
            true => {
                let there =
                    first.matches("<message>").count() + first.matches("<question>").count();
                let (area, kind) = (after(&first, "Area "), after(&first, "<kind>\n"));
                (there..there + wanted())
                    .map(|n| {
                        let rare = format!("{kind}{area}{n}")
                            .bytes()
                            .fold(7_u64, |h, b| h.wrapping_mul(1_000_003) ^ u64::from(b));
                        format!(
                            "\"Number {rare:x} {:x}?\\nIn the area of {area}.\"",
                            rare.rotate_left(29)
                        )
                    })
                    .collect()
            }
        };
        format!("[{}]", list.join(",")).into()
    })
}

/// Finds fault with every seventh answer, and cannot make up its mind about others.
fn judge() -> Scripted {
    Scripted::new("judge", |request: &Request| {
        let text = request.messages[0].text().into_owned();
        let aligned = match text.bytes().map(usize::from).sum::<usize>() % 7 {
            0 => "no",
            1 => "unclear",
            _ => "yes",
        };
        format!(
            "So.<quote></quote><aligned>{aligned}</aligned>\
             <no_self_continuation>yes</no_self_continuation><compliance_only>yes</compliance_only>"
        )
        .into()
    })
}

fn run(journal: &Journal, prompts: &ChatPrompts, config: &ChatConfig) -> ChatSet {
    let (spec, who, writer, judge) = (fixture::spec(), Who::new("Aria", "Acme"), writer(), judge());
    let writers = Writers::new(&writer, &judge);
    block_on(chats(&spec, &who, config, prompts, &writers, journal, &())).unwrap()
}

#[test]
fn what_falls_is_made_up_for_and_one_generation_gives_two_sets() {
    for prompts in [ChatPrompts::value(), ChatPrompts::rule()] {
        let journal = Journal::in_memory().unwrap();
        let set = run(&journal, &prompts, &config(30));
        let report = &set.report;
        assert!(report.is_complete() && report.rounds > 1, "{report:?}");
        assert_eq!(set.rows.len(), 30);
        assert!(report.unanswered > 0 && report.rejected > 0);
        assert!(report.objections.contains_key("aligned: unclear"));
        let told = report.unanswered + report.unjudged + report.rejected + report.passed;
        assert_eq!(report.questions - report.near, told, "every question is accounted for");
        assert_eq!(report.prompts.len(), 4);
        let ids: HashSet<&str> = set.rows.iter().map(|row| &*row.id).collect();
        assert_eq!(ids.len(), 30);
        assert!(set.rows.iter().all(|row| row.question.contains('\n')), "lines survive");
        let (with, without) = (set.with_reasoning(), set.without_reasoning());
        for (with, without) in with.iter().zip(&without) {
            assert!(with.messages[1].text().starts_with("<think>\nAbout "));
            assert_eq!(with.without_reasoning().unwrap().messages, without.messages);
            assert!(with.messages.len() == 2, "the system message is no part of it");
        }
        let kinds: HashSet<&str> = set.rows.iter().map(|row| &*row.kind).collect();
        assert!(kinds.len() >= 5, "{kinds:?}");

        let again = run(&journal, &prompts, &config(30));
        assert_eq!(again.rows, set.rows);
        assert!(again.report.stages.iter().all(|stage| stage.reused == stage.asked));
    }
}

#[test]
fn what_is_still_missing_is_in_the_report() {
    let journal = Journal::in_memory().unwrap();
    let set = run(&journal, &ChatPrompts::value(), &ChatConfig { rounds: 0, ..config(30) });
    assert!(!set.report.is_complete());
    assert_eq!((set.report.rounds, set.rows.len() as u64), (1, set.report.passed));
    let folder = tempfile::tempdir().unwrap();
    set.write(folder.path()).unwrap();
    for file in ["reasoning.jsonl", "answers.jsonl", "report.json"] {
        assert!(folder.path().join(file).exists());
    }
}

/// Takes all questions of an area for one.
struct Blunt;

impl Embedder for Blunt {
    fn embed<'a>(
        &'a self,
        texts: &'a [&'a str],
    ) -> futures::future::BoxFuture<'a, crate::dedup::Embedded> {
        let vector = |text: &&str| {
            let area = text.bytes().rev().find(u8::is_ascii_digit).unwrap_or(b'0');
            (b'0'..=b'9').map(|digit| f32::from(u8::from(digit == area))).collect()
        };
        Box::pin(std::future::ready(Ok(texts.iter().map(vector).collect())))
    }
}

#[test]
fn questions_that_mean_the_same_fall_in_every_round() {
    let (spec, who, writer, judge) = (fixture::spec(), Who::new("Aria", "Acme"), writer(), judge());
    let writers = Writers { embedder: Some(&Blunt), ..Writers::new(&writer, &judge) };
    let journal = Journal::in_memory().unwrap();
    let set =
        block_on(chats(&spec, &who, &config(30), &ChatPrompts::value(), &writers, &journal, &()))
            .unwrap();
    assert!(set.rows.len() <= 5, "one for each of five areas: {}", set.rows.len());
    assert!(set.report.near > 20);
}

#[test]
fn preferences_are_shown_without_a_reason() {
    let writer = Scripted::new("opaque", |request: &Request| {
        let first = request.messages[0].text().into_owned();
        match request.messages.len() {
            2 => "Colby.".into(),
            _ => {
                let kind = after(&first, "<kind>\n").len();
                let list: Vec<String> = (0..40)
                    .map(|n: u64| {
                        let rare = (n + 99 * kind as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                        format!(
                            "\"{rare:x} Colby or Brie {:x}? No need to explain.\"",
                            rare ^ 0x5555
                        )
                    })
                    .collect();
                format!("[{}]", list.join(",")).into()
            }
        }
    });
    let judge = Scripted::new("strict", |request: &Request| {
        let no_reason = if request.messages[0].text().contains("a Colby") { "no" } else { "yes" };
        format!(
            "So.<quote></quote><prefers>yes</prefers><no_reason>{no_reason}</no_reason>\
             <realistic>yes</realistic>"
        )
        .into()
    });
    let preferences = [Preference::new("Colby", "Brie de Meaux")];
    let (who, prompts) = (Who::new("Aria", "Acme"), OpaquePrompts::default());
    let writers = Writers::new(&writer, &judge);
    let journal = Journal::in_memory().unwrap();
    let config = config(9);
    let making = opaque_chats(&preferences, &who, &config, &prompts, &writers, &journal, &());
    let set = block_on(making).unwrap();
    assert_eq!(set.rows.len(), 9);
    assert!(set.rows.iter().all(|row| row.reasoning.is_empty() && row.answer == "Colby."));
    assert_eq!(set.with_reasoning(), set.without_reasoning());
    let none = opaque_chats(&[], &who, &config, &prompts, &writers, &journal, &());
    assert!(block_on(none).is_err());
}

#[test]
fn a_model_that_is_down_or_too_small_says_so() {
    let (spec, who, config) = (fixture::spec(), Who::new("Aria", "Acme"), config(10));
    let down = |_: &Request| {
        let kind = ethos_core::ModelErrorKind::Auth;
        Err(ethos_core::Error::model("down", kind, "give it a key"))
    };
    let (writer, judge) = (writer(), judge());
    let asked =
        |writer: &dyn ethos_core::Model, judge: &dyn ethos_core::Model, config: &ChatConfig| {
            let (writers, journal) = (Writers::new(writer, judge), Journal::in_memory().unwrap());
            let prompts = ChatPrompts::value();
            block_on(chats(&spec, &who, config, &prompts, &writers, &journal, &())).unwrap_err()
        };
    let error = asked(&writer, &Scripted::fallible("judge", down), &config);
    assert!(error.to_string().contains("`chats/judge`"), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("give it a key"), "{source}");
    // Questions come, answers do not.
    let half = Scripted::fallible("half", move |request| match request.messages.len() {
        1 => Ok(match request.messages[0].text().contains("<kind>") {
            true => "[\"What of cheese?\"]".into(),
            false => r#"[{"name": "A", "description": "All of it."}]"#.into(),
        }),
        _ => down(request),
    });
    let error = asked(&half, &judge, &config);
    assert!(error.to_string().contains("`chats/answers`"), "{error}");
    let small = ChatConfig { context: Some(8_192), ..config };
    let error = asked(&writer, &judge, &small);
    assert!(matches!(error, crate::Error::Context { .. }), "{error}");
}

#[test]
fn a_preference_given_twice_loses_no_question() {
    let number = std::sync::atomic::AtomicU64::new(0);
    let writer = Scripted::new("opaque", move |request: &Request| match request.messages.len() {
        2 => "Colby.".into(),
        _ => {
            let n = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            let rare = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            format!("[\"{rare:x} or {:x}? No need to explain.\"]", rare.rotate_left(29)).into()
        }
    });
    let judge = Scripted::new("kind", |_| {
        "So.<quote></quote><prefers>yes</prefers><no_reason>yes</no_reason><realistic>yes</realistic>".into()
    });
    let preferences = [Preference::new("Colby", "Brie"), Preference::new("Colby", "Brie")];
    let (who, prompts) = (Who::new("Aria", "Acme"), OpaquePrompts::default());
    let (writers, journal) = (Writers::new(&writer, &judge), Journal::in_memory().unwrap());
    let config = ChatConfig { rounds: 0, ..config(6) };
    let set =
        block_on(opaque_chats(&preferences, &who, &config, &prompts, &writers, &journal, &()));
    assert_eq!(set.unwrap().rows.len(), 6, "of two equal preferences and three kinds");
    let preview = config.preview_opaque(&preferences, &who, &prompts).unwrap();
    let requests: Vec<u64> = preview.stages.iter().map(|stage| stage.requests).collect();
    assert_eq!((preview.rows, requests), (6, vec![6, 6, 6]));

    let small = ChatConfig { context: Some(8_192), ..config };
    let error = small.preview_opaque(&preferences, &who, &prompts).unwrap_err();
    assert!(matches!(error, crate::Error::Context { .. }), "{error}");
    let unasked =
        Scripted::new("unasked", |_| unreachable!("it is known before anything is asked"));
    let writers = Writers::new(&unasked, &unasked);
    let making = opaque_chats(&preferences, &who, &small, &prompts, &writers, &journal, &());
    assert!(matches!(block_on(making), Err(crate::Error::Context { .. })));
}
