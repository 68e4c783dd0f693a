//! Operations that are one pass each, with a backward pass of their own.
//!
//! Composed of burn's operations, a norm, a softmax or an update of AdamW writes several tensors as large
//! as what it reads, and on a processor that costs more than their arithmetic. What is here is one
//! operation to burn's autodiff, through its backend extensions: on `flex` a kernel over rows on all
//! cores, on LibTorch its own fused kernels. Every function has its plain form beside it, of burn's
//! operations alone: the reference in tests, and what happens on other devices and in other precisions.
//!
//! What an operation computes on `flex` depends on shapes and the kind of processor, not on how many threads there are.

// As all of LibTorch is in burn 0.22: docs/architecture.md.
#![cfg_attr(feature = "libtorch", allow(deprecated))]

#[cfg(feature = "flex")]
mod few;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "libtorch")]
mod libtorch;
#[cfg(feature = "flex")]
mod product;
#[cfg(feature = "flex")]
mod vector;

mod adamw;
mod attention;
mod cross_entropy;
mod linear;
mod rms_norm;
mod swiglu;
mod tape;

use burn::{
    backend::{Backend, backend_extension, tensor::FloatTensor},
    tensor::{DType, Tensor},
};

pub(crate) use self::{
    adamw::{Moments, Update, adamw, square_sum},
    attention::{Alike, Onward, Sight, attention, plain as plain_attention, read_on, rotate},
    cross_entropy::{Surplus, cross_entropy},
    linear::linear,
    rms_norm::rms_norm,
    swiglu::swiglu,
};
use crate::device;

/// Whether these tensors meet in one operation: f32, on a device that has it.
fn fits<const N: usize>(tensors: [(DType, &burn::tensor::Device); N]) -> bool {
    tensors.iter().all(|(dtype, device)| *dtype == DType::F32 && device::fuses(device))
}

/// What a tensor is, for [`fits`].
fn kind<const D: usize>(tensor: &Tensor<D>) -> (DType, burn::tensor::Device) {
    (tensor.dtype(), tensor.device())
}

/// The operations on a backend's own tensors, all in f32. Shapes and meaning are those of the functions
/// of the same name.
#[allow(clippy::too_many_arguments)]
#[backend_extension(
    Autodiff,
    Flex: cfg(feature = "flex"),
    LibTorch: cfg(feature = "libtorch")
)]
pub(crate) trait Fused: Backend {
    /// [`linear`] of `[rows, in]` and `[out, in]`, to `[rows, out]`.
    fn project(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;

    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self>;

    /// Gradients of `x` and `weight`.
    fn rms_norm_backward(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Gradients of `gate` and `up`.
    fn swiglu_backward(
        grad: FloatTensor<Self>,
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// [`attention`], and the logarithm of every softmax' denominator.
    fn attend(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        sight: Sight,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of `q`, `k` and `v`, from what [`attend`](Fused::attend) gave.
    fn attend_backward(
        grad: FloatTensor<Self>,
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        out: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        sight: Sight,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// [`read_on`]: what is taken, and what is held then.
    fn read_on(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        held: FloatTensor<Self>,
        onward: Onward,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Surplus, `[rows, vocabulary]`, and losses, `[rows]`.
    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: Vec<i32>,
        weights: Vec<f32>,
        share: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// The sum of squares, `[1]`.
    fn square_sum(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// New values, mean and mean square.
    fn adamw(
        values: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
        update: Update,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

#[cfg(test)]
mod tests {
    //! What the tests of the operations share.

    use burn::tensor::{Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use crate::testing;

    /// Numbers between -1 and 1, the same for a seed.
    pub(super) fn drawn<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count).map(|_| random.random_range(-1.0..1.0)).collect();
        Tensor::from_data(TensorData::new(values, shape), &testing::device())
    }

    /// The same, with gradients.
    pub(super) fn leaf<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
        drawn(shape, seed).autodiff().require_grad()
    }

    /// The same values, in another order in memory where `turned`.
    pub(super) fn strided(x: Tensor<3>, turned: bool) -> Tensor<3> {
        if !turned {
            return x;
        }
        let width = x.dims()[2];
        // A part of something wider, turned twice with a copy between.
        let wide = Tensor::cat(vec![x.clone(), x], 2).swap_dims(1, 2);
        (wide * 1.0).narrow(1, width, width).swap_dims(1, 2)
    }

    /// A number to take gradients of, in which every value counts differently.
    pub(super) fn weigh<const D: usize>(y: Tensor<D>, seed: u64) -> Tensor<1> {
        let weights = drawn(y.dims(), seed).autodiff();
        (y * weights).sum()
    }

    /// Its numbers.
    pub(super) fn host<const D: usize>(x: Tensor<D>) -> Vec<f64> {
        x.into_data().iter::<f64>().collect()
    }

    /// Asserts that two tensors differ by no more than a share of the largest number.
    pub(super) fn agree<const D: usize>(one: Tensor<D>, other: Tensor<D>, share: f64) {
        assert_eq!(one.dims(), other.dims());
        let [one, other] = [one, other].map(|x| x.into_data().iter::<f32>().collect::<Vec<_>>());
        let most = other.iter().fold(1e-3_f32, |most, value| most.max(value.abs()));
        for (place, (one, other)) in one.into_iter().zip(other).enumerate() {
            let far = f64::from((one - other).abs() / most);
            assert!(far <= share, "{one} and {other} at {place}: {far} of {most}");
        }
    }
}
