//! How servers of the same interface differ.

use serde::{Deserialize, Serialize};

/// How an OpenAI-compatible server is spoken to.
///
/// ```
/// use ethos_api::{Dialect, Prefill};
///
/// let llama_cpp = Dialect { prefill: Prefill::LastMessage, ..Dialect::compatible() };
/// # assert_eq!(llama_cpp.prefill, Prefill::LastMessage);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// The field that bounds the answer's length.
    pub bound: Bound,
    /// How an answer is made to go on from a beginning.
    pub prefill: Prefill,
    /// How an answer is held to a JSON schema.
    pub structure: Structure,
    /// Whether log-probabilities of the answer's tokens are asked for.
    pub logprobs: bool,
    /// Whether the server scores continuations with `prompt_logprobs`, as vLLM does.
    pub prompt_logprobs: bool,
}

impl Dialect {
    /// OpenAI's own: `max_completion_tokens`, no prefill, JSON schemas.
    pub fn openai() -> Dialect {
        Dialect {
            bound: Bound::MaxCompletionTokens,
            prefill: Prefill::Unsupported,
            structure: Structure::Native,
            logprobs: false,
            prompt_logprobs: false,
        }
    }

    /// What compatible servers have in common: as OpenAI's, but `max_tokens`.
    pub fn compatible() -> Dialect {
        Dialect { bound: Bound::MaxTokens, ..Dialect::openai() }
    }

    /// vLLM's: it goes on from a beginning, and scores.
    pub fn vllm() -> Dialect {
        Dialect {
            prefill: Prefill::ContinueFinalMessage,
            prompt_logprobs: true,
            ..Dialect::compatible()
        }
    }
}

/// The field that bounds an answer's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Bound {
    /// `max_tokens`, which every compatible server knows.
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's reasoning models insist on.
    MaxCompletionTokens,
}

/// How an answer is made to go on from a beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Prefill {
    /// Not at all: a request with a prefill is an error.
    Unsupported,
    /// The beginning is a last assistant message, which the server goes on from by itself, as
    /// llama.cpp and some routers do.
    LastMessage,
    /// The same, with `continue_final_message` and without `add_generation_prompt`, as vLLM and SGLang
    /// want it.
    ContinueFinalMessage,
}

/// How an answer is held to a JSON schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Structure {
    /// By the server's own field: `response_format`, strictly; Anthropic's `output_config`.
    Native,
    /// By a tool named `answer` that the model must call; its arguments become the answer's text.
    Tool,
    /// Not at all: the schema is not sent, and the reader of the answer is the one who checks it.
    Off,
}

/// The tool of [`Structure::Tool`].
pub(crate) const ANSWER: &str = "answer";
