//! Random initialisation, the same on every device.

use burn::{
    module::Param,
    tensor::{Device, Tensor, TensorData},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{
    TransformerConfig,
    attention::Attention,
    block::{Block, FeedForward},
    layers::{Embedding, Projection, RmsNorm},
    transformer::{Decoder, Weights},
};

/// Draws parameters on the host, so that a seed means the same on every device.
pub(super) struct Init<'d> {
    random: ChaCha8Rng,
    device: &'d Device,
}

impl<'d> Init<'d> {
    pub(super) fn new(seed: u64, device: &'d Device) -> Self {
        Init { random: ChaCha8Rng::seed_from_u64(seed), device }
    }

    /// Projections have a standard deviation of `1 / sqrt(in)`, those that write to the residual
    /// stream less, by `1 / sqrt(2 × layers)` (GPT-2's rule); small models learn far slower from the
    /// usual 0.02.
    pub(super) fn weights(&mut self, config: &TransformerConfig) -> Weights {
        let (width, wide) = (config.hidden_size, config.intermediate_size);
        let heads = config.num_attention_heads * config.head_dim;
        let groups = config.num_key_value_heads * config.head_dim;
        let less = (2.0 * config.num_hidden_layers as f64).sqrt().recip();
        let embed_tokens = Embedding { weight: self.normal([config.vocab_size, width], 0.1) };
        let layers = (0..config.num_hidden_layers)
            .map(|_| Block {
                self_attn: Attention {
                    q_proj: self.projection(heads, width, 1.0),
                    k_proj: self.projection(groups, width, 1.0),
                    v_proj: self.projection(groups, width, 1.0),
                    o_proj: self.projection(width, heads, less),
                    heads: config.num_attention_heads,
                    groups: config.num_key_value_heads,
                    size: config.head_dim,
                },
                mlp: FeedForward {
                    gate_proj: self.projection(wide, width, 1.0),
                    up_proj: self.projection(wide, width, 1.0),
                    down_proj: self.projection(width, wide, less),
                },
                input_layernorm: self.norm(config),
                post_attention_layernorm: self.norm(config),
            })
            .collect();
        let norm = self.norm(config);
        let lm_head = (!config.tie_word_embeddings)
            .then(|| Projection { weight: self.normal([config.vocab_size, width], 0.02) });
        Weights { model: Decoder { embed_tokens, layers, norm }, lm_head }
    }

    fn projection(&mut self, out: usize, into: usize, gain: f64) -> Projection {
        Projection { weight: self.normal([out, into], gain / (into as f64).sqrt()) }
    }

    fn normal(&mut self, shape: [usize; 2], deviation: f64) -> Param<Tensor<2>> {
        let mut draw = || -> f64 { StandardNormal.sample(&mut self.random) };
        let values: Vec<f32> =
            (0..shape[0] * shape[1]).map(|_| (deviation * draw()) as f32).collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    fn norm(&mut self, config: &TransformerConfig) -> RmsNorm {
        let ones = Tensor::ones([config.hidden_size], self.device);
        RmsNorm::new(Param::from_tensor(ones), config.rms_norm_eps)
    }
}
