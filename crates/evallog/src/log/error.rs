//! What went wrong in an evaluation.

use serde::{Deserialize, Serialize};

use crate::Map;

/// An error that ended a sample or a whole evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EvalError {
    /// What went wrong, in a line.
    pub message: String,
    /// Where it went wrong.
    #[serde(default)]
    pub traceback: String,
    /// The same with colours.
    #[serde(default)]
    pub traceback_ansi: String,
    /// Fields that are not typed here.
    #[serde(flatten)]
    pub extra: Map,
}

impl EvalError {
    /// An error with its causes, one a line, in place of a traceback.
    pub fn new(message: impl Into<String>, causes: impl Into<String>) -> EvalError {
        let causes = causes.into();
        EvalError {
            message: message.into(),
            traceback: causes.clone(),
            traceback_ansi: causes,
            extra: Map::new(),
        }
    }
}
