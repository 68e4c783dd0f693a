//! Anthropic's Messages.

mod batch;
mod read;
mod write;

use std::{fmt, sync::Arc};

use ethos_core::{Batch, Completion, Model, ModelId, Request, Result as CoreResult};
use futures::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    Endpoint, Result, Spent, Structure,
    address::Address,
    client::{Call, Client},
    openai::extra,
};

/// The field of a message with the thinking that belongs to its tool calls.
pub(crate) const THINKING: &str = "thinking_blocks";

/// The longest answer where neither request nor endpoint says, in tokens: Anthropic insists on one.
const MAX_TOKENS: u32 = 4096;

/// A model behind Anthropic's Messages, or a server that speaks like it.
///
/// System messages at the beginning become its `system`; later ones are an error. `seed` has no field
/// there and is not sent: every draw is another. A prefill is a last assistant message, which newer
/// models refuse. Without a `max_tokens` of the request or the endpoint an answer has at most 4096
/// tokens.
///
/// Thinking is the answer's reasoning. Where tools are called, its signed blocks stand in the
/// message's `thinking_blocks` too, and go back with it, since Anthropic wants them then.
///
/// [`Model::concurrency`] is the most that may be in flight, so that the engine keeps enough waiting;
/// [`in_flight`](Self::in_flight) is what the server bears now.
#[derive(Clone)]
pub struct Anthropic {
    client: Arc<Client>,
    endpoint: Arc<Endpoint>,
    structure: Structure,
    batches: bool,
}

impl Anthropic {
    /// The model of an endpoint, `https://api.anthropic.com` or like it, with or without `/v1`.
    ///
    /// # Errors
    ///
    /// As [`OpenAi::new`](crate::OpenAi::new).
    pub fn new(endpoint: Endpoint) -> Result<Anthropic> {
        Anthropic::structured(endpoint, Structure::Native)
    }

    /// The model of an endpoint, held to JSON schemas in this way, which is part of its key.
    /// [`Structure::Tool`] is for models that came before `output_config`.
    ///
    /// # Errors
    ///
    /// As [`OpenAi::new`](crate::OpenAi::new).
    pub fn structured(endpoint: Endpoint, structure: Structure) -> Result<Anthropic> {
        let address = Address::new(&endpoint.base_url)?.without("/v1");
        let mut headers = HeaderMap::new();
        if let Some(key) = &endpoint.key {
            headers.insert(HeaderName::from_static("x-api-key"), key.header("key", "")?);
        }
        let version = HeaderValue::from_static("2023-06-01");
        headers.insert(HeaderName::from_static("anthropic-version"), version);
        let traits = match structure {
            Structure::Native => "",
            Structure::Tool => " structure=tool",
            Structure::Off => " structure=off",
        };
        let client = endpoint.client("anthropic", traits, address, "/v1/messages", headers)?;
        Ok(Anthropic {
            client: Arc::new(client),
            endpoint: Arc::new(endpoint),
            structure,
            batches: false,
        })
    }

    /// The same with its batch service, for [`ask_batch`](ethos_core::ask_batch): Message Batches. They have
    /// no place for a tag: a batch is known again by its number of requests, and by the ids of its results
    /// once it has ended.
    ///
    /// A batch counts in [`spent`](Self::spent) once its results are read, at the share of
    /// [`Price::batch`](crate::Price::batch); a [`Budget`](crate::Budget) sets aside all that it can cost when it is
    /// submitted, and refuses what does not fit. Batches outlive the program: those that it finds again are on the
    /// bill of the one that submitted them. Under [`Structure::Tool`] a call of a tool named `answer` is the answer,
    /// whatever the request.
    pub fn with_batches(self) -> Self {
        Anthropic { batches: true, ..self }
    }

    /// What this model has taken, by the prices of its endpoint.
    pub fn spent(&self) -> Spent {
        self.client.meter.spent()
    }

    /// How many requests may be in flight now: fewer than [`Model::concurrency`] after refusals for
    /// load.
    pub fn in_flight(&self) -> usize {
        self.client.pace.allowed()
    }

    fn most(&self, request: &Request) -> u32 {
        request.sampling.max_tokens.or(self.endpoint.max_tokens).unwrap_or(MAX_TOKENS)
    }
}

impl Model for Anthropic {
    fn id(&self) -> &ModelId {
        &self.client.id
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, CoreResult<Completion>> {
        Box::pin(async move {
            let most = self.most(request);
            let body = write::body(request, &self.endpoint, most, self.structure)
                .map_err(|(kind, message)| self.client.error(kind, message))?;
            let structured = request.schema.is_some() && self.structure == Structure::Tool;
            let call = Call { body, most: Some(most), extra_input: extra(request) };
            let read = Box::new(move |value: &_| read::completion(value, structured));
            Ok(self.client.ask(call, read).await?.completion())
        })
    }

    fn concurrency(&self) -> usize {
        self.client.most
    }

    fn batch(&self) -> Option<&dyn Batch> {
        self.batches.then_some(self as &dyn Batch)
    }
}

impl fmt::Debug for Anthropic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anthropic")
            .field("id", &self.client.id)
            .field("endpoint", &self.endpoint)
            .field("structure", &self.structure)
            .field("batches", &self.batches)
            .finish_non_exhaustive()
    }
}
