//! Taking answers apart, strictly: what cannot be used is [`Unusable`] with a reason, never guessed.

mod json;
mod list;
mod quoted;
mod tag;
mod verdict;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    json::json,
    list::list,
    quoted::quoted,
    tag::tag,
    verdict::{Verdict, verdict},
};

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The model or its provider declined.
    Refusal,
    /// The answer reached its token limit.
    CutOff,
    /// There is nothing in it.
    Empty,
    /// A tag that should be there is not.
    MissingTag,
    /// A tag opens and never closes.
    UnclosedTag,
    /// A tag that should be there once is there several times.
    RepeatedTag,
    /// Text that belongs to the scratchpad stands in the answer.
    LeakedScratchpad,
    /// No list where one was asked for.
    MissingList,
    /// More than one list where one was asked for.
    RepeatedList,
    /// No JSON, not the JSON that was asked for, or several.
    BadJson,
    /// No verdict, or more than one.
    UnclearVerdict,
    /// Anything else a reader minds, in its own words.
    Other(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Refusal => "refusal",
            Reason::CutOff => "cut off",
            Reason::Empty => "empty",
            Reason::MissingTag => "missing tag",
            Reason::UnclosedTag => "unclosed tag",
            Reason::RepeatedTag => "repeated tag",
            Reason::LeakedScratchpad => "leaked scratchpad",
            Reason::MissingList => "missing list",
            Reason::RepeatedList => "repeated list",
            Reason::BadJson => "bad JSON",
            Reason::UnclearVerdict => "unclear verdict",
            Reason::Other(what) => what,
        })
    }
}

/// An answer that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}: {detail}")]
#[non_exhaustive]
pub struct Unusable {
    /// The sort of trouble, for counting.
    pub reason: Reason,
    /// What exactly, for a person.
    pub detail: String,
}

impl Unusable {
    /// Unusable for this reason.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Unusable { reason, detail: detail.into() }
    }
}

/// What a reader gives.
pub type Read<T> = Result<T, Unusable>;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    pub(super) fn reason<T: fmt::Debug>(read: Read<T>) -> Reason {
        read.unwrap_err().reason
    }

    proptest! {
        #[test]
        fn readers_never_panic(
            text in "(?s).{0,200}|[<>/a-z`\\-1-9.)\\[\\]{}\" \n]{0,80}|(1\\.|-|a|\\{|\\[|1\\]|```json| |\n){0,40}\
                     |(</?(scratchpad|content)>|a|\n){0,12}",
        ) {
            let _ = (tag(&text, "content"), tag(&text, "scratchpad"), list(&text), verdict(&text));
            let _ = json::<serde_json::Value>(&text);
        }
    }
}
