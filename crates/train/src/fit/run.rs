//! A run's folder: what it is, its checkpoints and its metrics.
//!
//! ```text
//! run.json              configuration, data hashes, packing, versions
//! metrics.jsonl         a line for each step
//! step-00000100/        a checkpoint; the last few are kept
//! not-finite.json       the batch at which training broke off, if it did
//! ```

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use ethos_core::jsonl;
use serde::{Deserialize, Serialize};

use super::{FitConfig, FitProgress};
use crate::{Batch, Error, Packing, Result, Trainer, Transformer, TransformerConfig};

const RUN: &str = "run.json";
const METRICS: &str = "metrics.jsonl";
const NOT_FINITE: &str = "not-finite.json";
const STEP: &str = "step-";

/// What a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) config: FitConfig,
    pub(super) steps: usize,
    pub(super) model: TransformerConfig,
    pub(super) device: String,
    /// Hash of some values of each parameter that the model began with.
    pub(super) start: String,
    /// Hash of the rows trained on.
    pub(super) rows: String,
    /// What packing made of them in the first epoch.
    pub(super) packing: Packing,
    /// Hash of the rows held out.
    pub(super) held_out: Option<String>,
    pub(super) versions: Versions,
}

/// What computed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Versions {
    ethos_train: String,
    burn: String,
}

impl Versions {
    pub(super) fn own() -> Self {
        Versions { ethos_train: env!("CARGO_PKG_VERSION").to_owned(), burn: "0.22.1".to_owned() }
    }
}

/// The folder of a run.
pub(super) struct Folder<'f>(pub(super) &'f Path);

impl Folder<'_> {
    /// Takes the folder for a run, or makes sure that it already is this run's.
    pub(super) fn claim(&self, run: &Run) -> Result<()> {
        let path = self.0.join(RUN);
        if path.exists() {
            let found: Run = jsonl::read_json(&path)?;
            let other = |message: &str| {
                let message =
                    format!("{message}; give this run another folder, or delete that one");
                Err(Error::Checkpoint { path: self.0.to_owned(), message })
            };
            if found.rows != run.rows {
                return other(
                    "is of a run on other rows (a chat template that writes today's date makes \
                     such: `ChatTemplate::at`)",
                );
            }
            if found.model != run.model {
                return other("is of a run of a model of another shape");
            }
            if found.start != run.start {
                return other("is of a run that began from another model");
            }
            if !found.config.same_run(&run.config) || found.steps != run.steps {
                return other("is of a run with another configuration");
            }
            return Ok(()); // it says what the run began with
        }
        Ok(jsonl::write_json(path, run)?)
    }

    /// Goes on from the newest checkpoint, where there is one.
    pub(super) fn resume(&self, model: &Transformer, run: &Run) -> Result<Option<Trainer>> {
        let Some((_, newest)) = self.checkpoints()?.pop() else { return Ok(None) };
        let resumed = Trainer::resume::<()>(newest, model.clone(), run.config.clone(), run.steps)?;
        Ok(resumed.map(|(trainer, ())| trainer))
    }

    /// Writes a checkpoint, and removes those before the last few.
    pub(super) fn save(&self, trainer: &Trainer, keep: usize) -> Result<()> {
        trainer.save(self.0.join(format!("{STEP}{:08}", trainer.step_number())), &())?;
        let all = self.checkpoints()?;
        for (_, old) in &all[..all.len().saturating_sub(keep)] {
            fs::remove_dir_all(old).map_err(Error::io("remove", old))?;
        }
        Ok(())
    }

    /// The checkpoints there are, whole ones only, in order.
    fn checkpoints(&self) -> Result<Vec<(usize, PathBuf)>> {
        let entries = match fs::read_dir(self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("read", self.0)(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(Error::io("read", self.0))?.file_name();
            let Some(name) = name.to_str() else { continue };
            // One that is whole and not yet renamed is taken by its own name; `Trainer::resume` does
            // the rest.
            let name = name.strip_suffix(".whole").unwrap_or(name);
            if let Some(step) = name.strip_prefix(STEP).and_then(|step| step.parse().ok()) {
                found.push((step, self.0.join(name)));
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// The metrics up to a step, ready for more lines.
    pub(super) fn metrics(&self, steps: usize) -> Result<Metrics> {
        fs::create_dir_all(self.0).map_err(Error::io("create", self.0))?;
        let path = self.0.join(METRICS);
        if path.exists() {
            jsonl::recover(&path)?;
            let mut kept: Vec<FitProgress> = jsonl::read_all(&path)?;
            kept.retain(|line| line.step.step < steps);
            jsonl::write(&path, kept)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(Error::io("open", &path))?;
        Ok(Metrics { path, file })
    }

    /// Keeps the batch at which training broke off; gives its path.
    pub(super) fn keep_batch(&self, batch: &Batch) -> Result<PathBuf> {
        let path = self.0.join(NOT_FINITE);
        jsonl::write_json(&path, batch)?;
        Ok(path)
    }
}

/// `metrics.jsonl`, line by line.
pub(super) struct Metrics {
    path: PathBuf,
    file: fs::File,
}

impl Metrics {
    pub(super) fn add(&mut self, progress: &FitProgress) -> Result<()> {
        let mut line = serde_json::to_vec(progress).unwrap_or_default();
        line.push(b'\n');
        self.file.write_all(&line).map_err(Error::io("write", &self.path))
    }
}
