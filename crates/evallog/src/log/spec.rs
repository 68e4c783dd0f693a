//! What was evaluated, and how.

use serde::{Deserialize, Serialize};

use super::{EvalConfig, GenerateConfig, SampleId};
use crate::{Map, Value};

/// What was evaluated, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalSpec {
    /// The set of evaluations it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_set_id: Option<String>,
    /// The id of this evaluation, unique in the world.
    #[serde(default)]
    pub eval_id: String,
    /// The id of the run, which may be of several tasks.
    #[serde(default)]
    pub run_id: String,
    /// When it was made, as ISO 8601 with a time zone.
    pub created: String,
    /// The name of the task.
    pub task: String,
    /// The id of the task, the same when it is retried.
    #[serde(default)]
    pub task_id: String,
    /// The version of the task.
    #[serde(default)]
    pub task_version: TaskVersion,
    /// The file that the task is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_file: Option<String>,
    /// The name of the task as shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_display_name: Option<String>,
    /// What the task asks, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_description: Option<String>,
    /// The name under which the task is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_registry_name: Option<String>,
    /// Attributes of the task.
    #[serde(default)]
    pub task_attribs: Map,
    /// The arguments of the task, defaults included.
    #[serde(default)]
    pub task_args: Map,
    /// The arguments that were given. Older logs do not tell them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_args_passed: Option<Map>,
    /// The solver, where it is not the task's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solver: Option<String>,
    /// Its arguments, defaults included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solver_args: Option<Map>,
    /// Its arguments that were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solver_args_passed: Option<Map>,
    /// Tags of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The samples.
    #[serde(default)]
    pub dataset: EvalDataset,
    /// The sandbox that tools ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Value>,
    /// The model, as `provider/name`.
    pub model: String,
    /// How the model was sampled.
    #[serde(default)]
    pub model_generate_config: GenerateConfig,
    /// Where the model was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_base_url: Option<String>,
    /// Arguments of the model.
    #[serde(default)]
    pub model_args: Map,
    /// Models in other roles, such as `grader`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_roles: Option<Map>,
    /// How it was run.
    #[serde(default)]
    pub config: EvalConfig,
    /// The revision of the sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Value>,
    /// Versions of packages.
    #[serde(default)]
    pub packages: Map,
    /// Whatever else is to be known of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map>,
    /// How the viewer shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Value>,
    /// The scorers, with their metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorers: Option<Vec<Value>>,
    /// Metrics of the task itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Value>,
    /// The number that says it best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline_metric: Option<Value>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl EvalSpec {
    /// A task on a model.
    ///
    /// `created` is ISO 8601 with a time zone. Ids are left empty; the caller sets those it has.
    pub fn new(
        task: impl Into<String>,
        model: impl Into<String>,
        created: impl Into<String>,
    ) -> EvalSpec {
        EvalSpec {
            eval_set_id: None,
            eval_id: String::new(),
            run_id: String::new(),
            created: created.into(),
            task: task.into(),
            task_id: String::new(),
            task_version: TaskVersion::default(),
            task_file: None,
            task_display_name: None,
            task_description: None,
            task_registry_name: None,
            task_attribs: Map::new(),
            task_args: Map::new(),
            task_args_passed: None,
            solver: None,
            solver_args: None,
            solver_args_passed: None,
            tags: None,
            dataset: EvalDataset::default(),
            sandbox: None,
            model: model.into(),
            model_generate_config: GenerateConfig::default(),
            model_base_url: None,
            model_args: Map::new(),
            model_roles: None,
            config: EvalConfig::default(),
            revision: None,
            packages: Map::new(),
            metadata: None,
            viewer: None,
            scorers: None,
            metrics: None,
            headline_metric: None,
            extra: Map::new(),
        }
    }
}

/// The version of a task: a number or a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TaskVersion {
    /// A number.
    Number(i64),
    /// A name.
    Name(String),
}

impl Default for TaskVersion {
    fn default() -> TaskVersion {
        TaskVersion::Number(0)
    }
}

/// The samples of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EvalDataset {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its file or address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// How many samples it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<i64>,
    /// Their ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_ids: Option<Vec<SampleId>>,
    /// Whether they were shuffled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shuffled: Option<bool>,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}
