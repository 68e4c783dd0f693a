//! Where parameters come from: drawn at random, or read from a checkpoint. A model is built by asking
//! for each by name, so that none keeps an initial value in silence.

use burn::{
    module::Param,
    tensor::{DType, Device, Tensor, TensorData},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{
    Precision, TransformerConfig,
    attention::Attention,
    block::{Block, FeedForward},
    layers::{Embedding, Projection, RmsNorm},
    transformer::{Decoder, Weights},
};
use crate::Result;

/// What a parameter does, which decides how it is drawn.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    /// Embeds tokens.
    Embedding,
    /// Scores tokens.
    Head,
    /// Reads the residual stream or what was read from it.
    Reading,
    /// Writes to the residual stream.
    Writing,
    /// Scales a norm.
    Scale,
    /// Is added.
    Bias,
}

/// Gives parameters by their Hugging Face names.
pub(crate) trait Source {
    /// All values of a parameter of this shape, row by row.
    fn values(&mut self, name: &str, shape: &[usize], part: Part) -> Result<TensorData>;
}

/// Builds all parameters of a model.
pub(crate) fn build(
    config: &TransformerConfig,
    source: &mut dyn Source,
    precision: Precision,
    device: &Device,
) -> Result<Weights> {
    let mut from = Builder { config, source, dtype: precision.dtype(), device };
    let (vocabulary, width) = (config.vocab_size, config.hidden_size);
    let embed_tokens = Embedding {
        weight: from.matrix("model.embed_tokens", [vocabulary, width], Part::Embedding)?,
    };
    let layers = (0..config.num_hidden_layers).map(|number| from.block(number));
    let layers = layers.collect::<Result<_>>()?;
    let norm = from.norm("model.norm", width)?;
    let lm_head = match config.tie_word_embeddings {
        true => None,
        false => Some(from.projection("lm_head", [vocabulary, width], Part::Head, false)?),
    };
    Ok(Weights { model: Decoder { embed_tokens, layers, norm }, lm_head })
}

struct Builder<'s> {
    config: &'s TransformerConfig,
    source: &'s mut dyn Source,
    dtype: DType,
    device: &'s Device,
}

impl Builder<'_> {
    fn block(&mut self, number: usize) -> Result<Block> {
        let config = self.config;
        let (width, wide) = (config.hidden_size, config.intermediate_size);
        let heads = config.num_attention_heads * config.head_dim;
        let groups = config.num_key_value_heads * config.head_dim;
        let (qkv_bias, out_bias, mlp_bias) =
            (config.qkv_bias(), config.out_bias(), config.mlp_bias);
        let name = |part: &str| format!("model.layers.{number}.{part}");
        let mut projection = |part: &str, out, into, does, bias| {
            self.projection(&name(part), [out, into], does, bias)
        };
        let q_proj = projection("self_attn.q_proj", heads, width, Part::Reading, qkv_bias)?;
        let k_proj = projection("self_attn.k_proj", groups, width, Part::Reading, qkv_bias)?;
        let v_proj = projection("self_attn.v_proj", groups, width, Part::Reading, qkv_bias)?;
        let o_proj = projection("self_attn.o_proj", width, heads, Part::Writing, out_bias)?;
        let gate_proj = projection("mlp.gate_proj", wide, width, Part::Reading, mlp_bias)?;
        let up_proj = projection("mlp.up_proj", wide, width, Part::Reading, mlp_bias)?;
        let down_proj = projection("mlp.down_proj", width, wide, Part::Writing, mlp_bias)?;
        let mut head_norm = |part: &str| -> Result<_> {
            config.qk_norm().then(|| self.norm(&name(part), config.head_dim)).transpose()
        };
        let (q_norm, k_norm) = (head_norm("self_attn.q_norm")?, head_norm("self_attn.k_norm")?);
        Ok(Block {
            self_attn: Attention {
                q_proj,
                k_proj,
                v_proj,
                o_proj,
                q_norm,
                k_norm,
                heads: config.num_attention_heads,
                groups: config.num_key_value_heads,
                size: config.head_dim,
                slides: config.slides(number),
            },
            mlp: FeedForward { gate_proj, up_proj, down_proj },
            input_layernorm: self.norm(&name("input_layernorm"), width)?,
            post_attention_layernorm: self.norm(&name("post_attention_layernorm"), width)?,
        })
    }

    fn projection(
        &mut self,
        name: &str,
        shape: [usize; 2],
        part: Part,
        bias: bool,
    ) -> Result<Projection> {
        let weight = self.matrix(name, shape, part)?;
        let mut add = || self.vector(&format!("{name}.bias"), shape[0], Part::Bias);
        Ok(Projection { weight, bias: bias.then(&mut add).transpose()?, lora: None })
    }

    fn norm(&mut self, name: &str, size: usize) -> Result<RmsNorm> {
        let weight = self.vector(&format!("{name}.weight"), size, Part::Scale)?;
        Ok(RmsNorm::new(weight, self.config.rms_norm_eps))
    }

    fn matrix(&mut self, name: &str, shape: [usize; 2], part: Part) -> Result<Param<Tensor<2>>> {
        let values = self.source.values(&format!("{name}.weight"), &shape, part)?;
        Ok(Param::from_tensor(Tensor::from_data(values, (self.device, self.dtype))))
    }

    fn vector(&mut self, name: &str, size: usize, part: Part) -> Result<Param<Tensor<1>>> {
        let values = self.source.values(name, &[size], part)?;
        Ok(Param::from_tensor(Tensor::from_data(values, (self.device, self.dtype))))
    }
}

/// Draws parameters on the host, so that a seed means the same on every device.
///
/// Projections have a standard deviation of `1 / sqrt(in)`, those that write to the residual stream
/// less, by `1 / sqrt(2 × layers)` (GPT-2's rule); small models learn far slower from the usual 0.02.
pub(crate) struct Random {
    random: ChaCha8Rng,
    layers: usize,
}

impl Random {
    pub(crate) fn new(seed: u64, config: &TransformerConfig) -> Self {
        Random { random: ChaCha8Rng::seed_from_u64(seed), layers: config.num_hidden_layers }
    }
}

impl Source for Random {
    fn values(&mut self, _: &str, shape: &[usize], part: Part) -> Result<TensorData> {
        let into = shape.last().map_or(1.0, |&into| into as f64);
        let less = (2.0 * self.layers as f64).sqrt().recip();
        let deviation = match part {
            Part::Embedding => 0.1,
            Part::Head => 0.02,
            Part::Reading => into.sqrt().recip(),
            Part::Writing => less / into.sqrt(),
            Part::Scale => return Ok(TensorData::ones::<f32, _>(shape)),
            Part::Bias => return Ok(TensorData::zeros::<f32, _>(shape)),
        };
        let mut draw = || -> f64 { StandardNormal.sample(&mut self.random) };
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| (deviation * draw()) as f32).collect();
        Ok(TensorData::new(values, shape.to_vec()))
    }
}
