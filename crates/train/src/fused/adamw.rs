//! The update of AdamW (arXiv 1711.05101), in place.

use burn::{backend::Dispatch, tensor::Tensor};

use super::{Fused, fits, kind};

/// First and second moments of a parameter.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    pub(crate) mean: Tensor<1>,
    pub(crate) square: Tensor<1>,
}

/// The numbers of one update of one parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update {
    /// Gradients are multiplied by it first.
    pub(crate) scale: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    /// What the root of the mean square is multiplied by, since it began at 0.
    pub(crate) unbias: f64,
    pub(crate) epsilon: f64,
    /// What values are multiplied by.
    pub(crate) decay: f64,
    /// Learning rate, for a mean that began at 0.
    pub(crate) rate: f64,
}

/// The new values. Memory that nobody else holds is written in place.
pub(crate) fn adamw(
    values: Tensor<1>,
    gradient: Tensor<1>,
    moments: &mut Moments,
    update: Update,
) -> Tensor<1> {
    let ((dtype, device), (other, other_device)) = (kind(&values), kind(&gradient));
    if !fits([(dtype, &device), (other, &other_device)]) {
        return plain(values, gradient, moments, update);
    }
    // A tensor of no size stands in, so that nobody else holds the moments.
    let [mean, square] = [&mut moments.mean, &mut moments.square]
        .map(|moment| std::mem::replace(moment, Tensor::empty([0], &device)).into_dispatch());
    let (values, gradient) = (values.into_dispatch(), gradient.into_dispatch());
    let (values, mean, square) = <Dispatch as Fused>::adamw(values, gradient, mean, square, update);
    *moments = Moments { mean: Tensor::from_dispatch(mean), square: Tensor::from_dispatch(square) };
    Tensor::from_dispatch(values)
}

fn plain(
    values: Tensor<1>,
    gradient: Tensor<1>,
    moments: &mut Moments,
    update: Update,
) -> Tensor<1> {
    let Update { scale, beta1, beta2, unbias, epsilon, decay, rate } = update;
    let gradient = gradient.mul_scalar(scale);
    let Moments { mean, square } = moments;
    mean.inplace(|m| m.mul_scalar(beta1) + gradient.clone().mul_scalar(1.0 - beta1));
    square.inplace(|v| v.mul_scalar(beta2) + gradient.square().mul_scalar(1.0 - beta2));
    let root = square.clone().sqrt().mul_scalar(unbias);
    let step = mean.clone() / root.add_scalar(epsilon);
    values.mul_scalar(decay) - step.mul_scalar(rate)
}

/// The sum of squares, `[1]`.
pub(crate) fn square_sum(x: Tensor<1>) -> Tensor<1> {
    let (dtype, device) = kind(&x);
    if !fits([(dtype, &device)]) {
        return x.square().sum();
    }
    Tensor::from_dispatch(<Dispatch as Fused>::square_sum(x.into_dispatch()))
}

/// Over slices.
#[cfg(feature = "flex")]
pub(super) mod rows {
    use rayon::prelude::*;

    use super::Update;
    use crate::fused::vector::{PIECE, dot, wide};

    /// Added up in pieces, in their order.
    pub(in crate::fused) fn square_sum(x: &[f32]) -> f32 {
        let parts: Vec<f32> = x.par_chunks(PIECE).map(squares).collect();
        parts.into_iter().map(f64::from).sum::<f64>() as f32
    }

    pub(in crate::fused) fn update(
        values: &mut [f32],
        gradient: &[f32],
        mean: &mut [f32],
        square: &mut [f32],
        update: Update,
    ) {
        let written = values.par_chunks_mut(PIECE).zip(mean.par_chunks_mut(PIECE));
        let written = written.zip(square.par_chunks_mut(PIECE));
        written.zip(gradient.par_chunks(PIECE)).for_each(|(((values, mean), square), gradient)| {
            renew(values, gradient, mean, square, update);
        });
    }

    wide! {
        fn squares(x: &[f32]) -> f32 {
            dot(x, x)
        }

        fn renew(
            values: &mut [f32],
            gradient: &[f32],
            mean: &mut [f32],
            square: &mut [f32],
            update: Update,
        ) {
            let Update { scale, beta1, beta2, unbias, epsilon, decay, rate } = update;
            let [scale, unbias, epsilon] = [scale, unbias, epsilon].map(|number| number as f32);
            let [decay, rate] = [decay, rate].map(|number| number as f32);
            let [keep1, keep2] = [beta1, beta2].map(|beta| beta as f32);
            let [take1, take2] = [beta1, beta2].map(|beta| (1.0 - beta) as f32);
            let moments = mean.iter_mut().zip(square);
            for ((value, gradient), (mean, square)) in values.iter_mut().zip(gradient).zip(moments) {
                let gradient = gradient * scale;
                *mean = *mean * keep1 + gradient * take1;
                *square = *square * keep2 + gradient * gradient * take2;
                let step = *mean / (square.sqrt() * unbias + epsilon);
                *value = *value * decay - step * rate;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fused::tests::{agree, drawn};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn it_is_the_plain_update(length in 1usize..40_000, step in 1i32..9, seed in 0u64..1000) {
            let update = Update {
                scale: 0.7,
                beta1: 0.9,
                beta2: 0.999,
                unbias: (1.0 - 0.999_f64.powi(step)).sqrt().recip(),
                epsilon: 1e-8,
                decay: 0.99,
                rate: 1e-2,
            };
            let run = |adamw: fn(Tensor<1>, Tensor<1>, &mut Moments, Update) -> Tensor<1>| {
                let square = drawn([length], seed + 2).abs();
                let mut moments = Moments { mean: drawn([length], seed), square };
                let values = drawn([length], seed + 3);
                let before = values.clone();
                let values = adamw(values, drawn([length], seed + 4), &mut moments, update);
                agree(before, drawn([length], seed + 3), 0.0);
                (values, moments)
            };
            let ((one, moments), (other, others)) = (run(adamw), run(plain));
            agree(one, other, 1e-5);
            agree(moments.mean, others.mean, 1e-6);
            agree(moments.square, others.square, 1e-6);
        }

        #[test]
        fn squares_add_up(length in 1usize..40_000, seed in 0u64..1000) {
            let x = drawn([length], seed);
            agree(square_sum(x.clone()), x.square().sum(), 1e-5);
        }
    }
}
