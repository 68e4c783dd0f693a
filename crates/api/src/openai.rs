//! Chat completions, as OpenAI and very many others serve them.

mod batch;
mod read;
mod write;

use std::{fmt, sync::Arc};

use ethos_core::{
    Batch, Completion, Model, ModelErrorKind, ModelId, Request, Result as CoreResult, Scored,
};
use futures::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderMap};

pub(crate) use self::{
    read::tokens,
    write::{Wrong, number},
};
use crate::{
    Dialect, Endpoint, Prefill, Result, Spent, Structure,
    address::Address,
    client::{Call, Client, Outcome},
};

/// A model behind OpenAI's chat completions, or any server that speaks like it: vLLM, SGLang,
/// llama.cpp, TGI, Ollama, OpenRouter, `transformers serve` and many more.
///
/// What a request asks for and the server has no field for is an error of the kind
/// [`Unsupported`](ModelErrorKind::Unsupported), or the server's own refusal; nothing is left out
/// silently, but for a schema under [`Structure::Off`] and the loss weights of messages. `seed` and `top_k` are
/// sent as they are.
///
/// Reasoning is taken from `reasoning_content` or `reasoning`, wherever the server has it. A reason to
/// stop that is missing is [`Stop::Other`](ethos_core::Stop::Other) of `unknown`: nobody can tell
/// whether such an answer is complete.
///
/// [`Model::concurrency`] is the most that may be in flight, so that the engine keeps enough waiting;
/// [`in_flight`](Self::in_flight) is what the server bears now.
#[derive(Clone)]
pub struct OpenAi {
    client: Arc<Client>,
    endpoint: Arc<Endpoint>,
    dialect: Dialect,
    batches: bool,
}

impl OpenAi {
    /// The model of an endpoint, in the dialect of its host: [`Dialect::openai`] at OpenAI's and
    /// Azure's own, else [`Dialect::compatible`].
    ///
    /// # Errors
    ///
    /// An address, key, header, setting or proxy that is none; a budget without the model's price; or
    /// no runtime or certificates to be had.
    pub fn new(endpoint: Endpoint) -> Result<OpenAi> {
        let host = Address::new(&endpoint.base_url)?.host;
        let own = host == "api.openai.com" || host.ends_with(".openai.azure.com");
        OpenAi::speaking(endpoint, if own { Dialect::openai() } else { Dialect::compatible() })
    }

    /// The model of an endpoint, in this dialect. What of it tells answers apart is part of the
    /// model's key: how they are held to a schema and go on from a prefill, and whether they have
    /// log-probabilities.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn speaking(endpoint: Endpoint, dialect: Dialect) -> Result<OpenAi> {
        let address = Address::new(&endpoint.base_url)?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &endpoint.key {
            headers.insert(AUTHORIZATION, key.header("key", "Bearer ")?);
        }
        let mut traits = String::new();
        match dialect.structure {
            Structure::Native => {}
            Structure::Tool => traits += " structure=tool",
            Structure::Off => traits += " structure=off",
        }
        match dialect.prefill {
            Prefill::Unsupported => {}
            Prefill::LastMessage => traits += " prefill=last_message",
            Prefill::ContinueFinalMessage => traits += " prefill=continue_final_message",
        }
        if dialect.logprobs {
            traits += " logprobs";
        }
        let client = endpoint.client("openai", &traits, address, "/chat/completions", headers)?;
        Ok(OpenAi {
            client: Arc::new(client),
            endpoint: Arc::new(endpoint),
            dialect,
            batches: false,
        })
    }

    /// The same with its batch service, for [`ask_batch`](ethos_core::ask_batch): `/files` and `/batches`,
    /// which not every compatible server has. A batch is known again by its metadata `ethos`.
    ///
    /// A batch counts in [`spent`](Self::spent) once its results are read, at the share of
    /// [`Price::batch`](crate::Price::batch); a [`Budget`](crate::Budget) sets aside all that it can cost when it is
    /// submitted, and refuses what does not fit. Batches outlive the program: those that it finds again are on the
    /// bill of the one that submitted them. Under [`Structure::Tool`] a call of a tool named `answer` is the answer,
    /// whatever the request.
    pub fn with_batches(self) -> Self {
        OpenAi { batches: true, ..self }
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

    fn most(&self, request: &Request) -> Option<u32> {
        request.sampling.max_tokens.or(self.endpoint.max_tokens)
    }
}

impl Model for OpenAi {
    fn id(&self) -> &ModelId {
        &self.client.id
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, CoreResult<Completion>> {
        Box::pin(async move {
            let body = write::body(request, &self.endpoint, &self.dialect)
                .map_err(|(kind, message)| self.client.error(kind, message))?;
            let structured = request.schema.is_some() && self.dialect.structure == Structure::Tool;
            let call = Call { body, most: self.most(request), extra_input: extra(request) };
            let read = Box::new(move |value: &_| read::completion(value, structured));
            Ok(self.client.ask(call, read).await?.completion())
        })
    }

    fn score<'a>(
        &'a self,
        request: &'a Request,
        continuations: &'a [String],
    ) -> BoxFuture<'a, CoreResult<Vec<Scored>>> {
        Box::pin(async move {
            let unsupported =
                |message: &str| Err(self.client.error(ModelErrorKind::Unsupported, message));
            if !self.dialect.prompt_logprobs {
                return unsupported(
                    "gives no log-probabilities of a prompt; on a server like vLLM use \
                     `Dialect::vllm`, else ask it to complete",
                );
            }
            let mut scores = Vec::with_capacity(continuations.len());
            for continuation in continuations {
                let body = write::scoring(request, continuation, &self.endpoint, &self.dialect)
                    .map_err(|(kind, message)| self.client.error(kind, message))?;
                let call = Call { body, most: Some(1), extra_input: extra(request) };
                let read = Box::new(read::prompt_logprobs);
                let tokens = match self.client.ask(call, read).await? {
                    Outcome::Answered(tokens) => tokens,
                    Outcome::Declined(words) => {
                        let message = format!("declined to score: {words}");
                        return Err(self.client.error(ModelErrorKind::Other, message));
                    }
                };
                match read::score(&tokens, continuation) {
                    Some(score) => scores.push(score),
                    None => {
                        return unsupported(&format!(
                            "the server's tokens do not end with the continuation {continuation:?} \
                             on a boundary of tokens; its chat template may trim it"
                        ));
                    }
                }
            }
            Ok(scores)
        })
    }

    fn concurrency(&self) -> usize {
        self.client.most
    }

    fn batch(&self) -> Option<&dyn Batch> {
        self.batches.then_some(self as &dyn Batch)
    }
}

/// Tokens that a server may add to a prompt beside what the body's bytes bound: what it says of tools
/// and schemas.
pub(crate) fn extra(request: &Request) -> u64 {
    if request.tools.is_empty() && request.schema.is_none() { 0 } else { 1000 }
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi")
            .field("id", &self.client.id)
            .field("endpoint", &self.endpoint)
            .field("dialect", &self.dialect)
            .field("batches", &self.batches)
            .finish_non_exhaustive()
    }
}
