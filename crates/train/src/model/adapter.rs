//! A model and its adapter.

use burn::tensor::DType;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    Precision, Transformer,
    lora::{Lora, LoraConfig},
    parameters::{Trained, cast},
};
use crate::{Error, Result};

impl Transformer {
    /// The model with a new adapter beside its projections, drawn by the seed. It computes what it did
    /// before, until it is trained; only the adapter is.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when there can be no such adapter, or the model has one already: it can be
    /// trained further, or [merged](Transformer::merged) first.
    pub fn with_lora(mut self, config: &LoraConfig, seed: u64) -> Result<Self> {
        config.check()?;
        if self.lora.is_some() {
            return Err(Error::Config {
                what: "lora",
                message: "the model has an adapter already; train it further, or merge it first"
                    .to_owned(),
            });
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let device = self.device().clone();
        for (_, target, projection) in self.weights.targets() {
            if config.targets.contains(&target) {
                let shape = projection.weight.dims();
                projection.lora = Some(Lora::draw(shape, config, &mut random, &device));
            }
        }
        self.lora = Some(config.clone());
        Ok(self)
    }

    /// The shape of its adapter, where it has one.
    pub fn lora(&self) -> Option<&LoraConfig> {
        self.lora.as_ref()
    }

    /// The model whose adapter is trained with another dropout.
    pub(crate) fn with_dropout(mut self, dropout: f64) -> Self {
        if let Some(lora) = &mut self.lora {
            lora.dropout = dropout;
        }
        self
    }

    /// The model with its adapter added into its weights, and no adapter.
    #[must_use]
    pub fn merged(mut self) -> Self {
        for (_, _, projection) in self.weights.targets() {
            if let Some(lora) = projection.lora.take() {
                projection.weight = projection.weight.clone().map(|weight| {
                    let product = lora.product();
                    (weight.clone().cast(product.dtype()) + product).cast(weight.dtype())
                });
            }
        }
        self.lora = None;
        self
    }

    /// The model without its adapter, as it was before it had one.
    #[must_use]
    pub fn without_lora(mut self) -> Self {
        for (_, _, projection) in self.weights.targets() {
            projection.lora = None;
        }
        self.lora = None;
        self
    }

    /// The model with its parameters in a precision. An adapter's factors are always in f32.
    #[must_use]
    pub fn in_precision(mut self, precision: Precision) -> Self {
        self.weights = cast(self.weights, precision.dtype());
        self
    }

    /// The precision of its parameters, an adapter aside.
    pub fn precision(&self) -> Precision {
        match self.weights.dtype() {
            DType::BF16 => Precision::Bf16,
            _ => Precision::F32,
        }
    }

    /// What training changes: the adapter, or everything where there is none.
    pub(crate) fn trained(&self) -> Trained {
        if self.lora.is_some() { Trained::Factors } else { Trained::All }
    }
}
