//! Training, one step at a time.

use std::{panic::resume_unwind, path::Path, thread};

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{
    Batch, Error, FitConfig, Result, Transformer, checkpoint, device,
    loss::summed_loss,
    model::{gradients, on_tape},
    optim::AdamW,
};

/// A model in training: [`fit`](crate::fit) for programs that make their own batches.
///
/// It can be written to a folder at any step, with whatever the program needs to make the next batch;
/// what is read back goes on as if nothing had happened, to the bit on `flex`.
#[derive(Debug)]
pub struct Trainer {
    model: Transformer,
    optimizer: AdamW,
    config: FitConfig,
    /// Steps in all; the schedule ends there.
    steps: usize,
}

/// What happened in a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// The step, from 0.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean cross-entropy per learnt token, in nats.
    pub loss: f64,
    /// The learning rate used.
    pub learning_rate: f64,
    /// Norm of all gradients, before clipping.
    pub gradient_norm: f64,
    /// Sum of the batch's loss weights: its learnt tokens, where weights are 0 or 1.
    pub weight: f64,
}

impl Trainer {
    /// A trainer about to make the first of `steps` steps.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the configuration cannot be.
    pub fn new(model: Transformer, config: FitConfig, steps: usize) -> Result<Self> {
        config.check()?;
        let optimizer = AdamW::new(model.weights());
        Ok(Trainer { model, optimizer, config, steps })
    }

    /// The model as it stands.
    pub fn model(&self) -> &Transformer {
        &self.model
    }

    /// The model, training over.
    pub fn into_model(self) -> Transformer {
        self.model
    }

    /// Steps made so far.
    pub fn step_number(&self) -> usize {
        self.optimizer.updates
    }

    /// Steps in all.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Trains on one batch.
    ///
    /// # Errors
    ///
    /// [`Error::NoData`] when no token of the batch carries loss, [`Error::NotFinite`] when loss or
    /// gradients stop being numbers; the model is then as it was before.
    pub fn step(&mut self, batch: &Batch) -> Result<Step> {
        let step = self.optimizer.updates;
        let weight = batch.weight();
        if weight <= 0.0 {
            return Err(Error::NoData("no token of the batch carries loss"));
        }
        let (loss, mut gradients) = self.backward(batch, weight);
        if !loss.is_finite() {
            return Err(Error::NotFinite { what: "the loss", step });
        }
        let gradient_norm = norm(&gradients);
        if !gradient_norm.is_finite() {
            return Err(Error::NotFinite { what: "a gradient", step });
        }
        let scale = (self.config.clip / (gradient_norm + 1e-6)).min(1.0);
        let learning_rate = self.config.learning_rate_at(step, self.steps);
        let (optimizer, config) = (&mut self.optimizer, &self.config);
        self.model.update_weights(|weights| {
            optimizer.step(weights, &mut gradients, scale, learning_rate, config)
        });
        Ok(Step { step, steps: self.steps, loss, learning_rate, gradient_norm, weight })
    }

    /// Mean loss of a batch and its gradients. On a CPU the batch is divided among threads.
    fn backward(&self, batch: &Batch, weight: f64) -> (f64, Vec<Option<Tensor<1>>>) {
        let parts = batch.split(device::parts(self.model.device()));
        let of_part = |part: &Batch| backward(&self.model, part, weight);
        let done: Vec<_> = match parts.as_slice() {
            [whole] => vec![of_part(whole)],
            parts => thread::scope(|scope| {
                let threads: Vec<_> =
                    parts.iter().map(|part| scope.spawn(move || of_part(part))).collect();
                let joined = threads.into_iter().map(|thread| thread.join());
                joined.map(|done| done.unwrap_or_else(|panic| resume_unwind(panic))).collect()
            }),
        };
        // Always in the order of the parts: the sum does not depend on who was first.
        let mut sum = (0.0, Vec::new());
        for (loss, gradients) in done {
            sum.0 += loss;
            if sum.1.is_empty() {
                sum.1 = gradients;
                continue;
            }
            for (sum, gradient) in sum.1.iter_mut().zip(gradients) {
                *sum = match (sum.take(), gradient) {
                    (Some(sum), Some(gradient)) => Some(sum + gradient),
                    (sum, gradient) => sum.or(gradient),
                };
            }
        }
        sum
    }

