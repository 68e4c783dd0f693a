//! Fitting a model to rows: midtraining on documents and fine-tuning on chats alike.

use std::path::Path;

use ethos_core::Watch;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result, Transformer, checkpoint,
    tokens::{Packed, Row, pack},
    trainer::{Step, Trainer},
};

/// How a model is fitted.
///
/// The presets hold the papers' settings; change fields by struct update:
/// `FitConfig { rows: 16, ..FitConfig::midtrain() }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// Steps; `None` means as many as `epochs` give.
    pub steps: Option<usize>,
    /// Passes over the data, where `steps` is `None`.
    pub epochs: usize,
    /// Sequences of a step.
    pub rows: usize,
    /// Tokens of a sequence.
    pub sequence: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Share of the steps over which the learning rate rises from 0.
    pub warmup: f64,
    /// What the cosine falls to, as a share of the highest learning rate.
    pub floor: f64,
    /// Decay of the gradients' running mean.
    pub beta1: f64,
    /// Decay of the gradients' running mean square.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Decoupled weight decay; norms are spared.
    pub weight_decay: f64,
    /// Longest norm of all gradients together; longer ones are scaled down.
    pub clip: f64,
    /// Seed of the order of rows.
    pub seed: u64,
    /// Steps between checkpoints, where [`fit`] is given a folder for them.
    pub checkpoint_every: usize,
}

impl FitConfig {
    /// Midtraining on documents (arXiv 2605.02087, appendix B.4): one epoch, learning rate 1e-4,
    /// cosine to 0, 5 % warm-up, weight decay 0.01. The paper does not state batch size or clipping:
    /// 32 sequences and 1.0 are what its replicators use.
    pub fn midtrain() -> Self {
        FitConfig {
            steps: None,
            epochs: 1,
            rows: 32,
            sequence: 8192,
            learning_rate: 1e-4,
            warmup: 0.05,
            floor: 0.0,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
            clip: 1.0,
            seed: 0,
            checkpoint_every: 100,
        }
    }

    /// Alignment fine-tuning on chats: the same settings, as in the paper.
    pub fn finetune() -> Self {
        FitConfig::midtrain()
    }

    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |message: &str| Err(Error::Config { what: "fit", message: message.to_owned() });
        let rates = [self.learning_rate, self.epsilon, self.clip];
        if rates.iter().any(|rate| !rate.is_finite() || *rate <= 0.0) {
            return wrong("`learning_rate`, `epsilon` and `clip` must be positive numbers");
        }
        let shares = [self.warmup, self.floor, self.beta1, self.beta2];
        if shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
            return wrong("`warmup`, `floor`, `beta1` and `beta2` must be between 0 and 1");
        }
        if self.beta1 == 1.0 || self.beta2 == 1.0 {
            return wrong("`beta1` and `beta2` must be below 1");
        }
        if !self.weight_decay.is_finite() || self.weight_decay < 0.0 {
            return wrong("`weight_decay` must be 0 or more");
        }
        if self.rows == 0 || self.sequence == 0 || self.checkpoint_every == 0 {
            return wrong("`rows`, `sequence` and `checkpoint_every` must be at least 1");
        }
        Ok(())
    }

    /// The learning rate of a step: a linear rise, then half a cosine.
    pub(crate) fn learning_rate_at(&self, step: usize, steps: usize) -> f64 {
        let warmup = (self.warmup * steps as f64).floor().max(1.0);
        let step = step as f64;
        let rise = ((step + 1.0) / warmup).min(1.0);
        let done = ((step - warmup) / (steps as f64 - warmup).max(1.0)).clamp(0.0, 1.0);
        let fall = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        self.learning_rate * rise * (self.floor + (1.0 - self.floor) * fall)
    }
}

