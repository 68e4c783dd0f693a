//! A log that is made of another.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use ethos_core::Usage;
use ethos_evallog as log;
use serde_json::json;

use super::{reading::scored, score::score, writing::Log};
use crate::{
    Error, Measure, Outcome, Result, Score, Scores,
    run::{Run, Scored},
};

/// A log with the samples of another and new scores.
pub(crate) struct Again {
    header: log::EvalLog,
    log: Log,
    keep: bool,
    samples: Vec<(Scored, Option<Outcome<Score>>)>,
}

impl Again {
    /// Opens a log for reading, and begins another.
    pub(crate) fn open(
        path: &Path,
        folder: Option<&Path>,
        measures: Vec<Measure>,
        keep: bool,
        began: Option<SystemTime>,
    ) -> Result<(log::LogReader, Self)> {
        let mut reader = log::LogReader::open(path)?;
        let mut header = reader.header()?;
        if header.status != log::EvalStatus::Success {
            let status = header.status.as_str().to_owned();
            return Err(Error::Unfinished { path: path.to_owned(), status });
        }
        let metadata = header.eval.metadata.get_or_insert_default();
        let mut ethos =
            metadata.get("ethos").and_then(log::Value::as_object).cloned().unwrap_or_default();
        let said = ethos.get("measures").cloned().filter(|_| keep);
        let mut known: Vec<Measure> =
            said.and_then(|said| serde_json::from_value(said.into()).ok()).unwrap_or_default();
        known.retain(|old| measures.iter().all(|new| new.name != old.name));
        known.extend(measures);
        ethos.insert("measures".to_owned(), json!(known).into());
        metadata.insert("ethos".to_owned(), log::Value::Object(ethos));
        header.results = None;
        let log = Log::of(scored_path(path, folder), header.clone(), began)?;
        Ok((reader, Again { header, log, keep, samples: Vec::new() }))
    }

    pub(crate) fn task(&self) -> &str {
        &self.header.eval.task
    }

    /// How many samples there are, as far as the header knows.
    pub(crate) fn samples(&self) -> u64 {
        let (samples, epochs) = (self.header.eval.dataset.samples, self.header.eval.config.epochs);
        let count = samples.unwrap_or_default() * epochs.unwrap_or(1);
        count.try_into().unwrap_or_default()
    }

    /// Adds a sample, the `number`th of the log, from 0.
    pub(crate) fn add(
        &mut self,
        number: u64,
        mut logged: log::EvalSample,
        scores: Scores,
    ) -> Result<()> {
        let text = super::sample::state(&logged).last_text();
        let mut all = logged.scores.take().filter(|_| self.keep).unwrap_or_default();
        all.extend(scores.iter().map(|(name, outcome)| (name.clone(), score(outcome, &text))));
        logged.scores = Some(all);
        self.samples.push(scored(&logged));
        self.log.place(number, logged)
    }

    pub(crate) fn finish(self, judges: Usage, coverage: f64) -> Result<Run> {
        let mut run = Run::of(self.log.path(), &self.header, self.samples);
        run.judges += judges;
        let covered = run.covered(coverage);
        self.log.finish(&run, covered.as_ref().err())?;
        covered.map(|()| run)
    }
}

/// The name of a log with `-scored`.
fn scored_path(path: &Path, folder: Option<&Path>) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let beside = path.parent().unwrap_or(Path::new(""));
    folder.unwrap_or(beside).join(format!("{stem}-scored.eval"))
}
