//! What happened in a sample, step by step.

use serde::{Deserialize, Serialize};

use super::{ChatMessage, ModelOutput, Score};
use crate::{Map, Result, Value};

/// A step of a sample: what all kinds have in common, and the fields of its kind.
///
/// Kinds that are not known here survive. Inspect itself refuses a log with a kind that *it* does
/// not know: what is one's own goes into an [`Event::info`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// Its id, unique in the world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The span that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<String>,
    /// When it happened, as ISO 8601 with a time zone.
    #[serde(default)]
    pub timestamp: String,
    /// Seconds of work before it.
    #[serde(default)]
    pub working_start: f64,
    /// Whatever else is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map>,
    /// Whether it is still going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<bool>,
    /// Its kind: `model`, `tool`, `info`, `score`, `span_begin` and others.
    #[serde(rename = "event")]
    pub kind: String,
    /// Fields of its kind.
    #[serde(flatten)]
    pub fields: Map,
}

impl Event {
    /// An event of one of Inspect's kinds; its fields are added by [`Event::with`].
    pub fn new(kind: impl Into<String>, timestamp: impl Into<String>, working_start: f64) -> Event {
        Event {
            uuid: None,
            span_id: None,
            timestamp: timestamp.into(),
            working_start,
            metadata: None,
            pending: None,
            kind: kind.into(),
            fields: Map::new(),
        }
    }

    /// The same with a field more.
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Event {
        self.fields.insert(field.into(), value.into());
        self
    }

    /// Data of one's own, with a word on whose it is.
    pub fn info(
        source: impl Into<String>,
        data: impl Into<Value>,
        timestamp: impl Into<String>,
        working_start: f64,
    ) -> Event {
        let event = Event::new("info", timestamp, working_start);
        event.with("source", source.into()).with("data", data)
    }

    /// A model that was asked and answered, without tools; where there are some, set `tools`,
    /// `tool_choice` and `config` by [`Event::with`].
    ///
    /// # Errors
    ///
    /// What [`Value::of`] gives.
    pub fn model(
        input: &[ChatMessage],
        output: &ModelOutput,
        timestamp: impl Into<String>,
        working_start: f64,
    ) -> Result<Event> {
        Ok(Event::new("model", timestamp, working_start)
            .with("model", output.model.as_str())
            .with("input", Value::of(&input)?)
            .with("tools", Vec::new())
            .with("tool_choice", "none")
            .with("config", Map::new())
            .with("output", Value::of(output)?))
    }

    /// A score that was given.
    ///
    /// # Errors
    ///
    /// What [`Value::of`] gives.
    pub fn score(score: &Score, timestamp: impl Into<String>, working_start: f64) -> Result<Event> {
        let event = Event::new("score", timestamp, working_start);
        Ok(event.with("score", Value::of(score)?).with("intermediate", false))
    }
}
