//! Root-mean-square norm.

use burn::{
    backend::Dispatch,
    tensor::{DType, Tensor},
};

use super::{Fused, fits, kind};

/// Norm over the last dimension (arXiv 1910.07467), scaled after as in Hugging Face's implementation: in
/// f32 up to the scale, whatever the precision of `x`.
pub(crate) fn rms_norm<const D: usize>(x: Tensor<D>, weight: Tensor<1>, eps: f64) -> Tensor<D> {
    let ((x_dtype, x_device), (dtype, device)) = (kind(&x), kind(&weight));
    if !fits([(x_dtype, &x_device), (dtype, &device)]) {
        return plain(x, weight, eps);
    }
    let y = <Dispatch as Fused>::rms_norm(x.into_dispatch(), weight.into_dispatch(), eps);
    Tensor::from_dispatch(y)
}

fn plain<const D: usize>(x: Tensor<D>, weight: Tensor<1>, eps: f64) -> Tensor<D> {
    let dtype = x.dtype();
    let x = x.cast(DType::F32);
    let square = x.clone().square().mean_dim(D - 1).add_scalar(eps);
    (x * square.sqrt().recip()).cast(dtype) * weight.unsqueeze()
}

/// Over rows in slices.
#[cfg(feature = "flex")]
pub(super) mod rows {
    use rayon::prelude::*;

    use crate::fused::vector::{PIECE, dot, dot3, wide};

    /// Whole rows that a thread takes at a time.
    fn rows_of(width: usize) -> usize {
        (PIECE / width.max(1)).max(1)
    }

    pub(in crate::fused) fn forward(x: &[f32], weight: &[f32], eps: f32) -> Vec<f32> {
        let piece = rows_of(weight.len()) * weight.len().max(1);
        let mut out = vec![0.0; x.len()];
        let pieces = out.par_chunks_mut(piece).zip(x.par_chunks(piece));
        pieces.for_each(|(out, x)| norm(out, x, weight, eps));
        out
    }

    /// Gradients of `x` and of the weight.
    pub(in crate::fused) fn backward(
        grad: &[f32],
        x: &[f32],
        weight: &[f32],
        eps: f32,
    ) -> (Vec<f32>, Vec<f32>) {
        let piece = rows_of(weight.len()) * weight.len().max(1);
        let mut out = vec![0.0; x.len()];
        let pieces = out.par_chunks_mut(piece).zip(x.par_chunks(piece)).zip(grad.par_chunks(piece));
        let parts: Vec<Vec<f32>> = pieces
            .map(|((out, x), grad)| {
                let mut part = vec![0.0; weight.len()];
                slopes(out, &mut part, grad, x, weight, eps);
                part
            })
            .collect();
        // In the order of rows, whoever was first.
        let mut total = vec![0.0; weight.len()];
        for part in parts {
            total.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        (out, total)
    }

    wide! {
        fn norm(out: &mut [f32], x: &[f32], weight: &[f32], eps: f32) {
            let width = weight.len();
            for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                let scale = (dot(x, x) / width as f32 + eps).sqrt().recip();
                for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
                    *out = x * scale * weight;
                }
            }
        }

        fn slopes(
            out: &mut [f32],
            part: &mut [f32],
            grad: &[f32],
            x: &[f32],
            weight: &[f32],
            eps: f32,
        ) {
            let width = weight.len();
            let rows = x.chunks_exact(width).zip(grad.chunks_exact(width));
            for (out, (x, grad)) in out.chunks_exact_mut(width).zip(rows) {
                let scale = (dot(x, x) / width as f32 + eps).sqrt().recip();
                let back = dot3(grad, weight, x) * scale * scale * scale / width as f32;
                for place in 0..width {
                    out[place] = grad[place] * weight[place] * scale - x[place] * back;
                    part[place] += grad[place] * x[place] * scale;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fused::tests::{drawn, host, leaf, strided, weigh};

    const EPS: f64 = 1e-5;

    /// A number in twice the digits, and how large the terms were that it is the sum of.
    #[derive(Clone, Copy, Default)]
    struct Exact(f64, f64);

    impl Exact {
        fn add(&mut self, term: f64) {
            *self = Exact(self.0 + term, self.1 + term.abs());
        }

        fn is(self, other: f64, share: f64) -> bool {
            (self.0 - other).abs() <= share * self.1
        }
    }

    /// What is given, and the gradients of `x` and of the weight.
    fn exact(x: &[f64], weight: &[f64], grad: &[f64]) -> [Vec<Exact>; 3] {
        let width = weight.len();
        let [mut given, mut of_x] = [(); 2].map(|()| vec![Exact::default(); x.len()]);
        let mut of_weight = vec![Exact::default(); width];
        for row in 0..x.len() / width {
            let (x, grad) = (&x[row * width..][..width], &grad[row * width..][..width]);
            let mean = x.iter().map(|x| x * x).sum::<f64>() / width as f64;
            let scale = (mean + EPS).sqrt().recip();
            for i in 0..width {
                given[row * width + i].add(x[i] * scale * weight[i]);
                of_weight[i].add(grad[i] * x[i] * scale);
                of_x[row * width + i].add(grad[i] * weight[i] * scale);
                for j in 0..width {
                    let back = grad[j] * weight[j] * x[j] * scale.powi(3) / width as f64;
                    of_x[row * width + i].add(-x[i] * back);
                }
            }
        }
        [given, of_x, of_weight]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_is_the_norm(
            batch in 1usize..4, time in 1usize..40, width in 1usize..70, turned: bool, seed in 0u64..1000,
        ) {
            let shape = [batch, time, width];
            let (x, weight) = (leaf(shape, seed), leaf([width], seed + 1));
            let drawn = host(drawn(shape, seed + 2));
            let exact = exact(&host(x.clone().inner()), &host(weight.clone().inner()), &drawn);
            for norm in [rms_norm, plain] {
                let y = norm(strided(x.clone(), turned), weight.clone(), EPS);
                let mut grads = weigh(y.clone(), seed + 2).backward();
                let [x, weight] = [x.grad_remove(&mut grads).map(host), weight.grad_remove(&mut grads).map(host)];
                let given = [host(y.inner()), x.unwrap(), weight.unwrap()];
                for (given, exact) in given.into_iter().zip(&exact) {
                    prop_assert_eq!(given.len(), exact.len());
                    for (given, exact) in given.into_iter().zip(exact) {
                        prop_assert!(exact.is(given, 1e-5), "{given} and {}", exact.0);
                    }
                }
            }
        }
    }
}
