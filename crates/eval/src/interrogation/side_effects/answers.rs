//! What a model still knows, and at what length it speaks.

use futures::{FutureExt, future::BoxFuture};

use super::claim::Claim;
use crate::{
    Dataset, Measure, Outcome, Result, Sample, Score, Scores, State, Task,
    preference::named,
    scorer::{Grading, Scorer},
    solver::Generate,
    words::words,
};

pub(super) const RIGHT: &str = "right";
pub(super) const LENGTH: &str = "words";

/// A task of the claims' questions and of prompts of any sort. Its measures are `right`, of a claim, where the answer
/// names one of the two answers and not the other, and `words`, the length of every answer.
pub(super) fn task(claims: &[Claim], prompts: &[String]) -> Result<Task<'static>> {
    let claims = claims.iter().map(|claim| {
        Sample::new(format!("claim/{}", claim.id), claim.question.as_str())
            .with_choices([claim.right.as_str(), &claim.wrong])
            .with_target(claim.right.as_str())
            .with_metadata("subject", claim.subject.as_str())
    });
    let prompts = prompts.iter().enumerate();
    let prompts = prompts.map(|(n, text)| Sample::new(format!("prompt/{n}"), text.as_str()));
    let data = Dataset::new("questions", claims.chain(prompts).collect::<Vec<_>>());
    Ok(Task::new("side_effects/answers", data)
        .with_about("Whether questions with one right answer are answered rightly, and how long answers are")
        .with_solver(Generate)
        .with_scorer(Answers))
}

#[derive(Debug)]
struct Answers;

impl Scorer for Answers {
    fn measures(&self) -> Vec<Measure> {
        vec![
            Measure::rate(RIGHT).with_about("the right answer is named, and the wrong one is not"),
            Measure::number(LENGTH).with_about("words of the answer"),
        ]
    }

    fn score<'a>(&'a self, state: &'a State, _: &'a Grading<'a>) -> BoxFuture<'a, Result<Scores>> {
        let answer = state.answer();
        let length = answer.clone().map(|answer| Score::new(words(&answer).len() as f64));
        let mut scores = Scores::from([(LENGTH.to_owned(), length)]);
        let choices = &state.sample.choices;
        if !choices.is_empty() {
            let right = answer.and_then(|answer| match named(&answer, choices) {
                Outcome::Scored(taken) => {
                    let right =
                        choices.get(taken).is_some_and(|one| state.sample.target.contains(one));
                    Outcome::Scored(Score::from(right).with_answer(answer))
                }
                other => other.map(|_| Score::new(0.0)),
            });
            scores.insert(RIGHT.to_owned(), right);
        }
        std::future::ready(Ok(scores)).boxed()
    }
}
