//! Writing a run's log while it runs.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use ethos_core::{ModelId, Sampling, Usage};
use ethos_evallog as log;
use serde_json::json;

use super::{
    message::usage,
    sample::{logged, object},
};
use crate::{Error, Result, Scores, State, Task, run::Run};

/// Samples after which the log is first made readable; from then on whenever it has grown by a quarter, so
/// that all copying together is a few times the log.
const FLUSH: u64 = 64;

/// A log that grows slowly is made readable after so long.
const LONG: Duration = Duration::from_secs(30);

/// The log of a run that is under way.
pub(crate) struct Log {
    log: log::EvalLog,
    writer: log::LogWriter,
    /// Whether the caller gave the time: then it is that of everything.
    still: bool,
    began: SystemTime,
    samples: u64,
    next_flush: u64,
    flushed: Instant,
    /// Samples that wait for those before them.
    waiting: BTreeMap<u64, log::EvalSample>,
}

impl Log {
    pub(crate) fn create(
        folder: &Path,
        task: &Task<'_>,
        model: &ModelId,
        began: Option<SystemTime>,
    ) -> Result<Self> {
        fs::create_dir_all(folder)
            .map_err(|source| Error::Io { path: folder.to_owned(), source })?;
        // Now, and not when its answer has been paid for.
        for sample in &task.dataset.samples {
            log::SampleId::from(sample.id.as_str()).check()?;
        }
        let spec = spec(task, model, began.unwrap_or_else(SystemTime::now));
        let path = folder.join(log::file_name(&spec) + ".eval");
        let mut log = log::EvalLog::new(spec);
        for solver in &task.solvers {
            let params = object(&solver.settings());
            log.plan.steps.push(log::EvalPlanStep::new(solver.name(), params));
        }
        if task.solvers.is_empty() {
            log.plan.steps.push(log::EvalPlanStep::new("generate", log::Map::new()));
        }
        log.plan.config = config(&task.sampling);
        Log::of(path, log, began)
    }

