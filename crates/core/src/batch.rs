//! Batch services: many requests handed over at once, answered within a day, for about half the price.
//!
//! A [`Batch`] is what a provider's service can do; [`ask_batch`] is the engine that uses it as durably as
//! [`ask_all`](crate::ask_all) uses a model:
//!
//! * A batch gets a tag. The tag and the keys of its requests are committed to the journal before anything is
//!   submitted, and the provider's id of the batch as soon as it is known.
//! * A program that is killed leaves its batches to the provider. The next run reads the journal, looks for
//!   batches without an id in the provider's list, and waits for them as if they were its own: they are adopted.
//! * Only what cannot be found again is submitted again, and counted as [`repaid`](crate::Progress::repaid).

mod ask;
mod drive;
mod terms;

use std::time::Duration;

use futures::{future::BoxFuture, stream::BoxStream};

pub use self::{ask::ask_batch, terms::Batching};
use crate::{
    Result,
    model::{Completion, Request},
};

/// A provider's batch service.
///
/// Futures must not care who polls them, as with [`Model`](crate::Model).
pub trait Batch: Send + Sync {
    /// What one batch may hold.
    fn limits(&self) -> BatchLimits;

    /// How many bytes this item takes in a batch.
    ///
    /// # Errors
    ///
    /// When the request cannot be in a batch at all. Nothing is sent then.
    fn size(&self, item: &BatchItem) -> Result<u64>;

    /// Hands a batch over and gives the provider's id of it. The tag goes with it where the provider keeps one.
    ///
    /// # Errors
    ///
    /// The kinds `Auth`, `BadRequest` and `Unsupported` say that the provider refused it, and `RateLimit` that
    /// it did not take it now. After any other it may have been taken: the engine looks for it in the list
    /// before it submits again, so an implementation must not repeat such an attempt by itself.
    fn submit<'a>(&'a self, tag: &'a str, items: &'a [BatchItem]) -> BoxFuture<'a, Result<String>>;

    /// The batches that the provider knows, at least those made at or after `since` (seconds since 1970).
    fn list(&self, since: u64) -> BoxFuture<'_, Result<Vec<Listed>>>;

    /// How far a batch has come.
    fn poll<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<BatchState>>;

    /// The results of a batch that has ended, in any order: the id of each item with its answer, or why there
    /// is none. A batch that was cancelled, or ran out of time, has results of the items that were answered.
    ///
    /// An error of the stream itself is the last thing in it; the engine begins anew then. The kind `BadRequest`
    /// says that the results are no longer to be had, once it is said twice.
    fn results<'a>(&'a self, id: &'a str) -> BoxStream<'a, Result<(String, Result<Completion>)>>;

    /// Asks for the batch to be ended early. It has ended when [`poll`](Self::poll) says so.
    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Lets so much time pass, between two looks at a batch. Whoever implements this trait has a clock to wake
    /// by; the engine has none.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// What one batch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchLimits {
    /// Requests.
    pub requests: usize,
    /// Bytes of all requests as they are sent.
    pub bytes: u64,
}

impl BatchLimits {
    /// So many requests and bytes.
    pub fn new(requests: usize, bytes: u64) -> Self {
        BatchLimits { requests, bytes }
    }
}

/// A request of a batch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BatchItem {
    /// What names its result: 64 lower-case hexadecimal digits, the journal's key.
    pub id: String,
    /// The request.
    pub request: Request,
}

impl BatchItem {
    /// A request under this name.
    pub fn new(id: impl Into<String>, request: Request) -> Self {
        BatchItem { id: id.into(), request }
    }
}

/// A batch in the provider's list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The provider's id.
    pub id: String,
    /// The tag that it was submitted with, an empty one where it has none; `None` where the provider keeps no
    /// tags. There a batch is known again by its number of requests, and then by the ids of its results, once it has ended.
    pub tag: Option<String>,
    /// When it was made, in seconds since 1970, by the provider's clock.
    pub made: u64,
    /// How many requests it has, where the provider says.
    pub requests: Option<u64>,
    /// Whether it has ended.
    pub ended: bool,
}

impl Listed {
    /// A batch without a tag that goes on, of which no more is known.
    pub fn new(id: impl Into<String>, made: u64) -> Self {
        Listed { id: id.into(), tag: None, made, requests: None, ended: false }
    }
}

/// How far a batch has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchState {
    /// It goes on.
    InProgress {
        /// Requests that are settled.
        done: u64,
        /// Requests in all; 0 while the provider does not say.
        total: u64,
    },
    /// It has ended, in whatever way: its results can be read.
    Ended,
    /// The provider took it and then refused it as a whole, with these words. Nothing of it was asked.
    Refused(String),
    /// The provider no longer knows it, or no longer has its results. Believed once it is said twice.
    Gone,
}
