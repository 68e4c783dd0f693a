//! The whole model.

use burn::{
    module::{Module, Param},
    tensor::{DType, Device, Int, Tensor, TensorData},
};
use serde_json::{Map, Value};

use super::{
    Precision, TransformerConfig,
    block::Block,
    context::Context,
    layers::{Embedding, Projection, RmsNorm},
    lora::{LoraConfig, Target},
    parameters::{Trained, parameters},
    rope::Rope,
    source::{Random, Source, build},
};
use crate::{Batch, Result};

/// A causal language model of Llama's architecture or one of its relatives, on a device.
#[derive(Clone, Debug)]
pub struct Transformer {
    config: TransformerConfig,
    /// Its `config.json`, as it was read.
    file: Map<String, Value>,
    pub(super) weights: Weights,
    /// The adapter's shape, where there is one.
    pub(super) lora: Option<LoraConfig>,
    pub(super) rope: Rope,
    device: Device,
}

/// What is trained and saved; field names make Hugging Face's parameter names.
#[derive(Module, Debug)]
pub(crate) struct Weights {
    pub(crate) model: Decoder,
    pub(crate) lm_head: Option<Projection>,
}

#[derive(Module, Debug)]
pub(crate) struct Decoder {
    pub(crate) embed_tokens: Embedding,
    pub(crate) layers: Vec<Block>,
    pub(crate) norm: RmsNorm,
}

impl Transformer {
    /// A model with random parameters, the same for a seed on every device.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) when there can be no such model.
    pub fn init(config: TransformerConfig, seed: u64, device: &Device) -> Result<Self> {
        let mut random = Random::new(seed, &config);
        Transformer::build(config, &mut random, Precision::F32, device)
    }

    /// A model with the parameters that a source gives.
    pub(crate) fn build(
        config: TransformerConfig,
        source: &mut dyn Source,
        precision: Precision,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        let weights = build(&config, source, precision, device)?;
        let rope = Rope::new(&config);
        // A class of `transformers` has end tokens of its own where a file is silent.
        let none = ["bos_token_id", "eos_token_id", "pad_token_id"];
        let file = none.into_iter().map(|name| (name.to_owned(), Value::Null)).collect();
        Ok(Transformer { config, file, weights, lora: None, rope, device: device.clone() })
    }

    /// Its shape.
    pub fn config(&self) -> &TransformerConfig {
        &self.config
    }

    /// What its `config.json` says beyond its shape, and in which words; the shape there is stale, and
    /// what a model made here has is that there are no special tokens.
    pub(crate) fn file(&self) -> &Map<String, Value> {
        &self.file
    }

    pub(crate) fn with_file(self, file: Map<String, Value>) -> Self {
        Transformer { file, ..self }
    }

    /// Where it lives.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How many parameters it has.
    pub fn parameters(&self) -> usize {
        self.weights.num_params()
    }

    /// Floating-point operations of training on one token of a sequence of this length: two for each
    /// weight of a matrix forward and as many again for each gradient, of activations and, where the
    /// weight is trained, of the weight; attention over half the sequence on average.
    pub(crate) fn flops_per_token(&self, length: usize) -> f64 {
        let config = &self.config;
        let (width, wide, size) = (config.hidden_size, config.intermediate_size, config.head_dim);
        let (heads, groups) = (config.num_attention_heads, config.num_key_value_heads);
        let block = 2 * width * size * (heads + groups) + 3 * width * wide;
        let base = (config.num_hidden_layers * block + config.vocab_size * width) as f64;
        let attention = 6.0 * (config.num_hidden_layers * heads * size * length) as f64;
        attention
            + match self.trained() {
                Trained::All => 6.0 * base,
                Trained::Factors => {
                    let factors = parameters(&self.weights, Trained::Factors);
                    let sizes = factors.iter().map(|f| f.shape.iter().product::<usize>());
                    4.0 * base + 6.0 * sizes.sum::<usize>() as f64
                }
            }
    }

    /// Logits of a batch, `[sequences, length, vocabulary]`. The logits at a token are of the token
    /// after it.
    pub fn logits(&self, batch: &Batch) -> Tensor<3> {
        let context = self.context(batch, self.weights.dtype());
        let h_btd = self.weights.model.forward(batch.ids(&self.device), &context);
        h_btd.matmul(self.weights.head().transpose().unsqueeze())
    }

