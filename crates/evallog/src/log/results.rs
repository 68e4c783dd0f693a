//! Scores over all samples.

use serde::{Deserialize, Serialize};

use super::{SampleId, Score};
use crate::{Map, Number, Value};

/// Scores over all samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EvalResults {
    /// Samples that should have run: those of the data set times the epochs.
    pub total_samples: i64,
    /// Samples that ran without an error.
    pub completed_samples: i64,
    /// Samples in the log, where a run was cut short by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged_samples: Option<i64>,
    /// What was decided early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<Value>,
    /// One per scorer and reducer.
    pub scores: Vec<EvalScore>,
    /// The number that says it best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headline: Option<Value>,
    /// Whatever else is to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl EvalResults {
    /// So many samples of so many ran without an error; scores are the caller's to add.
    pub fn new(total_samples: i64, completed_samples: i64) -> EvalResults {
        EvalResults { total_samples, completed_samples, ..EvalResults::default() }
    }
}

/// What one scorer found over all samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalScore {
    /// The name of the score: the scorer's, or a key of its values.
    pub name: String,
    /// The scorer.
    pub scorer: String,
    /// How the scores of epochs became one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reducer: Option<String>,
    /// Samples that it scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scored_samples: Option<i64>,
    /// Samples that it could not score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unscored_samples: Option<i64>,
    /// The scorer's parameters.
    #[serde(default)]
    pub params: Map,
    /// Its metrics by name.
    #[serde(default)]
    pub metrics: Map<EvalMetric>,
    /// Whatever else is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl EvalScore {
    /// A scorer whose score bears its name.
    pub fn new(scorer: impl Into<String>) -> EvalScore {
        let scorer = scorer.into();
        EvalScore { name: scorer.clone(), scorer, ..EvalScore::default() }
    }

    /// The same with a metric more.
    pub fn with(mut self, metric: EvalMetric) -> EvalScore {
        self.metrics.insert(metric.name.clone(), metric);
        self
    }
}

/// One number over all samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalMetric {
    /// Its name.
    pub name: String,
    /// The metric that it is one of several values of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The number, which may be `NaN`.
    pub value: Number,
    /// The metric's parameters.
    #[serde(default)]
    pub params: Map,
    /// Whatever else is to be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl EvalMetric {
    /// A number by its name.
    pub fn new(name: impl Into<String>, value: impl Into<Number>) -> EvalMetric {
        EvalMetric {
            name: name.into(),
            group: None,
            value: value.into(),
            params: Map::new(),
            metadata: None,
            extra: Map::new(),
        }
    }
}

/// The scores of one scorer, those of a sample's epochs reduced to one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalSampleReductions {
    /// The scorer.
    pub scorer: String,
    /// How the scores became one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reducer: Option<String>,
    /// One score per sample.
    pub samples: Vec<EvalSampleScore>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl EvalSampleReductions {
    /// The scores of a scorer.
    pub fn new(scorer: impl Into<String>, samples: Vec<EvalSampleScore>) -> EvalSampleReductions {
        EvalSampleReductions { scorer: scorer.into(), reducer: None, samples, extra: Map::new() }
    }
}

/// The score of a sample over its epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalSampleScore {
    /// The score.
    #[serde(flatten)]
    pub score: Score,
    /// The sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_id: Option<SampleId>,
}

impl EvalSampleScore {
    /// The score of a sample.
    pub fn new(sample_id: impl Into<SampleId>, score: Score) -> EvalSampleScore {
        EvalSampleScore { score, sample_id: Some(sample_id.into()) }
    }
}
