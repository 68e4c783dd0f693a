//! Several files at the same time.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use crate::Result;

/// Whether another thread has failed, so that this one's work is in vain.
pub(crate) struct Stop(AtomicBool);

impl Stop {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Does `work` on each of `items`, on up to `threads` threads, in order of beginning. The first
/// error stops the others and is the result.
pub(crate) fn each<T: Sync>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T, &Stop) -> Result<()> + Sync,
) -> Result<()> {
    let (next, stop, first) = (AtomicUsize::new(0), Stop(AtomicBool::new(false)), Mutex::new(None));
    let worker = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop.is_set() {
                return;
            }
            if let Err(error) = work(item, &stop) {
                stop.0.store(true, Ordering::Relaxed);
                first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            scope.spawn(worker);
        }
        worker();
    });
    first.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn each_item_is_done_once_and_the_first_error_ends_it() {
        let done = AtomicUsize::new(0);
        let count = |_: &usize, _: &Stop| {
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        each(&(0..100).collect::<Vec<usize>>(), 4, count).unwrap();
        assert_eq!(done.into_inner(), 100);

        let done = AtomicUsize::new(0);
        let result = each(&(0..100).collect::<Vec<usize>>(), 1, |item, stop| {
            assert!(!stop.is_set());
            done.fetch_add(1, Ordering::Relaxed);
            if *item == 3 { Err(Error::Token) } else { Ok(()) }
        });
        assert!(matches!(result, Err(Error::Token)));
        assert_eq!(done.into_inner(), 4);
    }
}
