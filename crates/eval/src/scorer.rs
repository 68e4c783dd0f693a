//! Turning an answer into numbers.

mod choice;
mod judged;
mod matching;
mod rated;

use std::sync::Mutex;

use ethos_core::{Journal, Usage};
use futures::{FutureExt, future::BoxFuture};

pub use self::{
    choice::Choice,
    judged::Judged,
    matching::{Match, Matching},
    rated::Rated,
};
pub(crate) use self::{choice::chosen, judged::score_of};
use crate::{Measure, Result, Scores, State};

/// Takes numbers of an answer.
pub trait Scorer: Send + Sync {
    /// What it takes. Names are told apart from those of the task's other scorers.
    fn measures(&self) -> Vec<Measure>;

    /// Looks at an answer.
    ///
    /// What was declined, cut off or cannot be read is an [`Outcome`](crate::Outcome) with its reason,
    /// never a number.
    ///
    /// # Errors
    ///
    /// The journal's, and those of a scorer that cannot be used at all; they end the run.
    fn score<'a>(
        &'a self,
        state: &'a State,
        grading: &'a Grading<'a>,
    ) -> BoxFuture<'a, Result<Scores>>;

    /// Answers worth having in the scorer's hands at once; more than one where it asks models.
    fn concurrency(&self) -> usize {
        1
    }

    /// Keys of the models that it asks.
    fn judges(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What scorers share: the journal that their judges' answers go through.
#[derive(Debug)]
pub struct Grading<'a> {
    /// The journal.
    pub journal: &'a Journal,
    /// The task's name.
    pub task: &'a str,
    pub(crate) usage: Mutex<Usage>,
}

impl<'a> Grading<'a> {
    /// For the answers of a task.
    pub fn new(journal: &'a Journal, task: &'a str) -> Self {
        Grading { journal, task, usage: Mutex::default() }
    }

    /// Adds what a judge's answer cost.
    pub fn spent(&self, usage: Usage) {
        *self.usage.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += usage;
    }

    /// What all judges' answers cost so far.
    pub fn usage(&self) -> Usage {
        *self.usage.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A scorer that looks at the state alone: `score` gives one measure's outcome.
pub struct ByState<F> {
    measure: Measure,
    score: F,
}

impl<F> std::fmt::Debug for ByState<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByState").field("measure", &self.measure).finish_non_exhaustive()
    }
}

/// Makes a scorer of a function.
///
/// ```
/// use ethos_eval::{Measure, Score, scorer};
///
/// let short = scorer::by_state(Measure::rate("short"), |state| {
///     state.answer().map(|answer| Score::from(answer.len() < 80))
/// });
/// ```
pub fn by_state<F>(measure: Measure, score: F) -> ByState<F>
where
    F: Fn(&State) -> crate::Outcome<crate::Score> + Send + Sync,
{
    ByState { measure, score }
}

impl<F> Scorer for ByState<F>
where
    F: Fn(&State) -> crate::Outcome<crate::Score> + Send + Sync,
{
    fn measures(&self) -> Vec<Measure> {
        vec![self.measure.clone()]
    }

    fn score<'a>(&'a self, state: &'a State, _: &'a Grading<'a>) -> BoxFuture<'a, Result<Scores>> {
        let scores = Scores::from([(self.measure.name.clone(), (self.score)(state))]);
        std::future::ready(Ok(scores)).boxed()
    }
}
