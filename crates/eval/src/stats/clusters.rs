//! Scores nested in clusters: prompts asked several times.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Bootstrap, Bootstrapped, Interval, Missing, Proportion, Reducer, Reduction, Tally, Undefined,
    proportion::exact, student::t_critical, t_test::t_interval,
};
use crate::Outcome;

/// Scores by cluster: a cluster is a prompt (sample, condition), its scores are the epochs in which it was
/// asked. Where prompts are themselves alike (variants of one scenario), the scenario is the cluster.
///
/// Epochs are kept, never reduced to one number first: from a mean over the epochs of a single prompt a
/// standard error of 0 would follow. Nothing depends on the order in which outcomes arrive.
///
/// ```
/// use ethos_eval::{Outcome, stats::{Clusters, Correction, Scope}};
///
/// // One prompt, asked 300 times.
/// let epochs: Vec<_> = (0..300).map(|i| ("leak", Outcome::Scored(i % 20 == 0))).collect();
/// let found = Clusters::of(epochs.iter().map(|(id, o)| (*id, o)), |leaked| f64::from(*leaked))?;
/// let mean = found.mean(Correction::SmallSample)?;
/// assert!(mean.se.unwrap() > 0.01);
/// assert_eq!(mean.scope, Scope::Epochs); // it says nothing of other prompts
/// # Ok::<(), ethos_eval::stats::Undefined>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clusters {
    clusters: BTreeMap<String, Cluster>,
}

/// Scores in ascending order, and what has none.
#[derive(Clone, Debug, Default, PartialEq)]
struct Cluster {
    scores: Vec<f64>,
    missing: Missing,
}

/// What an error speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Of prompts like these: the error is the spread over clusters.
    Clusters,
    /// Of more epochs of this one prompt: there is a single cluster, and how much others differ is not
    /// known.
    Epochs,
}

/// Whether cluster-robust errors are corrected for a small number of clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Variance times G / (G - 1) for G clusters, as statsmodels, Stata and R do by default. The one to
    /// report.
    SmallSample,
    /// As it stands (statsmodels' `use_correction=False`), for agreement with tools that do not correct.
    None,
}

/// The mean over all scores and its cluster-robust error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterMean {
    /// Mean of the scores, each counted once; clusters asked more often weigh more.
    pub mean: f64,
    /// Its standard error; `None` when nothing varies, which is not certainty.
    pub se: Option<f64>,
    /// What the error speaks of.
    pub scope: Scope,
    /// The standard error were all scores independent; `None` when nothing varies.
    pub naive_se: Option<f64>,
    /// Clusters with a score.
    pub clusters: usize,
    /// Scores.
    pub observations: usize,
}

