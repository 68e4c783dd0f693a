//! Chats, documents, the [`Model`] trait, and asking a model many things durably.
//!
//! This is the crate every other one of ethos speaks through. It has no HTTP, no tensors and no
//! async runtime: whoever implements [`Model`] brings those, whoever polls a future picks the
//! executor.
//!
//! The principal types, and how they meet:
//!
//! * A [`Model`] answers a [`Request`] with a [`Completion`], or scores continuations. [`Scripted`]
//!   is the one that answers from a function: the model of tests, examples and dry runs.
//! * [`ask_all`] takes a stream of [`Ask`]s to a model and gives a stream of typed [`Answer`]s as
//!   they finish. Every reply is in the [`Journal`] before it is read, so that a killed program that
//!   runs again asks only for what is missing. An answer that cannot be used is re-asked and then
//!   counted as [`Unusable`], with its reason; it never becomes a silent default. An [`Asker`] does
//!   the same one ask at a time, for conversations. What a journal holds can be counted
//!   ([`Journal::stats`]) and taken elsewhere ([`Journal::export`]).
//! * [`ask_batch`] does it through a provider's [`Batch`] service, for half the price and a day's patience.
//!   A killed program finds its batches again.
//! * A [`Watch`] hears the [`Progress`] of it: done, reused, unusable and why, tokens, time left. A
//!   closure is one, and `()` hears nothing.
//! * [`Prompt`] renders what is asked, strictly; [`read`] takes answers apart, strictly.
//! * [`Chat`] and [`Document`] are the rows of data sets, [`jsonl`] their files, [`card`] what their cards share.
//!
//! ```
//! use ethos_core::{Ask, Journal, Prompt, Query, Reply, Request, Scripted, ask_all, read};
//! use futures::{TryStreamExt, executor::block_on, stream};
//!
//! let prompt = Prompt::new("capital", "Name the capital of {{ country }} in <city> tags.")?;
//! let mut asks = Vec::new();
//! for country in ["France", "Italy"] {
//!     let request = Request::user(prompt.render(&[("country", country)])?);
//!     asks.push(Ask::new("capitals", country, Query::Complete(request)));
//! }
//! let model = Scripted::new("atlas", |request| {
//!     let france = request.messages[0].text().contains("France");
//!     format!("Surely <city>{}</city>.", if france { "Paris" } else { "Rome" }).into()
//! });
//!
//! let journal = Journal::in_memory()?;
//! let city = |_: &_, reply: &Reply| Ok(read::tag(&reply.text()?, "city")?.to_owned());
//! let answers = ask_all(&model, &journal, stream::iter(asks), city, &());
//! let answers: Vec<_> = block_on(answers.try_collect())?;
//! let mut cities: Vec<_> = answers.into_iter().filter_map(|a| a.result.ok()).collect();
//! cities.sort();
//! assert_eq!(cities, ["Paris", "Rome"]);
//! # Ok::<(), ethos_core::Error>(())
//! ```

mod chat;
mod document;
mod error;
mod model;
mod scripted;
mod seed;

mod ask;
mod batch;
mod journal;
mod watch;

pub mod card;
pub mod jsonl;
mod partial;
mod prompt;
pub mod read;

pub use crate::{
    ask::{Answer, Ask, AskId, Asker, Failure, Query, Reply, ask_all},
    batch::{Batch, BatchItem, BatchLimits, BatchState, Batching, Listed, ask_batch},
    chat::{Chat, Content, Message, Role, ToolCall},
    document::{Document, Lineage},
    error::{Error, ModelErrorKind, Result},
    journal::{Journal, JournalStats, Record, StageStats},
    model::{Completion, Model, ModelId, Request, Sampling, Scored, Stop, Tool, Usage},
    prompt::Prompt,
    read::{Reason, Unusable},
    scripted::Scripted,
    seed::derived_seed,
    watch::{Progress, Watch},
};