/// Trains a model on rows.
///
/// Every epoch shuffles the rows anew by the seed and packs them into sequences. With a `folder`, a
/// checkpoint is written every [`checkpoint_every`](FitConfig::checkpoint_every) steps; a run that was
/// killed and is started again with the same arguments goes on from the last one and ends with the
/// same parameters, to the bit on `flex`.
///
/// # Errors
///
/// [`Error::NoData`] when no row carries loss, [`Error::Config`] when a row's id is not in the
/// vocabulary or a sequence is longer than the model allows, [`Error::NotFinite`] when training
/// diverges, [`Error::Checkpoint`] when the folder holds a checkpoint of another run.
pub fn fit(
    model: Transformer,
    rows: &[Row],
    config: &FitConfig,
    folder: Option<&Path>,
    watch: &dyn Watch<Step>,
) -> Result<Transformer> {
    config.check()?;
    check_rows(&model, rows, config)?;
    let mut order = Order::new(rows, config);
    let steps = config.steps.unwrap_or_else(|| {
        (0..config.epochs).map(|epoch| order.epoch(epoch).len().div_ceil(config.rows)).sum()
    });
    let data = checkpoint::hash_of_rows(rows);
    let resumed = match folder {
        Some(folder) => Trainer::resume::<String>(folder, model.clone(), config.clone(), steps)?,
        None => None,
    };
    let mut trainer = match (resumed, folder) {
        (Some((trainer, trained_on)), _) if trained_on == data => trainer,
        (Some(_), Some(folder)) => {
            return Err(Error::Checkpoint {
                path: folder.to_owned(),
                message: "was trained on other rows; give this run another folder".to_owned(),
            });
        }
        _ => Trainer::new(model, config.clone(), steps)?,
    };
    while trainer.step_number() < steps {
        let step = trainer.step(&order.batch(trainer.step_number()))?;
        watch.progress(&step);
        if let Some(folder) = folder
            && trainer.step_number() % config.checkpoint_every == 0
        {
            trainer.save(folder, &data)?;
        }
    }
    Ok(trainer.into_model())
}

fn check_rows(model: &Transformer, rows: &[Row], config: &FitConfig) -> Result<()> {
    let wrong = |message: String| Err(Error::Config { what: "fit", message });
    let longest = model.config().max_position_embeddings;
    if config.sequence > longest {
        return wrong(format!(
            "`sequence` is {}, the model's longest is {longest}",
            config.sequence
        ));
    }
    let vocabulary = model.config().vocab_size as u32;
    for (number, row) in rows.iter().enumerate() {
        if let Some(id) = row.ids.iter().find(|&&id| id >= vocabulary) {
            return wrong(format!(
                "row {number} holds token {id}, the vocabulary has {vocabulary}"
            ));
        }
        if row.ids.len() != row.weights.len() {
            return wrong(format!("row {number} has not one weight for each token"));
        }
    }
    if rows.iter().all(|row| row.learnt() == 0) {
        return Err(Error::NoData("no row has a token with loss"));
    }
    Ok(())
}

/// Which rows meet at which step: a function of rows, configuration and step alone.
struct Order<'r> {
    rows: &'r [Row],
    config: &'r FitConfig,
    /// The epoch last packed, with its sequences in the order of training.
    packed: Option<(usize, Packed)>,
}

impl<'r> Order<'r> {
    fn new(rows: &'r [Row], config: &'r FitConfig) -> Self {
        Order { rows, config, packed: None }
    }

    fn epoch(&mut self, epoch: usize) -> &Packed {
        if self.packed.as_ref().is_none_or(|(packed, _)| *packed != epoch) {
            let mut random = ChaCha8Rng::seed_from_u64(self.config.seed);
            random.set_stream(epoch as u64);
            let mut rows: Vec<&Row> = self.rows.iter().collect();
            rows.shuffle(&mut random);
            let mut packed = pack(rows, self.config.sequence);
            packed.retain_learnt();
            if packed.truncated > 0 {
                tracing::warn!(
                    tokens = packed.truncated,
                    "rows longer than a sequence were cut off"
                );
            }
            self.packed = Some((epoch, packed));
        }
        match &self.packed {
            Some((_, packed)) => packed,
            None => unreachable!("packed above"),
        }
    }

