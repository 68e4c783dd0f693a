//! The log itself, without its samples.

use serde::{Deserialize, Serialize};

use super::{EvalError, EvalPlan, EvalResults, EvalSpec, EvalStats, names::names};
use crate::{Map, Value};

names! {
    /// Whether an evaluation ran to its end.
    pub enum EvalStatus {
        /// It runs, or died without a word.
        Started = "started",
        /// It ran to its end.
        Success = "success",
        /// Somebody stopped it.
        Cancelled = "cancelled",
        /// It failed; `error` says how.
        Error = "error",
    }
}

/// A log without its samples and reductions, which are read and written one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalLog {
    /// The version of the format: 2.
    #[serde(default = "version")]
    pub version: i64,
    /// Whether it ran to its end.
    #[serde(default = "started")]
    pub status: EvalStatus,
    /// What was evaluated, and how.
    pub eval: EvalSpec,
    /// The solvers that ran.
    #[serde(default)]
    pub plan: EvalPlan,
    /// Scores over all samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<EvalResults>,
    /// Times and tokens.
    #[serde(default)]
    pub stats: EvalStats,
    /// What ended the evaluation, where the status is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<EvalError>,
    /// Whether a sample was declared invalid afterwards.
    #[serde(default)]
    pub invalidated: bool,
    /// Changes of tags and metadata that were made afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_updates: Option<Vec<Value>>,
    /// Changes of the configuration that were made as it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_updates: Option<Vec<Value>>,
    /// The tags of `eval` with all updates. Inspect computes them anew.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The metadata of `eval` with all updates. Inspect computes them anew.
    #[serde(default)]
    pub metadata: Map,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

fn version() -> i64 {
    2
}

fn started() -> EvalStatus {
    EvalStatus::Started
}

impl EvalLog {
    /// The log of an evaluation that starts.
    pub fn new(eval: EvalSpec) -> EvalLog {
        EvalLog {
            version: version(),
            status: started(),
            tags: eval.tags.clone().unwrap_or_default(),
            metadata: eval.metadata.clone().unwrap_or_default(),
            eval,
            plan: EvalPlan::default(),
            results: None,
            stats: EvalStats::default(),
            error: None,
            invalidated: false,
            log_updates: None,
            config_updates: None,
            extra: Map::new(),
        }
    }
}
