//! Fetches models and data sets from the Hugging Face hub, and publishes them there.
//!
//! The principal types, and how they meet:
//!
//! * A [`Hub`] is an address, a cache and perhaps a token. [`Hub::from_env`] takes them from where
//!   Hugging Face's own tools have them, so that one login serves both, and what Python has fetched
//!   is found, and the other way round.
//! * A [`Repo`] is a model or a data set at a revision: `"Qwen/Qwen2.5-0.5B@main".parse()?`.
//! * [`Hub::fetch`] gives a [`Snapshot`]: the folder of those files that are [`Wanted`]. Files come
//!   several at a time; each is gone on with where a killed run left it, is checked against its
//!   hash, and appears only whole. [`Hub::file`] gives a single one.
//! * [`Hub::upload`] makes a folder a commit, with a [`Card`] that says what it is.
//! * [`Progress`] is told to a [`Watch`]; a closure is one.
//!
//! ```
//! use std::fs;
//! use ethos_hub::{Error, Hub, Progress, Repo, Wanted};
//!
//! // A cache as Python leaves it: a branch, its commit, and the commit's files.
//! let cache = tempfile::tempdir()?;
//! let commit = "c5d6a4dcd2a1f3a1b8f0e6a7d9b8c7a6f5e4d3c2";
//! let folder = cache.path().join("models--owner--tiny");
//! fs::create_dir_all(folder.join("refs"))?;
//! fs::create_dir_all(folder.join("snapshots").join(commit))?;
//! fs::write(folder.join("refs/main"), commit)?;
//! fs::write(folder.join("snapshots").join(commit).join("config.json"), "{}")?;
//!
//! // With `Hub::from_env()?` the same lines fetch from the network what is not there.
//! let hub = Hub::new(cache.path()).offline();
//! let model: Repo = "owner/tiny".parse()?;
//! let watch = |p: &Progress| println!("{} {} of {} bytes", p.file, p.done, p.total);
//! let snapshot = hub.fetch(&model, &Wanted::model(), &watch)?;
//! assert_eq!(snapshot.commit, commit);
//! assert_eq!(fs::read_to_string(snapshot.path("config.json"))?, "{}");
//!
//! // What is missing is named.
//! let error = hub.file(&model, "tokenizer.json", &()).unwrap_err();
//! assert!(matches!(error, Error::Offline { missing, .. } if missing == ["tokenizer.json"]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything blocks the thread that calls it; a program with an async runtime calls it from one
//! that may be blocked. A token is sent to the hub alone, never to where it redirects, and no error
//! and no `Debug` shows it.

mod error;

mod hub;
mod repo;
mod wanted;

mod environment;
mod progress;
mod token;

mod fetch;
mod listing;
mod unlisted;

mod cache;
mod digest;
mod download;
mod name;
mod parallel;

mod card;
mod lfs;
mod local;
mod upload;

mod address;
mod answer;
mod http;

pub use crate::{
    card::Card,
    error::{Error, Result},
    fetch::Snapshot,
    http::Patience,
    hub::Hub,
    progress::{Progress, Watch},
    repo::{Kind, Repo},
    upload::{Upload, Uploaded},
    wanted::Wanted,
};