impl Clusters {
    /// Groups outcomes by the name of their cluster; what has no score is counted by reason.
    ///
    /// # Errors
    ///
    /// [`Undefined::Value`] with a score that is not finite.
    pub fn of<'a, T: 'a>(
        outcomes: impl IntoIterator<Item = (impl Into<String>, &'a Outcome<T>)>,
        score: impl Fn(&T) -> f64,
    ) -> Result<Self, Undefined> {
        let mut found = Clusters::default();
        for (id, outcome) in outcomes {
            let cluster = found.clusters.entry(id.into()).or_default();
            cluster.missing.count(outcome);
            if let Some(value) = outcome.score() {
                cluster.scores.push(Undefined::score(score(value))?);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Same scores, same bits, in whatever order they came.
    fn sort(&mut self) {
        for cluster in self.clusters.values_mut() {
            cluster.scores.sort_by(f64::total_cmp);
        }
    }

    /// Every cluster by name: its scores in ascending order, and what has none.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f64], &Missing)> {
        self.clusters.iter().map(|(id, c)| (id.as_str(), c.scores.as_slice(), &c.missing))
    }

    /// The scores of one cluster, in ascending order; `None` when there is no such cluster.
    pub fn scores(&self, id: &str) -> Option<&[f64]> {
        self.clusters.get(id).map(|cluster| cluster.scores.as_slice())
    }

    /// The scores of clusters that have any.
    pub(super) fn scored(&self) -> Vec<&[f64]> {
        self.iter().map(|(_, scores, _)| scores).filter(|scores| !scores.is_empty()).collect()
    }

    /// What has no score, over all clusters.
    pub fn missing(&self) -> Missing {
        let mut all = Missing::default();
        for (kind, count) in self.iter().flat_map(|(_, _, missing)| &missing.0) {
            *all.0.entry(kind.clone()).or_default() += count;
        }
        all
    }

    /// The same clusters with every missing outcome taken for this score: once with the lowest possible
    /// and once with the highest, results bound what is missing, see [`Bounds`](super::Bounds).
    ///
    /// # Errors
    ///
    /// [`Undefined::Value`] when the score is not finite.
    pub fn filled(&self, score: f64) -> Result<Self, Undefined> {
        Undefined::score(score)?;
        let mut filled = self.clone();
        for cluster in filled.clusters.values_mut() {
            let missing = std::mem::take(&mut cluster.missing).total() as usize;
            cluster.scores.resize(cluster.scores.len() + missing, score);
        }
        filled.sort();
        Ok(filled)
    }

    /// Cluster by cluster, how often the score was 1; its intervals speak of that prompt alone.
    ///
    /// # Errors
    ///
    /// [`Undefined::Value`] when a score is neither 0 nor 1.
    pub fn tallies(&self) -> Result<BTreeMap<String, Tally>, Undefined> {
        let tally = |(id, scores, missing): (&str, &[f64], &Missing)| {
            Ok((id.to_owned(), Tally { scored: successes(scores)?, missing: missing.clone() }))
        };
        self.iter().map(tally).collect()
    }

    /// The mean over all scores, with cluster-robust error: (Σ over clusters of (Σ residuals)²) / N², the
    /// sandwich estimator for an intercept (Liang and Zeger 1986, Biometrika 73, 13-22; for evaluations
    /// arXiv 2411.00640 §2.2).
    ///
    /// With a single cluster that sum is always 0; the error is then the one over its epochs, and
    /// [`Scope`] says so.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] when nothing was scored.
    pub fn mean(&self, correction: Correction) -> Result<ClusterMean, Undefined> {
        let clusters = self.scored();
        let observations = clusters.iter().map(|scores| scores.len()).sum::<usize>();
        if observations == 0 {
            return Err(Undefined::Empty);
        }
        let n = observations as f64;
        let mean = clusters.iter().map(|scores| scores.iter().sum::<f64>()).sum::<f64>() / n;
        let residuals = |scores: &[f64]| scores.iter().map(|x| x - mean).sum::<f64>();
        let between: f64 = clusters.iter().map(|scores| residuals(scores).powi(2)).sum();
        let squares: f64 = clusters.iter().flat_map(|s| s.iter()).map(|x| (x - mean).powi(2)).sum();
        let largest = clusters.iter().flat_map(|s| s.iter()).fold(0.0_f64, |m, x| m.max(x.abs()));
        // Less than this is rounding.
        let varied = |se: f64| (se > 1e-14 * largest).then_some(se);

        let naive_se = varied((squares / (n - 1.0).max(1.0) / n).sqrt());
        let (se, scope) = match clusters.len() {
            1 => (naive_se, Scope::Epochs),
            many => {
                let corrected = match correction {
                    Correction::SmallSample => many as f64 / (many as f64 - 1.0),
                    Correction::None => 1.0,
                };
                (varied((between * corrected).sqrt() / n), Scope::Clusters)
            }
        };
        Ok(ClusterMean { mean, se, scope, naive_se, clusters: clusters.len(), observations })
    }

    /// An interval of the proportion of ones that holds near 0 and 1, where mean ± error collapses: the
    /// Clopper-Pearson interval on the effective number of trials (Korn and Graubard 1998, Survey
    /// Methodology 24, 193-201), at most as many as there are.
    ///
    /// With no success, or no failure, the data do not tell how alike the epochs of a prompt are; each
    /// cluster then counts as one trial, the worst case. With a single cluster the interval is the one over
    /// its epochs and speaks of that prompt only.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] when nothing was scored, [`Undefined::Value`] when a score is neither 0 nor 1
    /// or the level is outside (0, 1).
    pub fn korn_graubard(&self, level: f64) -> Result<Interval, Undefined> {
        Undefined::level(level)?;
        let mean = self.mean(Correction::SmallSample)?;
        let mut all = Proportion::default();
        for scores in self.scored() {
            let cluster = successes(scores)?;
            all.successes += cluster.successes;
            all.trials += cluster.trials;
        }
        let (n, p) = (mean.observations as f64, mean.mean);
        let effective = match (mean.scope, mean.se) {
            (Scope::Epochs, _) => n,
            (Scope::Clusters, Some(se)) => {
                let few = t_critical(level, n - 1.0) / t_critical(level, mean.df());
                (p * (1.0 - p) / (se * se) * few * few).min(n)
            }
            (Scope::Clusters, None) if 0 < all.successes && all.successes < all.trials => n,
            (Scope::Clusters, None) => mean.clusters as f64,
        };
        let successes = if effective == n { all.successes as f64 } else { p * effective };
        Ok(exact(successes, effective, level))
    }

    /// Reduces every cluster to one number, with the error over clusters, or over epochs where there is a
    /// single cluster.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] when nothing was scored, [`Undefined::TooFew`] when a cluster has fewer epochs
    /// than the reducer needs.
    pub fn reduce(&self, reducer: Reducer) -> Result<Reduction, Undefined> {
        Reduction::of(self, reducer)
    }

    /// Resamples whole clusters or epochs and looks at a statistic each time; `statistic` is given the
    /// scores cluster by cluster.
    ///
    /// # Errors
    ///
    /// Those of [`Bootstrap`].
    pub fn bootstrap(
        &self,
        config: &Bootstrap,
        statistic: impl Fn(&[&[f64]]) -> Option<f64> + Sync,
    ) -> Result<Bootstrapped, Undefined> {
        config.run(&self.scored(), statistic)
    }
}

/// How many of these are 1; all must be 0 or 1.
fn successes(scores: &[f64]) -> Result<Proportion, Undefined> {
    match scores.iter().find(|score| **score != 0.0 && **score != 1.0) {
        Some(&value) => Err(Undefined::Value { what: "a score", value, wanted: "0 or 1" }),
        None => Ok(Proportion::of(scores.iter().map(|score| *score == 1.0))),
    }
}

impl ClusterMean {
    /// Degrees of freedom of the error: one less than there are units of its scope.
    fn df(&self) -> f64 {
        let units = match self.scope {
            Scope::Clusters => self.clusters,
            Scope::Epochs => self.observations,
        };
        units as f64 - 1.0
    }

    /// How many times larger the variance is than were all scores independent (Kish 1965); `None` when
    /// nothing varies.
    pub fn design_effect(&self) -> Option<f64> {
        Some((self.se? / self.naive_se?).powi(2))
    }

    /// The t interval of the mean, with as many degrees of freedom as there are clusters, less one; with
    /// fewer than some 20 clusters it is too narrow still. It may reach beyond the possible scores:
    /// [`Clusters::korn_graubard`] does not.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFew`] with a single score, [`Undefined::NoVariation`] when nothing varies,
    /// [`Undefined::Value`] at a level outside (0, 1).
    pub fn interval(&self, level: f64) -> Result<Interval, Undefined> {
        if self.observations < 2 {
            return Err(Undefined::TooFew { what: "scores", have: 1, need: 2 });
        }
        let what = match self.scope {
            Scope::Clusters => "clusters",
            Scope::Epochs => "epochs",
        };
        t_interval(self.mean, self.se.ok_or(Undefined::NoVariation { what })?, self.df(), level)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        clusters: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        clusters: Vec<Vec<f64>>,
        mean: f64,
        naive_se: f64,
        corrected: Robust,
        uncorrected: Robust,
        korn_graubard: Option<Interval>,
    }
    #[derive(Deserialize)]
    struct Robust {
        se: f64,
        low: f64,
        high: f64,
    }

    /// Clusters named by their places.
    pub(in crate::stats) fn clusters(scores: &[Vec<f64>]) -> Clusters {
        let named = scores.iter().enumerate().flat_map(|(place, scores)| {
            scores.iter().map(move |score| (format!("{place:03}"), Outcome::Scored(*score)))
        });
        let outcomes: Vec<_> = named.collect();
        Clusters::of(outcomes.iter().map(|(id, o)| (id.as_str(), o)), |score| *score).unwrap()
    }

    #[test]
    fn values_are_those_of_statsmodels() {
        for row in read::<Fixture>("clusters").clusters {
            let found = clusters(&row.clusters);
            for (correction, theirs) in
                [(Correction::SmallSample, &row.corrected), (Correction::None, &row.uncorrected)]
            {
                let ours = found.mean(correction).unwrap();
                close(ours.mean, row.mean);
                close(ours.naive_se.unwrap(), row.naive_se);
                close(ours.se.unwrap(), theirs.se);
                let interval = ours.interval(0.95).unwrap();
                close(interval.low, theirs.low);
                close(interval.high, theirs.high);
            }
            if let Some(theirs) = row.korn_graubard {
                let ours = found.korn_graubard(theirs.level).unwrap();
                close(ours.low, theirs.low);
                close(ours.high, theirs.high);
            }
        }
    }

    #[test]
    fn one_prompt_asked_often_has_the_error_of_its_epochs() {
        let mut epochs = vec![0.0; 255];
        epochs.extend([1.0; 45]);
        let mean = clusters(&[epochs]).mean(Correction::SmallSample).unwrap();
        assert_eq!(mean.scope, Scope::Epochs);
        close(mean.se.unwrap(), (0.15_f64 * 0.85 / 299.0).sqrt());
    }

    #[test]
    fn nothing_seen_is_not_certainty() {
        let one = clusters(&[vec![0.0; 300]]);
        let mean = one.mean(Correction::SmallSample).unwrap();
        assert_eq!((mean.se, mean.design_effect()), (None, None));
        assert_eq!(mean.interval(0.95), Err(Undefined::NoVariation { what: "epochs" }));
        let exact = Proportion { successes: 0, trials: 300 }.clopper_pearson(0.95).unwrap();
        assert_eq!(one.korn_graubard(0.95), Ok(exact));
        // Of 27 prompts, each a trial: 300 epochs of each cannot stand for 8,100 prompts.
        let many = clusters(&vec![vec![0.0; 300]; 27]).korn_graubard(0.95).unwrap();
        assert_eq!(Some(many), Proportion { successes: 0, trials: 27 }.clopper_pearson(0.95));
    }

    #[test]
    fn clusters_that_agree_exactly_do_not_collapse() {
        let found = clusters(&vec![vec![0.0, 1.0]; 10]);
        assert_eq!(found.mean(Correction::SmallSample).unwrap().se, None);
        let independent = Proportion { successes: 10, trials: 20 }.clopper_pearson(0.95);
        assert_eq!(found.korn_graubard(0.95).ok(), independent);
    }

    #[test]
    fn what_is_missing_is_counted_and_can_be_bounded() {
        let outcomes = [
            ("a", Outcome::Scored(1.0)),
            ("a", Outcome::Refused("no".to_owned())),
            ("b", Outcome::CutOff("…".to_owned())),
        ];
        let found = Clusters::of(outcomes.iter().map(|(id, o)| (*id, o)), |s| *s).unwrap();
        assert_eq!(found.missing().to_string(), "1 cut off, 1 refused");
        assert_eq!(found.iter().count(), 2);
        let mean = found.mean(Correction::SmallSample).unwrap();
        assert_eq!((mean.mean, mean.clusters, mean.observations), (1.0, 1, 1));
        let few = Undefined::TooFew { what: "scores", have: 1, need: 2 };
        assert_eq!(mean.interval(0.95), Err(few));
        let filled = found.filled(0.0).unwrap();
        assert_eq!(filled.missing().total(), 0);
        close(filled.mean(Correction::SmallSample).unwrap().mean, 1.0 / 3.0);
        assert_eq!(found.tallies().unwrap()["b"].missing.total(), 1);
        assert!(found.filled(f64::INFINITY).is_err());
    }

    #[test]
    fn empty_and_unfit_clusters_have_no_statistic() {
        let none = Clusters::default();
        assert_eq!(none.mean(Correction::None), Err(Undefined::Empty));
        assert_eq!(none.korn_graubard(0.95), Err(Undefined::Empty));
        let graded = clusters(&[vec![0.3, 1.0], vec![0.0]]);
        assert!(matches!(graded.korn_graubard(0.95), Err(Undefined::Value { value: 0.3, .. })));
        assert!(graded.tallies().is_err());
        let infinite = [("a", Outcome::Scored(f64::INFINITY))];
        assert!(Clusters::of(infinite.iter().map(|(id, o)| (*id, o)), |s| *s).is_err());
    }

    proptest! {
        #[test]
        fn intervals_hold_the_mean_and_order_does_not_matter(
            scores in prop::collection::vec(prop::collection::vec(any::<bool>(), 1..8), 1..9),
            a in 0.01f64..0.999, b in 0.01f64..0.999,
        ) {
            let scores: Vec<Vec<f64>> =
                scores.iter().map(|c| c.iter().map(|s| f64::from(*s)).collect()).collect();
            let found = clusters(&scores);
            let mean = found.mean(Correction::SmallSample).unwrap();
            let narrow = found.korn_graubard(a.min(b)).unwrap();
            let wide = found.korn_graubard(a.max(b)).unwrap();
            prop_assert!(narrow.low <= mean.mean + 1e-9 && mean.mean <= narrow.high + 1e-9);
            prop_assert!(0.0 <= wide.low && wide.high <= 1.0);
            if let Ok(interval) = mean.interval(a) {
                prop_assert!(interval.contains(mean.mean) && interval.width() > 0.0);
            }
            let reversed: Vec<Vec<f64>> =
                scores.iter().map(|c| c.iter().rev().copied().collect()).collect();
            prop_assert_eq!(&clusters(&reversed), &found);
        }

        #[test]
        fn clusters_of_one_are_independent(scores in prop::collection::vec(-5.0f64..5.0, 2..40)) {
            let alone: Vec<Vec<f64>> = scores.iter().map(|score| vec![*score]).collect();
            let mean = clusters(&alone).mean(Correction::SmallSample).unwrap();
            if let (Some(se), Some(naive)) = (mean.se, mean.naive_se) {
                prop_assert!((se - naive).abs() <= 1e-12 * naive.max(1.0));
            }
        }
    }
}
