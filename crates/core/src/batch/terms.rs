//! On what terms batches are asked.

use std::{fmt, time::Duration};

use super::BatchLimits;

type GivenUp<'a> = dyn Fn() -> bool + Send + Sync + 'a;

/// On what terms [`ask_batch`](crate::ask_batch) asks.
#[derive(Clone, Copy)]
pub struct Batching<'a> {
    pub(super) every: Duration,
    pub(super) limits: Option<BatchLimits>,
    pub(super) again: u32,
    pub(super) given_up: &'a GivenUp<'a>,
}

impl Default for Batching<'_> {
    /// Looks once a minute, fills batches up to the provider's limits, submits twice more what came back
    /// without an answer, and never gives up.
    fn default() -> Self {
        let every = Duration::from_secs(60);
        Batching { every, limits: None, again: 2, given_up: &|| false }
    }
}

impl<'a> Batching<'a> {
    /// The same with another time between two looks at a batch.
    pub fn with_every(self, every: Duration) -> Self {
        Batching { every, ..self }
    }

    /// The same with smaller batches than the provider allows.
    pub fn with_limits(self, limits: BatchLimits) -> Self {
        Batching { limits: Some(limits), ..self }
    }

    /// The same with another number of repeats of what came back without an answer, and of batches that
    /// could not be submitted. Answers that cannot be used do not count here, see
    /// [`Ask::tries`](crate::Ask::tries).
    pub fn with_again(self, again: u32) -> Self {
        Batching { again, ..self }
    }

    /// The same, given up as soon as this says so. It is asked at every look: batches are cancelled then, the
    /// answers that they have are taken, the rest has failed.
    pub fn with_given_up(self, given_up: &'a GivenUp<'a>) -> Self {
        Batching { given_up, ..self }
    }
}

impl fmt::Debug for Batching<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batching")
            .field("every", &self.every)
            .field("limits", &self.limits)
            .field("again", &self.again)
            .finish_non_exhaustive()
    }
}
