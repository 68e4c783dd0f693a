//! A sample in a few lines, for lists of samples.

use serde::{Deserialize, Serialize};

use super::{
    EvalSample, Input, ModelUsage, SampleId, Score, Target,
    thin::{thin_input, thin_map, thin_score, thin_target},
};
use crate::{Map, Value};

/// A sample without its conversation and events, long texts cut: what a list of samples shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalSampleSummary {
    /// Its id.
    pub id: SampleId,
    /// Which of its runs this is.
    pub epoch: i64,
    /// What was asked.
    pub input: Input,
    /// The answers to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
    /// What the answer should be.
    pub target: Target,
    /// What it asks, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whatever the data set says of it.
    #[serde(default)]
    pub metadata: Map,
    /// Scores by scorer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Map<Score>>,
    /// Tokens by model.
    #[serde(default)]
    pub model_usage: Map<ModelUsage>,
    /// Tokens by role.
    #[serde(default)]
    pub role_usage: Map<ModelUsage>,
    /// Models that others stood in for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_fallbacks: Option<Vec<Value>>,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<String>,
    /// Seconds from start to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_time: Option<f64>,
    /// Seconds of work, without waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_time: Option<f64>,
    /// The id of this run of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// What ended it, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The kind of limit that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Why that limit ended it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_reason: Option<String>,
    /// How often it was tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<i64>,
    /// Whether it has ended.
    #[serde(default)]
    pub completed: bool,
    /// Messages of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_count: Option<i64>,
    /// How often the model was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_count: Option<i64>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

/// Fields of a sample that its summary repeats and that are not typed.
const REPEATED: [&str; 5] =
    ["token_limit", "token_limit_type", "token_limit_usage", "message_limit", "time_limit"];

impl EvalSample {
    /// The sample in a few lines, as Inspect lists it.
    pub fn summary(&self) -> EvalSampleSummary {
        let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
        let repeated = REPEATED
            .into_iter()
            .filter_map(|field| Some((field.to_owned(), self.extra.get(field)?.clone())));
        EvalSampleSummary {
            id: self.id.clone(),
            epoch: self.epoch,
            input: thin_input(&self.input),
            choices: self.choices.clone(),
            target: thin_target(&self.target),
            description: self.description.clone(),
            metadata: thin_map(&self.metadata),
            scores: self.scores.as_ref().map(|scores| {
                scores.iter().map(|(scorer, score)| (scorer.clone(), thin_score(score))).collect()
            }),
            model_usage: self.model_usage.clone(),
            role_usage: self.role_usage.clone(),
            model_fallbacks: self.model_fallbacks.clone(),
            started_at: self.started_at.clone(),
            completed_at: self.completed_at.clone(),
            total_time: self.total_time,
            working_time: self.working_time,
            uuid: self.uuid.clone(),
            error: self.error.as_ref().map(|error| error.message.clone()),
            limit: self.limit.as_ref().map(|limit| limit.kind.clone()),
            limit_reason: self.limit.as_ref().and_then(|limit| limit.reason.clone()),
            retries: self.error_retries.as_ref().map(|retries| count(retries.len())),
            completed: true,
            message_count: Some(count(self.messages.len())),
            turn_count: self.turn_count,
            extra: repeated.collect(),
        }
    }
}
