//! How many requests are in flight: fewer when the server is overloaded, slowly more when it is not.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::channel::oneshot;

/// Requests in flight, first come first served.
///
/// It begins at the most. A refusal for load halves what is allowed, but only one of a request that
/// was sent after the last halving: those that were under way together are one sign, not many. As many
/// successes as are allowed raise it by one.
#[derive(Clone, Debug)]
pub(crate) struct Pace(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    most: usize,
    allowed: usize,
    in_flight: usize,
    successes: usize,
    halvings: u64,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

/// The right to have one request in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    pace: Pace,
    /// Halvings before it was sent.
    halvings: u64,
    /// Whether it is counted as in flight.
    counted: bool,
}

impl Pace {
    pub(crate) fn new(most: usize) -> Pace {
        let most = most.max(1);
        Pace(Arc::new(Mutex::new(State {
            most,
            allowed: most,
            in_flight: 0,
            successes: 0,
            halvings: 0,
            waiting: VecDeque::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests that may be in flight now.
    pub(crate) fn allowed(&self) -> usize {
        self.lock().allowed
    }

    pub(crate) async fn permit(&self) -> Permit {
        let turn = {
            let mut state = self.lock();
            if state.in_flight < state.allowed {
                state.in_flight += 1;
                return Permit { pace: self.clone(), halvings: state.halvings, counted: true };
            }
            let (wake, turn) = oneshot::channel();
            state.waiting.push_back(wake);
            turn
        };
        match turn.await {
            Ok(permit) => permit,
            // Nobody drops a waiter unasked; if it were so, going on is the lesser evil.
            Err(_) => {
                let mut state = self.lock();
                state.in_flight += 1;
                Permit { pace: self.clone(), halvings: state.halvings, counted: true }
            }
        }
    }

    /// Lets go on who may, after `change`.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        while state.in_flight < state.allowed {
            let Some(next) = state.waiting.pop_front() else { break };
            let permit = Permit { pace: self.clone(), halvings: state.halvings, counted: true };
            match next.send(permit) {
                Ok(()) => state.in_flight += 1,
                // Who waited has gone.
                Err(mut permit) => permit.counted = false,
            }
        }
    }
}

impl Permit {
    /// The server answered well.
    pub(crate) fn succeeded(&self) {
        self.pace.change(|state| {
            state.successes += 1;
            if state.successes >= state.allowed {
                state.successes = 0;
                state.allowed = (state.allowed + 1).min(state.most);
            }
        });
    }

    /// The server refused because of load.
    pub(crate) fn refused(&self) {
        let halvings = self.halvings;
        self.pace.change(|state| {
            if state.halvings == halvings {
                state.halvings += 1;
                state.successes = 0;
                state.allowed = (state.allowed / 2).max(1);
            }
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.counted {
            self.pace.change(|state| state.in_flight -= 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, executor::block_on};

    use super::*;

    fn take(pace: &Pace, n: usize) -> Vec<Permit> {
        (0..n).map(|_| block_on(pace.permit())).collect()
    }

    #[test]
    fn refusals_of_one_window_halve_once_and_successes_raise_by_one() {
        let pace = Pace::new(8);
        let permits = take(&pace, 8);
        permits.iter().for_each(Permit::refused);
        assert_eq!(pace.allowed(), 4);
        drop(permits);
        let permits = take(&pace, 4);
        assert!(pace.permit().now_or_never().is_none());
        permits[0].refused();
        assert_eq!(pace.allowed(), 2);
        permits[1..3].iter().for_each(Permit::succeeded);
        assert_eq!(pace.allowed(), 3);
        for _ in 0..100 {
            permits[0].succeeded();
        }
        assert_eq!(pace.allowed(), 8, "never more than the most");
        drop(permits);
        for _ in 0..9 {
            take(&pace, 1)[0].refused();
        }
        assert_eq!(pace.allowed(), 1, "never none");
    }

    #[test]
    fn permits_go_to_who_waits_and_not_to_who_has_gone() {
        let pace = Pace::new(1);
        let first = block_on(pace.permit());
        let mut gone = Box::pin(pace.permit());
        let mut waits = Box::pin(pace.permit());
        assert!((&mut gone).now_or_never().is_none());
        assert!((&mut waits).now_or_never().is_none());
        drop(gone);
        drop(first);
        let second = waits.now_or_never().unwrap();
        // A permit on its way to somebody who goes is given back.
        let mut late = Box::pin(pace.permit());
        assert!((&mut late).now_or_never().is_none());
        drop(second);
        drop(late);
        assert!(pace.permit().now_or_never().is_some());
    }
}
