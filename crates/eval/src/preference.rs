//! Forced choice between two options.
//!
//! The preference evaluations of Model Spec Midtraining (arXiv 2605.02087 §3) ask plainly which of two
//! options the model prefers. Every pair is asked in every phrasing and in both orders, so that a liking for
//! the first place or for a wording cancels out; by text, or by how likely each option is as the answer, which
//! needs no sampling.
//!
//! A [`Preference`] is plain data. [`task`] makes a [`Task`](crate::Task) of it, [`Findings::of`] puts together
//! again what a run found of each pair. [`Preference::without_domains`] keeps the domains apart that a model was
//! trained on, and [`obvious`] filters the pairs in which anybody sees what is measured. [`opinions`] is a set
//! of our own.

mod findings;
mod obvious;
mod opinions;
mod pair;
mod task;

#[cfg(test)]
mod suspects;

pub(crate) use self::task::named;
pub use self::{
    findings::{Findings, PairFinding, Preferred},
    obvious::{Filtered, obvious, obvious_judge},
    opinions::opinions,
    pair::{Pair, Preference, Shown},
    task::{Asked, Normalisation, Prefers, task},
};
