//! By which reasons a model acts.
//!
//! A fixed [`Codebook`] names the reasons that agents give themselves: misuse of a policy, self-preservation,
//! deference to oversight, values of their own. [`Coded`] has a judge find them in an answer and the reasoning
//! before it, each with the words that show it; as a scorer it goes into a task, or over the answers of a log
//! with [`Rescore`](crate::Rescore). After the analysis of reasoning in arXiv 2605.02087 §4, whose codes were
//! found anew for each model; fixed ones can be compared.
//!
//! [`calibrate`] says how well a judge reads, from transcripts that were coded by hand.

mod calibrate;
mod codebook;
mod coded;

pub use self::{
    calibrate::{Calibration, Golden, calibrate, golden},
    codebook::{Code, Codebook, Family},
    coded::{Coded, judge},
};