    /// Overwrites rows of the embedding, and lets the optimiser forget them: the mean of their
    /// gradients becomes 0, the mean square three tenths of what it was, so that the first updates of
    /// the new row are neither wild nor frozen.
    ///
    /// This is active forgetting (arXiv 2307.01163) by the row.
    ///
    /// # Panics
    ///
    /// When an id is not in the vocabulary, or a row has not the model's width.
    pub fn redraw_embeddings(&mut self, rows: &[(u32, Vec<f32>)]) {
        self.model.set_embeddings(rows);
        let width = self.model.config().hidden_size;
        // The embedding is the first parameter there is.
        let moments = &mut self.optimizer.moments[0];
        for (id, _) in rows {
            let range = *id as usize * width..(*id as usize + 1) * width;
            moments.mean.inplace(|mean| mean.slice_fill([range.clone()], 0.0));
            moments.square.inplace(|square| {
                let kept = square.clone().slice([range.clone()]).mul_scalar(0.3);
                square.slice_assign([range], kept)
            });
        }
    }

    /// Writes all that is needed to go on into `folder`, whole or not at all, with the program's own
    /// state.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; what the folder held before is then still there.
    pub fn save<S: Serialize>(&self, folder: impl AsRef<Path>, state: &S) -> Result<()> {
        checkpoint::save_training(
            folder.as_ref(),
            &self.model,
            &self.optimizer,
            (&self.config, self.steps),
            state,
        )
    }

    /// Goes on from `folder`, where [`save`](Trainer::save) wrote; `None` where it never did. `model`
    /// gives shape and device; its parameters are replaced.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] when the folder holds something else: another model, another
    /// configuration, another number of steps.
    pub fn resume<S: serde::de::DeserializeOwned>(
        folder: impl AsRef<Path>,
        model: Transformer,
        config: FitConfig,
        steps: usize,
    ) -> Result<Option<(Self, S)>> {
        let mut trainer = Trainer::new(model, config, steps)?;
        let Trainer { model, optimizer, config, steps } = &mut trainer;
        let state = checkpoint::load_training(folder.as_ref(), model, optimizer, (config, *steps))?;
        Ok(state.map(|state| (trainer, state)))
    }
}

/// Loss and gradients of a part of a batch whose whole has this weight.
fn backward(model: &Transformer, part: &Batch, weight: f64) -> (f64, Vec<Option<Tensor<1>>>) {
    let device = model.device();
    let (ids, context) = (part.ids(device).autodiff(), model.context(part).on_tape());
    let live = on_tape(model.weights().clone());
    let summed = summed_loss(live.forward(ids, &context), part);
    let loss = f64::from(summed.clone().inner().into_scalar::<f32>()) / weight;
    let mut tape = summed.div_scalar(weight).backward();
    (loss, gradients(&live, &mut tape))
}

/// The norm over all gradients together.
fn norm(gradients: &[Option<Tensor<1>>]) -> f64 {
    let squares = gradients.iter().flatten().map(|g| g.clone().square().sum());
    let squares: Vec<Tensor<1>> = squares.collect();
    if squares.is_empty() {
        return 0.0;
    }
    f64::from(Tensor::cat(squares, 0).sum().sqrt().into_scalar::<f32>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceSpec, Row, TransformerConfig, pack};

    #[test]
    fn the_parts_of_a_batch_add_up_to_the_whole() {
        let device = DeviceSpec::Flex.open().unwrap();
        let model = Transformer::init(TransformerConfig::tiny(11), 1, &device).unwrap();
        let rows: Vec<Row> = (0..7u32)
            .map(|i| Row::learning_all((0..20).map(|j| (i * 3 + j * j) % 11).collect()))
            .collect();
        let batch = pack(&rows, 19).batch(&[0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(batch.split(device::parts(&device)).len(), 4);
        let trainer = Trainer::new(model, FitConfig::midtrain(), 1).unwrap();
        let (loss, gradients) = trainer.backward(&batch, batch.weight());
        let (expected, whole) = backward(&trainer.model, &batch, batch.weight());
        assert!((loss - expected).abs() < 1e-5, "{loss} {expected}");
        assert_eq!(gradients.len(), whole.len());
        for (sum, whole) in gradients.into_iter().zip(whole) {
            let far = (sum.unwrap() - whole.unwrap()).abs().max().into_scalar::<f32>();
            assert!(far < 1e-6, "{far}");
        }
        let (again, _) = trainer.backward(&batch, batch.weight());
        assert_eq!(again.to_bits(), loss.to_bits(), "whoever is first");
    }
}
