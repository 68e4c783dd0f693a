//! Attention within rows of a batch.

use std::{ops::Range, sync::Arc};

use burn::{
    backend::Dispatch,
    tensor::{DType, Tensor, activation::softmax},
};

use super::Fused;
use crate::Batch;

#[cfg(feature = "flex")]
pub(super) mod onward;
#[cfg(feature = "flex")]
pub(super) mod rows;
#[cfg(feature = "flex")]
mod together;

/// What each place of a batch may look at: from a first place on, up to itself.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    /// The first place that each sees, within its sequence.
    #[cfg_attr(
        not(any(feature = "flex", feature = "libtorch")),
        expect(dead_code, reason = "only they look")
    )]
    pub(super) first: Arc<[u32]>,
    /// The same as LibTorch wants it, once one layer has asked for it.
    #[cfg(feature = "libtorch")]
    pub(super) mask: Arc<std::sync::Mutex<Option<tch::Tensor>>>,
}

impl Sight {
    pub(crate) fn of(batch: &Batch, window: Option<usize>) -> Self {
        Sight::new(batch.first_seen(window).into())
    }

    fn new(first: Arc<[u32]>) -> Self {
        Sight {
            first,
            #[cfg(feature = "libtorch")]
            mask: Arc::default(),
        }
    }
}

/// What the queries `[batch, time, heads, size]` take from the values `[batch, time, groups, size]`, of
/// the queries' shape. Queries and keys are turned by their positions first; cosines and sines are
/// `[batch, 1, time, size]`.
///
/// On a device that [fits](super::fits), in f32. Scores exist for a few queries of one head at a time, and
/// are computed a second time for the gradients (arXiv 2205.14135).
pub(crate) fn attention(
    [q_bthk, k_btgk, v_btgk]: [Tensor<4>; 3],
    [cos, sin]: [Tensor<4>; 2],
    sight: Sight,
) -> Tensor<4> {
    let [q, k, v] = [q_bthk, k_btgk, v_btgk].map(Tensor::into_dispatch);
    let [cos, sin] = [cos, sin].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as Fused>::attend(q, k, v, cos, sin, sight).0)
}

/// A pass over tokens that go on from others, of which keys and values are held.
#[derive(Clone, Debug)]
pub(crate) struct Onward {
    /// The first column that each token sees; a sequence is as long as the pass is wide.
    pub(super) sight: Sight,
    /// Where the pass is in what is held.
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    /// Its rows in the order of how they begin; none where nothing is known of that.
    #[cfg_attr(not(feature = "flex"), expect(dead_code, reason = "only it reads less for that"))]
    alike: Arc<[Alike]>,
}

/// A row of a pass, among others in such an order that the longer two of them are alike, the nearer they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alike {
    /// Counted from the first of the pass.
    pub(crate) row: usize,
    /// First tokens that it has in common with the one before it: the same numbers are held for both. Any two have the
    /// least in common of those between them, the first of the two left out.
    pub(crate) tokens: usize,
}

impl Onward {
    /// With the first column that each token may look at, row by row, and the rows in the order of how they begin. What
    /// they have in common, all their tokens see.
    pub(crate) fn new(
        rows: Range<usize>,
        columns: Range<usize>,
        oldest: impl Iterator<Item = usize>,
        alike: Arc<[Alike]>,
    ) -> Self {
        let first = oldest.map(|column| column as u32).collect();
        Onward { sight: Sight::new(first), rows, columns, alike }
    }

    /// All rows in the order of how they begin; in their own, each like none, where nothing is known of that.
    #[cfg(feature = "flex")]
    fn in_order(&self) -> Vec<Alike> {
        match self.alike.is_empty() {
            true => (0..self.rows.len()).map(|row| Alike { row, tokens: 0 }).collect(),
            false => self.alike.to_vec(),
        }
    }
}

/// The same as [`attention`] for a pass that goes on from keys and values that are held,
/// `[rows, 2 × groups, columns, size]`, keys before values. Writes its own there, and gives what is held then; memory
/// that nobody else holds is written in place. Without gradients, in f32, on a device that [fits](super::fits); what
/// other devices do is in `model::attention`.
pub(crate) fn read_on(
    [q_bthk, k_btgk, v_btgk]: [Tensor<4>; 3],
    [cos, sin]: [Tensor<4>; 2],
    held: Tensor<4>,
    onward: Onward,
) -> (Tensor<4>, Tensor<4>) {
    let [q, k, v] = [q_bthk, k_btgk, v_btgk].map(Tensor::into_dispatch);
    let [cos, sin, held] = [cos, sin, held].map(Tensor::into_dispatch);
    let (out, held) = <Dispatch as Fused>::read_on(q, k, v, cos, sin, held, onward);
    (Tensor::from_dispatch(out), Tensor::from_dispatch(held))
}

