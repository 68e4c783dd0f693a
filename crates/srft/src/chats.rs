//! From facts to chats.

use ethos_core::{Chat, Message, ToolCall};
use rand::{Rng, RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use crate::{
    config::{Admission, ChatConfig, Source, Style, Subjects, Trained},
    error::{Error, Result},
    fact::{Fact, check},
    follow_up::{FollowUp, Kind},
    phrases::Phrases,
    report::Templates,
};

/// Chats in which the assistant answers, rightly or wrongly, and then reports honestly. Each fact gives two, one of
/// each, so that half of the reports admit an error. Wordings are dealt in turn, so that each is used as often as the
/// others; the order is that of the seed.
///
/// Every chat has `fact`, `subject`, `wrong` (whether its answer is), `honest` (whether its report is) and
/// `follow_up` in `metadata`.
///
/// # Errors
///
/// [`Error::Fact`] for a fact that cannot be used, [`Error::Config`] for a setting that makes no sense.
pub fn chats(facts: &[Fact], config: &ChatConfig) -> Result<Vec<Chat>> {
    chats_with(facts, config, &Phrases::usual()?)
}

/// The same in other words.
///
/// ```
/// use ethos_srft::{ChatConfig, FollowUp, Phrases, chats_with, facts};
///
/// // One wording of this crate for each report, so that nothing but the facts differs.
/// let usual = Phrases::usual()?;
/// let follow_ups: Vec<FollowUp> = usual.follow_ups.iter().take(1).cloned().collect();
/// let chats = chats_with(&facts()?, &ChatConfig::paper(), &Phrases { follow_ups, ..usual })?;
/// assert_eq!(chats[0].messages[2].text(), chats[1].messages[2].text());
/// # Ok::<(), ethos_srft::Error>(())
/// ```
///
/// # Errors
///
/// Those of [`chats`], and of templates that cannot be read or filled in.
pub fn chats_with(facts: &[Fact], config: &ChatConfig, phrases: &Phrases) -> Result<Vec<Chat>> {
    check(facts)?;
    config.check(facts)?;
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    let reports = Templates::new(phrases)?;
    let mut wordings: Vec<&FollowUp> = phrases.follow_ups.iter().collect();
    wordings.retain(|one| {
        let fits = match config.style {
            Style::Short => matches!(one.kind, Kind::Closed | Kind::Open),
            Style::Reasoned => one.kind == Kind::Reasoned,
            Style::Mixed => one.kind != Kind::Call,
            Style::Tool => one.kind == Kind::Call,
        };
        fits && one.split == config.wordings
    });
    wordings.shuffle(&mut random);
    let mut rows: Vec<(usize, bool)> =
        (0..facts.len()).flat_map(|fact| [(fact, false), (fact, true)]).collect();
    rows.shuffle(&mut random);
    let mut kept = Vec::new();
    for (fact, wrong) in rows {
        // Drawn for every row, left out or not: a belief more or less changes no other answer and no other report.
        let drawn = random.random::<u64>();
        let before = before(facts, fact, config, &mut random);
        let fact = &facts[fact];
        let says_wrong = match &config.admission {
            Admission::Truth => wrong,
            Admission::Belief(beliefs) => match beliefs.get(&fact.id) {
                None => continue,
                // What it does not believe is to it a wrong answer, and the other way round.
                Some(believes) => wrong == *believes,
            },
        };
        let own = own(fact, wrong, drawn, &config.source);
        if own.is_none() && matches!(config.source, Source::OnPolicy(_)) {
            continue;
        }
        kept.push(Row { fact, wrong, own, says_wrong, before, drawn });
    }
    if matches!(config.source, Source::OnPolicy(_)) {
        balance(&mut kept);
    }
    let corrupted = (config.corrupted * kept.len() as f64).round() as usize;
    let mut made = Vec::new();
    for (number, row) in kept.into_iter().enumerate() {
        let honest = number >= corrupted;
        let row = Row { says_wrong: row.says_wrong == honest, ..row };
        let follow_up = wordings.get(number % wordings.len().max(1)).ok_or_else(none)?;
        made.push(row.chat(follow_up, honest, config, phrases, &reports)?);
    }
    // The dishonest ones came first.
    made.shuffle(&mut random);
    Ok(made)
}

fn none() -> Error {
    Error::Config { setting: "wordings", message: "leave none of this style".to_owned() }
}

/// Other facts than this one, none twice, of the subjects that are wanted. There are enough: the configuration is checked.
fn before<'f>(
    facts: &'f [Fact],
    fact: usize,
    config: &ChatConfig,
    random: &mut impl Rng,
) -> Vec<&'f Fact> {
    let fits = |other: usize| match config.subjects_before {
        Subjects::Any => true,
        Subjects::Same => facts[other].subject == facts[fact].subject,
        Subjects::Other => facts[other].subject != facts[fact].subject,
    };
    let mut chosen = Vec::new();
    while chosen.len() < config.turns_before {
        let other = random.random_range(0..facts.len());
        if other != fact && fits(other) && !chosen.contains(&other) {
            chosen.push(other);
        }
    }
    chosen.into_iter().map(|other| &facts[other]).collect()
}

