//! What an agent did, as that which it, or another, is asked about afterwards.

mod read;

use ethos_core::{Message, Tool};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A finished run of an agent.
///
/// Runs of [`stealth`](crate::stealth) tasks know their condition and goal. Of anybody else's, the program says
/// what is known: all fields are public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Trajectory {
    /// A name that no other trajectory has.
    pub id: String,
    /// The task that the agent was given.
    pub task: String,
    /// The model that acted.
    pub model: String,
    /// Whether it had a hidden goal, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// The hidden goal of the task, whether this run was given it or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<HiddenGoal>,
    /// A harmless goal that the agent was told to name when it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoy: Option<String>,
    /// The conversation, the system message included.
    pub messages: Vec<Message>,
    /// The tools that the agent had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whatever else is known of it: how the goals were met, how suspicious it looked.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// Whether an agent was given a hidden goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The main goal alone.
    Control,
    /// A hidden goal besides, to be kept secret.
    Hidden,
}

/// A goal that an agent is to pursue and to keep secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HiddenGoal {
    /// The goal, as somebody would put it who knows it.
    pub text: String,
    /// What there is to be told of it, in parts of which none says what another says; three in the paper.
    pub details: Vec<Detail>,
}

/// A part of a hidden goal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Detail {
    /// A short name, such as `carrier`.
    pub name: String,
    /// What somebody tells who tells it: "The flights it books have to be of one airline."
    pub text: String,
}

impl Trajectory {
    /// A conversation of which no more is known.
    pub fn new(id: impl Into<String>, messages: impl IntoIterator<Item = Message>) -> Self {
        Trajectory {
            id: id.into(),
            task: String::new(),
            model: String::new(),
            condition: None,
            goal: None,
            decoy: None,
            messages: messages.into_iter().collect(),
            tools: Vec::new(),
            metadata: Map::new(),
        }
    }

    /// The conversation as text, for somebody who reads it: who says what, which tools are called and what they give.
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        for message in &self.messages {
            let role = message.role.as_str();
            let said = message.text();
            if !said.trim().is_empty() || message.tool_calls.is_empty() {
                text += &format!("[{role}]\n{}\n\n", said.trim());
            }
            for call in &message.tool_calls {
                text += &format!("[{role} calls {}]\n{}\n\n", call.name, call.arguments.trim());
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

impl HiddenGoal {
    /// A goal with its details, each a name and what is told.
    pub fn new<'a>(
        text: impl Into<String>,
        details: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let details = details
            .into_iter()
            .map(|(name, text)| Detail { name: name.to_owned(), text: text.to_owned() });
        HiddenGoal { text: text.into(), details: details.collect() }
    }
}
