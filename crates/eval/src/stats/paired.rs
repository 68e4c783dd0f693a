//! Two models on the samples that both answered.

use serde::{Deserialize, Serialize};

use super::{
    Bootstrap, Bootstrapped, Clusters, Mean, Missing, PairedTable, TTest, Undefined, t_test::varied,
};

/// Two models compared sample by sample: what makes a sample hard is in both, and drops out of the
/// difference (arXiv 2411.00640 §4.2). Differences are first less second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// The samples that both models have a score on, by name.
    pub samples: Vec<PairedSample>,
    /// Samples that could not be paired.
    pub unpaired: Unpaired,
    /// What the first model's outcomes lack, by reason, over all its samples.
    pub missing_first: Missing,
    /// What the second model's lack.
    pub missing_second: Missing,
}

/// One sample's scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedSample {
    /// The name of the sample (cluster).
    pub id: String,
    /// The first model's mean over its scored epochs.
    pub first: f64,
    /// The second model's.
    pub second: f64,
    /// Over how many epochs, first and second.
    pub epochs: (usize, usize),
}

/// Samples that could not be paired, and therefore say nothing here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpaired {
    /// Only the first model was asked.
    pub only_first: u64,
    /// Only the second model was asked.
    pub only_second: u64,
    /// Both were asked, and only the second has a score.
    pub first_missing: u64,
    /// Both were asked, and only the first has a score.
    pub second_missing: u64,
    /// Both were asked, and neither has a score.
    pub both_missing: u64,
}

impl Paired {
    /// Pairs two models' clusters by name. Samples that share a cluster are one: the cluster is what is
    /// independent.
    pub fn of(first: &Clusters, second: &Clusters) -> Self {
        let mut unpaired = Unpaired::default();
        let mut samples = Vec::new();
        let average = |scores: &[f64]| Mean::of(scores).map(|mean| mean.mean);
        for (id, ours, _) in first.iter() {
            let Some(theirs) = second.scores(id) else {
                unpaired.only_first += 1;
                continue;
            };
            match (average(ours), average(theirs)) {
                (Some(first), Some(second)) => samples.push(PairedSample {
                    id: id.to_owned(),
                    first,
                    second,
                    epochs: (ours.len(), theirs.len()),
                }),
                (None, Some(_)) => unpaired.first_missing += 1,
                (Some(_), None) => unpaired.second_missing += 1,
                (None, None) => unpaired.both_missing += 1,
            }
        }
        let alone = second.iter().filter(|(id, _, _)| first.scores(id).is_none());
        unpaired.only_second = alone.count() as u64;
        Paired {
            samples,
            unpaired,
            missing_first: first.missing(),
            missing_second: second.missing(),
        }
    }

    fn differences(&self) -> Vec<f64> {
        self.samples.iter().map(|sample| sample.first - sample.second).collect()
    }

    /// The paired t test of the mean difference (Student 1908), each sample counted once.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] without pairs, [`Undefined::TooFew`] with a single one,
    /// [`Undefined::NoVariation`] when all differences are the same.
    pub fn t_test(&self) -> Result<TTest, Undefined> {
        let mean = Mean::of(&self.differences()).ok_or(Undefined::Empty)?;
        let scores = self.samples.iter().flat_map(|sample| [sample.first, sample.second]);
        let largest = scores.fold(0.0_f64, |most, score| most.max(score.abs()));
        let error = match mean.sem {
            Some(sem) => varied(sem, largest, "differences")?,
            None => return Err(Undefined::TooFew { what: "pairs", have: 1, need: 2 }),
        };
        Ok(TTest::new(mean.mean, error, mean.df()))
    }

    /// The paired bootstrap of the mean difference: samples are drawn again, each with both its scores. For
    /// few samples, or scores far from normal, where the t test does not hold.
    ///
    /// # Errors
    ///
    /// Those of [`Bootstrap`].
    pub fn bootstrap(&self, replicates: u32, seed: u64) -> Result<Bootstrapped, Undefined> {
        let differences = self.differences();
        let alone: Vec<&[f64]> = differences.iter().map(std::slice::from_ref).collect();
        let config = Bootstrap { replicates, ..Bootstrap::clusters(seed) };
        let mean = |drawn: &[&[f64]]| {
            let sum: f64 = drawn.iter().flat_map(|difference| difference.iter()).sum();
            Some(sum / drawn.len() as f64)
        };
        config.run(&alone, mean)
    }

