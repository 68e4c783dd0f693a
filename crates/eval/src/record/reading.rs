//! A run read back from its log.

use std::{collections::BTreeMap, path::Path};

use ethos_core::Usage;
use ethos_evallog as log;

use super::score::outcome;
use crate::{
    Error, Measure, Outcome, Result, Scores,
    run::{Run, Scored},
};

impl Run {
    /// Reads a log, one that [`run`](crate::run::run) wrote or one of Inspect AI's.
    ///
    /// Of Inspect's own, letters become numbers (`C` is 1, `P` a half, `I` and `N` are 0), and each entry of a
    /// score that is an object becomes a measure, `scorer/entry`. A sample with an error and no score is an
    /// [`Outcome::Infrastructure`] of every measure, one that hit a limit an [`Outcome::CutOff`].
    ///
    /// # Errors
    ///
    /// [`Error::Log`] for a file that is no log; [`Error::Unfinished`] for one that is still being written,
    /// or whose run ended in an error: it lacks samples.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut reader = log::LogReader::open(path)?;
        let header = reader.header()?;
        if header.status != log::EvalStatus::Success {
            let status = header.status.as_str().to_owned();
            return Err(Error::Unfinished { path: path.to_owned(), status });
        }
        let mut samples = Vec::new();
        for sample in reader.samples() {
            samples.push(scored(&sample?));
        }
        Ok(Run::of(path, &header, samples))
    }

    /// The run that a log's header and the outcomes of its samples make.
    pub(super) fn of(
        path: &Path,
        header: &log::EvalLog,
        samples: Vec<(Scored, Option<Outcome<crate::Score>>)>,
    ) -> Self {
        let measures = measures(header, &samples);
        let fill = |(mut sample, missing): (Scored, Option<Outcome<crate::Score>>)| {
            for measure in &measures {
                if let Some(missing) = &missing
                    && !sample.scores.contains_key(&measure.name)
                {
                    sample.scores.insert(measure.name.clone(), missing.clone());
                }
            }
            sample
        };
        let mut samples: Vec<Scored> = samples.into_iter().map(fill).collect();
        samples.sort_by(|a, b| (&a.id, a.epoch).cmp(&(&b.id, b.epoch)));
        let tokens = |map: &log::Map<log::ModelUsage>| {
            map.values().fold(Usage::default(), |mut sum, usage| {
                let count = |tokens: i64| tokens.try_into().unwrap_or_default();
                sum += Usage::new(count(usage.input_tokens), count(usage.output_tokens));
                sum
            })
        };
        Run {
            task: header.eval.task.clone(),
            model: header.eval.model.clone(),
            measures,
            samples,
            usage: tokens(&header.stats.model_usage),
            judges: tokens(&header.stats.role_usage),
            log: Some(path.to_owned()),
        }
    }
}

/// The outcomes of a sample, and what it lacks when it has none of a measure.
pub(super) fn scored(logged: &log::EvalSample) -> (Scored, Option<Outcome<crate::Score>>) {
    let state = super::sample::state(logged);
    let missing = state.ended.is_some().then(|| state.answer().missing()).flatten();
    let (id, cluster) = (state.sample.id.clone(), state.sample.cluster().to_owned());
    (Scored { id, epoch: state.epoch, cluster, scores: scores(logged) }, missing)
}

/// The outcomes of a sample; an entry of a score that is an object is one of its own.
pub(crate) fn scores(logged: &log::EvalSample) -> Scores {
    let mut scores = Scores::new();
    for (name, score) in logged.scores.iter().flatten() {
        let Some(entries) = score.value.as_object() else {
            scores.insert(name.clone(), outcome(score));
            continue;
        };
        for (entry, value) in entries {
            let mut one = score.clone();
            one.value = value.clone();
            scores.insert(format!("{name}/{entry}"), outcome(&one));
        }
    }
    scores
}

/// What the log says was measured, and for what it does not say, what the numbers look like.
fn measures(
    header: &log::EvalLog,
    samples: &[(Scored, Option<Outcome<crate::Score>>)],
) -> Vec<Measure> {
    let ethos = header.eval.metadata.as_ref().and_then(|metadata| metadata.get("ethos"));
    let said = ethos.and_then(|ethos| ethos.get("measures")).cloned();
    let mut measures: Vec<Measure> =
        said.and_then(|said| serde_json::from_value(said.into()).ok()).unwrap_or_default();
    let mut found: BTreeMap<&str, bool> = BTreeMap::new();
    for (name, outcome) in samples.iter().flat_map(|(sample, _)| &sample.scores) {
        let rate = outcome.score().is_none_or(|score| score.value == 0.0 || score.value == 1.0);
        *found.entry(name).or_insert(true) &= rate;
    }
    for (name, rate) in found {
        if !measures.iter().any(|measure| measure.name == name) {
            measures.push(if rate { Measure::rate(name) } else { Measure::number(name) });
        }
    }
    measures
}
