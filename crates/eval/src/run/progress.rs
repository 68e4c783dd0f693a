//! How far a run has come.

use std::time::{Duration, Instant};

use crate::{Scores, stats::Missing};

/// How far a run has come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Samples that are scored, each epoch counted.
    pub done: u64,
    /// Samples in all.
    pub total: u64,
    /// What could not be measured so far, over all measures, by reason.
    pub missing: Missing,
    /// Time since the run began.
    pub elapsed: Duration,
    began: Instant,
}

impl Progress {
    pub(crate) fn new(total: u64) -> Self {
        let (missing, elapsed) = (Missing::default(), Duration::ZERO);
        Progress { done: 0, total, missing, elapsed, began: Instant::now() }
    }

    pub(crate) fn count(&mut self, scores: &Scores) {
        self.done += 1;
        scores.values().for_each(|outcome| self.missing.count(outcome));
        self.elapsed = self.began.elapsed();
    }
}
