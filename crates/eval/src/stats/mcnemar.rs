//! Two models' yes and no on the same samples.

use serde::{Deserialize, Serialize};

use super::{Interval, Proportion, Undefined, beta::beta_cdf, normal::normal_two_sided};

/// On how many samples both models, one of them, or neither did it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairedTable {
    /// Both did.
    pub both: u64,
    /// Only the first did.
    pub first_only: u64,
    /// Only the second did.
    pub second_only: u64,
    /// Neither did.
    pub neither: u64,
}

/// McNemar's statistic and its p value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChiSquare {
    /// The statistic, χ² with one degree of freedom.
    pub statistic: f64,
    /// Its p value.
    pub p: f64,
}

impl PairedTable {
    /// Counts pairs of what the first and the second model did.
    pub fn of(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut table = PairedTable::default();
        for pair in pairs {
            match pair {
                (true, true) => table.both += 1,
                (true, false) => table.first_only += 1,
                (false, true) => table.second_only += 1,
                (false, false) => table.neither += 1,
            }
        }
        table
    }

    fn total(&self) -> u64 {
        self.both + self.first_only + self.second_only + self.neither
    }

    /// The first model's proportion.
    pub fn first(&self) -> Proportion {
        Proportion { successes: self.both + self.first_only, trials: self.total() }
    }

    /// The second model's proportion.
    pub fn second(&self) -> Proportion {
        Proportion { successes: self.both + self.second_only, trials: self.total() }
    }

    /// The first model's rate less the second's; `None` without samples.
    pub fn difference(&self) -> Option<f64> {
        let apart = self.first_only as f64 - self.second_only as f64;
        (self.total() > 0).then(|| apart / self.total() as f64)
    }

    /// The two-sided p value of McNemar's exact test: were the models alike, each sample on which they
    /// differ would fall to either by the toss of a coin (McNemar 1947, Psychometrika 12, 153-157). Without
    /// such samples it is 1. The one to report: it holds for any number of samples.
    pub fn exact(&self) -> f64 {
        let (fewer, more) = (
            self.first_only.min(self.second_only) as f64,
            self.first_only.max(self.second_only) as f64,
        );
        if fewer == more {
            return 1.0;
        }
        // P(X ≤ k) of Binomial(n, 1/2) is I_{1/2}(n - k, k + 1).
        (2.0 * beta_cdf(more, fewer + 1.0, 0.5, 0.5)).min(1.0)
    }

    /// McNemar's asymptotic test, for some 25 or more samples on which the models differ; `continuity`
    /// takes 1 off the difference of counts (Edwards 1948).
    ///
    /// # Errors
    ///
    /// [`Undefined::NoVariation`] when the models differ on no sample.
    pub fn asymptotic(&self, continuity: bool) -> Result<ChiSquare, Undefined> {
        let apart = self.first_only.abs_diff(self.second_only) as f64;
        let differing = (self.first_only + self.second_only) as f64;
        if differing == 0.0 {
            return Err(Undefined::NoVariation { what: "the models' answers" });
        }
        // As in statsmodels, the correction turns a difference of 0 into one of 1, which moves no conclusion.
        let apart = if continuity { apart - 1.0 } else { apart };
        let statistic = apart * apart / differing;
        Ok(ChiSquare { statistic, p: normal_two_sided(statistic.sqrt()) })
    }

    /// The interval of the difference of rates for paired data by Newcombe's method 10 (1998, Statistics in
    /// Medicine 17, 2635-2650): Wilson's limits of both rates, put together with the correlation of the
    /// answers. Unlike difference ± error it holds near 0 and 1 and does not collapse.
    ///
    /// `None` without samples or at a level outside (0, 1).
    pub fn newcombe(&self, level: f64) -> Option<Interval> {
        let (first, second) = (self.first(), self.second());
        let (one, two) = (first.wilson(level)?, second.wilson(level)?);
        let (p, q) = (first.rate()?, second.rate()?);
        let (below, above) = (p - one.low, one.high - p);
        let (other_below, other_above) = (q - two.low, two.high - q);
        let phi = self.phi();
        // Rounding could make what is under the root negative when phi is 1.
        let reach = |a: f64, b: f64| (a * a - 2.0 * phi * a * b + b * b).max(0.0).sqrt();
        let difference = p - q;
        Some(Interval {
            low: (difference - reach(below, other_above)).max(-1.0),
            high: (difference + reach(above, other_below)).min(1.0),
            level,
        })
    }

