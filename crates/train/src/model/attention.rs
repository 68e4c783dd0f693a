//! Self-attention with grouped key-value heads.

use burn::{
    module::Module,
    tensor::{DType, Tensor, activation::softmax},
};

use super::{
    context::Context,
    layers::{Projection, RmsNorm},
    reading::Pass,
};

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
        let (q_bhtk, k_bgtk, v_bgtk) = self.project(x_btd, context);
        self.attend(q_bhtk, k_bgtk, v_bgtk, context)
    }

    /// The same for tokens that go on from those in a cache, of which this block holds a part.
    pub(crate) fn read_on(
        &self,
        x_btd: Tensor<3>,
        pass: &Pass,
        held: Tensor<4>,
    ) -> (Tensor<3>, Tensor<4>) {
        let (q_bhtk, k_bgtk, v_bgtk) = self.project(x_btd, &pass.context);
        let (k_bgsk, v_bgsk, held) = pass.place.remember(held, k_bgtk, v_bgtk);
        (self.attend(q_bhtk, k_bgsk, v_bgsk, &pass.context), held)
    }

    /// Queries, keys and values, turned by their positions.
    fn project(&self, x_btd: Tensor<3>, context: &Context) -> (Tensor<4>, Tensor<4>, Tensor<4>) {
        let [batch, time, _] = x_btd.dims();
        let split = |x: Tensor<3>, heads| x.reshape([batch, time, heads, self.size]);
        let norm = |norm: &Option<RmsNorm>, x: Tensor<4>| match norm {
            Some(norm) => norm.forward(x),
            None => x,
        };
        let q_bthk = norm(&self.q_norm, split(self.q_proj.forward(x_btd.clone()), self.heads));
        let k_btgk = norm(&self.k_norm, split(self.k_proj.forward(x_btd.clone()), self.groups));
        let v_bgtk = split(self.v_proj.forward(x_btd), self.groups).swap_dims(1, 2);
        let q_bhtk = context.rotate(q_bthk.swap_dims(1, 2));
        let k_bgtk = context.rotate(k_btgk.swap_dims(1, 2));
        (q_bhtk, k_bgtk, v_bgtk)
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
        let [_, groups, seen, _] = k_bgsk.dims();
        // The queries of a group are rows of one product, so that keys and values are not repeated.
        let rows = heads / groups * time;
        let q_bgrk = q_bhtk.reshape([batch, groups, rows, size]);
        let scale = (size as f64).sqrt().recip();
        let scores_bgrs = q_bgrk.matmul(k_bgsk.transpose()).mul_scalar(scale).cast(DType::F32);
        let scores_bhts = scores_bgrs.reshape([batch, heads, time, seen]);
        let shares_bhts = softmax(context.mask(scores_bhts, self.slides), 3);
        let shares_bgrs = shares_bhts.reshape([batch, groups, rows, seen]).cast(v_bgsk.dtype());
        let out_bhtk = shares_bgrs.matmul(v_bgsk).reshape([batch, heads, time, size]);
        self.o_proj.forward(out_bhtk.swap_dims(1, 2).reshape([batch, time, heads * size]))
    }
}
