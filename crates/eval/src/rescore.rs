//! Scoring the answers of a log again.

use std::{fmt, path::Path};

use ethos_core::{Journal, Watch};
use futures::{StreamExt, TryStreamExt, stream};

use crate::{
    Error, Measure, Result,
    record::Again,
    run::{Config, Progress, Run, score},
    scorer::{Grading, Scorer},
};

/// Scores the answers of a log by other scorers, without asking the model anything again.
///
/// ```
/// use ethos_core::{Journal, Scripted};
/// use ethos_eval::{Dataset, Rescore, Sample, Task, run, scorer::{Match, Matching}};
/// use futures::executor::block_on;
///
/// # let folder = tempfile::tempdir()?;
/// # let journal = Journal::in_memory()?;
/// # let config = run::Config::with_logs(folder.path());
/// let sums = Dataset::new("sums", [Sample::new("1", "What is 2 + 2?").with_target("4")]);
/// let task = Task::new("sums", sums).with_scorer(Match::new("right", Matching::Whole));
/// let model = Scripted::new("wordy", |_| "It is 4".into());
/// let first = block_on(run::run(&task, &model, &journal, &config, &()))?;
/// assert_eq!(first.estimate("right", 0.95)?.mean, 0.0);
///
/// let rescore = Rescore::new().with_scorer(Match::new("said", Matching::Anywhere));
/// let again = block_on(rescore.run(first.log.unwrap(), &journal, &config, &()))?;
/// assert_eq!(again.estimate("said", 0.95)?.mean, 1.0);
/// assert_eq!(again.estimate("right", 0.95)?.mean, 0.0); // what was scored before stays
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Rescore<'m> {
    scorers: Vec<Box<dyn Scorer + 'm>>,
    keep: bool,
    coverage: f64,
}

impl fmt::Debug for Rescore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rescore").field("measures", &self.measures()).finish_non_exhaustive()
    }
}

impl Default for Rescore<'_> {
    fn default() -> Self {
        Rescore { scorers: Vec::new(), keep: true, coverage: 0.9 }
    }
}

impl<'m> Rescore<'m> {
    /// By no scorer yet.
    pub fn new() -> Self {
        Rescore::default()
    }

    /// The same with a scorer more. A measure of the log that has the name of one of its measures is
    /// replaced.
    pub fn with_scorer(mut self, scorer: impl Scorer + 'm) -> Self {
        self.scorers.push(Box::new(scorer));
        self
    }

    /// The same without the scores that the log has.
    pub fn alone(self) -> Self {
        Rescore { keep: false, ..self }
    }

    /// The same with another coverage than 0.9: see [`Task::with_coverage`](crate::Task::with_coverage).
    pub fn with_coverage(self, coverage: f64) -> Self {
        Rescore { coverage, ..self }
    }

    fn measures(&self) -> Vec<Measure> {
        self.scorers.iter().flat_map(|scorer| scorer.measures()).collect()
    }

    /// Scores the answers of a log, and writes another log beside it, or into the folder of the
    /// configuration: its name, with `-scored`. The log itself stays as it is.
    ///
    /// # Errors
    ///
    /// Those of [`Run::read`] and [`run`](crate::run::run).
    pub async fn run(
        &self,
        log: impl AsRef<Path>,
        journal: &Journal,
        config: &Config,
        watch: &dyn Watch<Progress>,
    ) -> Result<Run> {
        let folder = config.logs.as_deref();
        let (mut reader, mut again) =
            Again::open(log.as_ref(), folder, self.measures(), self.keep, config.began)?;
        let task = again.task().to_owned();
        let grading = Grading::new(journal, &task);
        let mut progress = Progress::new(again.samples());
        {
            let (grading, scorers) = (&grading, self.scorers.as_slice());
            let hands = scorers.iter().map(|scorer| scorer.concurrency()).max().unwrap_or(1);
            let scored = stream::iter((0..).zip(reader.samples()))
                .map(|(number, logged)| async move {
                    let logged = logged?;
                    let state = crate::record::state(&logged);
                    let scores = score(scorers, &state, grading).await?;
                    Ok::<_, Error>((number, logged, scores))
                })
                .buffer_unordered(hands.max(1));
            let mut scored = std::pin::pin!(scored);
            while let Some((number, logged, scores)) = scored.try_next().await? {
                progress.count(&scores);
                watch.progress(&progress);
                again.add(number, logged, scores)?;
            }
        }
        again.finish(grading.usage(), self.coverage)
    }
}