    fn batch(&mut self, step: usize) -> crate::Batch {
        let (mut epoch, mut first) = (0, step);
        loop {
            let rows = self.config.rows;
            let packed = self.epoch(epoch);
            let batches = packed.len().div_ceil(rows);
            if first < batches {
                let numbers = first * rows..((first + 1) * rows).min(packed.len());
                return packed.batch(&numbers.collect::<Vec<_>>());
            }
            first -= batches;
            epoch += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceSpec, TransformerConfig};

    fn model() -> Transformer {
        let config = TransformerConfig { hidden_size: 32, ..TransformerConfig::tiny(11) };
        Transformer::init(config, 1, &DeviceSpec::Flex.open().unwrap()).unwrap()
    }

    fn rows() -> Vec<Row> {
        (0..40u32).map(|i| Row::learning_all((0..6).map(|j| (i * 3 + j) % 11).collect())).collect()
    }

    fn config() -> FitConfig {
        FitConfig {
            epochs: 3,
            rows: 4,
            sequence: 16,
            learning_rate: 1e-2,
            checkpoint_every: 5,
            ..FitConfig::midtrain()
        }
    }

    fn weights(model: &Transformer) -> Vec<f32> {
        let named = crate::model::parameters(model.weights());
        named.into_iter().flat_map(|p| p.flat.into_data().try_to_vec::<f32>().unwrap()).collect()
    }

    #[test]
    fn the_loss_begins_at_ln_vocabulary_and_falls() {
        let losses = std::sync::Mutex::new(Vec::new());
        let watch = |step: &Step| losses.lock().unwrap().push(step.loss);
        fit(model(), &rows(), &config(), None, &watch).unwrap();
        let losses = losses.into_inner().unwrap();
        assert!((losses[0] - (11f64).ln()).abs() < 0.2, "{losses:?}");
        assert!(losses.last().unwrap() < &(0.6 * losses[0]), "{losses:?}");
    }

    #[test]
    fn one_batch_is_learnt_by_heart() {
        let rows = vec![Row::learning_all(vec![1, 5, 2, 9, 3, 3, 7])];
        let config = FitConfig { steps: Some(150), ..config() };
        let last = std::sync::Mutex::new(f64::NAN);
        let watch = |step: &Step| *last.lock().unwrap() = step.loss;
        fit(model(), &rows, &config, None, &watch).unwrap();
        assert!(*last.lock().unwrap() < 0.01, "{last:?}");
    }

    #[test]
    fn a_run_that_was_stopped_ends_as_one_that_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let straight = fit(model(), &rows(), &config(), None, &()).unwrap();
        // Stopped by a panic in the middle of a step's report, as abrupt as a kill.
        let stop = |step: &Step| assert!(step.step < 13, "stopped");
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            fit(model(), &rows(), &config(), Some(folder.path()), &stop)
        }));
        assert!(stopped.is_err());
        let seen = std::sync::Mutex::new(Vec::new());
        let watch = |step: &Step| seen.lock().unwrap().push(step.step);
        let resumed = fit(model(), &rows(), &config(), Some(folder.path()), &watch).unwrap();
        assert_eq!(seen.into_inner().unwrap()[0], 10);
        assert_eq!(weights(&resumed), weights(&straight));
    }

    #[test]
    fn a_checkpoint_of_another_run_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fit(model(), &rows(), &config(), Some(folder.path()), &()).unwrap();
        let faster = FitConfig { learning_rate: 2e-2, ..config() };
        let error = fit(model(), &rows(), &faster, Some(folder.path()), &()).unwrap_err();
        assert!(error.to_string().contains("configuration"), "{error}");
        let error = fit(
            model(),
            &rows()[1..],
            &FitConfig { steps: Some(24), ..config() },
            Some(folder.path()),
            &(),
        );
        assert!(error.is_err());
    }

    #[test]
    fn what_cannot_be_trained_on_is_refused() {
        let refused = |rows: &[Row], config: FitConfig| {
            fit(model(), rows, &config, None, &()).unwrap_err().to_string()
        };
        let silent = Row { ids: vec![1, 2], weights: vec![1.0, 0.0] };
        assert!(refused(&[silent], config()).contains("no row"));
        assert!(refused(&[Row::learning_all(vec![1, 99])], config()).contains("token 99"));
        assert!(refused(&rows(), FitConfig { sequence: 65, ..config() }).contains("longest is 64"));
        assert!(refused(&rows(), FitConfig { clip: 0.0, ..config() }).contains("`clip`"));
    }

    #[test]
    fn the_schedule_rises_and_falls() {
        let config = FitConfig { learning_rate: 1.0, warmup: 0.1, floor: 0.25, ..config() };
        let rates: Vec<f64> = (0..100).map(|step| config.learning_rate_at(step, 100)).collect();
        assert_eq!(rates[0], 0.1);
        assert_eq!(rates[9], 1.0);
        assert!(rates[10..].windows(2).all(|pair| pair[0] >= pair[1]));
        assert!((rates[99] - 0.25).abs() < 1e-3);
    }
}
