//! Running a task on a model.

pub(crate) mod draw;
mod estimate;
mod progress;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime},
};

use ethos_core::{Asker, Journal, Model, Usage, Watch};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use self::draw::Draws;
pub use self::{estimate::Estimate, progress::Progress};
use crate::{
    Error, Generator, Measure, Outcome, Result, Scores, State, Task,
    record::Log,
    scorer::{Grading, Scorer},
    solver::{Generate, Solver},
    stats::{Clusters, Ratings, Tally},
};

/// How a task is run; what is measured does not depend on it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// The folder that the log goes to; without one there is no log.
    pub logs: Option<PathBuf>,
    /// When it began; now, unless told. With a time given, the same answers give the same log to the byte:
    /// its samples stand in their order, so that one that is done waits in memory for those before it.
    pub began: Option<SystemTime>,
}

impl Config {
    /// With a log in this folder.
    pub fn with_logs(folder: impl Into<PathBuf>) -> Self {
        Config { logs: Some(folder.into()), ..Config::default() }
    }

    /// The same as if it had begun then.
    pub fn at(self, began: SystemTime) -> Self {
        Config { began: Some(began), ..self }
    }
}

/// What came of a task on a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// The task's name.
    pub task: String,
    /// The model's key.
    pub model: String,
    /// What was measured.
    pub measures: Vec<Measure>,
    /// What came of every sample in every epoch, by id and epoch.
    pub samples: Vec<Scored>,
    /// Tokens of the model's answers, those from the journal too.
    pub usage: Usage,
    /// Tokens of its judges' answers.
    pub judges: Usage,
    /// The log.
    pub log: Option<PathBuf>,
}

/// What came of a sample in one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scored {
    /// The sample's name.
    pub id: String,
    /// Which of its runs this is, from 1.
    pub epoch: u32,
    /// What it is not independent of: see [`Sample::cluster`](crate::Sample::cluster).
    pub cluster: String,
    /// Each measure's outcome.
    pub scores: Scores,
}

impl Run {
    /// Outcomes of a measure, sample by sample; empty when there is no such measure.
    pub fn outcomes(
        &self,
        measure: &str,
    ) -> impl Iterator<Item = (&Scored, &Outcome<crate::Score>)> {
        self.samples.iter().filter_map(move |sample| Some((sample, sample.scores.get(measure)?)))
    }

    /// The scores of a measure by cluster: what the statistics start from.
    ///
    /// # Errors
    ///
    /// [`Error::Undefined`] with a score that is not finite.
    pub fn clusters(&self, measure: &str) -> Result<Clusters> {
        let outcomes = self.outcomes(measure).map(|(sample, outcome)| (&*sample.cluster, outcome));
        Ok(Clusters::of(outcomes, |score| score.value)?)
    }

    /// How often a measure is 1, and what is missing.
    pub fn tally(&self, measure: &str) -> Tally {
        Tally::of(self.outcomes(measure).map(|(_, outcome)| outcome), |score| score.value == 1.0)
    }

    /// How often two measures of yes and no agree, such as two judges' of one question.
    ///
    /// # Errors
    ///
    /// [`Error::Undefined`] when one is not a rate.
    pub fn agreement(&self, first: &str, second: &str) -> Result<Ratings> {
        let yes = |outcome: &Outcome<crate::Score>| outcome.clone().map(|score| score.value);
        let pairs: Vec<_> = self
            .samples
            .iter()
            .filter_map(|sample| {
                Some((yes(sample.scores.get(first)?), yes(sample.scores.get(second)?)))
            })
            .collect();
        Ok(Ratings::of(&[0.0, 1.0], pairs.iter().map(|(first, second)| (first, second)))?)
    }
}

