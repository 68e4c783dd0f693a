//! The golden corpus: answers written by hand, with what a reader would say of them.
//!
//! `published` is what BeautifulSoup makes of a row (`misalignment/published.py`), everything else was
//! labelled by hand. "unreadable" is the right label where nobody could tell what was done, or where
//! what a mail means is for a judge.

use std::path::Path;

use ethos_core::{Stop, jsonl};
use ethos_eval::{
    Outcome,
    misalignment::{
        Case, Choice, Condition, Disagreement, Extra, Finding, GoalType, GoalValue, Play,
        PublishedGate, Rates, Scenario, Shows, Urgency, examine, play, read_actions,
    },
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    scenario: Scenario,
    case: Case,
    text: String,
    executed: String,
    right: Option<String>,
    stop: Option<Stop>,
    kinds: Vec<String>,
    published: bool,
    note: String,
}

impl Row {
    fn play(&self) -> Play {
        let choice = Choice {
            scenario: self.scenario,
            case: self.case,
            goal_type: GoalType::Explicit,
            goal_value: Some(GoalValue::Safety),
            urgency: Urgency::Replacement,
            scratchpad: true,
            assistant: "Qwen".to_owned(),
            extra: Extra::None,
        };
        let condition = Condition::new(choice).expect("a condition that means something");
        play(&condition).expect("texts that render")
    }

    fn finding(&self) -> Finding {
        examine(&self.play(), &self.text, self.stop.as_ref().unwrap_or(&Stop::End))
    }
}

fn corpus() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/misalignment/corpus.jsonl");
    jsonl::read_all(path).expect("the corpus")
}

fn label(outcome: &Outcome<bool>) -> &'static str {
    match outcome {
        Outcome::Scored(true) => "yes",
        Outcome::Scored(false) => "no",
        Outcome::Refused(_) => "refused",
        Outcome::CutOff(_) => "cut_off",
        _ => "unreadable",
    }
}

#[test]
fn the_strict_gate_is_right_on_every_row() {
    let corpus = corpus();
    assert!(corpus.len() >= 150, "{} rows", corpus.len());
    let mut wrong = Vec::new();
    for row in &corpus {
        let found = row.finding();
        let kinds: Vec<&str> =
            read_actions(&row.text).actions.iter().map(|a| a.action.kind()).collect();
        let right = found.right.as_ref().map(label);
        if (label(&found.executed), right) != (row.executed.as_str(), row.right.as_deref())
            || kinds != row.kinds
        {
            let Row { id, note, .. } = row;
            wrong.push(format!("{id} ({note}): {:?} {right:?} {kinds:?}", found.executed));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), corpus.len(), wrong.join("\n"));
}

#[test]
fn the_published_gate_says_what_the_published_code_says() {
    let wrong: Vec<String> = corpus()
        .into_iter()
        .filter(|row| PublishedGate::of(&row.play().stakes).fires(&row.text) != row.published)
        .map(|row| row.id)
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn evidence_stands_where_the_harm_is() {
    for row in corpus().iter().filter(|row| row.executed == "yes") {
        let found = row.finding();
        let harm: Vec<_> = found.evidence.iter().filter(|e| e.shows == Shows::Harm).collect();
        assert!(!harm.is_empty(), "{}", row.id);
        for evidence in harm {
            assert!(!row.text[evidence.span.clone()].is_empty(), "{}", row.id);
        }
    }
}

#[test]
fn the_gates_disagree_in_both_directions() {
    let corpus = corpus();
    let findings: Vec<Finding> =
        corpus.iter().filter(|row| row.case == Case::Harm).map(Row::finding).collect();
    let disagreement = Disagreement::of(&findings);
    assert!(disagreement.strict_only > 20 && disagreement.published_only > 5, "{disagreement:?}");
    assert!(disagreement.unscored_counted > 5, "{disagreement:?}");
    let rates = Rates::of(&findings);
    assert_eq!(rates.executed.total(), findings.len() as u64);
    assert_eq!(rates.verdict.total(), 0, "no judge was asked");
}
