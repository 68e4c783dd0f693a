//! A [`Model`](ethos_core::Model) over HTTP: OpenAI-compatible and Anthropic endpoints.
//!
//! The principal types, and how they meet:
//!
//! * An [`Endpoint`] says where a model is reached and on what terms: key, [`Timeouts`], [`Retry`],
//!   [`Limits`], [`Prices`], [`Budget`], proxy, [`Runtime`].
//! * [`OpenAi`] is a model behind chat completions, as OpenAI and very many servers have them; a
//!   [`Dialect`] says where these differ. [`Anthropic`] is one behind Messages. Both are models like any
//!   other: the engine of `ethos-core` asks them, durably.
//! * Both have batch services, at about half the price: [`OpenAi::with_batches`],
//!   [`Anthropic::with_batches`], and the core's `ask_batch`.
//! * A [`Budget`] stops before it is exceeded, and [`Spent`] says what was taken.
//! * A [`Secret`] is never shown: not in errors, not in `Debug`, not in journals, whatever a server sends
//!   back.
//!
//! ```
//! use std::{io::{Read, Write}, net::TcpListener, thread};
//! use ethos_api::{Budget, Endpoint, OpenAi, Price, Prices};
//! use ethos_core::{Model, Request};
//!
//! // A server; `https://api.openai.com/v1` is another.
//! let server = TcpListener::bind("127.0.0.1:0")?;
//! let address = server.local_addr()?;
//! thread::spawn(move || {
//!     let (mut asked, _) = server.accept()?;
//!     asked.read(&mut [0; 4096])?;
//!     let answer = r#"{"choices":[{"message":{"content":"Paris"},"finish_reason":"stop"}],
//!         "usage":{"prompt_tokens":20,"completion_tokens":1}}"#;
//!     write!(asked, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len())
//! });
//!
//! let budget = Budget::usd(5.0);
//! let endpoint = Endpoint::new(format!("http://{address}/v1"), "atlas")
//!     .with_key("sk-secret")
//!     .with_max_tokens(100)
//!     .with_prices(Prices::new().with("atlas", Price::new(0.15, 0.60)))
//!     .with_budget(&budget);
//! let model = OpenAi::new(endpoint)?;
//!
//! // Any executor will do.
//! let request = Request::user("What is the capital of France?");
//! let answer = futures::executor::block_on(model.complete(&request))?;
//! assert_eq!(answer.message.text(), "Paris");
//! assert_eq!(format!("{:.7}", budget.spent().usd), "0.0000036");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Requests run on a small runtime of the client's own, or on one that it is given. Giving up a future
//! aborts its request. What fails in transport is repeated here, as [`Retry`] says; `tries` of the
//! engine counts unusable answers only.

mod error;

mod anthropic;
mod openai;

mod dialect;
mod endpoint;
mod environment;

mod budget;
mod limits;
mod price;
mod retry;
mod runtime;
mod secret;

mod batches;
mod client;
mod fault;
mod http;
mod pace;

mod address;
mod stop;

pub use crate::{
    anthropic::Anthropic,
    budget::{Budget, Spent},
    dialect::{Bound, Dialect, Prefill, Structure},
    endpoint::Endpoint,
    environment::Provider,
    error::{Error, Result},
    limits::Limits,
    openai::OpenAi,
    price::{Price, Prices},
    retry::{Retry, Timeouts},
    runtime::Runtime,
    secret::Secret,
};
