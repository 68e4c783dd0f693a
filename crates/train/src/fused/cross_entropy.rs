//! Cross-entropy and what it asks of logits.

use burn::{
    backend::Dispatch,
    tensor::{DType, IndexingUpdateOp, Int, Tensor, TensorData, activation::log_softmax},
};

use super::{Fused, fits, kind};

/// What a few rows of logits have cost.
pub(crate) struct Surplus {
    /// The gradient of the loss: what the model gives each token, less what is there, times weight and
    /// share. Of the logits' shape.
    pub(crate) logits: Tensor<2>,
    /// Weight × cross-entropy of every row, in nats.
    pub(crate) losses: Tensor<1>,
}

/// Of logits `[rows, vocabulary]`, in f32; targets and weights are one for each row.
pub(crate) fn cross_entropy(
    logits: Tensor<2>,
    targets: &[i32],
    weights: &[f32],
    share: f64,
) -> Surplus {
    let (dtype, device) = kind(&logits);
    if !fits([(dtype, &device)]) {
        return plain(logits, targets, weights, share);
    }
    let (targets, weights) = (targets.to_vec(), weights.to_vec());
    let (logits, losses) =
        <Dispatch as Fused>::cross_entropy(logits.into_dispatch(), targets, weights, share as f32);
    Surplus { logits: Tensor::from_dispatch(logits), losses: Tensor::from_dispatch(losses) }
}

fn plain(logits: Tensor<2>, targets: &[i32], weights: &[f32], share: f64) -> Surplus {
    let (shape, device) = ([targets.len(), 1], logits.device());
    let targets = TensorData::new(targets.to_vec(), shape);
    let targets = Tensor::<2, Int>::from_data(targets, &device);
    let weights = Tensor::<2>::from_data(TensorData::new(weights.to_vec(), shape), &device);
    let logprobs = log_softmax(logits.cast(DType::F32), 1);
    let chosen = logprobs.clone().gather(1, targets.clone());
    let losses = (chosen * weights.clone()).neg().flatten(0, 1);
    let there = weights.ones_like().neg();
    let surplus = logprobs.exp().scatter(1, targets, there, IndexingUpdateOp::Add);
    Surplus { logits: surplus * weights.mul_scalar(share), losses }
}

/// Over rows in slices.
#[cfg(feature = "flex")]
pub(super) mod rows {
    use rayon::prelude::*;

    use crate::fused::vector::{exponentials, largest, wide};

    /// Replaces logits by their gradient; the loss of every row.
    pub(in crate::fused) fn replace(
        logits: &mut [f32],
        targets: &[i32],
        weights: &[f32],
        share: f32,
    ) -> Vec<f32> {
        let width = (logits.len() / targets.len().max(1)).max(1);
        let rows = logits.par_chunks_exact_mut(width).zip(targets).zip(weights);
        rows.map(|((logits, &target), &weight)| {
            let target = target as usize;
            let chosen = logits[target];
            let log_sum = surplus(logits, weight * share);
            logits[target] -= weight * share;
            (log_sum - chosen) * weight
        })
        .collect()
    }

    wide! {
        /// Softmax times a factor; the logarithm of its denominator.
        fn surplus(row: &mut [f32], factor: f32) -> f32 {
            let most = largest(row);
            let sum = exponentials(row, most);
            let factor = factor / sum;
            for value in row {
                *value *= factor;
            }
            most + sum.ln()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fused::tests::{drawn, host, strided};

    const SHARE: f64 = 0.25;

    /// Gradients and losses in twice the digits.
    fn exact(logits: &[f64], target: usize, weight: f64) -> (Vec<f64>, f64) {
        let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|logit| (logit - most).exp()).sum();
        let surplus = |(token, logit): (usize, &f64)| {
            ((logit - most).exp() / sum - f64::from(u8::from(token == target))) * weight * SHARE
        };
        let gradients = logits.iter().enumerate().map(surplus).collect();
        (gradients, (most + sum.ln() - logits[target]) * weight)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_is_cross_entropy(
            rows in 1usize..20, width in 1usize..90, turned: bool, seed in 0u64..1000,
        ) {
            let logits = strided(drawn([1, rows, width], seed) * 8.0, turned).flatten::<2>(0, 1);
            let targets: Vec<i32> = (0..rows).map(|row| ((row * 7 + 3) % width) as i32).collect();
            let weights: Vec<f32> = (0..rows).map(|row| (row % 3) as f32 / 2.0).collect();
            let given = host(logits.clone());
            for of in [cross_entropy, plain] {
                let Surplus { logits, losses } = of(logits.clone(), &targets, &weights, SHARE);
                let (gradients, losses) = (host(logits), host(losses));
                for row in 0..rows {
                    let (columns, weight) = (row * width..(row + 1) * width, f64::from(weights[row]));
                    let (exact, loss) = exact(&given[columns.clone()], targets[row] as usize, weight);
                    // What 1 is taken from is as exact as 1 is; what logits of up to 8 are taken from, as 8.
                    for (one, other) in gradients[columns].iter().zip(exact) {
                        prop_assert!((one - other).abs() <= 1e-6 * weight * SHARE, "{one} and {other}");
                    }
                    let one = losses[row];
                    prop_assert!((one - loss).abs() <= 2e-6 * weight, "{one} and {loss}");
                }
            }
        }
    }
}
