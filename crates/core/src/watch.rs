//! Progress, told to whoever watches.

use std::{collections::BTreeMap, time::Duration};

use crate::{model::Usage, read::Reason};

/// Hears of progress. Closures are watchers; `()` hears nothing.
///
/// A watcher is called often and on the thread that does the work: it should return at once.
pub trait Watch<P = Progress>: Send + Sync {
    /// Something moved on.
    fn progress(&self, progress: &P);
}

impl<P> Watch<P> for () {
    fn progress(&self, _: &P) {}
}

impl<P, F: Fn(&P) + Send + Sync> Watch<P> for F {
    fn progress(&self, progress: &P) {
        self(progress)
    }
}

/// How far a stage of asking has come.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The stage, as the asks name it.
    pub stage: String,
    /// Asks that are settled, in whatever way.
    pub done: u64,
    /// Asks in all, where that is known.
    pub total: Option<u64>,
    /// Settled from the journal alone, without asking the model.
    pub reused: u64,
    /// Settled without a usable answer.
    pub failed: u64,
    /// Asks that were in flight when an earlier run died, or in a batch that got lost, and so may have been
    /// paid twice.
    pub repaid: u64,
    /// Requests in batches that a provider is working on, of [`ask_batch`](crate::ask_batch).
    pub batched: u64,
    /// Those of them that it says are done; their answers are not here yet.
    pub batched_done: u64,
    /// Answers that could not be used, re-asked or not, by reason.
    pub unusable: BTreeMap<Reason, u64>,
    /// Tokens of the answers that this run asked for.
    pub usage: Usage,
    /// Time since the stage began.
    pub elapsed: Duration,
    /// Time since the first query was sent to the model; zero before.
    pub asking: Duration,
}

impl Progress {
    /// Asks settled per second, those from the journal apart and the time they took before the first
    /// query too; `None` before there are any.
    pub fn rate(&self) -> Option<f64> {
        let asked = self.done.saturating_sub(self.reused);
        (asked > 0 && !self.asking.is_zero()).then(|| asked as f64 / self.asking.as_secs_f64())
    }

    /// Time left at this rate, where the total is known.
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.total?.saturating_sub(self.done);
        Duration::try_from_secs_f64(left as f64 / self.rate()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_journal_gave_does_not_count_as_speed() {
        let progress = Progress {
            done: 1010,
            total: Some(1110),
            reused: 1000,
            elapsed: Duration::from_secs(60),
            asking: Duration::from_secs(5),
            ..Progress::default()
        };
        assert_eq!(progress.rate(), Some(2.0));
        assert_eq!(progress.time_left(), Some(Duration::from_secs(50)));
        assert_eq!(Progress::default().time_left(), None);
    }
}
