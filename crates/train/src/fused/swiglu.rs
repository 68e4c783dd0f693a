//! The gate of the feed-forward layer.

use burn::{
    backend::Dispatch,
    tensor::{Tensor, activation::silu},
};

use super::{Fused, fits, kind};

/// `silu(gate) · up` (arXiv 2002.05202), of the same shape.
pub(crate) fn swiglu(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    let ((gate_dtype, gate_device), (dtype, device)) = (kind(&gate), kind(&up));
    if !fits([(gate_dtype, &gate_device), (dtype, &device)]) {
        return plain(gate, up);
    }
    Tensor::from_dispatch(<Dispatch as Fused>::swiglu(gate.into_dispatch(), up.into_dispatch()))
}

fn plain(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    silu(gate) * up
}

/// Over slices.
#[cfg(feature = "flex")]
pub(super) mod rows {
    use rayon::prelude::*;

    use crate::fused::vector::{PIECE, logistic, wide};

    pub(in crate::fused) fn forward(gate: &[f32], up: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; gate.len()];
        let pieces =
            out.par_chunks_mut(PIECE).zip(gate.par_chunks(PIECE)).zip(up.par_chunks(PIECE));
        pieces.for_each(|((out, gate), up)| let_through(out, gate, up));
        out
    }

    /// Gradients of gate and up.
    pub(in crate::fused) fn backward(
        grad: &[f32],
        gate: &[f32],
        up: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let (mut of_gate, mut of_up) = (vec![0.0; gate.len()], vec![0.0; up.len()]);
        let read = grad.par_chunks(PIECE).zip(gate.par_chunks(PIECE)).zip(up.par_chunks(PIECE));
        let written = of_gate.par_chunks_mut(PIECE).zip(of_up.par_chunks_mut(PIECE));
        written.zip(read).for_each(|((of_gate, of_up), ((grad, gate), up))| {
            slopes(of_gate, of_up, grad, gate, up);
        });
        (of_gate, of_up)
    }

    wide! {
        fn let_through(out: &mut [f32], gate: &[f32], up: &[f32]) {
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate * logistic(*gate) * up;
            }
        }

        fn slopes(of_gate: &mut [f32], of_up: &mut [f32], grad: &[f32], gate: &[f32], up: &[f32]) {
            let read = grad.iter().zip(gate).zip(up);
            for ((of_gate, of_up), ((grad, gate), up)) in of_gate.iter_mut().zip(of_up).zip(read) {
                let open = logistic(*gate);
                *of_gate = grad * up * open * (1.0 + gate * (1.0 - open));
                *of_up = grad * gate * open;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fused::tests::{agree, leaf, strided, weigh};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_is_the_plain_gate(
            batch in 1usize..4, time in 1usize..40, width in 1usize..70, turned: bool, seed in 0u64..1000,
        ) {
            let run = |swiglu: fn(Tensor<3>, Tensor<3>) -> Tensor<3>| {
                let gate = leaf([batch, time, width], seed);
                let up = leaf([batch, time, width], seed + 1);
                let y = swiglu(strided(gate.clone() * 9.0, turned), strided(up.clone(), !turned));
                let mut grads = weigh(y.clone(), seed + 2).backward();
                let grads = [&gate, &up].map(|x| x.grad_remove(&mut grads).unwrap());
                (y.inner(), grads)
            };
            let ((y, [gate, up]), (other, [gate_other, up_other])) = (run(swiglu), run(plain));
            agree(y, other, 1e-5);
            agree(gate, gate_other, 1e-5);
            agree(up, up_other, 1e-5);
        }
    }
}
