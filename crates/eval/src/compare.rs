//! Runs side by side.

use serde::{Deserialize, Serialize};

use crate::{
    Error, Kind, Result, Run,
    stats::{Clusters, Comparisons, Interval, Paired, Undefined, Unpaired},
};

/// Runs of one task compared with the first of them, sample by sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The task.
    pub task: String,
    /// The model of the first run.
    pub baseline: String,
    /// Every measure of every other run, less the first run's.
    pub differences: Vec<Difference>,
    /// The level of the intervals.
    pub level: f64,
}

/// How a run differs from the first in a measure, on the samples that both scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Difference {
    /// The measure.
    pub measure: String,
    /// Which of the runs that were given, the first being 0.
    pub run: usize,
    /// The model of the run; two runs may be of one model.
    pub model: String,
    /// Its mean less the first run's, over the samples (clusters) that both scored; `None` without any.
    pub difference: Option<f64>,
    /// An interval of it.
    pub interval: Option<Interval>,
    /// How the interval and the probability were found; where there are none, why.
    pub test: Test,
    /// Of a difference at least as large if there were none.
    pub p: Option<f64>,
    /// The same, corrected by Holm for all differences of the comparison together.
    pub holm: Option<f64>,
    /// Samples (clusters) that both scored.
    pub pairs: usize,
    /// Those that could not be paired.
    pub unpaired: Unpaired,
}

/// How a difference is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Test {
    /// McNemar's exact test and Newcombe's interval: yes or no, asked once.
    McNemar,
    /// Student's paired t test over the samples' means.
    PairedT,
    /// None, and why.
    None(String),
}

/// Compares runs of one task with the first, sample by sample, with intervals at this level.
///
/// Paired, because what makes a sample hard is in both runs and drops out; samples that only one of them
/// scored say nothing here and are counted. To compare *training arms* take runs as units instead
/// ([`stats::Arm`](crate::stats::Arm)): two models of one recipe differ by chance, too.
///
/// ```
/// use ethos_core::{Journal, Scripted};
/// use ethos_eval::{Dataset, Sample, Task, compare, run, scorer::{Match, Matching}};
/// use futures::executor::block_on;
///
/// let sums = (0..40).map(|n| Sample::new(n.to_string(), format!("{n} + 1?")).with_target((n + 1).to_string()));
/// let task = Task::new("sums", Dataset::new("sums", sums)).with_scorer(Match::new("right", Matching::Whole));
/// let journal = Journal::in_memory()?;
/// let mut runs = Vec::new();
/// for wrong_from in [10, 30] {
///     let model = Scripted::new(format!("up to {wrong_from}"), move |request| {
///         let text = request.messages[0].text().into_owned();
///         let n: u32 = text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
///         (if n < wrong_from { n + 1 } else { 0 }).to_string().into()
///     });
///     runs.push(block_on(run::run(&task, &model, &journal, &run::Config::default(), &()))?);
/// }
/// let found = compare(&runs, 0.95)?;
/// assert_eq!(found.differences[0].difference, Some(0.5));
/// assert!(found.differences[0].holm.unwrap() < 0.001);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Task`] when there are fewer than two runs or they are of different tasks;
/// [`Error::Undefined`] with a score that is not finite or a level outside (0, 1).
pub fn compare(runs: &[Run], level: f64) -> Result<Comparison> {
    Undefined::level(level)?;
    let [first, others @ ..] = runs else {
        return Err(wrong("nothing", "there is no run to compare".to_owned()));
    };
    if others.is_empty() {
        return Err(wrong(&first.task, "a single run has nothing to be compared with".to_owned()));
    }
    if let Some(other) = others.iter().find(|other| other.task != first.task) {
        return Err(wrong(
            &first.task,
            format!("cannot be compared with runs of `{}`", other.task),
        ));
    }
    let mut differences = Vec::new();
    for (run, other) in (1..).zip(others) {
        for measure in &first.measures {
            if !other.measures.iter().any(|theirs| theirs.name == measure.name) {
                continue;
            }
            let (base, theirs) = (first.clusters(&measure.name)?, other.clusters(&measure.name)?);
            if asked(&base) == 0 && asked(&theirs) == 0 {
                continue;
            }
            let rate = measure.kind == Kind::Rate;
            let mut found = difference(&measure.name, &theirs, &base, rate, level);
            (found.run, found.model) = (run, other.model.clone());
            differences.push(found);
        }
    }
    let tested = differences.iter().filter_map(|d| Some((d.measure.clone(), d.p?)));
    let corrected = Comparisons::of(tested)?;
    let tested = differences.iter_mut().filter(|difference| difference.p.is_some());
    for (difference, row) in tested.zip(&corrected.rows) {
        difference.holm = Some(row.holm);
    }
    let (task, baseline) = (first.task.clone(), first.model.clone());
    Ok(Comparison { task, baseline, differences, level })
}

