//! Reducing the epochs of a sample to one number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Clusters, Correction, Interval, Mean, Scope, Undefined,
    t_test::{t_interval, varied},
};

/// How the epochs of a sample become one number; the names are Inspect's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reducer {
    /// Their mean.
    Mean,
    /// The most frequent score; of several equally frequent ones the smallest.
    Mode,
    /// The largest score.
    Max,
    /// 1 when at least `k` epochs score at least `value`, else 0.
    AtLeastK {
        /// How many must.
        k: u64,
        /// The score that counts.
        value: f64,
    },
    /// The chance that at least one of `k` epochs drawn from these scores at least `value`: without bias
    /// 1 - C(n - c, k) / C(n, k) for c in n (Chen et al. 2021, arXiv 2107.03374 §2.1). It needs `k` epochs.
    PassAtK {
        /// How many are drawn, at least 1.
        k: u64,
        /// The score that counts.
        value: f64,
    },
}

impl Reducer {
    /// One number for the epochs of one sample; `None` without epochs, or with fewer than the reducer
    /// needs.
    pub fn reduce(&self, epochs: &[f64]) -> Option<f64> {
        let at_least = |value: f64| epochs.iter().filter(|score| **score >= value).count() as u64;
        let n = epochs.len() as u64;
        if n == 0 {
            return None;
        }
        match *self {
            Reducer::Mean => Some(epochs.iter().sum::<f64>() / n as f64),
            Reducer::Mode => mode(epochs),
            Reducer::Max => epochs.iter().copied().max_by(f64::total_cmp),
            Reducer::AtLeastK { k, value } => Some(f64::from(at_least(value) >= k)),
            Reducer::PassAtK { k, value } => pass_at_k(n, at_least(value), k),
        }
    }

    /// The mean over samples of their reduced scores: a statistic to bootstrap.
    pub fn over(&self, samples: &[&[f64]]) -> Option<f64> {
        let mut sum = 0.0;
        for epochs in samples {
            sum += self.reduce(epochs)?;
        }
        (!samples.is_empty()).then(|| sum / samples.len() as f64)
    }
}

fn mode(epochs: &[f64]) -> Option<f64> {
    let mut sorted = epochs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let runs = sorted.chunk_by(|a, b| a == b);
    // Of equal lengths `max_by_key` takes the last; reversed, that is the smallest score.
    runs.rev().max_by_key(|run| run.len()).map(|run| run[0])
}

fn pass_at_k(n: u64, c: u64, k: u64) -> Option<f64> {
    if k == 0 || k > n {
        return None;
    }
    // C(n - c, k) / C(n, k), factor by factor; 0 when fewer than k fail.
    let factor = |i: u64| 1.0 - k as f64 / i as f64;
    let none = if n - c < k { 0.0 } else { (n - c + 1..=n).map(factor).product() };
    Some(1.0 - none)
}

/// Samples reduced to one number each, and their mean with its error.
///
/// With several samples the error is the spread over them, in which that over epochs is contained. With a
/// single one it is the error over its epochs; it is never lost in the reducing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reduction {
    /// How they were reduced.
    pub reducer: Reducer,
    /// The reduced score of every sample that has any.
    pub by_sample: BTreeMap<String, f64>,
    /// Their mean, each sample counted once.
    pub value: f64,
    /// Its standard error. `None` when nothing varies, which is not certainty, and for the mode, the maximum
    /// and at-least-k of a single sample, which have none of their own: [`Clusters::bootstrap`] with
    /// [`Resample::Epochs`](super::Resample::Epochs) and [`Reducer::over`] shows how far they move.
    pub se: Option<f64>,
    /// What the error speaks of.
    pub scope: Scope,
    /// Samples or epochs, whichever the scope says.
    pub units: usize,
}

impl Reduction {
    pub(super) fn of(clusters: &Clusters, reducer: Reducer) -> Result<Self, Undefined> {
        let mut by_sample = BTreeMap::new();
        for (id, scores, _) in clusters.iter().filter(|(_, scores, _)| !scores.is_empty()) {
            let too_few = || Undefined::TooFew {
                what: "epochs of a sample",
                have: scores.len() as u64,
                need: match reducer {
                    Reducer::PassAtK { k, .. } => k.max(1),
                    _ => 1,
                },
            };
            by_sample.insert(id.to_owned(), reducer.reduce(scores).ok_or_else(too_few)?);
        }
        let values: Vec<f64> = by_sample.values().copied().collect();
        let mean = Mean::of(&values).ok_or(Undefined::Empty)?;
        let (se, scope, units) = match clusters.scored().as_slice() {
            [epochs] => (of_epochs(clusters, reducer, epochs)?, Scope::Epochs, epochs.len()),
            many => (mean.sem, Scope::Clusters, many.len()),
        };
        let se = se.filter(|se| varied(*se, mean.mean, "samples").is_ok());
        Ok(Reduction { reducer, by_sample, value: mean.mean, se, scope, units })
    }

    /// The t interval of the value, which may reach beyond the possible scores.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFew`] with a single unit, [`Undefined::NoVariation`] where there is no standard
    /// error, [`Undefined::Value`] at a level outside (0, 1).
    pub fn interval(&self, level: f64) -> Result<Interval, Undefined> {
        let what = match self.scope {
            Scope::Clusters => "reduced samples",
            Scope::Epochs => "reduced epochs",
        };
        if self.units < 2 {
            return Err(Undefined::TooFew { what, have: self.units as u64, need: 2 });
        }
        let se = self.se.ok_or(Undefined::NoVariation { what })?;
        t_interval(self.value, se, self.units as f64 - 1.0, level)
    }
}

