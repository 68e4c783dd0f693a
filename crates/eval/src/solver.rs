//! Turning a sample into an answer.

mod choice;
mod simple;
mod tools;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

pub(crate) use self::choice::letter;
pub use self::{
    choice::{MultipleChoice, ScoreChoices},
    simple::{Generate, MultiTurn, Prefill, System, Wording},
    tools::{ToolLoop, Toolbox},
};
use crate::{Generator, Result, State};

/// A step between a sample and its answer. A task has several, one after the other; after one that ended
/// the sample no other is run.
///
/// Whatever it does must follow from the state: a run that is gone on with replays it from the journal.
pub trait Solver: Send + Sync {
    /// Its name, for the log.
    fn name(&self) -> &str;

    /// What it was set up with, for the log.
    fn settings(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Does the step.
    ///
    /// # Errors
    ///
    /// The journal's, and those of a task that cannot be run at all; they end the run. What goes wrong
    /// with one sample belongs into its state.
    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        generator: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>>;
}
