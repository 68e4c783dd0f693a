//! The small layers: projection, embedding, norm.

use burn::{
    module::{Module, Param},
    tensor::{Int, Tensor, module},
};

use super::lora::Lora;
use crate::fused::{linear, rms_norm};

/// A linear layer. The weight is `[out, in]`, as Hugging Face stores it.
#[derive(Module, Debug)]
pub(crate) struct Projection {
    pub(crate) weight: Param<Tensor<2>>,
    pub(crate) bias: Option<Param<Tensor<1>>>,
    pub(crate) lora: Option<Lora>,
}

impl Projection {
    /// `[…, in]` to `[…, out]`.
    pub(crate) fn forward(&self, x_btd: Tensor<3>) -> Tensor<3> {
        let adapted = self.lora.as_ref().map(|lora| lora.forward(x_btd.clone()));
        let y = linear(x_btd, self.weight.val());
        let y = match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        };
        adapted.into_iter().fold(y, |y, adapted| y + adapted)
    }
}

/// Token embeddings, `[vocabulary, width]`.
#[derive(Module, Debug)]
pub(crate) struct Embedding {
    pub(crate) weight: Param<Tensor<2>>,
}

impl Embedding {
    /// `[batch, time]` ids to `[batch, time, width]`.
    pub(crate) fn forward(&self, ids_bt: Tensor<2, Int>) -> Tensor<3> {
        module::embedding(self.weight.val(), ids_bt)
    }
}

/// Root-mean-square norm over the last dimension (arXiv 1910.07467), scaled after as in
/// Hugging Face's implementation.
#[derive(Module, Debug)]
pub(crate) struct RmsNorm {
    pub(crate) weight: Param<Tensor<1>>,
    eps: f64,
}

impl RmsNorm {
    pub(crate) fn new(weight: Param<Tensor<1>>, eps: f64) -> Self {
        RmsNorm { weight, eps }
    }

    /// In f32 up to the scale, whatever the precision of `x`.
    pub(crate) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        rms_norm(x, self.weight.val(), self.eps)
    }
}
