//! What a scorer says of an answer.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Outcome;

/// What a scorer says of an answer, as a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Score {
    /// The number: 1 and 0 for yes and no.
    pub value: f64,
    /// What was taken for the model's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// Places in the model's last message that speak for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Whatever else is to be known.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// A place in the model's last message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Bytes of the message's text.
    pub span: Range<usize>,
    /// What it shows.
    pub shows: String,
}

impl Score {
    /// A number.
    pub fn new(value: f64) -> Self {
        Score { value, answer: None, explanation: None, evidence: Vec::new(), metadata: Map::new() }
    }

    /// The same with what was taken for the answer.
    pub fn with_answer(self, answer: impl Into<String>) -> Self {
        Score { answer: Some(answer.into()), ..self }
    }

    /// The same with a reason.
    pub fn with_explanation(self, explanation: impl Into<String>) -> Self {
        Score { explanation: Some(explanation.into()), ..self }
    }

    /// The same with a place in the answer.
    pub fn with_evidence(mut self, span: Range<usize>, shows: impl Into<String>) -> Self {
        self.evidence.push(Evidence { span, shows: shows.into() });
        self
    }

    /// The same with something more to be known.
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }
}

impl From<bool> for Score {
    fn from(yes: bool) -> Self {
        Score::new(f64::from(yes))
    }
}

/// What became of each [`Measure`] in one answer. A measure that does not apply to a sample is not there;
/// one that applies and could not be taken is there, with the reason.
pub type Scores = BTreeMap<String, Outcome<Score>>;

/// A number that a scorer takes of every answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Measure {
    /// Its name, the one under which it stands in logs.
    pub name: String,
    /// What the numbers are.
    pub kind: Kind,
    /// What a high number means, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// What the numbers of a measure are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// 1 for yes and 0 for no: the mean is a rate.
    Rate,
    /// A scale with ends.
    Scale {
        /// The least that can be given.
        low: f64,
        /// The most.
        high: f64,
    },
    /// Any number.
    Number,
}

impl Measure {
    /// Yes or no.
    pub fn rate(name: impl Into<String>) -> Self {
        Measure { name: name.into(), kind: Kind::Rate, about: None }
    }

    /// A number from `low` to `high`.
    pub fn scale(name: impl Into<String>, low: f64, high: f64) -> Self {
        Measure { name: name.into(), kind: Kind::Scale { low, high }, about: None }
    }

    /// Any number.
    pub fn number(name: impl Into<String>) -> Self {
        Measure { name: name.into(), kind: Kind::Number, about: None }
    }

    /// The same with what a high number means.
    pub fn with_about(self, about: impl Into<String>) -> Self {
        Measure { about: Some(about.into()), ..self }
    }

    /// Between which numbers a score that is missing must lie, where that is known.
    pub fn ends(&self) -> Option<(f64, f64)> {
        match self.kind {
            Kind::Rate => Some((0.0, 1.0)),
            Kind::Scale { low, high } => Some((low, high)),
            Kind::Number => None,
        }
    }
}