fn wrong(task: &str, message: String) -> Error {
    Error::Task { task: task.to_owned(), message }
}

fn asked(clusters: &Clusters) -> u64 {
    clusters.iter().map(|(_, scores, missing)| scores.len() as u64 + missing.total()).sum()
}

fn difference(
    measure: &str,
    run: &Clusters,
    base: &Clusters,
    rate: bool,
    level: f64,
) -> Difference {
    let paired = Paired::of(run, base);
    let mut found = Difference {
        measure: measure.to_owned(),
        run: 0,
        model: String::new(),
        difference: None,
        interval: None,
        test: Test::None("no sample was scored in both".to_owned()),
        p: None,
        holm: None,
        pairs: paired.samples.len(),
        unpaired: paired.unpaired,
    };
    if paired.samples.is_empty() {
        return found;
    }
    let once = paired.samples.iter().all(|sample| sample.epochs == (1, 1));
    if let (true, Ok(table)) = (rate && once, paired.table()) {
        found.difference = table.difference();
        found.interval = table.newcombe(level);
        (found.p, found.test) = (Some(table.exact()), Test::McNemar);
        return found;
    }
    let sum: f64 = paired.samples.iter().map(|sample| sample.first - sample.second).sum();
    found.difference = Some(sum / paired.samples.len() as f64);
    match paired.t_test() {
        Ok(test) => {
            found.interval = test.interval(level).ok();
            (found.p, found.test) = (Some(test.p), Test::PairedT);
        }
        Err(why) => found.test = Test::None(why.to_string()),
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{Measure, Outcome, Score, run::Scored};

    fn run(model: &str, outcomes: &[(&str, u32, Outcome<f64>)]) -> Run {
        let samples = outcomes.iter().map(|(id, epoch, outcome)| Scored {
            id: (*id).to_owned(),
            epoch: *epoch,
            cluster: (*id).to_owned(),
            scores: BTreeMap::from([("m".to_owned(), outcome.clone().map(Score::new))]),
        });
        Run {
            task: "t".to_owned(),
            model: model.to_owned(),
            measures: vec![Measure::rate("m"), Measure::rate("never asked")],
            samples: samples.collect(),
            usage: Default::default(),
            judges: Default::default(),
            log: None,
        }
    }

    #[test]
    fn what_is_missing_in_one_run_is_not_compared() {
        let yes = || Outcome::Scored(1.0);
        let first = run("a", &[("1", 1, yes()), ("2", 1, yes()), ("3", 1, Outcome::Scored(0.0))]);
        let refused = Outcome::Refused("no".to_owned());
        let second =
            run("b", &[("1", 1, refused), ("2", 1, Outcome::Scored(0.0)), ("4", 1, yes())]);
        let found = compare(&[first, second], 0.95).unwrap();
        let [difference] = found.differences.as_slice() else { panic!("{found:?}") };
        assert_eq!((difference.pairs, difference.difference), (1, Some(-1.0)));
        assert_eq!(difference.test, Test::McNemar);
        let unpaired = difference.unpaired;
        assert_eq!((unpaired.first_missing, unpaired.only_first, unpaired.only_second), (1, 1, 1));
    }

    #[test]
    fn one_prompt_in_many_epochs_gives_a_difference_and_no_test() {
        let epochs = |model, value| {
            run(model, &[("1", 1, Outcome::Scored(value)), ("1", 2, Outcome::Scored(1.0))])
        };
        let found = compare(&[epochs("a", 0.0), epochs("b", 1.0)], 0.95).unwrap();
        let difference = &found.differences[0];
        assert_eq!((difference.difference, difference.p), (Some(0.5), None));
        assert!(matches!(&difference.test, Test::None(why) if !why.is_empty()));
    }

    #[test]
    fn other_tasks_are_not_compared() {
        let mut other = run("b", &[]);
        other.task = "u".to_owned();
        let error = compare(&[run("a", &[]), other], 0.95).unwrap_err().to_string();
        assert!(error.contains("cannot be compared with runs of `u`"), "{error}");
        assert!(compare(&[run("a", &[])], 0.95).is_err());
        assert!(compare(&[], 0.95).is_err());
    }
}
