//! Times and tokens.

use serde::{Deserialize, Serialize};

use crate::{Map, Value};

/// When an evaluation ran, and the tokens it took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalStats {
    /// When it started, as ISO 8601 with a time zone; empty if it did not.
    #[serde(default)]
    pub started_at: String,
    /// When it ended; empty if it did not.
    #[serde(default)]
    pub completed_at: String,
    /// Tokens by model.
    #[serde(default)]
    pub model_usage: Map<ModelUsage>,
    /// Tokens by role, such as `grader`.
    #[serde(default)]
    pub role_usage: Map<ModelUsage>,
    /// How the number of requests in flight was adapted.
    #[serde(default)]
    pub connection_limit_history: Vec<Value>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

/// Tokens that a model read and wrote.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelUsage {
    /// Tokens read that no cache held.
    #[serde(default)]
    pub input_tokens: i64,
    /// Tokens written, those of reasoning included.
    #[serde(default)]
    pub output_tokens: i64,
    /// All tokens.
    #[serde(default)]
    pub total_tokens: i64,
    /// Tokens written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens_cache_write: Option<i64>,
    /// Tokens read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens_cache_read: Option<i64>,
    /// Tokens of reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<i64>,
    /// What it cost, in dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_cost: Option<f64>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl ModelUsage {
    /// So many tokens in and out.
    pub fn new(input_tokens: i64, output_tokens: i64) -> ModelUsage {
        let total_tokens = input_tokens.saturating_add(output_tokens);
        ModelUsage { input_tokens, output_tokens, total_tokens, ..ModelUsage::default() }
    }
}
