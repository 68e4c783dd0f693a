//! The shape of a transformer, in the fields of Hugging Face's `config.json`.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The shape of a Llama-style transformer. Field names are those of Hugging Face's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransformerConfig {
    /// Tokens of the vocabulary.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// Blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides the query heads.
    pub num_key_value_heads: usize,
    /// Size of a head, even.
    pub head_dim: usize,
    /// Longest sequence, in tokens.
    pub max_position_embeddings: usize,
    /// Added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Whether the output layer is the embedding.
    pub tie_word_embeddings: bool,
}

impl TransformerConfig {
    /// About 0.2 M parameters at a few hundred words: what a laptop trains in two minutes. Three
    /// blocks, width 64, four heads, sequences of 64 tokens.
    pub fn tiny(vocab_size: usize) -> Self {
        TransformerConfig {
            vocab_size,
            hidden_size: 64,
            intermediate_size: 176,
            num_hidden_layers: 3,
            num_attention_heads: 4,
            num_key_value_heads: 4,
            head_dim: 16,
            max_position_embeddings: 64,
            rms_norm_eps: 1e-5,
            // Short sequences want faster rotations than Llama's 10,000.
            rope_theta: 1000.0,
            tie_word_embeddings: false,
        }
    }

    /// Whether such a transformer can be.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |message: String| Err(Error::Config { what: "transformer", message });
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return wrong(format!("`{name}` is 0"));
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            return wrong(format!(
                "`num_key_value_heads` ({}) does not divide `num_attention_heads` ({})",
                self.num_key_value_heads, self.num_attention_heads
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return wrong(format!("`head_dim` ({}) is odd; rotary halves it", self.head_dim));
        }
        Ok(())
    }
}
