//! Self-attention with grouped key-value heads.

use burn::{
    module::Module,
    tensor::{Tensor, activation::softmax},
};

use super::{layers::Projection, rope::Rope};

/// Causal self-attention, grouped queries (arXiv 2305.13245).
#[derive(Module, Debug)]
pub(crate) struct Attention {
    pub(crate) q_proj: Projection,
    pub(crate) k_proj: Projection,
    pub(crate) v_proj: Projection,
    pub(crate) o_proj: Projection,
    pub(crate) heads: usize,
    pub(crate) groups: usize,
    pub(crate) size: usize,
}

impl Attention {
    /// `bias_b1tt` is added to the scores: 0 where a token may look, a large negative number where
    /// not.
    pub(crate) fn forward(&self, x_btd: Tensor<3>, bias_b1tt: Tensor<4>, rope: &Rope) -> Tensor<3> {
        let [batch, time, _] = x_btd.dims();
        let split =
            |x: Tensor<3>, heads| x.reshape([batch, time, heads, self.size]).swap_dims(1, 2);
        let q_bhtk = rope.rotate(split(self.q_proj.forward(x_btd.clone()), self.heads));
        let k_bgtk = rope.rotate(split(self.k_proj.forward(x_btd.clone()), self.groups));
        let v_bgtk = split(self.v_proj.forward(x_btd), self.groups);
        let (k_bhtk, v_bhtk) = (self.repeat(k_bgtk), self.repeat(v_bgtk));

        let scale = (self.size as f64).sqrt().recip();
        let scores_bhtt = q_bhtk.matmul(k_bhtk.transpose()).mul_scalar(scale) + bias_b1tt;
        let out_bhtk = softmax(scores_bhtt, 3).matmul(v_bhtk);
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
