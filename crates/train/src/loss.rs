//! Next-token cross-entropy.

use burn::tensor::{DType, Int, Tensor, TensorData, activation::log_softmax};

use crate::Batch;

/// Weight × log-probability of each target, `[tokens, 1]`.
pub(crate) fn token_logprobs(logits_btv: Tensor<3>, batch: &Batch) -> Tensor<2> {
    let [sequences, length, vocabulary] = logits_btv.dims();
    let tokens = sequences * length;
    let (device, taped) = (logits_btv.device().inner(), logits_btv.is_autodiff());
    let targets = TensorData::new(batch.targets.clone(), [tokens, 1]);
    let targets = Tensor::<2, Int>::from_data(targets, &device);
    let weights = TensorData::new(batch.weights.clone(), [tokens, 1]);
    let weights = Tensor::<2>::from_data(weights, &device);
    let (targets, weights) =
        if taped { (targets.autodiff(), weights.autodiff()) } else { (targets, weights) };
    let logprobs = log_softmax(logits_btv.reshape([tokens, vocabulary]).cast(DType::F32), 1);
    logprobs.gather(1, targets) * weights
}

/// Sum over a batch's targets of weight × cross-entropy, in nats, `[1]`. Divide by the sum of the
/// weights for the mean; summing first keeps the mean right across accumulated batches.
pub(crate) fn summed_loss(logits_btv: Tensor<3>, batch: &Batch) -> Tensor<1> {
    token_logprobs(logits_btv, batch).sum().neg()
}
