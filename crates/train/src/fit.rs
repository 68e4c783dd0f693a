//! Fitting a model to rows: midtraining on documents and fine-tuning on chats alike.

mod config;
mod progress;
mod run;

use std::{fmt, path::Path};

use ethos_core::Watch;

pub(crate) use self::progress::Pace;
use self::run::{Folder, Run, Versions};
pub use self::{
    config::{FitConfig, Schedule},
    progress::FitProgress,
};
use crate::{
    Digest, Error, Order, Result, Rows, Transformer,
    checkpoint::sampled_hash,
    model::{Trained, parameters},
    pack,
    trainer::Trainer,
};

/// What a model is trained on, and what it is watched on meanwhile. `&rows` makes one.
#[derive(Clone, Copy)]
pub struct Data<'r> {
    /// Rows to train on.
    pub rows: &'r dyn Rows,
    /// Rows not to train on, whose loss is told every so many steps.
    pub held_out: Option<&'r dyn Rows>,
}

impl<'r, R: Rows> From<&'r R> for Data<'r> {
    fn from(rows: &'r R) -> Self {
        Data { rows, held_out: None }
    }
}

impl<'r> From<&'r dyn Rows> for Data<'r> {
    fn from(rows: &'r dyn Rows) -> Self {
        Data { rows, held_out: None }
    }
}

impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held_out = self.held_out.map(Rows::len);
        f.debug_struct("Data").field("rows", &self.rows.len()).field("held_out", &held_out).finish()
    }
}

/// Trains a model on rows.
///
/// Every epoch shuffles the rows anew by the seed and packs them into sequences, see [`Order`]; rows may
/// be in memory, on disk or a mixture. With a `folder`, the run's configuration, a line of metrics for
/// each step, and a checkpoint every so many steps are written there; a run that was killed and is started
/// again with the same arguments goes on from the last one and ends with the same parameters, to the bit
/// on `flex`.
///
/// # Errors
///
/// [`Error::NoData`] when no row carries loss, [`Error::Config`] when a row's id is not in the
/// vocabulary or a sequence is longer than the model allows, [`Error::NotFinite`] when training
/// diverges (the batch is then in the folder), [`Error::Checkpoint`] when the folder holds another run.
pub fn fit<'r>(
    model: Transformer,
    data: impl Into<Data<'r>>,
    config: &FitConfig,
    folder: Option<&Path>,
    watch: &dyn Watch<FitProgress>,
) -> Result<Transformer> {
    let Data { rows, held_out } = data.into();
    config.check()?;
    let hash = checked_hash(&model, rows, config)?;
    let mut order = Order::new(rows, config.order())?;
    let steps = match config.steps {
        Some(steps) => steps,
        None => order.steps(config.epochs)?,
    };
    let held_out = match held_out {
        Some(rows) => {
            let hash = checked_hash(&model, rows, config)?;
            Some((hash, pack(rows, config.sequence, config.overlong)?))
        }
        None => None,
    };
    let run = Run {
        config: config.clone(),
        steps,
        model: model.config().clone(),
        device: format!("{:?}", model.device()),
        start: sampled_hash(parameters(model.weights(), Trained::All)),
        rows: hash,
        packing: order.packing(0)?.clone(),
        held_out: held_out.as_ref().map(|(hash, _)| hash.clone()),
        versions: Versions::own(),
    };
    let folder = folder.map(Folder);
    let resumed = match &folder {
        Some(folder) => {
            folder.claim(&run)?;
            folder.resume(&model, &run)?
        }
        None => None,
    };
    let mut trainer = match resumed {
        Some(trainer) => trainer,
        None => Trainer::new(model, config.clone(), steps)?,
    };
    let mut metrics =
        folder.as_ref().map(|folder| folder.metrics(trainer.step_number())).transpose()?;
    let mut pace = Pace::new(trainer.model(), config);

    while trainer.step_number() < steps {
        let batch = order.batch(trainer.step_number())?;
        let step = match (trainer.step(&batch), &folder) {
            (Err(Error::NotFinite { what, step, .. }), Some(folder)) => {
                let saved = Some(folder.keep_batch(&batch)?);
                return Err(Error::NotFinite { what, step, saved });
            }
            (step, _) => step?,
        };
        let made = trainer.step_number();
        let due = |every: usize| made.is_multiple_of(every) || made == steps;
        let held_out_loss = match &held_out {
            Some((_, packed)) if due(config.evaluate_every) => trainer.loss_of(packed)?,
            _ => None,
        };
        let progress = pace.of(step, held_out_loss, trainer.model());
        if let Some(metrics) = &mut metrics {
            metrics.add(&progress)?;
        }
        watch.progress(&progress);
        if let Some(folder) = &folder
            && due(config.checkpoint_every)
        {
            folder.save(&trainer, config.keep)?;
        }
    }
    Ok(trainer.into_model())
}

