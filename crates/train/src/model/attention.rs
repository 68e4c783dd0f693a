//! Self-attention with grouped key-value heads.

use burn::{
    module::Module,
    tensor::{DType, Tensor, activation::softmax},
};

use super::{
    context::Context,
    layers::{Projection, RmsNorm},
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
        let (k_bhtk, v_bhtk) = (self.repeat(k_bgtk), self.repeat(v_bgtk));

        let scale = (self.size as f64).sqrt().recip();
        let scores_bhtt = q_bhtk.matmul(k_bhtk.transpose()).mul_scalar(scale).cast(DType::F32);
        let shares_bhtt = softmax(context.mask(scores_bhtt, self.slides), 3);
        let out_bhtk = shares_bhtt.cast(v_bhtk.dtype()).matmul(v_bhtk);
        let out_btd = out_bhtk.swap_dims(1, 2).reshape([batch, time, self.heads * self.size]);
        self.o_proj.forward(out_btd)
    }

    /// Key-value heads, each repeated for the query heads of its group.
    fn repeat(&self, x_bgtk: Tensor<4>) -> Tensor<4> {
        let repeats = self.heads / self.groups;
        if repeats == 1 {
            return x_bgtk;
        }
        let [batch, groups, time, size] = x_bgtk.dims();
        x_bgtk
            .reshape([batch, groups, 1, time, size])
            .expand([batch, groups, repeats, time, size])
            .reshape([batch, self.heads, time, size])
    }
}
