//! How an evaluation was run and a model sampled.

use serde::{Deserialize, Serialize};

use crate::{Map, Value};

/// How an evaluation was run: the settings that readers look at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EvalConfig {
    /// How many samples, or which range of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Value>,
    /// The samples that were chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_id: Option<Value>,
    /// How often each sample was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<i64>,
    /// How the scores of epochs become one, such as `mean`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs_reducer: Option<Vec<String>>,
    /// Whether, or from which share or number on, failing samples end the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_on_error: Option<Value>,
    /// The most messages per sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_limit: Option<i64>,
    /// The most tokens per sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_limit: Option<i64>,
    /// The most answers per sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_limit: Option<i64>,
    /// The most seconds per sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<i64>,
    /// The most seconds of work per sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_limit: Option<i64>,
    /// Settings that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

/// How a model was sampled: the settings that most runs have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GenerateConfig {
    /// Requests in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<i64>,
    /// A system message that overrides the task's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_message: Option<String>,
    /// The most tokens of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<i64>,
    /// The share of probability that is sampled from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How random the sampling is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Where an answer stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_seqs: Option<Vec<String>>,
    /// The seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// How many of the likeliest tokens are sampled from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<i64>,
    /// Settings that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}
