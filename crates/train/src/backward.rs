//! Loss and gradients of one batch.

use burn::tensor::{Int, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    Batch, Transformer,
    loss::{Scored, scored},
    model::{Context, Dropout, Trained, Weights, gradients, on_tape, parameters},
};

/// One gradient for each [parameter](parameters) that is trained.
pub(crate) type Gradients = Vec<Option<Tensor<1>>>;

/// How gradients are computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    /// Tokens whose logits exist at once.
    pub(crate) chunk: usize,
    /// Whether a block's activations are computed a second time instead of being kept.
    pub(crate) recompute: bool,
}

/// Mean loss of a part of a batch, and its gradients. `weights` are the model's in the precision to
/// compute in; `total` is the weight of the whole batch.
pub(crate) fn backward(
    model: &Transformer,
    weights: Weights,
    part: &Batch,
    total: f64,
    method: Method,
) -> (f64, Gradients) {
    let trained = model.trained();
    let context = model.context(part, weights.dtype());
    let ids = part.ids(model.device());
    let head = weights.head();
    let score = |h_btd| scored(h_btd, &head, part, total, method.chunk, trained == Trained::All);
    let pass = if method.recompute { block_by_block } else { in_one };
    match pass(&weights, trained, ids, context, &score) {
        Some((scored, mut gradients)) => {
            if let Some(head) = scored.head {
                let head = head.reshape([-1]);
                match &weights.lm_head {
                    Some(_) => gradients.push(Some(head)),
                    // Tied to the embedding, the first parameter there is.
                    None => gradients[0] = Some(add(gradients[0].take(), head)),
                }
            }
            (scored.loss, gradients)
        }
        None => (0.0, vec![None; parameters(&weights, trained).len()]),
    }
}

fn add(sum: Option<Tensor<1>>, more: Tensor<1>) -> Tensor<1> {
    match sum {
        Some(sum) => sum + more,
        None => more,
    }
}

/// Adds gradients to gradients.
pub(crate) fn add_all(sum: &mut Gradients, more: Gradients) {
    if sum.is_empty() {
        *sum = more;
        return;
    }
    for (sum, gradient) in sum.iter_mut().zip(more) {
        if let Some(gradient) = gradient {
            *sum = Some(add(sum.take(), gradient));
        }
    }
}

type Score<'s> = dyn Fn(Tensor<3>) -> Option<Scored> + 's;

/// With all activations kept on one tape.
fn in_one(
    weights: &Weights,
    trained: Trained,
    ids: Tensor<2, Int>,
    context: Context,
    score: &Score<'_>,
) -> Option<(Scored, Gradients)> {
    let live = on_tape(weights.model.clone(), trained);
    let h_btd = live.forward(ids.autodiff(), &context.on_tape());
    let scored = score(h_btd.clone().inner())?;
    // Of a product with a constant, the gradient is that constant.
    let mut tape = (h_btd * scored.hidden.clone().autodiff()).sum().backward();
    let gradients = gradients(&live, trained, &mut tape);
    Some((scored, gradients))
}

/// With nothing kept but what enters each block: one block's activations exist at a time.
fn block_by_block(
    weights: &Weights,
    trained: Trained,
    ids: Tensor<2, Int>,
    context: Context,
    score: &Score<'_>,
) -> Option<(Scored, Gradients)> {
    let decoder = &weights.model;
    let mut x_btd = decoder.embed_tokens.forward(ids.clone());
    let mut entered = Vec::with_capacity(decoder.layers.len());
    for block in &decoder.layers {
        entered.push(x_btd.clone());
        x_btd = block.forward(x_btd, &context);
    }
    let context = context.on_tape();
    let scored = score(decoder.norm.forward(x_btd.clone()))?;

    // From the last to the first, each with the gradient that the one after it handed down.
    let mut found = Vec::new();
    let (x_btd, norm) = (x_btd.autodiff().require_grad(), on_tape(decoder.norm.clone(), trained));
    let product = norm.forward(x_btd.clone()) * scored.hidden.clone().autodiff();
    let mut tape = product.sum().backward();
    let mut down_btd = x_btd.grad_remove(&mut tape)?;
    found.push(gradients(&norm, trained, &mut tape));
    for (block, x_btd) in decoder.layers.iter().zip(entered).rev() {
        let (x_btd, block) = (x_btd.autodiff().require_grad(), on_tape(block.clone(), trained));
        let product = block.forward(x_btd.clone(), &context) * down_btd.autodiff();
        let mut tape = product.sum().backward();
        down_btd = x_btd.grad_remove(&mut tape)?;
        found.push(gradients(&block, trained, &mut tape));
    }
    if trained == Trained::All {
        let embedding = on_tape(decoder.embed_tokens.clone(), trained);
        let product = embedding.forward(ids.autodiff()) * down_btd.autodiff();
        let mut tape = product.sum().backward();
        found.push(gradients(&embedding, trained, &mut tape));
    }
    // In the order of parameters: embedding, blocks, norm.
    Some((scored, found.into_iter().rev().flatten().collect()))
}

/// The weights with an adapter's dropout drawn for one part of one step.
pub(crate) fn with_dropout(mut weights: Weights, share: f64, seed: u64, stream: u64) -> Weights {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    for (_, _, projection) in weights.targets() {
        if let Some(lora) = &mut projection.lora {
            lora.dropout = Some(Dropout { share, seed: random.random() });
        }
    }
    weights
}