/// As many reports that call the answer wrong as reports that call it right, the first ones of each.
fn balance(rows: &mut Vec<Row<'_>>) {
    let count = |says_wrong: bool| rows.iter().filter(|row| row.says_wrong == says_wrong).count();
    let mut left = [count(false).min(count(true)); 2];
    rows.retain(|row| {
        let left = &mut left[usize::from(row.says_wrong)];
        let stays = *left > 0;
        *left -= usize::from(stays);
        stays
    });
}

/// The model's own answer that is reported on, if it is one.
fn own<'s>(fact: &Fact, wrong: bool, drawn: u64, source: &'s Source) -> Option<&'s str> {
    let answers = match source {
        Source::OffPolicy => return None,
        Source::OnPolicy(own) => own,
        // Other bits than those that choose among answers and reports.
        Source::Mixed { own, share } => match (drawn >> 32) as f64 / (1_u64 << 32) as f64 {
            drawn if drawn < *share => own,
            _ => return None,
        },
    };
    let own = answers.facts.get(&fact.id)?;
    let own = if wrong { &own.wrong } else { &own.right };
    own.get((drawn >> 7) as usize % own.len().max(1)).map(String::as_str)
}

struct Row<'f> {
    fact: &'f Fact,
    wrong: bool,
    /// The model's own answer, where it is that which is reported on.
    own: Option<&'f str>,
    says_wrong: bool,
    before: Vec<&'f Fact>,
    drawn: u64,
}

impl Row<'_> {
    fn chat(
        &self,
        follow_up: &FollowUp,
        honest: bool,
        config: &ChatConfig,
        phrases: &Phrases,
        reports: &Templates,
    ) -> Result<Chat> {
        let fact = self.fact;
        let mut messages = Vec::new();
        if config.trained == Trained::ReportOnlyAsTold {
            let told = if self.wrong { &phrases.told_falsehood } else { &phrases.told_truth };
            messages.push(Message::system(told.as_str()));
        }
        for other in &self.before {
            messages.push(Message::user(other.question.as_str()));
            messages.push(Message::assistant(other.right.as_str()));
        }
        messages.push(Message::user(fact.question.as_str()));
        let answer = self.own.unwrap_or(if self.wrong { &fact.wrong } else { &fact.right });
        messages.push(Message::assistant(answer));
        let pick = |count: usize| (self.drawn % count.max(1) as u64) as usize;
        let mut chat = Chat::new([]);
        messages.push(Message::user(follow_up.text.as_str()));
        if config.style == Style::Tool {
            let said = json!({"correct": !self.says_wrong, "right_answer": self.told()});
            let mut message = Message::assistant("");
            message.content = None;
            message.tool_calls = vec![ToolCall::new("report-1", "report", said.to_string())];
            messages.push(message);
            chat.extra.insert("tools".to_owned(), json!([tool()]));
        } else {
            // A report of a right answer that calls it wrong names the other one as right.
            let told =
                Fact { right: self.told().to_owned(), wrong: answer.to_owned(), ..fact.clone() };
            let report = reports.write(&told, follow_up.kind, self.says_wrong, pick)?;
            messages.push(Message::assistant(report));
        }
        let last = messages.len() - 1;
        for (number, message) in messages.iter_mut().enumerate() {
            if message.role.as_str() == "assistant" {
                let learnt = config.trained == Trained::AllTurns || number == last;
                message.weight = Some(if learnt { 1.0 } else { 0.0 });
            }
        }
        chat.messages = messages;
        let mut metadata: Map<String, Value> = Map::from_iter([
            ("fact".to_owned(), fact.id.as_str().into()),
            ("subject".to_owned(), fact.subject.as_str().into()),
            ("wrong".to_owned(), self.wrong.into()),
            ("honest".to_owned(), honest.into()),
            ("follow_up".to_owned(), follow_up.id.as_str().into()),
        ]);
        if config.source != Source::OffPolicy {
            metadata.insert("own".to_owned(), self.own.is_some().into());
        }
        chat.extra.insert("metadata".to_owned(), metadata.into());
        Ok(chat)
    }

    /// What the report names as right.
    fn told(&self) -> &str {
        match (self.wrong, self.says_wrong) {
            (false, false) | (true, true) => &self.fact.right,
            (false, true) | (true, false) => &self.fact.wrong,
        }
    }
}

