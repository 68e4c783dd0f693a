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
    /// There was an answer that says nothing about the question, or an action that cannot be read.
    Unreadable(String),
    /// The judge said that it cannot tell, or several judges did not agree.
    JudgeUnclear(String),
    /// The judge answered, and no verdict can be read.
    JudgeUnreadable(String),
    /// The judge or its provider declined.
    JudgeRefused(String),
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
            Outcome::JudgeUnclear(_) => "judge unclear",
            Outcome::JudgeUnreadable(_) => "judge unreadable",
            Outcome::JudgeRefused(_) => "judge refused",
            Outcome::Infrastructure(_) => "infrastructure",
        }
    }

    /// Why there is no score, in words.
    pub fn why(&self) -> Option<&str> {
        match self {
            Outcome::Scored(_) => None,
            Outcome::Refused(why)
            | Outcome::CutOff(why)
            | Outcome::Unreadable(why)
            | Outcome::JudgeUnclear(why)
            | Outcome::JudgeUnreadable(why)
            | Outcome::JudgeRefused(why)
            | Outcome::Infrastructure(why) => Some(why),
        }
    }

    /// The same reason, of another score; `None` when there is a score.
    pub fn missing<U>(&self) -> Option<Outcome<U>> {
        let why = self.why()?.to_owned();
        Some(match self {
            Outcome::Scored(_) => return None,
            Outcome::Refused(_) => Outcome::Refused(why),
            Outcome::CutOff(_) => Outcome::CutOff(why),
            Outcome::Unreadable(_) => Outcome::Unreadable(why),
            Outcome::JudgeUnclear(_) => Outcome::JudgeUnclear(why),
            Outcome::JudgeUnreadable(_) => Outcome::JudgeUnreadable(why),
            Outcome::JudgeRefused(_) => Outcome::JudgeRefused(why),
            Outcome::Infrastructure(_) => Outcome::Infrastructure(why),
        })
    }

    /// Another score from this one; what has none stays as it is.
    pub fn and_then<U>(self, score: impl FnOnce(T) -> Outcome<U>) -> Outcome<U> {
        match self {
            Outcome::Scored(value) => score(value),
            Outcome::Refused(why) => Outcome::Refused(why),
            Outcome::CutOff(why) => Outcome::CutOff(why),
            Outcome::Unreadable(why) => Outcome::Unreadable(why),
            Outcome::JudgeUnclear(why) => Outcome::JudgeUnclear(why),
            Outcome::JudgeUnreadable(why) => Outcome::JudgeUnreadable(why),
            Outcome::JudgeRefused(why) => Outcome::JudgeRefused(why),
            Outcome::Infrastructure(why) => Outcome::Infrastructure(why),
        }
    }

    /// The same with another score.
    pub fn map<U>(self, score: impl FnOnce(T) -> U) -> Outcome<U> {
        self.and_then(|value| Outcome::Scored(score(value)))
    }

    /// What became of asking a judge. Its failures are told from those of the model that it judges.
    pub fn of_judge(result: Result<T, Failure>) -> Self {
        match result {
            Ok(score) => Outcome::Scored(score),
            Err(Failure::Unusable(unusable)) => match unusable.reason {
                Reason::Refusal => Outcome::JudgeRefused(unusable.to_string()),
                _ => Outcome::JudgeUnreadable(unusable.to_string()),
            },
            Err(other) => Outcome::Infrastructure(format!("the judge: {other}")),
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