    /// Rows of the embedding, `[rows, width]`, row by row.
    ///
    /// # Panics
    ///
    /// When an id is not in the vocabulary.
    pub fn embeddings(&self, ids: &[u32]) -> Vec<Vec<f32>> {
        let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        let rows = ids.len();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [rows]), &self.device);
        let weight = self.weights.model.embed_tokens.weight.val();
        let values: Vec<f32> = weight.select(0, ids).into_data().iter::<f32>().collect();
        values.chunks(self.config.hidden_size).map(<[f32]>::to_vec).collect()
    }

    /// Overwrites rows of the embedding: a new word, or one that starts anew.
    ///
    /// # Panics
    ///
    /// When an id is not in the vocabulary, or a row has not the model's width.
    pub fn set_embeddings(&mut self, rows: &[(u32, Vec<f32>)]) {
        let width = self.config.hidden_size;
        let weight = self.weights.model.embed_tokens.weight.clone();
        self.weights.model.embed_tokens.weight = weight.map(|mut weight| {
            for (id, row) in rows {
                let row = Tensor::from_data(TensorData::new(row.clone(), [1, width]), &self.device);
                let id = *id as usize;
                weight = weight.slice_assign([id..id + 1, 0..width], row);
            }
            weight
        });
    }

    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    pub(crate) fn context(&self, batch: &Batch, dtype: DType) -> Context {
        Context::new(batch, &self.config, &self.rope, dtype, &self.device)
    }

    pub(crate) fn update_weights(&mut self, update: impl FnOnce(Weights) -> Weights) {
        // Nobody else holds them then, so that they can be written in place.
        let weights = std::mem::replace(&mut self.weights, Weights::hollow(&self.device));
        self.weights = update(weights);
    }

    pub(crate) fn try_update_weights(
        &mut self,
        update: impl FnOnce(&mut Weights) -> Result<()>,
    ) -> Result<()> {
        update(&mut self.weights)
    }
}

impl Decoder {
    /// `[batch, time]` ids to `[batch, time, width]`, normed.
    pub(crate) fn forward(&self, ids_bt: Tensor<2, Int>, context: &Context) -> Tensor<3> {
        let mut x_btd = self.embed_tokens.forward(ids_bt);
        for block in &self.layers {
            x_btd = block.forward(x_btd, context);
        }
        self.norm.forward(x_btd)
    }
}

impl Weights {
    /// What stands in while the weights are being changed.
    fn hollow(device: &Device) -> Self {
        let nothing = |shape: [usize; 2]| Param::from_tensor(Tensor::zeros(shape, device));
        let norm = Param::from_tensor(Tensor::zeros([0], device));
        let embed_tokens = Embedding { weight: nothing([0, 0]) };
        let norm = RmsNorm::new(norm, 0.0);
        Weights { model: Decoder { embed_tokens, layers: Vec::new(), norm }, lm_head: None }
    }

    /// The matrix that scores tokens, `[vocabulary, width]`.
    pub(crate) fn head(&self) -> Tensor<2> {
        match &self.lm_head {
            Some(head) => head.weight.val(),
            None => self.model.embed_tokens.weight.val(),
        }
    }

    /// The precision of the parameters, an adapter's factors aside.
    pub(crate) fn dtype(&self) -> DType {
        self.model.embed_tokens.weight.val().dtype()
    }

    /// Every projection that an adapter may stand beside, with the number of its block.
    pub(crate) fn targets(&mut self) -> impl Iterator<Item = (usize, Target, &mut Projection)> {
        self.model.layers.iter_mut().enumerate().flat_map(|(number, block)| {
            let (attention, mlp) = (&mut block.self_attn, &mut block.mlp);
            [
                (number, Target::QProj, &mut attention.q_proj),
                (number, Target::KProj, &mut attention.k_proj),
                (number, Target::VProj, &mut attention.v_proj),
                (number, Target::OProj, &mut attention.o_proj),
                (number, Target::GateProj, &mut mlp.gate_proj),
                (number, Target::UpProj, &mut mlp.up_proj),
                (number, Target::DownProj, &mut mlp.down_proj),
            ]
        })
    }
}
