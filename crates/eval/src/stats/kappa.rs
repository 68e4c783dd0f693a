//! How far two judges agree beyond chance.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Interval, Missing, Proportion, Undefined, normal::normal_quantile};
use crate::Outcome;

/// Two judges' labels of the same samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratings {
    /// By the first judge's label (row) and the second's (column), in the order of the scale.
    pub table: Vec<Vec<u64>>,
    /// What the first judge did not label, by reason.
    pub missing_first: Missing,
    /// What the second judge did not label.
    pub missing_second: Missing,
}

/// How much a disagreement weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Any disagreement as much as any other (Cohen 1960).
    Unweighted,
    /// By the distance on the scale (Cohen 1968).
    Linear,
    /// By the square of the distance (Cohen 1968).
    Quadratic,
}

/// Agreement beyond chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kappa {
    /// Cohen's kappa, in [-1, 1]: 1 is agreement throughout, 0 what chance would give.
    pub kappa: f64,
    /// Its standard error (Fleiss, Cohen and Everitt 1969, Psychological Bulletin 72, 323-327); `None` when
    /// it is 0, as with agreement throughout, which is not certainty.
    pub se: Option<f64>,
    /// Its standard error were there no agreement beyond chance: for a test against 0.
    pub se_null: Option<f64>,
    /// The (weighted) share of samples on which the judges agree.
    pub observed: f64,
    /// What chance would give.
    pub expected: f64,
    /// Samples that both judges labelled.
    pub samples: u64,
}

impl Ratings {
    /// Pairs of labels, on a scale that names every label a judge may give, in order. A pair in which a
    /// judge gave none counts as missing, and in nothing else.
    ///
    /// # Errors
    ///
    /// [`Undefined::Label`] with a label that is not on the scale.
    pub fn of<'a, T: PartialEq + fmt::Debug + 'a>(
        scale: &[T],
        pairs: impl IntoIterator<Item = (&'a Outcome<T>, &'a Outcome<T>)>,
    ) -> Result<Self, Undefined> {
        let mut ratings = Ratings {
            table: vec![vec![0; scale.len()]; scale.len()],
            missing_first: Missing::default(),
            missing_second: Missing::default(),
        };
        let place = |label: &T| {
            let found = scale.iter().position(|on_scale| on_scale == label);
            found.ok_or_else(|| Undefined::Label(format!("{label:?}")))
        };
        for (first, second) in pairs {
            ratings.missing_first.count(first);
            ratings.missing_second.count(second);
            if let (Some(first), Some(second)) = (first.score(), second.score()) {
                ratings.table[place(first)?][place(second)?] += 1;
            }
        }
        Ok(ratings)
    }

    /// On how many samples the judges gave the same label.
    pub fn agreement(&self) -> Proportion {
        let same = self.table.iter().enumerate().filter_map(|(place, row)| row.get(place)).sum();
        Proportion { successes: same, trials: self.table.iter().flatten().sum() }
    }

    /// Cohen's kappa.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] when both judges labelled nothing in common, [`Undefined::NoVariation`] when
    /// both always gave one and the same label: chance would give as much.
    pub fn kappa(&self, weights: Weights) -> Result<Kappa, Undefined> {
        // Labels beyond the end of the table or of a row were never given.
        let scale = self.table.iter().map(Vec::len).fold(self.table.len(), usize::max);
        let samples = self.agreement().trials;
        if samples == 0 {
            return Err(Undefined::Empty);
        }
        let n = samples as f64;
        let share = |i: usize, j: usize| {
            let count = self.table.get(i).and_then(|row| row.get(j));
            count.map_or(0.0, |count| *count as f64 / n)
        };
        let all = || (0..scale).flat_map(|i| (0..scale).map(move |j| (i, j)));
        let first: Vec<f64> = (0..scale).map(|i| (0..scale).map(|j| share(i, j)).sum()).collect();
        let second: Vec<f64> = (0..scale).map(|j| (0..scale).map(|i| share(i, j)).sum()).collect();
        let agree = |i: usize, j: usize| {
            let distance = i.abs_diff(j) as f64 / (scale.max(2) - 1) as f64;
            match weights {
                Weights::Unweighted => f64::from(i == j),
                Weights::Linear => 1.0 - distance,
                Weights::Quadratic => 1.0 - distance * distance,
            }
        };
        let observed: f64 = all().map(|(i, j)| agree(i, j) * share(i, j)).sum();
        let expected: f64 = all().map(|(i, j)| agree(i, j) * first[i] * second[j]).sum();
        let chance = 1.0 - expected;
        if chance <= 1e-14 {
            return Err(Undefined::NoVariation { what: "the judges' labels" });
        }
        let kappa = (observed - expected) / chance;

        // The mean agreement that chance gives each label of one judge with the other's labels.
        let of_first: Vec<f64> =
            (0..scale).map(|i| (0..scale).map(|j| agree(i, j) * second[j]).sum()).collect();
        let of_second: Vec<f64> =
            (0..scale).map(|j| (0..scale).map(|i| agree(i, j) * first[i]).sum()).collect();
        let spread = |i: usize, j: usize, kappa: f64| {
            (agree(i, j) - (of_first[i] + of_second[j]) * (1.0 - kappa)).powi(2)
        };
        let error = |variance: f64| {
            let se = variance.max(0.0).sqrt() / chance / n.sqrt();
            // Less than this is rounding.
            (se > 1e-8).then_some(se)
        };
        let variance: f64 = all().map(|(i, j)| share(i, j) * spread(i, j, kappa)).sum();
        let by_chance: f64 = all().map(|(i, j)| first[i] * second[j] * spread(i, j, 0.0)).sum();
        Ok(Kappa {
            kappa,
            se: error(variance - (kappa - expected * (1.0 - kappa)).powi(2)),
            se_null: error(by_chance - expected * expected),
            observed,
            expected,
            samples,
        })
    }
}

