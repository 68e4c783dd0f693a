//! Training, one step at a time.

use std::path::Path;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{
    Batch, Error, FitConfig, LoraConfig, Packed, Precision, Result, Transformer,
    backward::{Gradients, Method, add_all, backward, with_dropout},
    checkpoint, device,
    fused::square_sum,
    loss::summed_loss,
    model::{Trained, Weights, cast},
    optim::AdamW,
};

/// A model in training: [`fit`](crate::fit()) for programs that make their own batches.
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
    /// Tokens read, padding included.
    pub tokens: usize,
}

impl Trainer {
    /// A trainer about to make the first of `steps` steps.
    ///
    /// With [`FitConfig::lora`], a model without an adapter gets one, and one that has such an adapter
    /// already, whatever its dropout, goes on with it: fine-tuning continues what midtraining made (arXiv 2605.02087). Without,
    /// all parameters are trained, from f32 copies whatever the precision.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the configuration cannot be, or the model has another adapter.
    pub fn new(model: Transformer, config: FitConfig, steps: usize) -> Result<Self> {
        config.check()?;
        let model = ready(model, &config)?;
        let optimizer = AdamW::new(&model);
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
        let device = self.model.device().clone();
        device::at_home(&device, || self.step_at_home(batch))
    }

    fn step_at_home(&mut self, batch: &Batch) -> Result<Step> {
        let step = self.optimizer.updates;
        let weight = batch.weight();
        if weight <= 0.0 {
            return Err(Error::NoData("no token of the batch carries loss"));
        }
        let (loss, mut gradients) = self.backward(batch, weight);
        if !loss.is_finite() {
            return Err(Error::NotFinite { what: "the loss", step, saved: None });
        }
        let gradient_norm = norm(&gradients);
        if !gradient_norm.is_finite() {
            return Err(Error::NotFinite { what: "a gradient", step, saved: None });
        }
        let scale = (self.config.clip / (gradient_norm + 1e-6)).min(1.0);
        let learning_rate = self.config.learning_rate_at(step, self.steps);
        let (optimizer, config) = (&mut self.optimizer, &self.config);
        self.model.update_weights(|weights| {
            optimizer.step(weights, &mut gradients, scale, learning_rate, config)
        });
        let (steps, tokens) = (self.steps, batch.ids.len());
        Ok(Step { step, steps, loss, learning_rate, gradient_norm, weight, tokens })
    }

    /// Mean cross-entropy per learnt token of a batch, in nats, nothing learnt from it; `None` when no
    /// token carries loss.
    pub fn loss(&self, batch: &Batch) -> Option<f64> {
        let weight = batch.weight();
        (weight > 0.0).then(|| self.summed_loss(&self.weights(), batch) / weight)
    }

    /// The same of many packed sequences.
    pub(crate) fn loss_of(&self, packed: &Packed<'_>) -> Result<Option<f64>> {
        let weights = self.weights();
        let (mut sum, mut weight) = (0.0, 0.0);
        for number in 0..packed.len() {
            let batch = packed.batch(&[number])?;
            sum += self.summed_loss(&weights, &batch);
            weight += batch.weight();
        }
        Ok((weight > 0.0).then(|| sum / weight))
    }

    /// The weights in the precision computed in.
    fn weights(&self) -> Weights {
        cast(self.model.weights().clone(), self.config.precision.dtype())
    }

    fn summed_loss(&self, weights: &Weights, batch: &Batch) -> f64 {
        let model = &self.model;
        let sum = |batch: &Batch| {
            let context = model.context(batch, weights.dtype());
            let h_btd = weights.model.forward(batch.ids(model.device()), &context);
            summed_loss(h_btd, &weights.head(), batch, self.config.loss_chunk)
        };
        batch.split_by(self.config.at_once(batch.length)).iter().map(sum).sum()
    }