    /// A log of this header; when it began is now, unless told.
    pub(super) fn of(
        path: PathBuf,
        mut log: log::EvalLog,
        began: Option<SystemTime>,
    ) -> Result<Self> {
        let still = began.is_some();
        let began = began.unwrap_or_else(SystemTime::now);
        log.stats.started_at = time(began);
        let writer = log::LogWriter::create(path, &log)?;
        Ok(Log {
            log,
            writer,
            still,
            began,
            samples: 0,
            next_flush: FLUSH,
            flushed: Instant::now(),
            waiting: BTreeMap::new(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.writer.path()
    }

    pub(crate) fn add(&mut self, state: &State, scores: &Scores) -> Result<()> {
        let seconds = (!self.still).then(|| state.began.elapsed().as_secs_f64());
        let sample = logged(&self.log.eval.model, state, scores, &self.now(), seconds)?;
        self.place(state.number, sample)
    }

    /// Adds a sample as it stands, in its place where the log must not depend on who is done first.
    pub(super) fn place(&mut self, number: u64, sample: log::EvalSample) -> Result<()> {
        if !self.still {
            return self.push(&sample);
        }
        self.waiting.insert(number, sample);
        while let Some(next) = self.waiting.remove(&self.samples) {
            self.push(&next)?;
        }
        Ok(())
    }

    fn push(&mut self, sample: &log::EvalSample) -> Result<()> {
        self.writer.add(sample)?;
        self.samples += 1;
        // What a flush leaves behind must not depend on the clock where the log must not.
        let long = !self.still && self.flushed.elapsed() >= LONG;
        if self.samples >= self.next_flush || long {
            self.next_flush = self.samples + FLUSH.max(self.samples / 4);
            self.writer.flush()?;
            self.flushed = Instant::now();
        }
        Ok(())
    }

    /// Ends the log; with an error it says so, and keeps its samples.
    pub(crate) fn finish(mut self, run: &Run, error: Option<&Error>) -> Result<()> {
        let total = run.samples.len() as i64;
        let failed = |sample: &&crate::run::Scored| {
            sample
                .scores
                .values()
                .any(|outcome| matches!(outcome, crate::Outcome::Infrastructure(_)))
        };
        let completed = total - run.samples.iter().filter(failed).count() as i64;
        let mut results = log::EvalResults::new(total, completed);
        results.scores = super::score::results(run);
        self.log.results = Some(results);
        self.log.stats.completed_at = self.now();
        let spent = |map: &mut log::Map<log::ModelUsage>, who: &str, tokens: Usage| {
            map.insert(who.to_owned(), usage(tokens));
        };
        spent(&mut self.log.stats.model_usage, &self.log.eval.model, run.usage);
        if run.judges != Usage::default() {
            spent(&mut self.log.stats.role_usage, "grader", run.judges);
        }
        self.log.status = log::EvalStatus::Success;
        if let Some(error) = error {
            self.log.status = log::EvalStatus::Error;
            self.log.error = Some(log::EvalError::new(error.to_string(), error.to_string()));
        }
        Ok(self.writer.finish(&self.log, Some(&super::score::reductions(run)))?)
    }

    fn now(&self) -> String {
        time(if self.still { self.began } else { SystemTime::now() })
    }
}

fn spec(task: &Task<'_>, model: &ModelId, began: SystemTime) -> log::EvalSpec {
    let created = time(began);
    let mut spec = log::EvalSpec::new(task.name.as_str(), model.key.as_str(), created.as_str());
    // Runs that begin in the same second are told apart: by the clock's nanoseconds, or, where a caller gave
    // the time, by how they are set up.
    let solvers: Vec<_> = task.solvers.iter().map(|s| (s.name(), s.settings())).collect();
    let setup =
        json!([task.settings, solvers, task.epochs, task.sampling, task.limits, task.measures()]);
    let id = |what: &str| {
        let began = humantime::format_rfc3339_nanos(began);
        let named = format!("{what}\0{}\0{}\0{began}\0{setup}", task.name, model.key);
        blake3::hash(named.as_bytes()).to_hex()[..22].to_owned()
    };
    (spec.task_id, spec.eval_id, spec.run_id) = (id("task"), id("eval"), id("run"));
    spec.task_version = log::TaskVersion::Number(task.version.into());
    spec.task_description.clone_from(&task.about);
    spec.task_args = object(&task.settings);
    spec.model_base_url.clone_from(&model.address);
    let dataset = &task.dataset;
    spec.dataset.name = Some(dataset.name.clone());
    spec.dataset.location.clone_from(&dataset.location);
    spec.dataset.shuffled = Some(dataset.shuffled);
    spec.dataset.samples = Some(dataset.samples.len() as i64);
    let ids = dataset.samples.iter().map(|sample| log::SampleId::from(sample.id.as_str()));
    spec.dataset.sample_ids = Some(ids.collect());
    spec.config.epochs = Some(task.epochs.into());
    spec.config.epochs_reducer = Some(vec!["mean".to_owned()]);
    spec.config.turn_limit = task.limits.turns.map(Into::into);
    spec.config.token_limit = task.limits.tokens.and_then(|tokens| tokens.try_into().ok());
    spec.config.time_limit = task.limits.time.and_then(|time| time.as_secs().try_into().ok());
    let judges: Vec<String> = task.scorers.iter().flat_map(|scorer| scorer.judges()).collect();
    let measures =
        json!({"measures": task.measures(), "judges": judges, "coverage": task.coverage});
    spec.metadata = Some([("ethos".to_owned(), measures.into())].into());
    spec.packages = [("ethos".to_owned(), env!("CARGO_PKG_VERSION").into())].into();
    spec
}

fn config(sampling: &Sampling) -> log::GenerateConfig {
    let mut config = log::GenerateConfig::default();
    config.temperature = sampling.temperature;
    config.top_p = sampling.top_p;
    config.top_k = sampling.top_k.map(Into::into);
    config.max_tokens = sampling.max_tokens.map(Into::into);
    config.seed = sampling.seed.and_then(|seed| seed.try_into().ok());
    config.stop_seqs = (!sampling.stop.is_empty()).then(|| sampling.stop.clone());
    config
}

/// ISO 8601 in UTC, to the second.
fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string().replace('Z', "+00:00")
}