    /// The table of one yes or no (1 or 0) of each model on each sample, for McNemar's test.
    ///
    /// # Errors
    ///
    /// [`Undefined::NotOneVerdict`] where a sample has several epochs or another score: its epochs are not
    /// independent, and are not to be counted as if they were.
    pub fn table(&self) -> Result<PairedTable, Undefined> {
        let verdict = |score: f64| (score == 0.0 || score == 1.0).then_some(score == 1.0);
        let pairs = self.samples.iter().map(|sample| {
            let verdicts = (verdict(sample.first), verdict(sample.second));
            match (sample.epochs, verdicts) {
                ((1, 1), (Some(first), Some(second))) => Ok((first, second)),
                _ => Err(Undefined::NotOneVerdict(sample.id.clone())),
            }
        });
        Ok(PairedTable::of(pairs.collect::<Result<Vec<_>, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Outcome,
        stats::{
            clusters::tests::clusters,
            fixture::{close, read},
        },
    };

    #[derive(Deserialize)]
    struct Fixture {
        scores: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        first: Vec<f64>,
        second: Vec<f64>,
        t: f64,
        p: f64,
        df: f64,
        low: f64,
        high: f64,
    }

    fn alone(scores: &[f64]) -> Clusters {
        clusters(&scores.iter().map(|score| vec![*score]).collect::<Vec<_>>())
    }

    #[test]
    fn t_tests_are_those_of_scipy() {
        for row in read::<Fixture>("paired").scores {
            let ours = Paired::of(&alone(&row.first), &alone(&row.second)).t_test().unwrap();
            close(ours.t, row.t);
            close(ours.p, row.p);
            close(ours.df, row.df);
            let interval = ours.interval(0.95).unwrap();
            close(interval.low, row.low);
            close(interval.high, row.high);
        }
    }

    #[test]
    fn a_bootstrap_and_a_t_test_agree_on_many_samples() {
        let first: Vec<f64> = (0..200).map(|i| f64::from(i).sin()).collect();
        let second: Vec<f64> = (0..200).map(|i| f64::from(i).sin() * 0.8 + 0.05).collect();
        let paired = Paired::of(&alone(&first), &alone(&second));
        let (test, drawn) = (paired.t_test().unwrap(), paired.bootstrap(4_000, 1).unwrap());
        close(drawn.estimate(), test.difference);
        assert!((drawn.se().unwrap() / test.se - 1.0).abs() < 0.05);
        let (by_t, by_draw) = (test.interval(0.95).unwrap(), drawn.bca(0.95).unwrap());
        assert!((by_t.low - by_draw.low).abs() < 0.2 * test.se);
    }

    #[test]
    fn what_cannot_be_paired_is_counted() {
        let lost = || Outcome::Unreadable("?".to_owned());
        let of = |rows: &[(&str, Outcome<f64>)]| {
            Clusters::of(rows.iter().map(|(id, o)| (*id, o)), |score| *score).unwrap()
        };
        let scored = || Outcome::Scored(1.0);
        let first =
            of(&[("a", scored()), ("b", lost()), ("c", scored()), ("d", lost()), ("e", scored())]);
        let second =
            of(&[("a", scored()), ("b", scored()), ("c", lost()), ("d", lost()), ("f", lost())]);
        let paired = Paired::of(&first, &second);
        assert_eq!(paired.samples.len(), 1);
        let each_once = Unpaired {
            only_first: 1,
            only_second: 1,
            first_missing: 1,
            second_missing: 1,
            both_missing: 1,
        };
        assert_eq!(paired.unpaired, each_once);
        assert_eq!((paired.missing_first.total(), paired.missing_second.total()), (2, 3));
        let few = Undefined::TooFew { what: "pairs", have: 1, need: 2 };
        assert_eq!(paired.t_test(), Err(few));
        assert_eq!(paired.table().unwrap().both, 1);
    }

    #[test]
    fn epochs_are_no_samples() {
        let (one, two) = (clusters(&[vec![1.0, 1.0]]), clusters(&[vec![0.0]]));
        let paired = Paired::of(&one, &two);
        assert_eq!(paired.table(), Err(Undefined::NotOneVerdict("000".to_owned())));
        let same = Paired::of(&alone(&[0.1, 0.2]), &alone(&[0.3, 0.4]));
        assert_eq!(same.t_test(), Err(Undefined::NoVariation { what: "differences" }));
        assert_eq!(Paired::of(&one, &Clusters::default()).t_test(), Err(Undefined::Empty));
    }

    proptest! {
        #[test]
        fn the_other_way_round_the_sign_changes_and_nothing_else(
            scores in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0), 2..20),
        ) {
            let (first, second): (Vec<f64>, Vec<f64>) = scores.into_iter().unzip();
            let there = Paired::of(&alone(&first), &alone(&second)).t_test().unwrap();
            let back = Paired::of(&alone(&second), &alone(&first)).t_test().unwrap();
            prop_assert!((there.difference + back.difference).abs() < 1e-12);
            prop_assert!((there.p - back.p).abs() < 1e-9);
        }
    }
}