    /// Mean loss of a batch and its gradients, accumulated over as many sequences at once as the
    /// configuration allows. On a CPU each of those parts is divided among threads.
    fn backward(&self, batch: &Batch, weight: f64) -> (f64, Gradients) {
        let (model, config) = (&self.model, &self.config);
        let method = Method { chunk: config.loss_chunk, recompute: config.recompute };
        let weights = self.weights();
        let dropout = model.lora().map_or(0.0, |lora| lora.dropout);
        let step = self.optimizer.updates as u64;
        let of_part = |number: usize, part: &Batch| {
            let mut weights = weights.clone();
            if dropout > 0.0 {
                let stream = (step << 20) + number as u64;
                weights = with_dropout(weights, dropout, config.seed, stream);
            }
            backward(model, weights, part, weight, method)
        };
        let at_once = device::parts(model.device());
        let (mut loss, mut gradients, mut number) = (0.0, Vec::new(), 0);
        for together in batch.split_by(config.at_once(batch.length)) {
            let parts = together.split(at_once);
            let done = device::side_by_side(model.device(), &parts, |place, part| {
                of_part(number + place, part)
            });
            number += parts.len();
            // Always in the order of the parts: the sum does not depend on who was first.
            for (part_loss, part_gradients) in done {
                loss += part_loss;
                add_all(&mut gradients, part_gradients);
            }
        }
        (loss, gradients)
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
        if self.model.trained() == Trained::Factors {
            return; // the optimiser has nothing to forget
        }
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
    /// state. Of a model with an adapter, the adapter alone is written.
    ///
    /// A folder that is there already is replaced if it is of such a run and holds nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] when the folder has no name of its own (`.`, `/`), or holds anything else (a
    /// model that is not in training too), which would be lost; nothing has been written then.
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
    /// gives shape and device, and the frozen parameters beside an adapter; what was trained is
    /// replaced.
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

/// The model with the adapter that a configuration asks for, in the precision that training wants:
/// what is trained is held in f32, what is frozen in the precision computed in.
fn ready(model: Transformer, config: &FitConfig) -> Result<Transformer> {
    let wrong = |message: String| Err(Error::Config { what: "lora", message });
    match (&config.lora, model.lora()) {
        (Some(lora), None) => {
            Ok(model.with_lora(lora, config.seed)?.in_precision(config.precision))
        }
        // Dropout is no part of what an adapter computes.
        (Some(lora), Some(present))
            if *lora == (LoraConfig { dropout: lora.dropout, ..present.clone() }) =>
        {
            Ok(model.with_dropout(lora.dropout).in_precision(config.precision))
        }
        (Some(_), Some(present)) => wrong(format!(
            "the model's adapter is another ({present:?}); configure that one, or merge it first"
        )),
        (None, None) => Ok(model.in_precision(Precision::F32)),
        (None, Some(_)) => wrong(
            "the model has an adapter and `lora` is `None`; set `lora` to train it further, or merge \
             it to train all parameters"
                .to_owned(),
        ),
    }
}

/// The norm over all gradients together.
fn norm(gradients: &Gradients) -> f64 {
    let squares = gradients.iter().flatten().map(|g| square_sum(g.clone()));
    let squares: Vec<Tensor<1>> = squares.collect();
    if squares.is_empty() {
        return 0.0;
    }
    f64::from(Tensor::cat(squares, 0).sum().sqrt().into_scalar::<f32>())
}

#[cfg(test)]
mod tests {
    use burn::tensor::activation::log_softmax;

    use super::*;
    use crate::{Row, TransformerConfig};

    fn model() -> Transformer {
        let config = TransformerConfig { num_key_value_heads: 2, ..TransformerConfig::tiny(11) };
        Transformer::init(config, 1, &crate::testing::device()).unwrap()
    }

    /// Seven sequences, some tokens of which carry no loss.
    fn batch() -> Batch {
        let rows: Vec<Row> = (0..7u32)
            .map(|i| {
                let mut row = Row::learning_all((0..20).map(|j| (i * 3 + j * j) % 11).collect());
                row.weights[3..9].fill(0.0);
                row.weights[i as usize + 10] = 0.5;
                row
            })
            .collect();
        Batch::apart(&rows.iter().collect::<Vec<_>>(), 19)
    }

    fn lora(dropout: f64) -> LoraConfig {
        LoraConfig { rank: 4, alpha: 8.0, dropout, ..LoraConfig::paper() }
    }

    fn trainer(config: FitConfig) -> Trainer {
        let mut trainer = Trainer::new(model(), config, 9).unwrap();
        // The second factor of a new adapter is 0, which hides the first.
        for _ in 0..3 {
            trainer.step(&batch()).unwrap();
        }
        trainer
    }

    /// The largest difference of two ways to compute loss and gradients.
    fn apart(trainer: &Trainer, change: impl Fn(&mut FitConfig)) -> f64 {
        let batch = batch();
        let (loss, gradients) = trainer.backward(&batch, batch.weight());
        let mut config = trainer.config.clone();
        change(&mut config);
        let other = Trainer {
            model: trainer.model.clone(),
            optimizer: trainer.optimizer.clone(),
            config,
            steps: 9,
        };
        let (other_loss, other_gradients) = other.backward(&batch, batch.weight());
        assert_eq!(gradients.len(), other_gradients.len());
        let far = gradients.into_iter().zip(other_gradients).map(|(one, other)| {
            let (one, other) = (one.unwrap(), other.unwrap());
            let size = f64::from(one.clone().abs().max().into_scalar::<f32>());
            assert!(size > 0.0);
            f64::from((one - other).abs().max().into_scalar::<f32>()) / size.max(1e-3)
        });
        far.fold((loss - other_loss).abs(), f64::max)
    }

    #[test]
    fn however_a_batch_is_computed_its_gradients_are_the_same() {
        for lora in [None, Some(lora(0.0))] {
            let config = FitConfig { lora, ..FitConfig::midtrain() };
            let trainer = trainer(config);
            assert!(apart(&trainer, |_| {}) == 0.0, "whoever is first");
            assert!(apart(&trainer, |config| config.recompute = true) < 1e-4);
            assert!(apart(&trainer, |config| config.loss_chunk = 7) < 1e-4);
            assert!(apart(&trainer, |config| config.tokens_at_once = 40) < 1e-4);
        }
        let config = FitConfig { lora: Some(lora(0.3)), ..FitConfig::midtrain() };
        let trainer = trainer(config);
        assert!(apart(&trainer, |config| config.recompute = true) < 1e-4, "drops the same");
        assert!(apart(&trainer, |config| config.seed = 5) > 1e-2, "drops something");
    }

    #[test]
    fn a_batch_without_gradients_has_the_same_loss() {
        let trainer = trainer(FitConfig { lora: None, ..FitConfig::midtrain() });
        let (batch, device) = (batch(), trainer.model.device().clone());
        let (loss, _) = trainer.backward(&batch, batch.weight());
        assert!((trainer.loss(&batch).unwrap() - loss).abs() < 1e-5);
        let logprobs = log_softmax(trainer.model.logits(&batch), 2).into_data();
        let vocabulary = trainer.model.config().vocab_size;
        let logprobs: Vec<f32> = logprobs.iter::<f32>().collect();
        let chosen = logprobs.chunks(vocabulary).zip(&batch.targets).zip(&batch.weights);
        let chosen =
            chosen.map(|((all, &target), &weight)| f64::from(all[target as usize] * weight));
        let whole = -chosen.sum::<f64>() / batch.weight();
        assert!((whole - loss).abs() < 1e-5, "{whole} {loss} on {device:?}");
        let silent = Batch { weights: vec![0.0; batch.weights.len()], ..batch };
        assert_eq!(trainer.loss(&silent), None);
    }

    #[test]
    fn an_adapter_learns_and_its_base_does_not_move() {
        let config =
            FitConfig { lora: Some(lora(0.0)), learning_rate: 1e-2, ..FitConfig::midtrain() };
        let base = crate::model::parameters(model().weights(), Trained::All);
        let mut trainer = Trainer::new(model(), config.clone(), 30).unwrap();
        let first = trainer.step(&batch()).unwrap().loss;
        let last = (0..29).map(|_| trainer.step(&batch()).unwrap().loss).last().unwrap();
        assert!(last < first - 0.5, "{first} {last}");
        let merged = trainer.model().clone().merged();
        let plain = crate::model::parameters(merged.weights(), Trained::All);
        let moved = base.iter().zip(&plain).filter(|(before, after)| {
            assert_eq!(before.name, after.name);
            before.flat.clone().into_data() != after.flat.clone().into_data()
        });
        assert!(moved.clone().all(|(named, _)| named.name.contains("_proj")));
        assert_eq!(moved.count(), 3 * 7, "of three blocks, seven projections each");
        let logits = |model: &Transformer| model.logits(&batch());
        let far = (logits(trainer.model()) - logits(&merged)).abs().max().into_scalar::<f32>();
        assert!(far < 1e-4, "{far}");

        let dropping = FitConfig { lora: Some(lora(0.1)), ..config.clone() };
        let dropping = Trainer::new(trainer.model().clone(), dropping, 1).unwrap();
        assert_eq!(dropping.model().lora().unwrap().dropout, 0.1);
        let other = Some(LoraConfig { alpha: 9.0, ..lora(0.0) });
        let other = FitConfig { lora: other, ..config.clone() };
        let error = Trainer::new(trainer.model().clone(), other, 1).unwrap_err().to_string();
        assert!(error.contains("merge it first"), "{error}");
        let full = FitConfig { lora: None, ..config };
        assert!(Trainer::new(trainer.model().clone(), full.clone(), 1).is_err());
        assert!(Trainer::new(merged, full, 1).is_ok());
    }

    #[test]
    fn half_the_bits_are_nearly_as_good() {
        for lora in [None, Some(lora(0.0))] {
            let config = FitConfig { lora, learning_rate: 1e-3, ..FitConfig::midtrain() };
            let losses = |precision| {
                let config = FitConfig { precision, ..config.clone() };
                let mut trainer = Trainer::new(model(), config, 9).unwrap();
                let losses: Vec<f64> =
                    (0..9).map(|_| trainer.step(&batch()).unwrap().loss).collect();
                (losses, trainer)
            };
            let (whole, _) = losses(Precision::F32);
            let (half, trainer) = losses(Precision::Bf16);
            for (whole, half) in whole.iter().zip(&half) {
                assert!((whole - half).abs() < 0.02, "{whole} {half}");
            }
            let trained =
                crate::model::parameters(trainer.model.weights(), trainer.model.trained());
            assert!(trained.iter().all(|p| p.flat.dtype() == burn::tensor::DType::F32));
        }
    }
}
