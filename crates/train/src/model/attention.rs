//! Self-attention with grouped key-value heads.

use burn::{module::Module, tensor::Tensor};

use super::{
    context::Context,
    layers::{Projection, RmsNorm},
    reading::Pass,
};
use crate::fused;

/// Causal self-attention, grouped queries (arXiv 2305.13245).
#[derive(Module, Debug)]
pub(crate) struct Attention {
    pub(crate) q_proj: Projection,
    pub(crate) k_proj: Projection,
    pub(crate) v_proj: Projection,
    pub(crate) o_proj: Projection,
    /// Over each head, where the architecture has it.
    pub(crate) q_norm: Option<RmsNorm>,
    pub(crate) k_norm: Option<RmsNorm>,
    pub(crate) heads: usize,
    pub(crate) groups: usize,
    pub(crate) size: usize,
    /// Whether a window slides here.
    pub(crate) slides: bool,
}

impl Attention {
    pub(crate) fn forward(&self, x_btd: Tensor<3>, context: &Context) -> Tensor<3> {
        let Some(sight) = context.sight(self.slides) else {
            let (q_bhtk, k_bgtk, v_bgtk) = self.project(x_btd, context);
            return self.attend(q_bhtk, k_bgtk, v_bgtk, context);
        };
        let out_bthk = fused::attention(self.split(x_btd), context.angles(), sight);
        self.o_proj.forward(out_bthk.flatten(2, 3))
    }

    /// The same for tokens that go on from those in a cache, of which this block holds a part.
    pub(crate) fn read_on(
        &self,
        x_btd: Tensor<3>,
        pass: &Pass,
        held: Tensor<4>,
    ) -> (Tensor<3>, Tensor<4>) {
        if let Some(onward) = pass.context.onward(self.slides) {
            let (inputs, angles) = (self.split(x_btd), pass.context.angles());
            let (out_bthk, held) = fused::read_on(inputs, angles, held, onward);
            return (self.o_proj.forward(out_bthk.flatten(2, 3)), held);
        }
        let (q_bhtk, k_bgtk, v_bgtk) = self.project(x_btd, &pass.context);
        let (k_bgsk, v_bgsk, held) = pass.place.remember(held, k_bgtk, v_bgtk);
        (self.attend(q_bhtk, k_bgsk, v_bgsk, &pass.context), held)
    }

    /// Queries, keys and values, by heads.
    fn split(&self, x_btd: Tensor<3>) -> [Tensor<4>; 3] {
        let [batch, time, _] = x_btd.dims();
        let split = |x: Tensor<3>, heads| x.reshape([batch, time, heads, self.size]);
        let norm = |norm: &Option<RmsNorm>, x: Tensor<4>| match norm {
            Some(norm) => norm.forward(x),
            None => x,
        };
        let q_bthk = norm(&self.q_norm, split(self.q_proj.forward(x_btd.clone()), self.heads));
        let k_btgk = norm(&self.k_norm, split(self.k_proj.forward(x_btd.clone()), self.groups));
        [q_bthk, k_btgk, split(self.v_proj.forward(x_btd), self.groups)]
    }

    /// Queries, keys and values, turned by their positions, the time behind the heads.
    fn project(&self, x_btd: Tensor<3>, context: &Context) -> (Tensor<4>, Tensor<4>, Tensor<4>) {
        let [q_bhtk, k_bgtk, v_bgtk] = self.split(x_btd).map(|x| x.swap_dims(1, 2));
        (context.rotate(q_bhtk), context.rotate(k_bgtk), v_bgtk)
    }

    /// What the queries take from the values, put out.
    fn attend(
        &self,
        q_bhtk: Tensor<4>,
        k_bgsk: Tensor<4>,
        v_bgsk: Tensor<4>,
        context: &Context,
    ) -> Tensor<3> {
        let [batch, heads, time, size] = q_bhtk.dims();
        let out_bhtk = fused::plain_attention(q_bhtk, k_bgsk, v_bgsk, context.bias(self.slides));
        self.o_proj.forward(out_bhtk.swap_dims(1, 2).reshape([batch, time, heads * size]))
    }
}
