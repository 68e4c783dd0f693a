//! One sample: what was asked, what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ChatMessage, EvalError, Event, ModelOutput, ModelUsage, Score};
use crate::{Map, Result, Value};

/// The id of a sample: a number or a text. It is one sample's in its data set, and the epoch tells its
/// runs apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SampleId {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

impl SampleId {
    /// That a log can hold a sample of this id, in any epoch.
    ///
    /// # Errors
    ///
    /// [`Error::Id`](crate::Error::Id), with the reason.
    pub fn check(&self) -> Result<()> {
        crate::name::sample(self, i64::MIN).map(drop)
    }
}

impl fmt::Display for SampleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SampleId::Number(number) => number.fmt(f),
            SampleId::Text(text) => text.fmt(f),
        }
    }
}

impl From<i64> for SampleId {
    fn from(number: i64) -> SampleId {
        SampleId::Number(number)
    }
}

impl From<&str> for SampleId {
    fn from(text: &str) -> SampleId {
        SampleId::Text(text.to_owned())
    }
}

impl From<String> for SampleId {
    fn from(text: String) -> SampleId {
        SampleId::Text(text)
    }
}

/// What a model is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// A question.
    Text(String),
    /// A conversation.
    Messages(Vec<ChatMessage>),
}

/// What the answer should be: for a model that grades, an instruction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// One answer.
    One(String),
    /// Any of several.
    Many(Vec<String>),
}

/// One sample in one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalSample {
    /// Its id.
    pub id: SampleId,
    /// Which of its runs this is, from 1 on.
    pub epoch: i64,
    /// What was asked.
    pub input: Input,
    /// The answers to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// What the answer should be.
    pub target: Target,
    /// What it asks, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The sandbox that tools ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Value>,
    /// Files that were copied there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    /// A script that was run there first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
    /// The conversation.
    #[serde(default)]
    pub messages: Vec<ChatMessage>,
    /// The last answer.
    #[serde(default)]
    pub output: ModelOutput,
    /// Scores by scorer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Map<Score>>,
    /// Whatever the data set says of it.
    #[serde(default)]
    pub metadata: Map,
    /// What solvers kept.
    #[serde(default)]
    pub store: Map,
    /// What happened, step by step.
    #[serde(default)]
    pub events: Vec<Event>,
    /// How the steps are grouped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timelines: Option<Vec<Value>>,
    /// Tokens by model.
    #[serde(default)]
    pub model_usage: Map<ModelUsage>,
    /// Tokens by role, such as `grader`.
    #[serde(default)]
    pub role_usage: Map<ModelUsage>,
    /// Models that others stood in for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_fallbacks: Option<Vec<Value>>,
    /// When it started, as ISO 8601 with a time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Seconds from start to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_time: Option<f64>,
    /// Seconds of work, without waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_time: Option<f64>,
    /// The id of this run of it, unique in the world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Who declared it invalid, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalidation: Option<Value>,
    /// What ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<EvalError>,
    /// What ended earlier attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_retries: Option<Vec<Value>>,
    /// Long texts, by the hash under which `attachment://` refers to them.
    #[serde(default)]
    pub attachments: Map<String>,
    /// Messages and calls that events refer to by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_data: Option<Value>,
    /// The limit that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<EvalSampleLimit>,
    /// How often the model was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_count: Option<i64>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl EvalSample {
    /// A sample that nothing has happened to yet.
    pub fn new(
        id: impl Into<SampleId>,
        epoch: i64,
        input: impl Into<String>,
        target: impl Into<String>,
    ) -> EvalSample {
        EvalSample {
            id: id.into(),
            epoch,
            input: Input::Text(input.into()),
            choices: None,
            target: Target::One(target.into()),
            description: None,
            sandbox: None,
            files: None,
            setup: None,
            messages: Vec::new(),
            output: ModelOutput::default(),
            scores: None,
            metadata: Map::new(),
            store: Map::new(),
            events: Vec::new(),
            timelines: None,
            model_usage: Map::new(),
            role_usage: Map::new(),
            model_fallbacks: None,
            started_at: None,
            completed_at: None,
            total_time: None,
            working_time: None,
            uuid: None,
            invalidation: None,
            error: None,
            error_retries: None,
            attachments: Map::new(),
            events_data: None,
            limit: None,
            turn_count: None,
            extra: Map::new(),
        }
    }
}

/// The limit that ended a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalSampleLimit {
    /// What was limited: `context`, `time`, `working`, `message`, `token`, `turn`, `cost`,
    /// `operator` or `custom`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The limit, in what it limits: seconds, messages, tokens, turns, dollars.
    pub limit: f64,
    /// Why it ended the sample, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl EvalSampleLimit {
    /// A limit of one of Inspect's kinds.
    pub fn new(kind: impl Into<String>, limit: f64) -> EvalSampleLimit {
        EvalSampleLimit { kind: kind.into(), limit, reason: None, extra: Map::new() }
    }
}
