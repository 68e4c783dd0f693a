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

#[cfg(test)]
mod tests {
    use ethos_core::Role;

    use super::*;

    fn read(name: &str) -> Vec<Trajectory> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../evallog/tests/fixtures/");
        Trajectory::read(format!("{folder}{name}")).unwrap()
    }

    #[test]
    fn logs_of_inspect_ai() {
        let runs = read("tools.eval");
        let [run] = runs.as_slice() else { panic!("one run, not {}", runs.len()) };
        assert_eq!((run.model.as_str(), run.condition), ("mockllm/model", None));
        assert!(run.id.ends_with("/1") && !run.task.is_empty(), "{run:?}");
        let calls: Vec<&str> = run
            .messages
            .iter()
            .flat_map(|m| &m.tool_calls)
            .map(|call| call.name.as_str())
            .collect();
        assert!(!calls.is_empty());
        assert!(calls.iter().all(|call| run.tools.iter().any(|tool| tool.name == *call)));
        assert!(run.tools.iter().all(|tool| tool.parameters["type"] == "object"));
        let told: Vec<_> = run.messages.iter().filter(|m| m.role == Role::Tool).collect();
        assert_eq!(told.len(), calls.len());
        let transcript = run.transcript();
        assert!(transcript.contains(&format!("[assistant calls {}]", calls[0])), "{transcript}");
    }

    #[test]
    fn every_epoch_is_a_run_and_a_score_is_an_outcome() {
        let runs = read("epochs.eval");
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, ["1/1", "2/1", "1/2", "2/2", "1/3", "2/3"]);
        assert!(
            runs.iter().all(|run| run.metadata["scores"].is_object() && !run.messages.is_empty())
        );
        assert!(read("limits.eval")[0].metadata["limit"].is_string());
        assert_eq!(read("plain.json").len(), 2);
        let unscored = read("nan.eval");
        let text = serde_json::to_string(&unscored).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Trajectory>>(&text).unwrap(), unscored);
    }

    #[test]
    fn one_by_one_until_the_program_has_enough() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../evallog/tests/fixtures/epochs.eval");
        let mut seen = 0;
        let stopped = Trajectory::read_each(path, |_| {
            seen += 1;
            let enough = std::io::Error::other("enough");
            Err(crate::Error::Io { path: path.into(), source: enough })
        });
        assert!(stopped.is_err());
        assert_eq!(seen, 1);
        assert!(Trajectory::read("no such file.eval").is_err());
    }
}