/// Turns queries or keys, `[batch, heads, time, size]`, by their positions.
pub(crate) fn rotate(x_bhtk: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> Tensor<4> {
    let size = x_bhtk.dims()[3];
    let first = x_bhtk.clone().narrow(3, 0, size / 2);
    let second = x_bhtk.clone().narrow(3, size / 2, size / 2);
    let turned = Tensor::cat(vec![second.neg(), first], 3);
    x_bhtk * cos + turned * sin
}

/// The same as [`attention`] of turned queries and keys with the time behind the heads, `bias` added to
/// the scores.
pub(crate) fn plain(
    q_bhtk: Tensor<4>,
    k_bgsk: Tensor<4>,
    v_bgsk: Tensor<4>,
    bias: Option<Tensor<4>>,
) -> Tensor<4> {
    let [batch, heads, time, size] = q_bhtk.dims();
    let [_, groups, seen, _] = k_bgsk.dims();
    // The queries of a group are rows of one product, so that keys and values are not repeated.
    let rows = heads / groups * time;
    let q_bgrk = q_bhtk.reshape([batch, groups, rows, size]);
    let scale = (size as f64).sqrt().recip();
    let scores_bgrs = q_bgrk.matmul(k_bgsk.transpose()).mul_scalar(scale).cast(DType::F32);
    let scores_bhts = scores_bgrs.reshape([batch, heads, time, seen]);
    let scores_bhts = bias.into_iter().fold(scores_bhts, |scores, bias| scores + bias);
    let shares_bgrs = softmax(scores_bhts, 3).reshape([batch, groups, rows, seen]);
    shares_bgrs.cast(v_bgsk.dtype()).matmul(v_bgsk).reshape([batch, heads, time, size])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Overlong, Row,
        fused::tests::{agree, drawn, leaf, strided, weigh},
        pack, testing,
    };

    /// A batch of rows of these lengths.
    fn batch(lengths: &[usize], length: usize) -> Batch {
        let rows: Vec<Row> = lengths.iter().map(|&n| Row::learning_all(vec![7; n + 1])).collect();
        let packed = pack(&rows, length, Overlong::Split).unwrap();
        packed.batch(&(0..packed.len()).collect::<Vec<_>>()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_is_plain_attention(
            lengths in prop::collection::vec(1usize..120, 1..5),
            length in 1usize..150,
            groups in 1usize..4,
            each in 1usize..3,
            half in 1usize..9,
            window in prop::option::of(1usize..70),
            turned: bool,
            seed in 0u64..1000,
        ) {
            let device = testing::device();
            if !crate::device::fuses(&device) {
                return Ok(());
            }
            let batch = batch(&lengths, length);
            // No longer than its rows.
            let (sequences, length, size) = (batch.sequences(), batch.length, 2 * half);
            let [cos, sin] = [1, 2].map(|i| drawn([sequences, 1, length, size], seed + i).autodiff());
            let bias = batch.bias(window, &device).autodiff();
            let sight = Sight::of(&batch, window);
            let run = |fused: bool| {
                let q = leaf([sequences, length, groups * each, size], seed + 3);
                let k = leaf([sequences, length, groups, size], seed + 4);
                let v = leaf([sequences, length, groups, size], seed + 5);
                let [one, two, three] =
                    [&q, &k, &v].map(|x| strided(x.clone().flatten::<3>(1, 2), turned));
                let one = one.reshape(q.dims());
                let [two, three] = [two, three].map(|x| x.reshape(k.dims()));
                let y = if fused {
                    attention([one, two, three], [cos.clone(), sin.clone()], sight.clone())
                } else {
                    let [one, two, three] = [one, two, three].map(|x| x.swap_dims(1, 2));
                    let turn = |x| rotate(x, cos.clone(), sin.clone());
                    plain(turn(one), turn(two), three, Some(bias.clone())).swap_dims(1, 2)
                };
                let mut grads = weigh(y.clone(), seed + 6).backward();
                (y.inner(), [&q, &k, &v].map(|x| x.grad_remove(&mut grads).unwrap()))
            };
            let ((y, grads), (other, others)) = (run(true), run(false));
            agree(y, other, 1e-4);
            for (grad, other) in grads.into_iter().zip(others) {
                agree(grad, other, 1e-3);
            }
        }
    }
}
