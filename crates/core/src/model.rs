//! The one trait of the workspace, and what is asked and answered.

use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Error, ModelErrorKind, Result,
    batch::Batch,
    chat::{Message, Role, ToolCall},
};

/// Something that answers: an endpoint, a local checkpoint, a script.
///
/// Futures must not care who polls them: `futures::executor::block_on` and tokio are both fine.
pub trait Model: Send + Sync {
    /// What identifies the answers of this model.
    fn id(&self) -> &ModelId;

    /// Answers one request.
    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Completion>>;

    /// The log-probability of each continuation after the request's messages (and prefill), in the
    /// order given. A continuation follows that text as it stands: where a space belongs between, it
    /// begins with one.
    ///
    /// # Errors
    ///
    /// [`ModelErrorKind::Unsupported`] where the model gives no log-probabilities, which is the
    /// default.
    fn score<'a>(
        &'a self,
        _request: &'a Request,
        _continuations: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Scored>>> {
        let error = Error::model(
            &self.id().key,
            ModelErrorKind::Unsupported,
            "gives no log-probabilities; ask it to complete instead",
        );
        Box::pin(std::future::ready(Err(error)))
    }

    /// Requests worth having in flight.
    fn concurrency(&self) -> usize {
        1
    }

    /// The provider's batch service, where there is one and it is to be used:
    /// [`ask_batch`](crate::ask_batch).
    fn batch(&self) -> Option<&dyn Batch> {
        None
    }
}

macro_rules! forward_model {
    ($($pointer:ty),*) => {$(
        impl<M: Model + ?Sized> Model for $pointer {
            fn id(&self) -> &ModelId {
                (**self).id()
            }
            fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Completion>> {
                (**self).complete(request)
            }
            fn score<'a>(
                &'a self,
                request: &'a Request,
                continuations: &'a [String],
            ) -> BoxFuture<'a, Result<Vec<Scored>>> {
                (**self).score(request, continuations)
            }
            fn concurrency(&self) -> usize {
                (**self).concurrency()
            }
            fn batch(&self) -> Option<&dyn Batch> {
                (**self).batch()
            }
        }
    )*};
}
forward_model!(&M, Box<M>, Arc<M>);

/// What identifies a model's answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelId {
    /// Provider, name and revision; for a local model a hash of weights, adapter, tokenizer, template
    /// and number format. Part of every journal key: two models that may answer differently must
    /// have different keys.
    pub key: String,
    /// Where it is reached, where that says something. Not part of the key.
    pub address: Option<String>,
}

impl ModelId {
    /// An id without an address.
    pub fn new(key: impl Into<String>) -> Self {
        ModelId { key: key.into(), address: None }
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

/// One request: everything that determines the answer, apart from the model and chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Text that the answer must begin with; it is not repeated in the completion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefill: Option<String>,
    /// Tools the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// A JSON schema that the answer must satisfy, where the model can be held to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// How to draw the answer.
    #[serde(default)]
    pub sampling: Sampling,
}

impl Request {
    /// A request with default sampling.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> Self {
        Request {
            messages: messages.into_iter().collect(),
            prefill: None,
            tools: Vec::new(),
            schema: None,
            sampling: Sampling::default(),
        }
    }

    /// A request of one user message.
    pub fn user(text: impl Into<String>) -> Self {
        Request::new([Message::user(text)])
    }

    /// The same request with this sampling.
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Request { sampling, ..self }
    }
}

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does, for the model to read.
    pub description: String,
    /// JSON schema of its arguments.
    pub parameters: Value,
}

impl Tool {
    /// A tool whose arguments satisfy the JSON schema `parameters`.
    pub fn new(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        Tool { name: name.into(), description: description.into(), parameters }
    }
}

/// How an answer is drawn. What is `None` is left to the model's own default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Softmax temperature; 0 is greedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// How many of the likeliest tokens are drawn from, at least 1. Where several filters are set, the
    /// order is temperature, then this, then the nucleus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Nucleus mass in (0, 1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Tokens after which the answer is cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Texts that end the answer; they are not part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Seed of the draw, where the model honours one. The engine gives other [draws](crate::Ask::draw) and attempts of
    /// the same request seeds that follow from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Completion {
    /// The assistant's message.
    pub message: Message,
    /// Reasoning that the model keeps apart from its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Why it ended.
    pub stop: Stop,
    /// What it cost.
    #[serde(default)]
    pub usage: Usage,
    /// Log-probability of each token of the answer, where the model gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<f32>>,
    /// The provider's id of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
}

impl Completion {
    /// A complete answer.
    pub fn new(text: impl Into<String>) -> Self {
        Completion {
            message: Message::assistant(text),
            reasoning: None,
            stop: Stop::End,
            usage: Usage::default(),
            logprobs: None,
            response_id: None,
        }
    }

    /// The same answer, ended for another reason.
    pub fn with_stop(self, stop: Stop) -> Self {
        Completion { stop, ..self }
    }

    /// The same answer with its usage.
    pub fn with_usage(self, usage: Usage) -> Self {
        Completion { usage, ..self }
    }

    /// The same answer, calling tools.
    pub fn with_tool_calls(mut self, calls: impl IntoIterator<Item = ToolCall>) -> Self {
        self.message.tool_calls = calls.into_iter().collect();
        self.stop = Stop::ToolCalls;
        self
    }
}

impl From<String> for Completion {
    fn from(text: String) -> Self {
        Completion::new(text)
    }
}

impl From<&str> for Completion {
    fn from(text: &str) -> Self {
        Completion::new(text)
    }
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// It was complete.
    End,
    /// It reached `max_tokens`: what is there is cut off.
    Length,
    /// The model or its provider declined.
    Refusal,
    /// It calls tools and waits for their results.
    ToolCalls,
    /// Anything else, as the provider put it: whatever it means, it is not said that the answer is complete.
    /// [`Stop::UNKNOWN`] where the provider gives no reason.
    Other(String),
}

impl Stop {
    /// What [`Stop::Other`] holds where the provider gives no reason.
    pub const UNKNOWN: &'static str = "unknown";
}

/// Tokens read and written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the request.
    pub input: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
}

impl Usage {
    /// So many tokens in and out.
    pub fn new(input: u64, output: u64) -> Self {
        Usage { input, output }
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        // A server may count as it likes.
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
    }
}

/// The score of one continuation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scored {
    /// Sum of the log-probabilities of the continuation's tokens, in nats.
    pub logprob_sum: f64,
    /// How many tokens that is.
    pub tokens: usize,
    /// Whether an end token is among them.
    pub counts_end: bool,
}

impl Scored {
    /// A score over `tokens` tokens, no end token among them.
    pub fn new(logprob_sum: f64, tokens: usize) -> Self {
        Scored { logprob_sum, tokens, counts_end: false }
    }
}

/// Text of the last user message: what scripts usually look at.
pub(crate) fn last_user(request: &Request) -> String {
    let user = request.messages.iter().rfind(|m| m.role == Role::User);
    user.map(|m| m.text().into_owned()).unwrap_or_default()
}
