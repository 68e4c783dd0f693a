//! What a model answered.

use serde::{Deserialize, Serialize};

use super::{ChatMessage, ModelUsage, Role, names::names};
use crate::{Map, Value};

names! {
    /// Why an answer ended.
    pub enum StopReason {
        /// The model was done.
        Stop = "stop",
        /// It wrote as much as it might.
        MaxTokens = "max_tokens",
        /// The conversation is as long as the model can hold.
        ModelLength = "model_length",
        /// It called tools.
        ToolCalls = "tool_calls",
        /// The provider held the answer back, or the model refused.
        ContentFilter = "content_filter",
        /// Nobody knows.
        Unknown = "unknown",
    }
}

/// What a model answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelOutput {
    /// The model, as the provider calls it.
    pub model: String,
    /// Its answers, of which there mostly is one.
    pub choices: Vec<Choice>,
    /// The text of the first.
    pub completion: String,
    /// The tokens it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<ModelUsage>,
    /// Tokens of the conversation, cached ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_context_tokens: Option<i64>,
    /// The seconds it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// Whatever else is to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl ModelOutput {
    /// A single answer in words.
    pub fn new(
        model: impl Into<String>,
        text: impl Into<String>,
        stop_reason: StopReason,
    ) -> ModelOutput {
        let (model, completion) = (model.into(), text.into());
        let message = ChatMessage {
            source: Some("generate".to_owned()),
            model: Some(model.clone()),
            ..ChatMessage::new(Role::Assistant, completion.clone())
        };
        let choices = vec![Choice::new(message, stop_reason)];
        ModelOutput { model, choices, completion, ..ModelOutput::default() }
    }
}

/// One of a model's answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Choice {
    /// What it says.
    pub message: ChatMessage,
    /// Why it ended.
    #[serde(default = "unknown")]
    pub stop_reason: StopReason,
    /// More on why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_details: Option<Value>,
    /// How likely its tokens were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

fn unknown() -> StopReason {
    StopReason::Unknown
}

impl Choice {
    /// An answer that ended for a reason.
    pub fn new(message: ChatMessage, stop_reason: StopReason) -> Choice {
        Choice { message, stop_reason, stop_details: None, logprobs: None, extra: Map::new() }
    }
}
