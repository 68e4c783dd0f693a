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
