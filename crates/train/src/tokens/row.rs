//! One text to train on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Tokenizer;

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

    /// The row as text, with the tokens that carry loss in `[brackets]`: a way to see the mask.
    pub fn show(&self, tokenizer: &Tokenizer) -> impl fmt::Display {
        let mut shown = String::new();
        for (&id, &weight) in self.ids.iter().zip(&self.weights) {
            let word = tokenizer.decode(&[id]).ok().filter(|word| !word.is_empty());
            let word = word.unwrap_or_else(|| {
                if id == tokenizer.end() { tokenizer.end_token() } else { format!("#{id}") }
            });
            if !shown.is_empty() {
                shown.push(' ');
            }
            shown += &if weight == 0.0 { word } else { format!("[{word}]") };
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_can_be_seen() {
        let tokenizer = Tokenizer::word_level(["a", "b"].map(str::to_owned)).unwrap();
        let row = Row { ids: vec![2, 3, 0], weights: vec![0.0, 1.0, 1.0] };
        assert_eq!(row.show(&tokenizer).to_string(), "a [b] [<eos>]");
    }
}
