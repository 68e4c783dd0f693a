//! How sure a number is.
//!
//! An evaluation is nested: conditions (prompts) are clusters, and each is asked in several epochs. What
//! follows from that:
//!
//! * One condition: [`Proportion`] with Wilson's or the exact interval; nothing seen in n is bounded by
//!   about 3 / n, not 0.
//! * Several conditions: [`Clusters`], whose errors are cluster-robust, or by [`Bootstrap`]. Epochs are
//!   reduced ([`Reducer`]) when the error is known, never before: one prompt asked 300 times has the error of
//!   its epochs, not 0, and [`Scope`] says what it does not speak of.
//! * Training arms: [`Arm`] and [`Mean`], with runs (seeds) as units, and [`welch`]'s difference.
//! * Two models on shared samples: [`Paired`], by McNemar's test with Newcombe's interval
//!   ([`PairedTable`]), paired t test, or paired bootstrap.
//! * Many comparisons: [`Comparisons`], adjusted by [`holm`] and [`benjamini_hochberg`], and the note that
//!   says so.
//! * Missing outcomes are counted by reason ([`Missing`]) and bound the result ([`Bounds`]); nothing is
//!   dropped silently.
//! * A number that is to tell two groups apart, such as a monitor's suspicion: [`Roc`], and the area below it.
//! * Judges: agreement by Cohen's kappa ([`Ratings`]), and rates corrected for a judge's errors
//!   ([`JudgeAccuracy`]).
//!
//! What has no value is an [`Undefined`] with its reason, or `None` where there is only one: never a panic,
//! a NaN, or an error of 0 that only means that nothing varied.
//!
//! Values agree with scipy and statsmodels to 1e-9 (`fixtures/stats`, made by `fixtures/stats.py`). The
//! same scores, in whatever order, and the same seed give the same bits, on any number of threads.

mod interval;
mod undefined;

mod mean;
mod missing;
mod proportion;

mod bootstrap;
mod clusters;
mod reduce;
mod roc;

mod arm;
mod mcnemar;
mod multiple;
mod paired;
mod t_test;

mod judge_accuracy;
mod kappa;

mod beta;
mod normal;
mod student;

#[cfg(test)]
mod fixture;

pub(crate) use self::bootstrap::place;
pub use self::{
    arm::{Arm, welch},
    bootstrap::{Bootstrap, Bootstrapped, Resample},
    clusters::{ClusterMean, Clusters, Correction, Scope},
    interval::Interval,
    judge_accuracy::{CorrectedRate, JudgeAccuracy},
    kappa::{Kappa, Ratings, Weights},
    mcnemar::{ChiSquare, PairedTable},
    mean::Mean,
    missing::{Bounds, Missing, Tally},
    multiple::{Comparison, Comparisons, ComparisonsNote, benjamini_hochberg, holm},
    normal::normal_quantile,
    paired::{Paired, PairedSample, Unpaired},
    proportion::Proportion,
    reduce::{Reducer, Reduction},
    roc::{Roc, RocPoint},
    t_test::TTest,
    undefined::Undefined,
};