/// The error over the epochs of a single sample.
fn of_epochs(
    clusters: &Clusters,
    reducer: Reducer,
    epochs: &[f64],
) -> Result<Option<f64>, Undefined> {
    match reducer {
        Reducer::Mean => Ok(clusters.mean(Correction::SmallSample)?.se),
        Reducer::PassAtK { .. } => Ok(jackknife(reducer, epochs)),
        Reducer::Mode | Reducer::Max | Reducer::AtLeastK { .. } => Ok(None),
    }
}

/// The jackknife's standard error (Tukey 1958), leaving out one epoch at a time. It is sound for statistics
/// that are smooth in the epochs, which a maximum is not.
fn jackknife(reducer: Reducer, epochs: &[f64]) -> Option<f64> {
    let without = |place: usize| {
        let mut rest = epochs.to_vec();
        rest.remove(place);
        reducer.reduce(&rest)
    };
    let values = (0..epochs.len()).map(without).collect::<Option<Vec<f64>>>()?;
    // The mean's own error is smaller by the factor n - 1.
    Some(Mean::of(&values)?.sem? * (epochs.len() as f64 - 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{
        clusters::tests::clusters,
        fixture::{close, read},
    };

    #[derive(Deserialize)]
    struct Fixture {
        pass_at_k: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        trials: u64,
        successes: u64,
        k: u64,
        pass_at_k: f64,
    }

    #[test]
    fn pass_at_k_counts_combinations() {
        for row in read::<Fixture>("reducers").pass_at_k {
            close(pass_at_k(row.trials, row.successes, row.k).unwrap(), row.pass_at_k);
        }
    }

    #[test]
    fn reducers_are_what_their_names_say() {
        let epochs = [0.0, 1.0, 1.0, 0.5, 0.0];
        let reduced = |reducer: Reducer| reducer.reduce(&epochs);
        assert_eq!(reduced(Reducer::Mean), Some(0.5));
        assert_eq!(reduced(Reducer::Mode), Some(0.0), "of two equally frequent ones the smaller");
        assert_eq!(reduced(Reducer::Max), Some(1.0));
        assert_eq!(reduced(Reducer::AtLeastK { k: 3, value: 0.5 }), Some(1.0));
        assert_eq!(reduced(Reducer::AtLeastK { k: 3, value: 1.0 }), Some(0.0));
        close(reduced(Reducer::PassAtK { k: 2, value: 1.0 }).unwrap(), 0.7);
        assert_eq!(reduced(Reducer::PassAtK { k: 6, value: 1.0 }), None);
        assert_eq!(reduced(Reducer::PassAtK { k: 0, value: 1.0 }), None);
        assert_eq!(Reducer::Max.reduce(&[]), None);
        assert_eq!(Reducer::Max.over(&[]), None);
    }

    #[test]
    fn the_epochs_of_one_sample_keep_their_error() {
        let mut epochs = vec![0.0; 255];
        epochs.extend([1.0; 45]);
        let one = clusters(&[epochs]);
        let mean = one.reduce(Reducer::Mean).unwrap();
        assert_eq!((mean.scope, mean.units, mean.by_sample.len()), (Scope::Epochs, 300, 1));
        close(mean.se.unwrap(), (0.15_f64 * 0.85 / 299.0).sqrt());
        // With k = 1 the chance is the mean, and the jackknife's error is the mean's.
        let pass = one.reduce(Reducer::PassAtK { k: 1, value: 1.0 }).unwrap();
        close(pass.se.unwrap(), mean.se.unwrap());
        assert!(one.reduce(Reducer::PassAtK { k: 10, value: 1.0 }).unwrap().se.unwrap() > 0.01);
        for reducer in [Reducer::Mode, Reducer::Max, Reducer::AtLeastK { k: 30, value: 1.0 }] {
            let reduced = one.reduce(reducer).unwrap();
            assert_eq!(reduced.se, None);
            assert!(matches!(reduced.interval(0.95), Err(Undefined::NoVariation { .. })));
        }
    }

    #[test]
    fn too_few_epochs_are_an_error() {
        let found = clusters(&[vec![1.0, 0.0], vec![1.0]]);
        let few = Undefined::TooFew { what: "epochs of a sample", have: 1, need: 2 };
        assert_eq!(found.reduce(Reducer::PassAtK { k: 2, value: 1.0 }), Err(few));
        assert_eq!(Clusters::default().reduce(Reducer::Mean), Err(Undefined::Empty));
    }

    proptest! {
        #[test]
        fn balanced_means_have_the_cluster_robust_error(
            scores in prop::collection::vec(prop::collection::vec(0.0f64..1.0, 5), 2..9),
        ) {
            let found = clusters(&scores);
            let (reduced, mean) =
                (found.reduce(Reducer::Mean).unwrap(), found.mean(Correction::SmallSample).unwrap());
            prop_assert!((reduced.value - mean.mean).abs() < 1e-12);
            if let (Some(ours), Some(robust)) = (reduced.se, mean.se) {
                prop_assert!((ours - robust).abs() < 1e-12);
            }
        }

        #[test]
        fn reduced_scores_lie_between_the_smallest_and_the_largest(
            epochs in prop::collection::vec(0.0f64..1.0, 1..20),
        ) {
            let (low, high) = epochs.iter().fold((1.0_f64, 0.0_f64), |(l, h), x| (l.min(*x), h.max(*x)));
            for reducer in [Reducer::Mean, Reducer::Mode, Reducer::Max] {
                let value = reducer.reduce(&epochs).unwrap();
                prop_assert!(low - 1e-12 <= value && value <= high + 1e-12);
            }
        }
    }
}
