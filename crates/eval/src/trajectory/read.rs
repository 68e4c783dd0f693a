//! Trajectories from runs and their logs.

use std::path::Path;

use ethos_evallog as log;
use serde_json::{Map, json};

use super::Trajectory;
use crate::{Result, State, record, stealth::Given};

impl Trajectory {
    /// Reads the runs of any Inspect log, in its order: of [`stealth`](crate::stealth) tasks, and of anybody's
    /// agents.
    ///
    /// A run is named by its sample and epoch. Its metadata are those of the sample, with its `scores` as outcomes, and
    /// the `error` or `limit` that ended it, where there are such. Logs of runs that were not finished are read as far
    /// as they go. All is held at once: where that is too much, see [`Trajectory::read_each`].
    ///
    /// # Errors
    ///
    /// [`Error::Log`](crate::Error::Log) for a file that is no log, or has a sample that cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<Trajectory>> {
        let mut all = Vec::new();
        Trajectory::read_each(path, |run| {
            all.push(run);
            Ok(())
        })?;
        Ok(all)
    }

    /// The same one by one, each gone when `found` is done with it.
    ///
    /// # Errors
    ///
    /// Those of [`Trajectory::read`], and those of `found`.
    pub fn read_each(
        path: impl AsRef<Path>,
        mut found: impl FnMut(Trajectory) -> Result<()>,
    ) -> Result<()> {
        let mut reader = log::LogReader::open(path)?;
        let eval = reader.header()?.eval;
        for sample in reader.samples() {
            let sample = sample?;
            let mut run = Trajectory::of(&record::state(&sample));
            run.model.clone_from(&eval.model);
            if run.task.is_empty() {
                run.task.clone_from(&eval.task);
            }
            let scores = record::scores(&sample).into_iter();
            let scores: Map<_, _> = scores
                .map(|(name, outcome)| (name, json!(outcome.map(|score| score.value))))
                .collect();
            let error = sample.error.map(|error| ("error".to_owned(), json!(error.message)));
            let limit = sample.limit.map(|limit| ("limit".to_owned(), json!(limit.kind)));
            run.metadata.extend(error.into_iter().chain(limit));
            if !scores.is_empty() {
                run.metadata.insert("scores".to_owned(), scores.into());
            }
            found(run)?;
        }
        Ok(())
    }

    /// A run as it stands. The task of one that is not of [`stealth`](crate::stealth), and its model, are for the
    /// program to say.
    pub fn of(state: &State) -> Self {
        let id = format!("{}/{}", state.sample.id, state.epoch);
        let mut run = Trajectory::new(id, state.messages.iter().cloned());
        run.tools.clone_from(&state.tools);
        run.metadata.clone_from(&state.sample.metadata);
        if let Some(given) = Given::take(&mut run.metadata) {
            run.task = given.environment;
            run.condition = Some(given.condition);
            run.goal = Some(given.goal);
            run.decoy = given.decoy;
            run.metadata.insert("seed".to_owned(), json!(given.seed));
            run.metadata.insert("secrecy".to_owned(), json!(given.secrecy));
        }
        run
    }
}