    /// The correlation of the answers, corrected for continuity as Newcombe does.
    fn phi(&self) -> f64 {
        let [a, b, c, d] =
            [self.both, self.first_only, self.second_only, self.neither].map(|count| count as f64);
        let margins = (a + b) * (c + d) * (a + c) * (b + d);
        if margins == 0.0 {
            return 0.0;
        }
        let cross = a * d - b * c;
        let corrected = if cross > 0.0 { (cross - (a + b + c + d) / 2.0).max(0.0) } else { cross };
        corrected / margins.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        tables: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        #[serde(flatten)]
        table: PairedTable,
        exact: f64,
        asymptotic: ChiSquare,
        continuity: ChiSquare,
        newcombe: Vec<Interval>,
    }

    #[test]
    fn values_are_those_of_statsmodels() {
        for row in read::<Fixture>("paired").tables {
            close(row.table.exact(), row.exact);
            for (continuity, theirs) in [(false, row.asymptotic), (true, row.continuity)] {
                let ours = row.table.asymptotic(continuity).unwrap();
                close(ours.statistic, theirs.statistic);
                close(ours.p, theirs.p);
            }
            for theirs in row.newcombe {
                let ours = row.table.newcombe(theirs.level).unwrap();
                close(ours.low, theirs.low);
                close(ours.high, theirs.high);
            }
        }
    }

    #[test]
    fn newcombes_own_example() {
        let table = PairedTable { both: 36, first_only: 12, second_only: 2, neither: 0 };
        let interval = table.newcombe(0.95).unwrap();
        assert_eq!(format!("{interval:.4}"), "0.0569 to 0.3404");
    }

    #[test]
    fn models_that_never_differ_are_alike() {
        let alike = PairedTable::of([(true, true), (false, false), (false, false)]);
        assert_eq!((alike.exact(), alike.difference()), (1.0, Some(0.0)));
        assert!(matches!(alike.asymptotic(true), Err(Undefined::NoVariation { .. })));
        assert!(alike.newcombe(0.95).unwrap().width() > 0.1);
        let none = PairedTable::default();
        assert_eq!((none.exact(), none.difference(), none.newcombe(0.95)), (1.0, None, None));
        assert_eq!(alike.newcombe(0.0), None);
    }

    fn tables() -> impl Strategy<Value = PairedTable> {
        (0u64..60, 0u64..60, 0u64..60, 0u64..60).prop_map(
            |(both, first_only, second_only, neither)| PairedTable {
                both,
                first_only,
                second_only,
                neither,
            },
        )
    }

    proptest! {
        #[test]
        fn it_does_not_matter_which_model_is_first(table in tables()) {
            let swapped = PairedTable {
                first_only: table.second_only, second_only: table.first_only, ..table
            };
            prop_assert_eq!(table.exact(), swapped.exact());
            prop_assert_eq!(table.asymptotic(true), swapped.asymptotic(true));
            prop_assert!((0.0..=1.0).contains(&table.exact()));
            if let (Some(there), Some(back)) = (table.newcombe(0.9), swapped.newcombe(0.9)) {
                prop_assert!((there.low + back.high).abs() < 1e-12);
            }
        }

        #[test]
        fn intervals_hold_the_difference_and_grow_with_the_level(
            table in tables(), a in 0.01f64..0.999, b in 0.01f64..0.999,
        ) {
            if let Some(difference) = table.difference() {
                let narrow = table.newcombe(a.min(b)).unwrap();
                let wide = table.newcombe(a.max(b)).unwrap();
                prop_assert!(-1.0 <= wide.low && wide.high <= 1.0);
                prop_assert!(narrow.low <= difference + 1e-12 && difference <= narrow.high + 1e-12);
                prop_assert!(wide.low <= narrow.low + 1e-12 && narrow.high <= wide.high + 1e-12);
            }
        }
    }
}