/// Runs a task on a model, and writes the log.
///
/// Every answer, the judges' too, goes through the journal: a run that died goes on where it was, and its
/// log is whole. As many samples are in flight as the model takes requests.
///
/// ```
/// use ethos_core::{Journal, Scripted};
/// use ethos_eval::{Dataset, Sample, Task, run, scorer::{Match, Matching}};
/// use futures::executor::block_on;
///
/// let sums = Dataset::new("sums", [
///     Sample::new("1", "What is 2 + 2?").with_target("4"),
///     Sample::new("2", "What is 2 + 3?").with_target("5"),
/// ]);
/// let task = Task::new("sums", sums).with_scorer(Match::new("right", Matching::Whole)).with_epochs(10);
/// let model = Scripted::new("four", |_| "4.".into());
///
/// # let folder = tempfile::tempdir()?;
/// let config = run::Config::with_logs(folder.path());
/// let found = block_on(run::run(&task, &model, &Journal::in_memory()?, &config, &()))?;
/// let right = found.estimate("right", 0.95)?;
/// assert_eq!((right.mean, right.clusters, right.observations), (0.5, 2, 20));
/// assert!(found.log.unwrap().exists()); // opens in `inspect view`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Task`] when the task cannot be run, before anything is asked; [`Error::Coverage`] when too
/// little of a measure could be scored, after the log is written; those of the journal and the log.
pub async fn run(
    task: &Task<'_>,
    model: &dyn Model,
    journal: &Journal,
    config: &Config,
    watch: &dyn Watch<Progress>,
) -> Result<Run> {
    task.check()?;
    let mut log = match &config.logs {
        Some(folder) => Some(Log::create(folder, task, model.id(), config.began)?),
        None => None,
    };
    let asker = Asker::new(model, journal, &());
    let grading = Grading::new(journal, &task.name);
    let mut progress = Progress::new(task.dataset.samples.len() as u64 * u64::from(task.epochs));
    let mut samples = Vec::new();
    let mut usage = Usage::default();
    {
        let (asker, grading) = (&asker, &grading);
        let solved = stream::iter(jobs(task))
            .map(|job| solve(task, asker, job))
            .buffer_unordered(model.concurrency().max(1));
        let hands = task.scorers.iter().map(|scorer| scorer.concurrency()).max().unwrap_or(1);
        let scored = solved
            .map(|state| async move {
                let state = state?;
                let scores = score(&task.scorers, &state, grading).await?;
                Ok::<_, Error>((state, scores))
            })
            .buffer_unordered(hands.max(1));
        let mut scored = std::pin::pin!(scored);
        while let Some((state, scores)) = scored.try_next().await? {
            if let Some(log) = &mut log {
                log.add(&state, &scores)?;
            }
            usage += state.usage;
            progress.count(&scores);
            watch.progress(&progress);
            let (id, cluster) = (state.sample.id.clone(), state.sample.cluster().to_owned());
            samples.push(Scored { id, epoch: state.epoch, cluster, scores });
        }
    }
    samples.sort_by(|a, b| (&a.id, a.epoch).cmp(&(&b.id, b.epoch)));
    let run = Run {
        task: task.name.clone(),
        model: model.id().key.clone(),
        measures: task.measures(),
        samples,
        usage,
        judges: grading.usage(),
        log: log.as_ref().map(|log| log.path().to_owned()),
    };
    let covered = run.covered(task.coverage);
    if let Some(log) = log {
        log.finish(&run, covered.as_ref().err())?;
    }
    covered.map(|()| run)
}

/// One sample in one epoch.
struct Job {
    state: State,
    draw: u32,
}

/// Sample by sample, so that epochs of one can share what a model remembers of its prompt.
fn jobs<'t>(task: &'t Task<'_>) -> impl Iterator<Item = Job> + Send + use<'t> {
    let draws = Draws::of(&task.dataset);
    task.dataset.samples.iter().enumerate().flat_map(move |(number, sample)| {
        let sample = Arc::new(sample.clone());
        let first = draws.first(number);
        (1..=task.epochs).map(move |epoch| {
            let mut state = State::new(Arc::clone(&sample), epoch);
            state.number = number as u64 * u64::from(task.epochs) + u64::from(epoch - 1);
            state.sampling = task.sampling.clone();
            let seed = state.sampling.seed;
            state.sampling.seed = seed.map(|seed| draw::seed(seed, &sample.id, epoch));
            Job { state, draw: first + (epoch - 1) }
        })
    })
}

async fn solve(task: &Task<'_>, asker: &Asker<'_>, job: Job) -> Result<State> {
    let Job { mut state, draw } = job;
    state.began = Instant::now();
    let stage = format!("eval/{}", task.name);
    let generator = Generator { asker, limits: task.limits, stage, draw };
    if task.solvers.is_empty() {
        Generate.solve(&mut state, &generator).await?;
    }
    for solver in &task.solvers {
        if state.ended.is_some() {
            break;
        }
        solver.solve(&mut state, &generator).await?;
    }
    Ok(state)
}

pub(crate) async fn score(
    scorers: &[Box<dyn Scorer + '_>],
    state: &State,
    grading: &Grading<'_>,
) -> Result<Scores> {
    let mut scores = Scores::new();
    for scorer in scorers {
        scores.append(&mut scorer.score(state, grading).await?);
    }
    Ok(scores)
}

#[cfg(test)]
mod tests;
