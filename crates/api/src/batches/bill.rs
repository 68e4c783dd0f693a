//! What batches cost: set aside when they are submitted, settled when their results are there.

use std::{
    collections::HashMap,
    iter,
    sync::{Mutex, PoisonError},
};

use ethos_core::{Completion, ModelErrorKind, Result, Usage};

use super::Outcome;
use crate::{budget::Hold, client::Client};

/// What is set aside for the batches that this client has submitted and that go on, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Bills(Mutex<HashMap<String, Hold>>);

impl Bills {
    fn keep(&self, id: &str, hold: Hold) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), hold);
    }

    fn take(&self, id: &str) -> Option<Hold> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

impl Client {
    /// Submits a batch that takes at most so much, once that is set aside.
    ///
    /// What a budget has no place for is refused and not sent. A submission that nobody heard of costs what it may
    /// cost at most, even when it is found later: whether it is the same, only its results tell.
    pub(crate) async fn submit(
        &self,
        worst: Usage,
        submit: impl Future<Output = Result<String>>,
    ) -> Result<String> {
        let refused = |source| self.budget(ModelErrorKind::BadRequest, source);
        let mut hold = self.meter.reserve_batch(worst).await.map_err(refused)?;
        hold.sent();
        match submit.await {
            Ok(id) => {
                self.bills.keep(&id, hold);
                Ok(id)
            }
            Err(error) => {
                if error.is_refusal() || error.kind() == Some(ModelErrorKind::RateLimit) {
                    hold.free();
                }
                Err(error)
            }
        }
    }

    /// The provider refused the batch after it took it: nothing of it was asked.
    pub(crate) fn refused(&self, id: &str) {
        if let Some(hold) = self.bills.take(id) {
            hold.free();
        }
    }

    /// All results of a batch are there. What had no answer costs nothing, and what nobody can read may have cost all
    /// that is left; a batch of an earlier program, or of another, is on its bill and not on this one's.
    pub(crate) fn settle(
        &self,
        id: &str,
        outcomes: Vec<Outcome>,
        unreadable: usize,
    ) -> Vec<(String, Result<Completion>)> {
        if let Some(hold) = self.bills.take(id) {
            let answered = outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok());
            let answered = answered.map(|billed| Some((billed.usage?, billed.cached)));
            hold.paid_all(answered.chain(iter::repeat_n(None, unreadable)));
        }
        let plain = |(id, outcome): Outcome| (id, outcome.map(|billed| billed.value));
        outcomes.into_iter().map(plain).collect()
    }
}
