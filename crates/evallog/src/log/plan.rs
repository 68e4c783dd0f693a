//! The solvers of an evaluation.

use serde::{Deserialize, Serialize};

use super::GenerateConfig;
use crate::Map;

/// The solvers that ran, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalPlan {
    /// Its name: `plan`.
    #[serde(default = "plan")]
    pub name: String,
    /// The solvers.
    #[serde(default)]
    pub steps: Vec<EvalPlanStep>,
    /// A solver that runs at the end whatever happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<EvalPlanStep>,
    /// How the model was sampled.
    #[serde(default)]
    pub config: GenerateConfig,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

fn plan() -> String {
    "plan".to_owned()
}

impl Default for EvalPlan {
    fn default() -> EvalPlan {
        EvalPlan {
            name: plan(),
            steps: Vec::new(),
            finish: None,
            config: GenerateConfig::default(),
            extra: Map::new(),
        }
    }
}

/// One solver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalPlanStep {
    /// Its name.
    pub solver: String,
    /// Its parameters, defaults included.
    #[serde(default)]
    pub params: Map,
    /// The parameters that were given. Older logs do not tell them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params_passed: Option<Map>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl EvalPlanStep {
    /// A solver and all its parameters.
    pub fn new(solver: impl Into<String>, params: Map) -> EvalPlanStep {
        EvalPlanStep { solver: solver.into(), params, ..EvalPlanStep::default() }
    }
}
