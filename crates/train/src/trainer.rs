//! Training, one step at a time.

use std::path::Path;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{
    Batch, Error, FitConfig, Result, Transformer, checkpoint,
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
        let device = self.model.device();
        let (ids, bias) = (batch.ids(device).autodiff(), batch.bias(device).autodiff());
        let live = on_tape(self.model.weights().clone());
        let summed = summed_loss(live.forward(ids, bias, self.model.rope()), batch);
        let loss = summed.clone().inner().into_scalar::<f32>();
        let loss = f64::from(loss) / weight;
        if !loss.is_finite() {
            return Err(Error::NotFinite { what: "the loss", step });
        }
        let mut tape = summed.div_scalar(weight).backward();
        let mut gradients = gradients(&live, &mut tape);
        drop((live, tape)); // so that the optimiser may write in place
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

/// The norm over all gradients together.
fn norm(gradients: &[Option<Tensor<1>>]) -> f64 {
    let squares = gradients.iter().flatten().map(|g| g.clone().square().sum());
    let squares: Vec<Tensor<1>> = squares.collect();
    if squares.is_empty() {
        return 0.0;
    }
    f64::from(Tensor::cat(squares, 0).sum().sqrt().into_scalar::<f32>())
}
