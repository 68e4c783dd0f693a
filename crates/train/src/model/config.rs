//! The shape of a transformer, resolved: nothing is left to a default.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The largest published models have a few hundred.
pub(super) const MOST_LAYERS: usize = 10_000;

/// The architectures that can be read, trained and written. They are Llama's with small differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Architecture {
    /// Llama 1 to 3.2 (arXiv 2407.21783).
    Llama,
    /// Mistral (arXiv 2310.06825): Llama with a sliding window in its first version.
    Mistral,
    /// Qwen2 and Qwen2.5 (arXiv 2407.10671): queries, keys and values have biases.
    Qwen2,
    /// Qwen3 (arXiv 2505.09388): every head's queries and keys are normed.
    Qwen3,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Llama, Self::Mistral, Self::Qwen2, Self::Qwen3];

    /// Its name in `config.json`, the `model_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }

    /// The class that `transformers` makes of it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Llama => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
        }
    }
}

/// How rotary frequencies are stretched for longer sequences than a model was first trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RopeScaling {
    /// All frequencies divided by a factor (arXiv 2306.15595).
    Linear {
        /// The factor.
        factor: f64,
    },
    /// Llama 3.1's: low frequencies divided by a factor, high ones kept, a ramp between.
    Llama3 {
        /// The factor.
        factor: f64,
        /// Wavelengths longer than the original length divided by this are divided by the factor.
        low_freq_factor: f64,
        /// Wavelengths shorter than the original length divided by this are kept.
        high_freq_factor: f64,
        /// The original length, in tokens.
        original_max_position_embeddings: usize,
    },
}

/// The shape of a transformer. Field names are those of Hugging Face's `config.json`, where it has
/// them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransformerConfig {
    /// What it is.
    pub architecture: Architecture,
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
    /// How they are stretched.
    pub rope_scaling: Option<RopeScaling>,
    /// Whether the output layer is the embedding.
    pub tie_word_embeddings: bool,
    /// Whether the four projections of attention have biases. Qwen2 has them in any case, except at
    /// its output.
    pub attention_bias: bool,
    /// Whether the three projections of the feed-forward layer have biases; Llama only.
    pub mlp_bias: bool,
    /// How many tokens a token sees, itself among them, where a window slides.
    pub sliding_window: Option<usize>,
    /// In which blocks it does; empty is in all.
    pub sliding_layers: Vec<bool>,
}

impl TransformerConfig {
    /// Whether queries, keys and values have biases.
    pub(crate) fn qkv_bias(&self) -> bool {
        self.attention_bias || self.architecture == Architecture::Qwen2
    }

    /// Whether attention's output has a bias.
    pub(crate) fn out_bias(&self) -> bool {
        self.attention_bias && self.architecture != Architecture::Qwen2
    }

    /// Whether every head's queries and keys are normed.
    pub(crate) fn qk_norm(&self) -> bool {
        self.architecture == Architecture::Qwen3
    }

    /// Whether the window slides in a block.
    pub(crate) fn slides(&self, layer: usize) -> bool {
        self.sliding_window.is_some() && *self.sliding_layers.get(layer).unwrap_or(&true)
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
            ("sliding_window", self.sliding_window.unwrap_or(1)),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return wrong(format!("`{name}` is 0"));
        }
        if self.num_hidden_layers > MOST_LAYERS {
            return wrong(format!(
                "`num_hidden_layers` is {}, which no model has",
                self.num_hidden_layers
            ));
        }
        for (name, number) in [("rms_norm_eps", self.rms_norm_eps), ("rope_theta", self.rope_theta)]
        {
            if !(number.is_finite() && number > 0.0) {
                return wrong(format!("`{name}` is {number}, and no positive number"));
            }
        }
        self.rope_scaling.map_or(Ok(()), RopeScaling::check)?;
        // So that no product of two sizes overflows.
        if let Some((name, size)) = sizes.iter().find(|(_, size)| *size > i32::MAX as usize) {
            return wrong(format!("`{name}` is {size}, which no model has"));
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
        if !self.sliding_layers.is_empty() && self.sliding_layers.len() != self.num_hidden_layers {
            return wrong(format!(
                "`sliding_layers` speaks of {} blocks, and there are {}",
                self.sliding_layers.len(),
                self.num_hidden_layers
            ));
        }
        Ok(())
    }
}
