//! The batch service of a scripted model.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};

use super::Scripted;
use crate::{
    Error, ModelErrorKind, Result,
    batch::{Batch, BatchItem, BatchLimits, BatchState, Listed},
    model::Completion,
};

/// Batches in memory.
pub(super) struct Batches {
    limits: BatchLimits,
    all: Mutex<Vec<Kept>>,
}

struct Kept {
    tag: String,
    items: Vec<BatchItem>,
    looks: u64,
    cancelled: bool,
}

impl Batches {
    pub(super) fn new(limits: BatchLimits) -> Self {
        Batches { limits, all: Mutex::default() }
    }
}

impl Scripted {
    fn batches(&self) -> MutexGuard<'_, Vec<Kept>> {
        static NONE: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
        let all = self.batches.as_ref().map_or(&NONE, |batches| &batches.all);
        all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of<T>(&self, id: &str, take: impl FnOnce(&mut Kept) -> T) -> Result<T> {
        let mut batches = self.batches();
        let kept = id.parse().ok().and_then(|n: usize| batches.get_mut(n));
        kept.map(take).ok_or_else(|| {
            let message = format!("has no batch `{id}`");
            Error::model(&self.id.key, ModelErrorKind::BadRequest, message)
        })
    }
}

impl Batch for Scripted {
    fn limits(&self) -> BatchLimits {
        self.batches.as_ref().map_or(BatchLimits::new(0, 0), |batches| batches.limits)
    }

    fn size(&self, item: &BatchItem) -> Result<u64> {
        let written = serde_json::to_vec(&item.request).map_err(|error| {
            Error::model(&self.id.key, ModelErrorKind::BadRequest, error.to_string())
        })?;
        Ok((written.len() + item.id.len()) as u64)
    }

    fn submit<'a>(&'a self, tag: &'a str, items: &'a [BatchItem]) -> BoxFuture<'a, Result<String>> {
        let mut batches = self.batches();
        let (tag, items) = (tag.to_owned(), items.to_vec());
        batches.push(Kept { tag, items, looks: 0, cancelled: false });
        ready(Ok((batches.len() - 1).to_string())).boxed()
    }

    fn list(&self, _since: u64) -> BoxFuture<'_, Result<Vec<Listed>>> {
        let batches = self.batches();
        let listed = batches.iter().enumerate().map(|(n, kept)| Listed {
            tag: Some(kept.tag.clone()),
            requests: Some(kept.items.len() as u64),
            ended: kept.looks > 0,
            ..Listed::new(n.to_string(), u64::MAX)
        });
        let listed = listed.collect();
        ready(Ok(listed)).boxed()
    }

    fn poll<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<BatchState>> {
        let state = self.of(id, |kept| {
            kept.looks += 1;
            match kept.looks {
                1 => BatchState::InProgress { done: 0, total: kept.items.len() as u64 },
                _ => BatchState::Ended,
            }
        });
        ready(state).boxed()
    }

    fn results<'a>(&'a self, id: &'a str) -> BoxStream<'a, Result<(String, Result<Completion>)>> {
        match self.of(id, |kept| (kept.items.clone(), kept.cancelled)) {
            Err(error) => stream::iter([Err(error)]).boxed(),
            Ok((items, cancelled)) => {
                let answer = move |item: BatchItem| {
                    let (model, kind) = (&self.id.key, ModelErrorKind::TimeLimit);
                    let answer = match cancelled {
                        true => Err(Error::model(model, kind, "its batch was cancelled")),
                        false => (self.answers)(&item.request),
                    };
                    Ok((item.id, answer))
                };
                stream::iter(items).map(answer).boxed()
            }
        }
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        ready(self.of(id, |kept| kept.cancelled = true)).boxed()
    }

    /// No time passes in a script.
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
