//! What became of everything that was asked.

use std::{collections::BTreeMap, fmt};

use ethos_core::{Failure, Unusable, Usage};
use serde::{Deserialize, Serialize};

/// The account of one stage's requests.
///
/// Every reply is counted once: [`usable`](Self::usable) plus all [`unusable`](Self::unusable) plus
/// [`errors`](Self::errors) are the requests that a run with an empty journal makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Requests {
    /// The stage, as the journal and progress know it.
    pub stage: String,
    /// Questions that were to be answered, repeats of unusable answers apart.
    pub asked: u64,
    /// Questions that were settled from the journal alone.
    pub reused: u64,
    /// Replies that could be used.
    pub usable: u64,
    /// Replies that could not, by reason. Most were asked again.
    pub unusable: BTreeMap<String, u64>,
    /// Requests that the model failed to answer. They are not in the journal; a rerun asks again.
    pub errors: u64,
    /// Requests that may have been paid twice, since an earlier run died while they were on their way.
    pub repaid: u64,
    /// Tokens of all replies, those from the journal too: what this much of the corpus costs.
    pub usage: Usage,
    /// Tokens of the replies that this run asked for.
    pub paid: Usage,
}

impl Requests {
    /// Replies of every sort, and errors.
    pub fn total(&self) -> u64 {
        self.usable + self.unusable.values().sum::<u64>() + self.errors
    }

    /// Adds the account of another round.
    pub(crate) fn add(&mut self, round: &Requests) {
        self.stage.clone_from(&round.stage);
        self.asked += round.asked;
        self.reused += round.reused;
        self.usable += round.usable;
        for (reason, count) in &round.unusable {
            *self.unusable.entry(reason.clone()).or_default() += count;
        }
        self.errors += round.errors;
        self.repaid += round.repaid;
        self.usage += round.usage;
        self.paid += round.paid;
    }

    pub(crate) fn count_unusable<'u>(&mut self, unusable: impl IntoIterator<Item = &'u Unusable>) {
        for why in unusable {
            *self.unusable.entry(why.reason.to_string()).or_default() += 1;
        }
    }
}

/// The account of the items of a stage's lists: `given` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Items {
    /// Items in usable answers.
    pub given: u64,
    /// Items that are in the plan.
    pub kept: u64,
    /// Items beyond the number that was asked for, cut off.
    pub surplus: u64,
    /// Items that were in the plan already.
    pub repeated: u64,
    /// Assertions dropped because no quote of theirs is in the spec.
    pub unquoted: u64,
}

/// One stage of planning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StageReport {
    /// Its requests.
    pub requests: Requests,
    /// What the answers held.
    pub items: Items,
    /// Quotes that stand in the spec.
    pub quotes_found: u64,
    /// Quotes that do not, and were rejected.
    pub quotes_rejected: u64,
}

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlanReport {
    /// Key of the model that planned.
    pub model: String,
    /// Hashes of the prompts, by name.
    #[serde(default)]
    pub prompts: BTreeMap<String, String>,
    /// The stages, in order.
    pub stages: Vec<StageReport>,
    /// Lists that are shorter than was asked for.
    pub shortfalls: Vec<Shortfall>,
    /// Rejected quotes, in the model's words: what it invented, or copied badly.
    pub rejected: Vec<RejectedQuote>,
}

impl PlanReport {
    /// Whether every list has the length that was asked for.
    pub fn is_complete(&self) -> bool {
        self.shortfalls.is_empty()
    }

    /// The report of a stage, by its name (`corpus/topics`).
    pub fn stage(&self, name: &str) -> Option<&StageReport> {
        self.stages.iter().find(|stage| stage.requests.stage == name)
    }
}

/// A list that is shorter than was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Shortfall {
    /// The stage whose list it is.
    pub stage: String,
    /// Id of what the list belongs to.
    pub id: String,
    /// The names from the domain down to it, for people; empty for the list of domains.
    pub path: String,
    /// Items asked for.
    pub wanted: usize,
    /// Items in the plan.
    pub got: usize,
    /// Why there are not more.
    pub cause: Cause,
}

/// A quote that is not in the spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RejectedQuote {
    /// The stage.
    pub stage: String,
    /// Name of the topic or assertion that quoted it.
    pub name: String,
    /// The quote.
    pub quote: String,
}

/// What became of the documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WriteReport {
    /// Key of the model that wrote.
    pub model: String,
    /// Hash of the document prompt.
    pub prompt_hash: String,
    /// Ideas in the plan.
    pub planned: u64,
    /// Documents in the corpus.
    pub written: u64,
    /// The requests.
    pub requests: Requests,
    /// The documents that are missing.
    pub missing: Vec<Missing>,
}

impl WriteReport {
    /// Whether every idea has become a document.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Adds the account of another round.
    pub(crate) fn add(&mut self, round: WriteReport) {
        self.model = round.model;
        self.prompt_hash = round.prompt_hash;
        self.planned += round.planned;
        self.written += round.written;
        self.requests.add(&round.requests);
        self.missing.extend(round.missing);
    }
}

/// An idea that has not become a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Missing {
    /// Id of the idea.
    pub id: String,
    /// The names from the domain down to it, for people.
    pub path: String,
    /// Why it is missing.
    pub cause: Cause,
}

/// Why something is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// No answer could be used; the last one's reason.
    Unusable(String),
    /// The model failed. A rerun on the same journal asks again.
    Model(String),
    /// Asked for more, the model said that there are no more.
    NoMore,
    /// It was asked this often, and always gave too few that were new and could be kept.
    Rounds(u32),
}

impl From<&Failure> for Cause {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Unusable(why) => Cause::Unusable(why.to_string()),
            other => Cause::Model(other.to_string()),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Unusable(why) => write!(f, "no usable answer: {why}"),
            Cause::Model(why) => f.write_str(why),
            Cause::NoMore => f.write_str("the model has no more to give"),
            Cause::Rounds(n) => write!(f, "too few that are new, in {n} rounds"),
        }
    }
}
