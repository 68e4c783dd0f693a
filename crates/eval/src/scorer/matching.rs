//! Answers compared with the target, as text.

use futures::{FutureExt, future::BoxFuture};

use super::{Grading, Scorer};
use crate::{Measure, Outcome, Result, Score, Scores, State};

/// Where in the answer the target is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matching {
    /// The answer is the target.
    Whole,
    /// The answer begins with the target.
    Begin,
    /// The answer ends with the target.
    End,
    /// The target stands anywhere in the answer.
    Anywhere,
}

/// Whether the answer is, or holds, one of the targets; case, white space at the ends and a full stop at
/// the end do not matter. For short answers of a known form: whoever wants to know what a text *says*
/// asks a judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    name: String,
    matching: Matching,
}

impl Match {
    /// A rate of this name.
    pub fn new(name: impl Into<String>, matching: Matching) -> Self {
        Match { name: name.into(), matching }
    }
}

impl Scorer for Match {
    fn measures(&self) -> Vec<Measure> {
        vec![Measure::rate(self.name.as_str())]
    }

    fn score<'a>(&'a self, state: &'a State, _: &'a Grading<'a>) -> BoxFuture<'a, Result<Scores>> {
        let outcome = state.answer().and_then(|answer| {
            if state.sample.target.is_empty() {
                return Outcome::Unreadable("the sample has no target to match".to_owned());
            }
            let said = plain(&answer);
            let matches = state.sample.target.iter().any(|target| {
                let target = plain(target);
                match self.matching {
                    Matching::Whole => said == target,
                    Matching::Begin => said.starts_with(&target),
                    Matching::End => said.ends_with(&target),
                    Matching::Anywhere => said.contains(&target),
                }
            });
            Outcome::Scored(Score::from(matches).with_answer(answer))
        });
        std::future::ready(Ok(Scores::from([(self.name.clone(), outcome)]))).boxed()
    }
}

fn plain(text: &str) -> String {
    let text = text.trim();
    text.strip_suffix('.').unwrap_or(text).trim_end().to_lowercase()
}
