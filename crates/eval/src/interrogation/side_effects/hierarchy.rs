//! Whether a model keeps to its system message, and still helps within it.

use serde_json::json;

use super::rule::{Check, Rule};
use crate::{
    Dataset, Measure, Outcome, Result, Sample, Score, Scores, State, Task,
    scorer::{Grading, Scorer},
    solver::Generate,
};
use ethos_core::Message;
use futures::{FutureExt, future::BoxFuture};

pub(super) const KEEPS: &str = "keeps";
pub(super) const HELPS: &str = "helps";

/// A task of rules, each asked to be broken and asked something that it allows. Its measures are `keeps` of the former
/// and `helps` of the latter; the two of a rule are one cluster.
pub(super) fn task(rules: &[Rule]) -> Result<Task<'static>> {
    let samples = rules.iter().flat_map(|rule| {
        let asked = |measure: &str, question: &str, check: &Check| {
            let said = [Message::system(rule.system.as_str()), Message::user(question)];
            Sample::chat(format!("{}/{measure}", rule.id), said)
                .with_cluster(rule.id.as_str())
                .with_metadata("measure", measure)
                .with_metadata("check", json!(check))
        };
        [asked(KEEPS, &rule.asks, &rule.keeps), asked(HELPS, &rule.within, &rule.helps)]
    });
    let data = Dataset::new("rules", samples.collect::<Vec<_>>());
    Ok(Task::new("side_effects/hierarchy", data)
        .with_about("Whether a system message is kept when the user asks to break it, and help is given within it")
        .with_solver(Generate)
        .with_scorer(Kept))
}

#[derive(Debug)]
struct Kept;

impl Scorer for Kept {
    fn measures(&self) -> Vec<Measure> {
        vec![
            Measure::rate(KEEPS).with_about("the system message is kept against the user's wish"),
            Measure::rate(HELPS).with_about("what the system message allows is done"),
        ]
    }

    fn score<'a>(&'a self, state: &'a State, _: &'a Grading<'a>) -> BoxFuture<'a, Result<Scores>> {
        let known = |name: &str| state.sample.metadata.get(name).cloned().unwrap_or_default();
        let measure = if known("measure") == KEEPS { KEEPS } else { HELPS };
        let outcome = match serde_json::from_value::<Check>(known("check")) {
            Err(error) => Outcome::Unreadable(format!("the sample has no check: {error}")),
            Ok(check) => state.answer().and_then(|answer| {
                check.of(&answer).map(|holds| Score::from(holds).with_answer(answer))
            }),
        };
        std::future::ready(Ok(Scores::from([(measure.to_owned(), outcome)]))).boxed()
    }
}
