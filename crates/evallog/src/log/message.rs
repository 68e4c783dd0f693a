//! Messages to and from a model.

use serde::{Deserialize, Serialize};

use super::names::names;
use crate::{Map, Value};

names! {
    /// Who speaks.
    pub enum Role {
        /// Whoever set the model up.
        System = "system",
        /// Whoever asks it.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// A tool that the model called.
        Tool = "tool",
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatMessage {
    /// Its id, unique in the world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it says.
    pub content: Content,
    /// Where it is from: `input`, `generate` or `operator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whatever else is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map>,
    /// Who says it.
    pub role: Role,
    /// Tools that the model calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The model that wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The call, or calls, that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<Value>,
    /// The tool that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// What went wrong in the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ToolError>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl ChatMessage {
    /// A message of text.
    pub fn new(role: Role, content: impl Into<String>) -> ChatMessage {
        ChatMessage {
            id: None,
            content: Content::Text(content.into()),
            source: None,
            metadata: None,
            role,
            tool_calls: None,
            model: None,
            tool_call_id: None,
            function: None,
            error: None,
            extra: Map::new(),
        }
    }

    /// What it says in words, without reasoning.
    pub fn text(&self) -> String {
        match &self.content {
            Content::Text(text) => text.clone(),
            Content::Parts(parts) => {
                let texts = parts.iter().filter(|part| part.kind == "text");
                let texts: Vec<&str> = texts.filter_map(|part| part.text.as_deref()).collect();
                texts.join("\n")
            }
        }
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// A text.
    Text(String),
    /// Several pieces.
    Parts(Vec<ContentPart>),
}

/// A piece of what a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContentPart {
    /// What it is: `text`, `reasoning`, `image`, `audio`, `video`, `data`, `tool_use`, `document`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The words of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The words of reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// Fields of this kind.
    #[serde(flatten)]
    pub extra: Map,
}

impl ContentPart {
    /// A piece of text.
    pub fn text(text: impl Into<String>) -> ContentPart {
        let text = Some(text.into());
        ContentPart { kind: "text".to_owned(), text, reasoning: None, extra: Map::new() }
    }

    /// A piece of reasoning.
    pub fn reasoning(reasoning: impl Into<String>) -> ContentPart {
        let reasoning = Some(reasoning.into());
        ContentPart { kind: "reasoning".to_owned(), text: None, reasoning, extra: Map::new() }
    }
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// Its id, which the answer bears.
    pub id: String,
    /// The tool.
    pub function: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Map,
    /// Why the arguments could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parse_error: Option<String>,
    /// `function` or `custom`.
    #[serde(rename = "type", default = "function")]
    pub kind: String,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

fn function() -> String {
    "function".to_owned()
}

impl ToolCall {
    /// A call of a tool.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: Map) -> ToolCall {
        ToolCall {
            id: id.into(),
            function: name.into(),
            arguments,
            parse_error: None,
            kind: function(),
            extra: Map::new(),
        }
    }
}

/// What went wrong in a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolError {
    /// Its kind: `parsing`, `timeout`, `permission`, `limit`, `unknown` and others.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the model was told.
    pub message: String,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl ToolError {
    /// An error of one of Inspect's kinds.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> ToolError {
        ToolError { kind: kind.into(), message: message.into(), extra: Map::new() }
    }
}
