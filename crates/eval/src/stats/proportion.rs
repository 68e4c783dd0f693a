//! Successes in trials.

use serde::{Deserialize, Serialize};

use super::{Interval, Undefined, beta::beta_quantile, normal::normal_quantile};

/// So many successes in so many trials.
///
/// Its intervals take the trials to be independent. Pairs that share an item, epochs of one prompt, or
/// answers of one training run are not: the intervals are then too narrow. Take [`Clusters`] for prompts
/// asked several times, and [`Mean`] with runs (seeds, models) as units to compare arms.
///
/// [`Clusters`]: super::Clusters
/// [`Mean`]: super::Mean
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proportion {
    /// Successes, at most `trials`.
    pub successes: u64,
    /// Trials.
    pub trials: u64,
}

impl Proportion {
    /// Counts how many of these are true.
    pub fn of(trials: impl IntoIterator<Item = bool>) -> Self {
        trials.into_iter().fold(Proportion::default(), |sum, success| Proportion {
            successes: sum.successes + u64::from(success),
            trials: sum.trials + 1,
        })
    }

    /// The share of successes; `None` without trials.
    pub fn rate(self) -> Option<f64> {
        (self.trials > 0).then(|| self.successes as f64 / self.trials as f64)
    }

    /// The rate, where an interval at this level can be drawn around it.
    fn checked(self, level: f64) -> Option<f64> {
        let sound = self.successes <= self.trials && Undefined::level(level).is_ok();
        self.rate().filter(|_| sound)
    }

    /// Wilson's score interval (Wilson 1927, JASA 22, 209-212): right on average, and the usual choice.
    ///
    /// `None` without trials, with more successes than trials, or at a level outside (0, 1).
    pub fn wilson(self, level: f64) -> Option<Interval> {
        let rate = self.checked(level)?;
        let n = self.trials as f64;
        let z = normal_quantile(0.5 + level / 2.0);
        let z2 = z * z;
        let centre = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = z / (1.0 + z2 / n) * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
        // At the ends the limit is the rate itself, which rounding could miss.
        let low = if self.successes == 0 { 0.0 } else { (centre - half).max(0.0) };
        let high = if self.successes == self.trials { 1.0 } else { (centre + half).min(1.0) };
        Some(Interval { low, high, level })
    }

    /// The exact interval of Clopper and Pearson (1934, Biometrika 26, 404-413): it holds the truth at
    /// least as often as its level says, and is wider than Wilson's for that.
    ///
    /// `None` without trials, with more successes than trials, or at a level outside (0, 1).
    pub fn clopper_pearson(self, level: f64) -> Option<Interval> {
        self.checked(level)?;
        Some(exact(self.successes as f64, self.trials as f64, level))
    }

    /// The exact one-sided upper bound of the rate (Clopper-Pearson): with confidence `level` it is not
    /// higher. With no success in n trials it is 1 - (1 - level)^(1/n), and
    /// [`Proportion::rule_of_three`] for short.
    ///
    /// `None` as for [`Proportion::clopper_pearson`].
    pub fn upper_bound(self, level: f64) -> Option<f64> {
        self.checked(level)?;
        // The upper limit of the two-sided interval that leaves as much on each side.
        let (k, n) = (self.successes as f64, self.trials as f64);
        Some(upper(k, n, 1.0 - level))
    }

    /// The rule of three (Hanley and Lippman-Hand 1983, JAMA 249, 1743-1745): with no success in n trials,
    /// 3 / n is about the one-sided 95 % upper bound of the rate. [`Proportion::upper_bound`] is exact, and
    /// below it.
    ///
    /// `None` without trials, and where there was a success.
    pub fn rule_of_three(self) -> Option<f64> {
        (self.successes == 0 && self.trials > 0).then(|| (3.0 / self.trials as f64).min(1.0))
    }
}

