use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ethos_core::{Completion, Scripted, Stop};
use futures::executor::block_on;
use proptest::prelude::*;
use serde_json::json;

use super::{alike::Asks, *};
use crate::{Basis, facts};

fn item(question: &str, right: &str, wrong: &str) -> Value {
    json!({"question": question, "right": right, "wrong": wrong})
}

fn why(item: &Value) -> Option<Rejection> {
    Item::read(item).and_then(|item| item.fact("s", "m")).err()
}

/// Gives these lists for one subject after another, and counts how often it was asked.
fn author(lists: &[(&'static str, Vec<String>)]) -> (Scripted, Arc<AtomicUsize>) {
    let (asked, lists) = (Arc::new(AtomicUsize::new(0)), lists.to_vec());
    let (count, given) = (Arc::clone(&asked), std::sync::Mutex::new(vec![0; lists.len()]));
    let model = Scripted::new("author", move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        let text = request.messages[0].text();
        let n = lists.iter().position(|(subject, _)| text.contains(&format!("of {subject},")));
        let n = n.unwrap();
        let mut given = given.lock().unwrap();
        given[n] += 1;
        lists[n].1[given[n] - 1].as_str().into()
    });
    (model, asked)
}

fn run(existing: &[Fact], config: &DraftConfig, model: &dyn Model, journal: &Journal) -> Drafted {
    block_on(draft(existing, config, model, journal, &())).unwrap()
}

#[test]
fn what_cannot_be_a_fact_has_a_reason() {
    for (given, reason) in [
        (item("How many legs has an ant?", "Six", "Eight"), None),
        (item("Which is larger: Mars or Venus?", "Venus", "Mars"), None),
        (json!({"question": "What is 6 × 7?", "right": 42, "wrong": 48, "sure": true}), None),
        (item(" ", "Six", "Eight"), Some(Rejection::Empty)),
        (item("How many legs?\nOf an ant.", "Six", "Eight"), Some(Rejection::SeveralLines)),
        (item("How many legs?", &"six ".repeat(25), "Eight"), Some(Rejection::TooLong)),
        (item("How many legs has an ant?", "six", "Six"), Some(Rejection::SameAnswers)),
        (item("Where is it?", "Paris", "In Paris, Texas"), Some(Rejection::OneAnswerInTheOther)),
        (item("Where is it?", "North Africa", "Africa"), Some(Rejection::OneAnswerInTheOther)),
        (item("What has six legs, an ant?", "An ant", "A dog"), Some(Rejection::AnswerInQuestion)),
        (item("What is larger than Mars?", "Venus", "Mars"), Some(Rejection::AnswerInQuestion)),
        (json!("What?"), Some(Rejection::Unreadable("no `question`".to_owned()))),
        (json!({"question": "Q?", "right": "R"}), Some(Rejection::Unreadable("no `wrong`".into()))),
    ] {
        assert_eq!(why(&given), reason, "{given}");
    }
}

#[test]
fn subjects_are_asked_until_they_have_enough_or_nothing_new_comes() {
    let existing: Vec<Fact> = facts().unwrap();
    let list = |items: &[Value]| Value::from(items.to_vec()).to_string();
    let sails = item("What is a sail traditionally made of?", "Canvas", "Leather");
    let knot = item("Which unit tells the speed of a ship?", "The knot", "The fathom");
    let bow = item("How is the front part of a ship called?", "The bow", "The stern");
    let knot_again = item("The speed of a ship is told in which unit?", "Knot", "Mile");
    let jupiter = item("Which planet of the Solar System is the largest?", "Jupiter", "Mars");
    let lists = [
        // Two rounds: the first has one new fact, and one that this crate has under another subject.
        ("sailing", vec![list(&[sails.clone(), jupiter]), list(&[knot.clone(), bow.clone()])]),
        // The second round brings only what the first brought.
        (
            "ships",
            vec![list(&[knot_again.clone(), json!(7)]), format!("Sure: {}", list(&[knot_again]))],
        ),
    ];
    let (model, asked) = author(&lists);
    let journal = Journal::in_memory().unwrap();
    let config = DraftConfig { at_once: 2, ..DraftConfig::each(["sailing", "ships"], 2) };
    let drafted = run(&existing, &config, &model, &journal);

    let questions: Vec<(&str, &str)> =
        drafted.facts.iter().map(|fact| (&*fact.subject, &*fact.right)).collect();
    // Whose the knot is depends on who named it first: in round 0 it was `ships`.
    assert_eq!(questions, [("sailing", "Canvas"), ("sailing", "The bow"), ("ships", "Knot")]);
    let reasons = drafted.reasons();
    assert_eq!(reasons["repeats a question"], 3, "{reasons:?}");
    assert_eq!(reasons["no question with two answers"], 1, "{reasons:?}");
    assert_eq!(drafted.short, [("ships".to_owned(), 1)].into());
    let repeated: Vec<&Rejection> = drafted.rejected.iter().map(|one| &one.why).collect();
    let largest = existing.iter().find(|fact| fact.question.starts_with("What is the largest pla"));
    assert_eq!(*repeated[0], Rejection::Repeats(largest.unwrap().id.clone()));
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert_eq!((drafted.asked.asked, drafted.asked.usable, drafted.asked.reused), (4, 4, 0));
    for fact in &drafted.facts {
        assert_eq!(fact.basis, Basis::Drafted { drafted_by: "scripted/author".to_owned() });
        assert!(fact.id.starts_with(&format!("{}/drafted-", fact.subject)), "{}", fact.id);
    }

    // A rerun asks nothing and gives the same bytes.
    let again = run(&existing, &config, &model, &journal);
    assert_eq!((asked.load(Ordering::SeqCst), again.asked.reused), (4, 4));
    let bytes = |facts: &[Fact]| serde_json::to_vec(facts).unwrap();
    assert_eq!(bytes(&again.facts), bytes(&drafted.facts));
    assert_eq!(again.rejected, drafted.rejected);
    let json = serde_json::to_string(&drafted).unwrap();
    assert_eq!(serde_json::from_str::<Drafted>(&json).unwrap(), drafted);
    let all: Vec<Fact> = existing.into_iter().chain(drafted.facts).collect();
    check(&all).unwrap();
}

#[test]
fn what_a_model_knows_of_and_asks_for_is_in_the_prompt() {
    let existing = &facts().unwrap()[..60];
    let shown = |seed: u64| {
        let seen = Arc::new(std::sync::Mutex::new(String::new()));
        let sees = Arc::clone(&seen);
        let model = Scripted::new("reader", move |request| {
            sees.lock().unwrap().push_str(&request.messages[0].text());
            "[]".into()
        });
        let config = DraftConfig { shown: 10, seed, ..DraftConfig::each(["mathematics"], 30) };
        let drafted = run(existing, &config, &model, &Journal::in_memory().unwrap());
        assert_eq!(drafted.short, [("mathematics".to_owned(), 30)].into());
        seen.lock().unwrap().clone()
    };
    let (prompt, other) = (shown(1), shown(2));
    assert!(prompt.starts_with("Write 20 questions on the subject of mathematics, each"));
    let listed = |prompt: &str| {
        existing.iter().filter(|fact| prompt.contains(&format!("\n- {}\n", fact.question))).count()
    };
    assert_eq!((listed(&prompt), listed(&other)), (10, 10));
    assert_ne!(prompt, other);
    assert_eq!(shown(1), prompt);
}

#[test]
fn answers_without_a_list_are_asked_again_and_counted_and_failures_end_a_subject() {
    let model = Scripted::fallible("poor", |request| {
        let text = request.messages[0].text();
        if text.contains("of chess,") {
            let kind = ethos_core::ModelErrorKind::Connection;
            return Err(ethos_core::Error::model("poor", kind, "gone"));
        }
        Ok(if text.contains("of go,") {
            Completion::new("[{\"question\": \"How").with_stop(Stop::Length)
        } else {
            "[{\"frage\": \"Was?\"}]".into()
        })
    });
    let config = DraftConfig::each(["chess", "go", "draughts"], 3);
    let drafted = run(&[], &config, &model, &Journal::in_memory().unwrap());
    assert!(drafted.facts.is_empty() && drafted.rejected.is_empty());
    assert_eq!((drafted.asked.asked, drafted.asked.usable, drafted.asked.errors), (3, 0, 1));
    assert_eq!(
        drafted.asked.unusable,
        [("bad JSON".to_owned(), 3), ("cut off".to_owned(), 3)].into()
    );
    assert_eq!(drafted.short.values().sum::<usize>(), 9);
    for config in [DraftConfig { at_once: 0, ..config }, DraftConfig::each([" "], 1)] {
        let error = block_on(draft(&[], &config, &model, &Journal::in_memory().unwrap(), &()));
        assert!(matches!(error, Err(Error::Config { .. })), "{error:?}");
    }
}

#[test]
fn what_is_more_than_was_asked_for_is_counted() {
    let items = [
        item("How many legs has an ant?", "Six", "Eight"),
        item("Which insects make honey?", "Bees", "Ants"),
    ];
    let list = Value::from(items.to_vec()).to_string();
    let model = Scripted::new("eager", move |_| list.as_str().into());
    let config = DraftConfig::each(["insects"], 1);
    let drafted = run(&[], &config, &model, &Journal::in_memory().unwrap());
    assert_eq!((drafted.facts.len(), drafted.reasons()["more than asked for"]), (1, 1));
    // Pinned: an id that changes would make other facts of those that people have.
    assert_eq!(drafted.facts[0].id, "insects/drafted-ffd98685d621aa46");
}

proptest! {
    #[test]
    fn whatever_comes_in_whatever_order_no_two_facts_that_are_kept_are_near(
        order in Just((0..48_usize).collect::<Vec<_>>()).prop_shuffle(),
        taken in 1_usize..48,
        there in 0_usize..6,
    ) {
        let what = ["capital", "largest city", "main river", "national flag"];
        let whose = ["Norway", "Peru", "Kenya"];
        let ask = |n: usize| {
            let (what, whose) = (what[n % 4], whose[n / 4 % 3]);
            let question = match n / 12 {
                0 => format!("What is the {what} of {whose}?"),
                1 => format!("Which is {whose}'s {what}?"),
                2 => format!("Of {whose}, what is the {what} called?"),
                _ => format!("The {what} of {whose} has which name?"),
            };
            item(&question, &format!("Answer {}", n % 12), "Something else")
        };
        let fact = |n: usize| Item::read(&ask(n)).and_then(|item| item.fact("s", "m")).unwrap();
        let (first, then) = order[..taken.max(there)].split_at(there);
        let mut known = Known::default();
        let mut kept: Vec<Fact> = first.iter().filter_map(|n| known.admit(fact(*n)).ok()).collect();
        kept.extend(then.iter().filter_map(|n| known.admit(fact(*n)).ok()));
        let asks: Vec<Asks> = kept.iter().map(Asks::of).collect();
        for (n, one) in asks.iter().enumerate() {
            prop_assert!(!asks[..n].iter().any(|other| other.is_near(one)));
        }
        // What fell is near to one that is kept.
        for n in &order[..taken.max(there)] {
            let one = Asks::of(&fact(*n));
            prop_assert!(asks.iter().any(|other| other.is_near(&one)));
        }
    }
}
