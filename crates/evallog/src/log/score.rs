//! The score of a sample.

use serde::{Deserialize, Serialize, Serializer};

use crate::{Map, Number, Value};

/// What a scorer says of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Score {
    /// A text, a number, a flag, or a list or object of these. `NaN` says that the sample could not
    /// be scored; null, which Inspect does not take for a score, is written as `NaN`.
    #[serde(serialize_with = "never_null")]
    pub value: Value,
    /// What was taken for the model's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why the score is as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// Why there is no score, or an unusual one: `refusal`, `no_response`, `grader_failed`,
    /// `scoring_failed`, `invalid_response_format`, or a word of the scorer's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whatever else is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map>,
    /// How it was edited.
    #[serde(default)]
    pub history: Vec<Value>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

fn never_null<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::Null => Number::NAN.serialize(serializer),
        value => value.serialize(serializer),
    }
}

impl Score {
    /// A score.
    pub fn new(value: impl Into<Value>) -> Score {
        Score {
            value: value.into(),
            answer: None,
            explanation: None,
            reason: None,
            metadata: None,
            history: Vec::new(),
            extra: Map::new(),
        }
    }

    /// What is said of a sample that could not be scored, and why.
    pub fn unscored(reason: impl Into<String>) -> Score {
        Score { reason: Some(reason.into()), ..Score::new(Number::NAN) }
    }

    /// Whether the sample could not be scored.
    pub fn is_unscored(&self) -> bool {
        self.value.as_f64().is_some_and(f64::is_nan)
    }
}