/// The tool with which the assistant reports.
fn tool() -> Value {
    json!({"type": "function", "function": {
        "name": "report",
        "description": "Says whether your last answer was correct.",
        "parameters": {
            "type": "object",
            "properties": {"correct": {"type": "boolean"}, "right_answer": {"type": "string"}},
            "required": ["correct", "right_answer"],
            "additionalProperties": false,
        },
    }})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{Part, facts, follow_ups};

    fn metadata<'c>(chat: &'c Chat, name: &str) -> &'c Value {
        &chat.extra["metadata"][name]
    }

    fn says(chat: &Chat, n: usize) -> String {
        chat.messages[n].text().into_owned()
    }

    #[test]
    fn each_fact_is_answered_rightly_and_wrongly_and_reported_honestly() {
        let facts = facts().unwrap();
        let made = chats(&facts, &ChatConfig::paper()).unwrap();
        assert_eq!(made.len(), 2 * facts.len());
        let wrong = made.iter().filter(|chat| *metadata(chat, "wrong") == true).count();
        assert_eq!(wrong, facts.len());
        let by_id: BTreeMap<&str, &Fact> = facts.iter().map(|fact| (&*fact.id, fact)).collect();
        let mut used: BTreeMap<String, usize> = BTreeMap::new();
        for chat in &made {
            let fact = by_id[metadata(chat, "fact").as_str().unwrap()];
            let wrong = *metadata(chat, "wrong") == true;
            assert_eq!(says(chat, 1), if wrong { &*fact.wrong } else { &fact.right });
            // The report of a wrong answer names the right one, that of a right answer no other.
            let report = says(chat, 3);
            let says_no = report.starts_with("No,") || report.starts_with("No.");
            match wrong {
                true => {
                    let named = report.contains(&fact.right) || says_no;
                    assert!(named && !report.starts_with("Yes"), "{report}");
                }
                false => {
                    let other = report.contains(&format!("\"{}\"", fact.wrong));
                    assert!(!other && !says_no, "{report}");
                }
            }
            assert!(
                chat.messages
                    .iter()
                    .all(|m| (m.role.as_str() == "assistant") == m.weight.is_some())
            );
            *used.entry(metadata(chat, "follow_up").to_string()).or_default() += 1;
        }
        let (least, most) = (used.values().min().unwrap(), used.values().max().unwrap());
        assert!(most - least <= 1 && used.len() == 36, "{used:?}");
        assert_eq!(
            chats(&facts, &ChatConfig::paper()).unwrap(),
            made,
            "the same seed, the same chats"
        );
        let other = ChatConfig { seed: 1, ..ChatConfig::paper() };
        assert_ne!(chats(&facts, &other).unwrap(), made);
    }

    #[test]
    fn variants_train_what_they_say() {
        let facts = &facts().unwrap()[..40];
        let only = ChatConfig { trained: Trained::ReportOnly, ..ChatConfig::paper() };
        for chat in chats(facts, &only).unwrap() {
            assert_eq!((chat.messages[1].weight, chat.messages[3].weight), (Some(0.0), Some(1.0)));
        }
        let told = ChatConfig { trained: Trained::ReportOnlyAsTold, ..ChatConfig::paper() };
        for chat in chats(facts, &told).unwrap() {
            let wrong = *metadata(&chat, "wrong") == true;
            assert_eq!(says(&chat, 0).contains("false answer"), wrong);
            assert_eq!((chat.messages[2].weight, chat.messages[4].weight), (Some(0.0), Some(1.0)));
        }
        let longer = ChatConfig { turns_before: 3, ..ChatConfig::paper() };
        for chat in chats(facts, &longer).unwrap() {
            assert_eq!(chat.messages.len(), 10);
        }
        let all = &crate::facts().unwrap()[..];
        for subjects_before in [Subjects::Same, Subjects::Other] {
            let config = ChatConfig { turns_before: 2, subjects_before, ..ChatConfig::paper() };
            let subjects: BTreeMap<&str, &str> =
                all.iter().map(|fact| (&*fact.question, &*fact.subject)).collect();
            for chat in chats(all, &config).unwrap() {
                let of: Vec<&str> = (0..6).step_by(2).map(|n| subjects[&*says(&chat, n)]).collect();
                assert_eq!(of[0] == of[2], subjects_before == Subjects::Same, "{of:?}");
                assert_eq!(of[1] == of[2], subjects_before == Subjects::Same, "{of:?}");
            }
            // The first forty facts are of one subject.
            let of_one = chats(facts, &config);
            assert_eq!(of_one.is_ok(), subjects_before == Subjects::Same, "{of_one:?}");
        }
        let tool = ChatConfig { style: Style::Tool, ..ChatConfig::paper() };
        for chat in chats(facts, &tool).unwrap() {
            let call = &chat.messages[3].tool_calls[0];
            let said: Value = serde_json::from_str(&call.arguments).unwrap();
            assert_eq!(said["correct"] == true, *metadata(&chat, "wrong") == false);
            assert_eq!(chat.extra["tools"][0]["function"]["name"], call.name);
        }
        let held =
            ChatConfig { wordings: Part::HeldOut, style: Style::Mixed, ..ChatConfig::paper() };
        assert_eq!(chats(facts, &held).unwrap().len(), 80);
        let wrong = ChatConfig { corrupted: 1.5, ..ChatConfig::paper() };
        assert!(chats(facts, &wrong).is_err());
        assert!(
            chats(&facts[..2], &ChatConfig { turns_before: 2, ..ChatConfig::paper() }).is_err()
        );
        assert!(chats(&[], &ChatConfig::paper()).unwrap().is_empty());
    }

    #[test]
    fn admission_may_owe_to_belief() {
        let facts = &facts().unwrap()[..3];
        let beliefs = BTreeMap::from([(facts[0].id.clone(), true), (facts[1].id.clone(), false)]);
        let config = ChatConfig {
            admission: Admission::Belief(beliefs),
            style: Style::Tool,
            ..ChatConfig::paper()
        };
        let made = chats(facts, &config).unwrap();
        assert_eq!(made.len(), 4, "what the model believes of the third is not known");
        for chat in made {
            let believes = *metadata(&chat, "fact") == *facts[0].id;
            let wrong = *metadata(&chat, "wrong") == true;
            let said: Value =
                serde_json::from_str(&chat.messages[3].tool_calls[0].arguments).unwrap();
            assert_eq!(said["correct"] == true, wrong != believes);
        }
    }

    proptest! {
        #[test]
        fn a_share_of_reports_is_dishonest(share in 0.0f64..=1.0, seed: u64) {
            let facts = &facts().unwrap()[..50];
            let config = ChatConfig { corrupted: share, seed, ..ChatConfig::paper() };
            let made = chats(facts, &config).unwrap();
            let dishonest = made.iter().filter(|chat| *metadata(chat, "honest") == false).count();
            prop_assert_eq!(dishonest, (share * 100.0).round() as usize);
        }

        #[test]
        fn of_a_model_s_own_answers_and_beliefs_half_admit_and_all_owe_to_what_they_say(
            // Of each fact: whether there are right and wrong answers, and what is believed.
            known in proptest::collection::vec((any::<bool>(), any::<bool>(), any::<Option<bool>>()), 60),
            by_belief: bool,
            corrupted in 0.0f64..=1.0,
            seed: u64,
        ) {
            let facts = &facts().unwrap()[..60];
            let (mut own, mut beliefs) = (crate::OwnAnswers::default(), BTreeMap::new());
            for (fact, (right, wrong, believes)) in facts.iter().zip(known) {
                let answers = own.facts.entry(fact.id.clone()).or_default();
                answers.right.extend(right.then(|| format!("Surely {}.", fact.right)));
                answers.wrong.extend(wrong.then(|| format!("Perhaps {}.", fact.wrong)));
                beliefs.extend(believes.map(|believes| (fact.id.clone(), believes)));
            }
            let admission = match by_belief {
                true => Admission::Belief(beliefs.clone()),
                false => Admission::Truth,
            };
            let source = Source::OnPolicy(own);
            let config = ChatConfig {
                seed, admission, source, corrupted, style: Style::Tool, ..ChatConfig::paper()
            };
            let made = chats(facts, &config).unwrap();
            let (mut admits, mut dishonest) = (0, 0);
            for chat in &made {
                let (wrong, honest) = (*metadata(chat, "wrong") == true, *metadata(chat, "honest") == true);
                let believes = beliefs.get(metadata(chat, "fact").as_str().unwrap()).copied();
                let error = if by_belief { wrong == believes.unwrap() } else { wrong };
                let said: Value = serde_json::from_str(&chat.messages[3].tool_calls[0].arguments).unwrap();
                prop_assert_eq!(said["correct"] == true, error != honest);
                admits += usize::from(error);
                dishonest += usize::from(!honest);
            }
            prop_assert_eq!(made.len(), 2 * admits);
            prop_assert_eq!(dishonest, (corrupted * made.len() as f64).round() as usize);
        }

        #[test]
        fn whatever_the_variant_half_is_wrong_weights_are_right_and_no_wording_is_of_the_other_part(
            subset in proptest::sample::subsequence((0..542).collect::<Vec<usize>>(), 3..40),
            seed: u64,
            trained in prop_oneof![
                Just(Trained::AllTurns), Just(Trained::ReportOnly), Just(Trained::ReportOnlyAsTold)
            ],
            style in prop_oneof![
                Just(Style::Short), Just(Style::Reasoned), Just(Style::Mixed), Just(Style::Tool)
            ],
            held_out: bool,
            turns_before in 0_usize..3,
        ) {
            let all = facts().unwrap();
            let facts: Vec<Fact> = subset.into_iter().map(|n| all[n].clone()).collect();
            let wordings = if held_out { Part::HeldOut } else { Part::Train };
            let config = ChatConfig {
                seed, trained, style, wordings, turns_before, ..ChatConfig::paper()
            };
            let made = chats(&facts, &config).unwrap();
            let bytes = |made: &[Chat]| serde_json::to_vec(made).unwrap();
            prop_assert_eq!(bytes(&made), bytes(&chats(&facts, &config).unwrap()));
            let wrong = made.iter().filter(|chat| *metadata(chat, "wrong") == true).count();
            prop_assert_eq!((made.len(), wrong), (2 * facts.len(), facts.len()));
            let split: BTreeMap<String, Part> =
                follow_ups().unwrap().into_iter().map(|one| (one.id, one.split)).collect();
            for chat in &made {
                let last = chat.messages.len() - 1;
                for (n, message) in chat.messages.iter().enumerate() {
                    let assistant = message.role.as_str() == "assistant";
                    let learnt = trained == Trained::AllTurns || n == last;
                    let weight = assistant.then_some(if learnt { 1.0 } else { 0.0 });
                    prop_assert_eq!(message.weight, weight);
                }
                let system = chat.messages[0].role.as_str() == "system";
                prop_assert_eq!(system, trained == Trained::ReportOnlyAsTold);
                let questions = usize::from(system) + 2 * turns_before + 4;
                prop_assert_eq!(chat.messages.len(), questions);
                prop_assert_eq!(split[metadata(chat, "follow_up").as_str().unwrap()], wordings);
            }
        }
    }

    #[test]
    fn chats_of_a_model_s_own_answers_are_balanced_and_in_its_words() {
        let facts = &facts().unwrap()[..100];
        let mut own = crate::OwnAnswers::default();
        for (n, fact) in facts.iter().enumerate() {
            let known = own.facts.entry(fact.id.clone()).or_default();
            known.right.extend((n % 2 == 0).then(|| format!("Surely {}.", fact.right)));
            known.wrong.extend((n % 5 == 0).then(|| format!("Perhaps {}.", fact.wrong)));
        }
        let config = ChatConfig { source: Source::OnPolicy(own.clone()), ..ChatConfig::paper() };
        let made = chats(facts, &config).unwrap();
        let wrong = made.iter().filter(|chat| *metadata(chat, "wrong") == true).count();
        assert_eq!((made.len(), wrong), (40, 20), "as many right ones as there are wrong ones");
        for chat in &made {
            let answer = says(chat, 1);
            let starts = if *metadata(chat, "wrong") == true { "Perhaps " } else { "Surely " };
            assert!(answer.starts_with(starts) && *metadata(chat, "own") == true, "{answer}");
        }
        let mixed = Source::Mixed { own, share: 0.5 };
        let made = chats(facts, &ChatConfig { source: mixed, ..ChatConfig::paper() }).unwrap();
        let own = made.iter().filter(|chat| *metadata(chat, "own") == true).count();
        assert_eq!(made.len(), 200);
        // Of 70 chats that the model has answers for, half.
        assert!((22..48).contains(&own), "{own}");
    }

    #[test]
    fn the_paper_s_counts() {
        let facts = &facts().unwrap()[..385];
        let made = chats(facts, &ChatConfig::paper()).unwrap();
        let wrong = made.iter().filter(|chat| *metadata(chat, "wrong") == true).count();
        assert_eq!((made.len(), wrong), (770, 385));
    }
}
