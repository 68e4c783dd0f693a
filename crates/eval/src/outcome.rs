//! What became of a sample.

use std::fmt;

use ethos_core::{Failure, Reason};
use serde::{Deserialize, Serialize};

/// What became of a sample: a score, or the reason why there is none. Never a bare bool, and nothing
/// that could not be measured counts as either answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome<T> {
    /// It was scored.
    Scored(T),
    /// The model or its provider declined.
    Refused(String),
    /// The answer reached its token limit.
    CutOff(String),
    /// There was an answer that says nothing about the question.
    Unreadable(String),
    /// The model, the network or the machine failed.
    Infrastructure(String),
}

impl<T> Outcome<T> {
    /// The score, where there is one.
    pub fn score(&self) -> Option<&T> {
        match self {
            Outcome::Scored(score) => Some(score),
            _ => None,
        }
    }

    /// The sort of outcome, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Outcome::Scored(_) => "scored",
            Outcome::Refused(_) => "refused",
            Outcome::CutOff(_) => "cut off",
            Outcome::Unreadable(_) => "unreadable",
            Outcome::Infrastructure(_) => "infrastructure",
        }
    }
}

/// What became of an ask is what became of its sample.
impl<T> From<Result<T, Failure>> for Outcome<T> {
    fn from(result: Result<T, Failure>) -> Self {
        match result {
            Ok(score) => Outcome::Scored(score),
            Err(Failure::Unusable(unusable)) => match unusable.reason {
                Reason::Refusal => Outcome::Refused(unusable.to_string()),
                Reason::CutOff => Outcome::CutOff(unusable.to_string()),
                _ => Outcome::Unreadable(unusable.to_string()),
            },
            Err(other) => Outcome::Infrastructure(other.to_string()),
        }
    }
}

impl<T> fmt::Display for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}
