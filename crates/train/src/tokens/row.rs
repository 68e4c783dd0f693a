//! One text to train on.

use serde::{Deserialize, Serialize};

/// One text to train on: token ids, and for each the weight of its loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Loss weight of predicting each token from those before it; as long as `ids`. The first has no
    /// tokens before it and counts for nothing, whatever its weight.
    pub weights: Vec<f32>,
}

impl Row {
    /// A row with loss on every token.
    pub fn learning_all(ids: Vec<u32>) -> Self {
        Row { weights: vec![1.0; ids.len()], ids }
    }

    /// How many tokens carry loss.
    pub fn learnt(&self) -> usize {
        self.weights.iter().skip(1).filter(|&&weight| weight != 0.0).count()
    }
}
