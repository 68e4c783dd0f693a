//! A block: attention and a gated feed-forward layer, each behind a norm and a residual.

use burn::{module::Module, tensor::Tensor};

use super::{
    attention::Attention,
    context::Context,
    layers::{Projection, RmsNorm},
    reading::Pass,
};
use crate::fused::swiglu;

/// SwiGLU (arXiv 2002.05202).
#[derive(Module, Debug)]
pub(crate) struct FeedForward {
    pub(crate) gate_proj: Projection,
    pub(crate) up_proj: Projection,
    pub(crate) down_proj: Projection,
}

impl FeedForward {
    fn forward(&self, x_btd: Tensor<3>) -> Tensor<3> {
        let gate_btf = self.gate_proj.forward(x_btd.clone());
        self.down_proj.forward(swiglu(gate_btf, self.up_proj.forward(x_btd)))
    }
}

/// One of the transformer's layers.
#[derive(Module, Debug)]
pub(crate) struct Block {
    pub(crate) self_attn: Attention,
    pub(crate) mlp: FeedForward,
    pub(crate) input_layernorm: RmsNorm,
    pub(crate) post_attention_layernorm: RmsNorm,
}

impl Block {
    pub(crate) fn forward(&self, x_btd: Tensor<3>, context: &Context) -> Tensor<3> {
        let seen = self.self_attn.forward(self.input_layernorm.forward(x_btd.clone()), context);
        self.think(x_btd + seen)
    }

    /// The same for tokens that go on from those in a cache, of which this block holds a part.
    pub(crate) fn read_on(
        &self,
        x_btd: Tensor<3>,
        pass: &Pass,
        held: Tensor<4>,
    ) -> (Tensor<3>, Tensor<4>) {
        let normed = self.input_layernorm.forward(x_btd.clone());
        let (seen, held) = self.self_attn.read_on(normed, pass, held);
        (self.think(x_btd + seen), held)
    }

    fn think(&self, x_btd: Tensor<3>) -> Tensor<3> {
        let thought = self.mlp.forward(self.post_attention_layernorm.forward(x_btd.clone()));
        x_btd + thought
    }
}
