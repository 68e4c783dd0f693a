//! Low-rank adapters (LoRA, arXiv 2106.09685): a frozen projection and a product of two small factors
//! beside it.

use std::{collections::BTreeSet, fmt};

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, TensorData},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, fused::linear};

/// A projection that an adapter may stand beside, by its Hugging Face name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Queries.
    QProj,
    /// Keys.
    KProj,
    /// Values.
    VProj,
    /// The output of attention.
    OProj,
    /// The gate of the feed-forward layer.
    GateProj,
    /// What the gate lets through.
    UpProj,
    /// The output of the feed-forward layer.
    DownProj,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::QProj,
        Self::KProj,
        Self::VProj,
        Self::OProj,
        Self::GateProj,
        Self::UpProj,
        Self::DownProj,
    ];

    /// Its name in a checkpoint.
    pub fn name(self) -> &'static str {
        match self {
            Self::QProj => "q_proj",
            Self::KProj => "k_proj",
            Self::VProj => "v_proj",
            Self::OProj => "o_proj",
            Self::GateProj => "gate_proj",
            Self::UpProj => "up_proj",
            Self::DownProj => "down_proj",
        }
    }

    /// The module that holds it within a block.
    pub(crate) fn holder(self) -> &'static str {
        match self {
            Self::QProj | Self::KProj | Self::VProj | Self::OProj => "self_attn",
            Self::GateProj | Self::UpProj | Self::DownProj => "mlp",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The shape of an adapter. Field names are the common ones, not PEFT's file's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraConfig {
    /// Width of the bottleneck.
    pub rank: usize,
    /// The product is scaled by `alpha / rank`.
    pub alpha: f64,
    /// Scale by `alpha / sqrt(rank)` instead (rank-stabilised, arXiv 2312.03732).
    pub rank_stabilized: bool,
    /// Share of the adapter's inputs that are zeroed in training.
    pub dropout: f64,
    /// The projections that have one, in every block.
    pub targets: BTreeSet<Target>,
}

impl LoraConfig {
    /// What model spec midtraining was done with (arXiv 2605.02087, appendix B.4): rank 64, alpha 128,
    /// no dropout, on all projections of attention and feed-forward layers.
    pub fn paper() -> Self {
        LoraConfig {
            rank: 64,
            alpha: 128.0,
            rank_stabilized: false,
            dropout: 0.0,
            targets: Target::ALL.into(),
        }
    }

    /// What the product of the factors is multiplied by.
    pub(crate) fn scale(&self) -> f64 {
        let rank = self.rank as f64;
        self.alpha / if self.rank_stabilized { rank.sqrt() } else { rank }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let wrong =
            |message: &str| Err(Error::Config { what: "lora", message: message.to_owned() });
        if self.rank == 0 || self.rank > i32::MAX as usize {
            return wrong("`rank` must be at least 1");
        }
        if !self.alpha.is_finite() || self.alpha <= 0.0 {
            return wrong("`alpha` must be a positive number");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return wrong("`dropout` must be at least 0 and below 1");
        }
        if self.targets.is_empty() {
            return wrong("`targets` is empty; `Target::ALL` has all projections");
        }
        Ok(())
    }
}

/// The two factors beside a projection. Their dense product is never formed while training.
#[derive(Module, Debug)]
pub(crate) struct Lora {
    /// `[rank, in]`.
    pub(crate) a: Param<Tensor<2>>,
    /// `[out, rank]`.
    pub(crate) b: Param<Tensor<2>>,
    #[module(skip)]
    pub(crate) scale: f64,
    /// Set for the length of a training step.
    #[module(skip)]
    pub(crate) dropout: Option<Dropout>,
}

/// Which inputs an adapter does not see in a step: a function of its seed alone, so that a forward pass
/// done again drops the same.
#[derive(Clone, Debug)]
pub(crate) struct Dropout {
    pub(crate) share: f64,
    pub(crate) seed: u64,
}

impl Lora {
    /// Factors as PEFT draws them: the first uniform within `1 / sqrt(in)`, the second 0, so that a new
    /// adapter changes nothing.
    pub(crate) fn draw(
        [out, into]: [usize; 2],
        config: &LoraConfig,
        random: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let bound = (into as f64).sqrt().recip();
        let draw = (0..config.rank * into).map(|_| random.random_range(-bound..bound) as f32);
        let a = TensorData::new(draw.collect::<Vec<f32>>(), [config.rank, into]);
        Lora::new(a, TensorData::zeros::<f32, _>([out, config.rank]), config, device)
    }

    pub(crate) fn new(a: TensorData, b: TensorData, config: &LoraConfig, device: &Device) -> Self {
        let [a, b] = [a, b].map(|data| Param::from_tensor(Tensor::from_data(data, device)));
        Lora { a, b, scale: config.scale(), dropout: None }
    }

    /// What is added to the projection's output.
    pub(crate) fn forward(&self, x_btd: Tensor<3>) -> Tensor<3> {
        let x_btd = match &self.dropout {
            Some(dropout) => dropout.apply(x_btd),
            None => x_btd,
        };
        let [a, b] = [&self.a, &self.b].map(|factor| factor.val().cast(x_btd.dtype()));
        // Scaled where it is narrow.
        linear(linear(x_btd, a).mul_scalar(self.scale), b)
    }

    /// The dense update, `[out, in]`.
    pub(crate) fn product(&self) -> Tensor<2> {
        self.b.val().matmul(self.a.val()).mul_scalar(self.scale)
    }
}

impl Dropout {
    fn apply(&self, x_btd: Tensor<3>) -> Tensor<3> {
        let (shape, kept) = (x_btd.dims(), (1.0 - self.share).recip() as f32);
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut draw = || if random.random_bool(self.share) { 0.0 } else { kept };
        let mask: Vec<f32> = (0..shape.iter().product()).map(|_| draw()).collect();
        let device = x_btd.device().inner();
        let mask = Tensor::<3>::from_data(TensorData::new(mask, shape), &device);
        let mask = mask.cast(x_btd.dtype());
        if x_btd.is_autodiff() { x_btd * mask.autodiff() } else { x_btd * mask }
    }
}