impl Kappa {
    /// kappa ± z standard errors, within [-1, 1]. It needs some 50 samples to hold.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoVariation`] where there is no standard error, [`Undefined::Value`] at a level outside
    /// (0, 1).
    pub fn interval(&self, level: f64) -> Result<Interval, Undefined> {
        Undefined::level(level)?;
        let se = self.se.ok_or(Undefined::NoVariation { what: "the judges' agreement" })?;
        let half = normal_quantile(0.5 + level / 2.0) * se;
        let (low, high) = ((self.kappa - half).max(-1.0), (self.kappa + half).min(1.0));
        Ok(Interval { low, high, level })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        kappa: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        table: Vec<Vec<u64>>,
        weights: Weights,
        kappa: f64,
        se: f64,
        se_null: f64,
    }

    fn ratings(table: Vec<Vec<u64>>) -> Ratings {
        Ratings { table, missing_first: Missing::default(), missing_second: Missing::default() }
    }

    #[test]
    fn values_are_those_of_statsmodels() {
        for row in read::<Fixture>("kappa").kappa {
            let ours = ratings(row.table).kappa(row.weights).unwrap();
            close(ours.kappa, row.kappa);
            close(ours.se.unwrap(), row.se);
            close(ours.se_null.unwrap(), row.se_null);
        }
    }

    #[test]
    fn labels_are_placed_on_the_scale_and_what_is_missing_is_counted() {
        let lost = || Outcome::Unreadable("hm".to_owned());
        let yes = || Outcome::Scored("yes");
        let no = || Outcome::Scored("no");
        let pairs = [(yes(), yes()), (no(), yes()), (no(), no()), (lost(), no()), (lost(), lost())];
        let found = Ratings::of(&["no", "yes"], pairs.iter().map(|(a, b)| (a, b))).unwrap();
        assert_eq!(found.table, [[1, 1], [0, 1]]);
        assert_eq!((found.missing_first.total(), found.missing_second.total()), (2, 1));
        assert_eq!(found.agreement(), Proportion { successes: 2, trials: 3 });
        let unknown = Ratings::of(&["no"], pairs.iter().map(|(a, b)| (a, b)));
        assert_eq!(unknown, Err(Undefined::Label("\"yes\"".to_owned())));
    }

    #[test]
    fn no_labels_and_one_label_have_no_kappa() {
        assert_eq!(ratings(vec![]).kappa(Weights::Unweighted), Err(Undefined::Empty));
        assert_eq!(ratings(vec![vec![0; 2]; 2]).kappa(Weights::Linear), Err(Undefined::Empty));
        let one = ratings(vec![vec![9, 0], vec![0, 0]]);
        for weights in [Weights::Unweighted, Weights::Linear, Weights::Quadratic] {
            assert!(matches!(one.kappa(weights), Err(Undefined::NoVariation { .. })));
        }
        let throughout = ratings(vec![vec![9, 0], vec![0, 4]]).kappa(Weights::Unweighted).unwrap();
        assert_eq!((throughout.kappa, throughout.se), (1.0, None));
        assert!(matches!(throughout.interval(0.95), Err(Undefined::NoVariation { .. })));
        // Rows may be short, or missing, where labels were never given.
        let (whole, short) = (vec![vec![3, 0], vec![2, 4]], vec![vec![3], vec![2, 4]]);
        let kappa = |table| ratings(table).kappa(Weights::Unweighted);
        assert_eq!(kappa(whole), kappa(short));
        assert_eq!(kappa(vec![vec![3, 1]]), kappa(vec![vec![3, 1], vec![0, 0]]));
    }

    proptest! {
        #[test]
        fn kappa_is_between_the_ends_and_does_not_tell_the_judges_apart(
            table in (1usize..6).prop_flat_map(|k| {
                prop::collection::vec(prop::collection::vec(0u64..30, k), k)
            }),
            level in 0.01f64..0.999,
        ) {
            let k = table.len();
            let turned: Vec<Vec<u64>> = (0..k).map(|i| (0..k).map(|j| table[j][i]).collect()).collect();
            for weights in [Weights::Unweighted, Weights::Linear, Weights::Quadratic] {
                let (ours, other) = (ratings(table.clone()), ratings(turned.clone()));
                if let Ok(found) = ours.kappa(weights) {
                    prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&found.kappa));
                    let back = other.kappa(weights).unwrap();
                    prop_assert!((found.kappa - back.kappa).abs() < 1e-12);
                    if let Ok(interval) = found.interval(level) {
                        prop_assert!(interval.low <= found.kappa + 1e-12);
                        prop_assert!(found.kappa <= interval.high + 1e-12);
                    }
                }
            }
        }
    }
}