/// The hash of rows that the model can be trained on.
fn checked_hash(model: &Transformer, rows: &dyn Rows, config: &FitConfig) -> Result<String> {
    let wrong = |message: String| Err(Error::Config { what: "fit", message });
    let longest = model.config().max_position_embeddings;
    if config.sequence > longest {
        return wrong(format!(
            "`sequence` is {}, the model's longest is {longest}",
            config.sequence
        ));
    }
    let Digest { hash, learnt, largest_id, .. } = rows.digest()?;
    let vocabulary = model.config().vocab_size;
    if learnt > 0 && largest_id as usize >= vocabulary {
        return wrong(format!(
            "the rows hold token {largest_id}, the vocabulary has {vocabulary}; tokenise them for \
             this model"
        ));
    }
    if learnt == 0 {
        return Err(Error::NoData("no row has a token with loss"));
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{BatchSize, LoraConfig, Row, TransformerConfig};

    fn model() -> Transformer {
        let config = TransformerConfig { hidden_size: 32, ..TransformerConfig::tiny(11) };
        Transformer::init(config, 1, &crate::testing::device()).unwrap()
    }

    fn rows() -> Vec<Row> {
        (0..40u32).map(|i| Row::learning_all((0..6).map(|j| (i * 3 + j) % 11).collect())).collect()
    }

    fn config() -> FitConfig {
        FitConfig {
            lora: None,
            epochs: 3,
            batch: BatchSize::Sequences(4),
            sequence: 16,
            learning_rate: 1e-2,
            checkpoint_every: 5,
            ..FitConfig::midtrain()
        }
    }

    fn weights(model: &Transformer) -> Vec<f32> {
        let named = parameters(model.weights(), Trained::All);
        named.into_iter().flat_map(|p| p.flat.into_data().try_to_vec::<f32>().unwrap()).collect()
    }

    #[test]
    fn the_loss_begins_at_ln_vocabulary_and_falls() {
        let losses = Mutex::new(Vec::new());
        let watch = |at: &FitProgress| losses.lock().unwrap().push(at.step.loss);
        fit(model(), &rows(), &config(), None, &watch).unwrap();
        let losses = losses.into_inner().unwrap();
        assert!((losses[0] - (11f64).ln()).abs() < 0.2, "{losses:?}");
        assert!(losses.last().unwrap() < &(0.6 * losses[0]), "{losses:?}");
    }

    #[test]
    fn one_batch_is_learnt_by_heart() {
        let rows = vec![Row::learning_all(vec![1, 5, 2, 9, 3, 3, 7])];
        let config = FitConfig { steps: Some(150), ..config() };
        let last = Mutex::new(f64::NAN);
        let watch = |at: &FitProgress| *last.lock().unwrap() = at.step.loss;
        fit(model(), &rows, &config, None, &watch).unwrap();
        assert!(*last.lock().unwrap() < 0.01, "{last:?}");
    }

    #[test]
    fn a_run_that_was_stopped_ends_as_one_that_was_not() {
        let lora = Some(LoraConfig { rank: 2, dropout: 0.2, ..LoraConfig::paper() });
        for config in [config(), FitConfig { lora, ..config() }] {
            let folder = tempfile::tempdir().unwrap();
            let straight = fit(model(), &rows(), &config, None, &()).unwrap();
            // Stopped by a panic in the middle of a step's report, as abrupt as a kill.
            let stop = |at: &FitProgress| assert!(at.step.step < 8, "stopped");
            let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                fit(model(), &rows(), &config, Some(folder.path()), &stop)
            }));
            assert!(stopped.is_err());
            let seen = Mutex::new(Vec::new());
            let watch = |at: &FitProgress| seen.lock().unwrap().push(at.step.step);
            let resumed = fit(model(), &rows(), &config, Some(folder.path()), &watch).unwrap();
            assert_eq!(seen.into_inner().unwrap()[0], 5);
            assert_eq!(weights(&resumed), weights(&straight));
            // A run that is over is not trained further.
            let watch = |_: &FitProgress| panic!("trained on");
            let again = fit(model(), &rows(), &config, Some(folder.path()), &watch).unwrap();
            assert_eq!(weights(&again), weights(&straight));
        }
    }

    #[test]
    fn a_run_leaves_its_metrics_and_its_last_checkpoints() {
        let folder = tempfile::tempdir().unwrap();
        let (rows, held_out) = (rows()[..30].to_vec(), rows()[30..].to_vec());
        let data = Data { held_out: Some(&held_out), ..Data::from(&rows) };
        let config = FitConfig { evaluate_every: 4, keep: 2, ..config() };
        let told = Mutex::new(Vec::new());
        let watch = |at: &FitProgress| told.lock().unwrap().push(at.clone());
        let trained = fit(model(), data, &config, Some(folder.path()), &watch).unwrap();
        let told = told.into_inner().unwrap();
        let steps = told.len();
        let lines: Vec<FitProgress> =
            ethos_core::jsonl::read_all(folder.path().join("metrics.jsonl")).unwrap();
        assert_eq!(lines, told);
        for line in &lines {
            let due = (line.step.step + 1).is_multiple_of(4) || line.step.step + 1 == steps;
            assert_eq!(line.held_out_loss.is_some(), due, "{line:?}");
            assert!(line.tokens_per_second > 0.0 && line.step.tokens > 0, "{line:?}");
            assert!(cfg!(not(target_os = "linux")) || line.memory.unwrap() > 1 << 20);
        }
        let last = lines.last().unwrap();
        let trainer = Trainer::new(trained, config.clone(), steps).unwrap();
        let packed = pack(&held_out, 16, config.overlong).unwrap();
        assert_eq!(last.held_out_loss, trainer.loss_of(&packed).unwrap());
        assert!(last.held_out_loss.is_some());
        assert_eq!(last.seconds_left, 0.0);

        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let kept = [steps / 5 * 5, steps].map(|step| format!("step-{step:08}"));
        assert_eq!(names, ["metrics.jsonl", "run.json", &kept[0], &kept[1]]);
    }

    #[test]
    fn a_batch_that_breaks_training_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let config = FitConfig { learning_rate: 1e30, warmup: 0.0, ..config() };
        let error = fit(model(), &rows(), &config, Some(folder.path()), &()).unwrap_err();
        let Error::NotFinite { saved: Some(path), .. } = &error else { panic!("{error}") };
        assert!(error.to_string().contains("not-finite.json"), "{error}");
        let batch: crate::Batch = ethos_core::jsonl::read_json(path).unwrap();
        assert_eq!(batch.length, config.sequence);
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
            &&rows()[1..],
            &FitConfig { steps: Some(24), ..config() },
            Some(folder.path()),
            &(),
        );
        assert!(error.is_err());
        let other = Transformer::init(model().config().clone(), 2, model().device()).unwrap();
        let error = fit(other, &rows(), &config(), Some(folder.path()), &()).unwrap_err();
        assert!(error.to_string().contains("began from another model"), "{error}");
    }

    /// Else the result of an old midtraining would pass for that of a new one.
    #[test]
    fn a_run_from_another_adapter_is_another_run() {
        let lora = Some(LoraConfig { rank: 2, ..LoraConfig::paper() });
        let config = FitConfig { lora, steps: Some(3), ..config() };
        let midtrained = |learning_rate| {
            let config = FitConfig { learning_rate, ..config.clone() };
            fit(model(), &rows(), &config, None, &()).unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        let finetune = |model| fit(model, &rows(), &config, Some(folder.path()), &());
        let once = finetune(midtrained(1e-3)).unwrap();
        assert_eq!(weights(&finetune(midtrained(1e-3)).unwrap()), weights(&once));
        let error = finetune(midtrained(2e-3)).unwrap_err().to_string();
        assert!(error.contains("began from another model"), "{error}");
    }

    #[test]
    fn a_step_of_so_many_rows_is_one_whatever_their_length() {
        let steps = |batch| {
            let config = FitConfig { batch, epochs: 1, ..config() };
            let seen = Mutex::new(Vec::new());
            let watch = |at: &FitProgress| seen.lock().unwrap().push(at.step.clone());
            fit(model(), &rows(), &config, None, &watch).unwrap();
            seen.into_inner().unwrap()
        };
        // Forty rows of five places each, three to a sequence of sixteen.
        let by_rows = steps(BatchSize::Rows(4));
        assert_eq!(by_rows.len(), 10);
        assert!(by_rows.iter().all(|step| (step.weight, step.tokens) == (20.0, 32)));
        assert_eq!(steps(BatchSize::Sequences(4)).len(), 4);
    }

    #[test]
    fn what_cannot_be_trained_on_is_refused() {
        let refused = |rows: &[Row], config: FitConfig| {
            fit(model(), &rows, &config, None, &()).unwrap_err().to_string()
        };
        let silent = Row { ids: vec![1, 2], weights: vec![1.0, 0.0] };
        assert!(refused(&[silent], config()).contains("no row"));
        assert!(refused(&[Row::learning_all(vec![1, 99])], config()).contains("token 99"));
        assert!(refused(&rows(), FitConfig { sequence: 65, ..config() }).contains("longest is 64"));
        assert!(refused(&rows(), FitConfig { clip: 0.0, ..config() }).contains("`clip`"));
    }
}
