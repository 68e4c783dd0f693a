//! Products with a weight as Hugging Face stores it.

use burn::{
    backend::Dispatch,
    tensor::{Tensor, module},
};

use super::{Fused, fits, kind};

/// `[…, in]` to `[…, out]` by a weight `[out, in]`.
///
/// Of burn's own operation the gradient of the weight is `[in, out]`, and is copied to be turned.
pub(crate) fn linear(x_btd: Tensor<3>, weight: Tensor<2>) -> Tensor<3> {
    let ((x_dtype, x_device), (dtype, device)) = (kind(&x_btd), kind(&weight));
    if !fits([(x_dtype, &x_device), (dtype, &device)]) {
        return plain(x_btd, weight);
    }
    let ([batch, time, _], out) = (x_btd.dims(), weight.dims()[0]);
    let x_nd = x_btd.flatten::<2>(0, 1);
    let y = <Dispatch as Fused>::project(x_nd.into_dispatch(), weight.into_dispatch());
    Tensor::<2>::from_dispatch(y).reshape([batch, time, out])
}

fn plain(x_btd: Tensor<3>, weight: Tensor<2>) -> Tensor<3> {
    module::linear(x_btd, weight.transpose(), None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fused::tests::{host, leaf, strided, weigh};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn it_is_the_plain_product(
            // With more rows and fewer than are multiplied without laying the weight out anew, and with sums longer than
            // are taken at a time.
            batch in 1usize..4, time in 1usize..30,
            width in prop_oneof![1usize..60, 500usize..1100], out in 1usize..70,
            turned: bool, seed in 0u64..1000,
        ) {
            let run = |product: fn(Tensor<3>, Tensor<2>) -> Tensor<3>| {
                let x = leaf([batch, time, width], seed);
                let weight = leaf([out, width], seed + 1);
                let y = product(strided(x.clone(), turned), weight.clone());
                let mut grads = weigh(y.clone(), seed + 2).backward();
                let grads = (x.grad_remove(&mut grads), weight.grad_remove(&mut grads));
                [host(y.inner()), host(grads.0.unwrap()), host(grads.1.unwrap())]
            };
            // So many products of numbers up to 1 are in each sum.
            let terms = [width, out, batch * time];
            for ((one, other), terms) in run(linear).into_iter().zip(run(plain)).zip(terms) {
                prop_assert_eq!(one.len(), other.len());
                for (one, other) in one.into_iter().zip(other) {
                    prop_assert!((one - other).abs() <= 1e-6 * terms as f64, "{} and {}", one, other);
                }
            }
        }
    }
}
