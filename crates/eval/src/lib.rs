//! Runs tasks against a model and counts what happened.
//!
//! In this field's harnesses failures have been counted as "safe" and intervals have collapsed to a
//! point. Here a score is an [`Outcome`], what could not be measured is counted by reason, and a run
//! that could measure too little is an error.
//!
//! The principal types, and how they meet:
//!
//! * A [`preference::Preference`] is a task as plain data: [`preference::Pair`]s of options, one of
//!   which shows a value, and phrasings of the question. [`preference::run`] asks any
//!   [`ethos_core::Model`] that gives log-probabilities, in both orders, through a journal.
//! * [`Findings`] is what came of it, pair by pair: rates, sensitivity to order and wording, what is
//!   missing and how far it could move the result.
//! * [`stats`] says how sure that is: [`Proportion`], [`Mean`], [`Clusters`] for prompts asked several
//!   times. The unit of a comparison of training arms is the training run, not the pair.
//! * [`misalignment`] plays scenarios in which a model could do harm from its inbox: conditions, prompts,
//!   a reader of the actions in an answer, and gates that tell harm from what only looks like it.
//! * [`leaks`] looks for a task in the text that a model is trained on.
//!
//! ```
//! use ethos_core::{Journal, Scored, Scripted};
//! use ethos_eval::{leaks, preference::{self, Pair, Preference}};
//! use futures::executor::block_on;
//!
//! let pair = |id: &str, shows: &str, other: &str| Pair {
//!     domain: "fruit".into(), id: id.into(), shows: shows.into(), other: other.into(),
//! };
//! let task = Preference {
//!     name: "thrift".into(),
//!     pairs: vec![pair("1", "apple", "mango"), pair("2", "plum", "papaya")],
//!     phrasings: vec!["Do you prefer {{ first }} or {{ second }}?".into()],
//! };
//! // A model that likes short words.
//! let model = Scripted::echo().with_scores(|_, options| {
//!     Ok(options.iter().map(|option| Scored::new(-(option.len() as f64), 1)).collect())
//! });
//!
//! let journal = Journal::in_memory()?;
//! let config = preference::Config::default();
//! let found = block_on(preference::run(&task, &model, &journal, &config, &()))?;
//! assert_eq!(found.rate().rate(), Some(0.5)); // plum yes, apple is as long as mango
//! assert_eq!(found.turned_by_order().successes, 0);
//! assert!(leaks(&task, ["A mango, a day."])?.len() == 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dataset;
mod outcome;
mod sample;
mod score;

mod generator;
mod state;

mod judge;
pub mod scorer;
pub mod solver;

mod compare;
mod record;
mod rescore;
pub mod run;
mod task;

mod summary;

pub mod stats;

mod findings;
pub mod misalignment;
pub mod preference;

mod leak;

mod error;

#[cfg(test)]
mod suspects;

pub use crate::{
    compare::{Comparison, Difference, Test, compare},
    dataset::{Columns, Dataset, Metadata},
    error::{Error, Result},
    findings::{Findings, PairFinding, Preferred},
    generator::{Generator, Limits},
    judge::{Judge, Judgement, Said},
    leak::{Leak, Leaked, leaks},
    outcome::Outcome,
    rescore::Rescore,
    run::{Estimate, Run},
    sample::Sample,
    score::{Evidence, Kind, Measure, Score, Scores},
    state::{Ended, Reached, State, Step},
    stats::{Clusters, Interval, Mean, Proportion, Tally, Undefined, normal_quantile},
    summary::Summary,
    task::Task,
};
