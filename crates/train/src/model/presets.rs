//! Shapes by name: small ones for training from nothing, and published ones.

use super::{Architecture, RopeScaling, TransformerConfig};

impl TransformerConfig {
    /// About 0.2 M parameters at a few hundred words: what a laptop trains in two minutes. Three
    /// blocks, width 64, four heads, sequences of 64 tokens.
    pub fn tiny(vocab_size: usize) -> Self {
        TransformerConfig {
            intermediate_size: 176,
            num_hidden_layers: 3,
            max_position_embeddings: 64,
            // Short sequences want faster rotations than Llama's 10,000.
            rope_theta: 1000.0,
            ..TransformerConfig::square(vocab_size, 64, 16)
        }
    }

    /// 7.4 M parameters at 8,192 tokens: what a laptop trains overnight. Four blocks, width 256, eight
    /// heads, sequences of 1,024 tokens.
    pub fn small(vocab_size: usize) -> Self {
        TransformerConfig {
            num_hidden_layers: 4,
            max_position_embeddings: 1024,
            ..TransformerConfig::square(vocab_size, 256, 32)
        }
    }

    /// 32 M parameters at 8,192 tokens: what one GPU trains in an hour. Eight blocks, width 512, eight
    /// heads in four groups, sequences of 2,048 tokens.
    pub fn medium(vocab_size: usize) -> Self {
        TransformerConfig {
            num_hidden_layers: 8,
            num_key_value_heads: 4,
            max_position_embeddings: 2048,
            ..TransformerConfig::square(vocab_size, 512, 64)
        }
    }

    /// The shape of Llama 3.1 8B.
    pub fn llama3_1_8b() -> Self {
        TransformerConfig {
            num_hidden_layers: 32,
            num_key_value_heads: 8,
            intermediate_size: 14_336,
            max_position_embeddings: 131_072,
            rope_theta: 500_000.0,
            rope_scaling: Some(RopeScaling::Llama3 {
                factor: 8.0,
                low_freq_factor: 1.0,
                high_freq_factor: 4.0,
                original_max_position_embeddings: 8192,
            }),
            ..TransformerConfig::square(128_256, 4096, 128)
        }
    }

    /// The shape of Qwen2.5 0.5B.
    pub fn qwen2_5_0_5b() -> Self {
        TransformerConfig {
            num_hidden_layers: 24,
            num_key_value_heads: 2,
            intermediate_size: 4864,
            max_position_embeddings: 32_768,
            tie_word_embeddings: true,
            ..TransformerConfig::qwen(Architecture::Qwen2, 151_936, 896, 64)
        }
    }

    /// The shape of Qwen2.5 7B.
    pub fn qwen2_5_7b() -> Self {
        TransformerConfig {
            num_hidden_layers: 28,
            num_key_value_heads: 4,
            intermediate_size: 18_944,
            max_position_embeddings: 131_072,
            ..TransformerConfig::qwen(Architecture::Qwen2, 152_064, 3584, 128)
        }
    }

    /// The shape of Qwen3 0.6B.
    pub fn qwen3_0_6b() -> Self {
        TransformerConfig {
            num_hidden_layers: 28,
            num_attention_heads: 16,
            num_key_value_heads: 8,
            intermediate_size: 3072,
            max_position_embeddings: 40_960,
            tie_word_embeddings: true,
            ..TransformerConfig::qwen(Architecture::Qwen3, 151_936, 1024, 128)
        }
    }

    fn qwen(architecture: Architecture, vocabulary: usize, width: usize, head: usize) -> Self {
        TransformerConfig {
            architecture,
            rms_norm_eps: 1e-6,
            rope_theta: 1_000_000.0,
            ..TransformerConfig::square(vocabulary, width, head)
        }
    }

    /// One block of Llama's kind, whose heads together are as wide as the model, and whose feed-forward
    /// layer is 8/3 of that, rounded up to a multiple of 64.
    fn square(vocab_size: usize, width: usize, head: usize) -> Self {
        TransformerConfig {
            architecture: Architecture::Llama,
            vocab_size,
            hidden_size: width,
            intermediate_size: (width * 8).div_ceil(3).next_multiple_of(64),
            num_hidden_layers: 1,
            num_attention_heads: width / head,
            num_key_value_heads: width / head,
            head_dim: head,
            max_position_embeddings: 2048,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            rope_scaling: None,
            tie_word_embeddings: false,
            attention_bias: false,
            mlp_bias: false,
            sliding_window: None,
            sliding_layers: Vec::new(),
        }
    }

    /// How many parameters a model of this shape has.
    pub fn parameters(&self) -> usize {
        let (width, wide) = (self.hidden_size, self.intermediate_size);
        let heads = self.num_attention_heads * self.head_dim;
        let groups = self.num_key_value_heads * self.head_dim;
        let there = |is: bool, count: usize| if is { count } else { 0 };
        let matrices = 2 * width * (heads + groups) + 3 * width * wide;
        let biases = there(self.qkv_bias(), heads + 2 * groups)
            + there(self.out_bias(), width)
            + there(self.mlp_bias, 2 * wide + width);
        let norms = 2 * width + there(self.qk_norm(), 2 * self.head_dim);
        let embeddings = if self.tie_word_embeddings { 1 } else { 2 };
        self.num_hidden_layers * (matrices + biases + norms)
            + embeddings * self.vocab_size * width
            + width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Transformer, testing};

    #[test]
    fn published_shapes_have_the_published_sizes() {
        for (config, parameters) in [
            (TransformerConfig::llama3_1_8b(), 8_030_261_248),
            (TransformerConfig::qwen2_5_0_5b(), 494_032_768),
            (TransformerConfig::qwen2_5_7b(), 7_615_616_512),
            (TransformerConfig::qwen3_0_6b(), 596_049_920),
        ] {
            config.check().unwrap();
            assert_eq!(config.parameters(), parameters, "{config:?}");
        }
    }

    #[test]
    fn a_model_has_the_parameters_that_its_shape_says() {
        let biased = TransformerConfig {
            architecture: Architecture::Qwen3,
            attention_bias: true,
            num_key_value_heads: 2,
            tie_word_embeddings: true,
            ..TransformerConfig::tiny(9)
        };
        let llama = TransformerConfig { mlp_bias: true, ..TransformerConfig::tiny(9) };
        let (small, medium) = (TransformerConfig::small(300), TransformerConfig::medium(300));
        for config in [biased, llama, small, medium] {
            let model = Transformer::init(config.clone(), 0, &testing::device()).unwrap();
            assert_eq!(model.parameters(), config.parameters());
        }
        assert_eq!(TransformerConfig::tiny(500).parameters(), 214_976);
        assert_eq!(TransformerConfig::small(8192).parameters(), 7_407_872);
        assert_eq!(TransformerConfig::medium(8192).parameters(), 31_990_272);
    }
}