/// The Clopper-Pearson interval of `k` in `n`, which need not be whole.
pub(super) fn exact(k: f64, n: f64, level: f64) -> Interval {
    let tail = (1.0 - level) / 2.0;
    // The lower limit of the successes is one less the upper limit of the failures.
    let low = if k <= 0.0 { 0.0 } else { beta_quantile(k, n - k + 1.0, tail) };
    Interval { low, high: upper(k, n, tail), level }
}

/// The rate at which `k` or fewer in `n` has the probability `tail`.
fn upper(k: f64, n: f64, tail: f64) -> f64 {
    if k >= n { 1.0 } else { beta_quantile(k + 1.0, n - k, 1.0 - tail) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        intervals: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        successes: u64,
        trials: u64,
        level: f64,
        wilson: (f64, f64),
        clopper_pearson: (f64, f64),
    }

    #[test]
    fn intervals_are_those_of_statsmodels() {
        for row in read::<Fixture>("proportions").intervals {
            let proportion = Proportion { successes: row.successes, trials: row.trials };
            for (ours, (low, high)) in [
                (proportion.wilson(row.level), row.wilson),
                (proportion.clopper_pearson(row.level), row.clopper_pearson),
            ] {
                let ours = ours.unwrap();
                close(ours.low, low);
                close(ours.high, high);
            }
        }
    }

    #[test]
    fn without_trials_or_level_there_is_no_interval() {
        let none = Proportion::default();
        assert_eq!(none.rate(), None);
        let impossible = Proportion { successes: 3, trials: 2 };
        let some = Proportion { successes: 1, trials: 2 };
        let cases = [(none, 0.95), (impossible, 0.95), (some, 0.0), (some, 1.0), (some, f64::NAN)];
        for (proportion, level) in cases {
            assert_eq!(proportion.wilson(level), None);
            assert_eq!(proportion.clopper_pearson(level), None);
            assert_eq!(proportion.upper_bound(level), None);
        }
        assert_eq!(none.rule_of_three(), None);
    }

    #[test]
    fn none_seen_is_bounded_by_about_three_in_n() {
        for trials in [1_u64, 2, 27, 300, 8100] {
            let none = Proportion { successes: 0, trials };
            let exact = none.upper_bound(0.95).unwrap();
            close(exact, 1.0 - 0.05_f64.powf(1.0 / trials as f64));
            let rule = none.rule_of_three().unwrap();
            assert!(exact <= rule, "{exact} is above {rule}");
            assert!(trials < 100 || rule < 1.01 * exact);
        }
        assert_eq!(Proportion { successes: 1, trials: 300 }.rule_of_three(), None);
    }

    proptest! {
        #[test]
        fn intervals_hold_the_rate_and_grow_with_the_level(
            trials in 1u64..2000, share in 0.0f64..=1.0, a in 0.01f64..0.999, b in 0.01f64..0.999,
        ) {
            let proportion = Proportion { successes: (share * trials as f64) as u64, trials };
            let rate = proportion.rate().unwrap();
            for method in [Proportion::wilson, Proportion::clopper_pearson] {
                let narrow = method(proportion, a.min(b)).unwrap();
                let wide = method(proportion, a.max(b)).unwrap();
                prop_assert!(0.0 <= wide.low && wide.high <= 1.0);
                prop_assert!(wide.low <= narrow.low + 1e-12 && narrow.high <= wide.high + 1e-12);
                prop_assert!(narrow.low <= rate + 1e-12 && rate <= narrow.high + 1e-12);
            }
        }

        #[test]
        fn failures_mirror_successes(trials in 1u64..500, share in 0.0f64..=1.0) {
            let successes = (share * trials as f64) as u64;
            let mirrored = Proportion { successes: trials - successes, trials };
            let proportion = Proportion { successes, trials };
            for method in [Proportion::wilson, Proportion::clopper_pearson] {
                let (ours, other) = (method(proportion, 0.9).unwrap(), method(mirrored, 0.9).unwrap());
                prop_assert!((ours.low - (1.0 - other.high)).abs() < 1e-12);
            }
        }
    }
}
