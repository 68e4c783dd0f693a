//! Progress, told to whoever watches.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Hears of progress. Closures are watchers; `()` hears nothing.
///
/// A watcher is called often, by one of the threads that do the work and never by two at once: it
/// should return at once.
pub trait Watch: Send + Sync {
    /// Something moved on.
    fn progress(&self, progress: &Progress);
}

impl Watch for () {
    fn progress(&self, _: &Progress) {}
}

impl<F: Fn(&Progress) + Send + Sync> Watch for F {
    fn progress(&self, progress: &Progress) {
        self(progress)
    }
}

/// How far a download or an upload has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The file that moved on last, by its name in the repository.
    pub file: String,
    /// Bytes done, of all files. It falls when a file has to be begun anew.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes of those done that were there already and did not have to be sent.
    pub reused: u64,
    /// Files done.
    pub files_done: usize,
    /// Files in all.
    pub files: usize,
    /// Time since it began.
    pub elapsed: Duration,
}

impl Progress {
    /// Bytes sent per second; `None` before there are any.
    pub fn rate(&self) -> Option<f64> {
        let sent = self.done.saturating_sub(self.reused);
        (sent > 0 && !self.elapsed.is_zero()).then(|| sent as f64 / self.elapsed.as_secs_f64())
    }

    /// Time left at this rate.
    pub fn time_left(&self) -> Option<Duration> {
        let left = self.total.saturating_sub(self.done);
        Duration::try_from_secs_f64(left as f64 / self.rate()?).ok()
    }
}

/// Adds up what the threads report and tells the watcher.
pub(crate) struct Meter<'a> {
    watch: &'a dyn Watch,
    progress: Mutex<Progress>,
    began: Instant,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(watch: &'a dyn Watch, files: usize, total: u64) -> Meter<'a> {
        let progress = Mutex::new(Progress { files, total, ..Progress::default() });
        Meter { watch, progress, began: Instant::now() }
    }

    fn tell(&self, file: &str, change: impl FnOnce(&mut Progress)) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut progress);
        if progress.file != file {
            progress.file = file.into();
        }
        progress.elapsed = self.began.elapsed();
        self.watch.progress(&progress);
    }

    /// Bytes of `file` that were sent.
    pub(crate) fn sent(&self, file: &str, bytes: u64) {
        self.tell(file, |p| p.done += bytes);
    }

    /// Bytes of `file` that were there already.
    pub(crate) fn reused(&self, file: &str, bytes: u64) {
        self.tell(file, |p| {
            p.done += bytes;
            p.reused += bytes;
        });
    }

    /// Bytes of `file` that turned out worthless.
    pub(crate) fn lost(&self, file: &str, bytes: u64) {
        self.tell(file, |p| p.done = p.done.saturating_sub(bytes));
    }

    /// `file` is whole.
    pub(crate) fn finished(&self, file: &str) {
        self.tell(file, |p| p.files_done += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_already_does_not_count_as_sent() {
        let seen = Mutex::new(Progress::default());
        let watch = |p: &Progress| seen.lock().unwrap().clone_from(p);
        let meter = Meter::new(&watch, 2, 300);
        meter.reused("a", 100);
        meter.finished("a");
        assert_eq!(seen.lock().unwrap().rate(), None);
        meter.sent("b", 150);
        meter.lost("b", 50);
        let mut progress = seen.lock().unwrap().clone();
        assert_eq!((progress.done, progress.reused, progress.files_done), (200, 100, 1));
        assert_eq!(progress.file, "b");
        progress.elapsed = Duration::from_secs(2);
        assert_eq!(progress.rate(), Some(50.0));
        assert_eq!(progress.time_left(), Some(Duration::from_secs(2)));
    }
}
