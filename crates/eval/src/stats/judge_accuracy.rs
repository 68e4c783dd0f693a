//! Correcting a rate for the judge that measured it.

use serde::{Deserialize, Serialize};

use super::{Interval, Missing, Proportion, Undefined, normal::normal_quantile};
use crate::Outcome;

/// How well a judge sees what people see, from samples that people labelled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeAccuracy {
    /// Of the samples that people call positive, those that the judge does too.
    pub sensitivity: Proportion,
    /// Of the samples that people call negative, those that the judge does too.
    pub specificity: Proportion,
    /// Labelled samples on which the judge gave no verdict, by reason.
    pub missing: Missing,
}

/// A rate corrected for the judge's errors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorrectedRate {
    /// The rate, within [0, 1].
    pub rate: f64,
    /// As the formula gives it: outside [0, 1] when the judge calls fewer (or more) positive than its own
    /// errors alone would.
    pub unclipped: f64,
    /// Standard error of `unclipped`, by the delta method; `None` when it is 0, which is not certainty.
    pub se: Option<f64>,
}

impl JudgeAccuracy {
    /// Counts a judge's verdicts against people's labels.
    pub fn of<'a>(labelled: impl IntoIterator<Item = (bool, &'a Outcome<bool>)>) -> Self {
        let mut accuracy = JudgeAccuracy::default();
        for (positive, verdict) in labelled {
            accuracy.missing.count(verdict);
            if let Some(verdict) = verdict.score() {
                let side = match positive {
                    true => &mut accuracy.sensitivity,
                    false => &mut accuracy.specificity,
                };
                side.successes += u64::from(*verdict == positive);
                side.trials += 1;
            }
        }
        accuracy
    }

    /// The rate of positives behind the rate that this judge saw: (p + specificity - 1) / (sensitivity +
    /// specificity - 1) (Rogan and Gladen 1978, Am. J. Epidemiology 107, 71-76), with an error that counts
    /// the labelled samples' too.
    ///
    /// It takes the judge to err on the evaluated samples as on the labelled ones.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] when nothing was judged, or nothing labelled positive or negative;
    /// [`Undefined::Value`] when the judge is no better than chance, or there are more successes than
    /// trials.
    pub fn correct(&self, judged: Proportion) -> Result<CorrectedRate, Undefined> {
        let rate = |of: Proportion| {
            let (what, wanted) = ("a number of successes", "at most the trials");
            match of.rate().ok_or(Undefined::Empty)? {
                rate if rate > 1.0 => {
                    Err(Undefined::Value { what, value: of.successes as f64, wanted })
                }
                rate => Ok(rate),
            }
        };
        let (p, sensitivity, specificity) =
            (rate(judged)?, rate(self.sensitivity)?, rate(self.specificity)?);
        let youden = youden(sensitivity, specificity)?;
        let unclipped = (p + specificity - 1.0) / youden;
        let variance = |p: f64, of: Proportion| p * (1.0 - p) / of.trials as f64;
        let error = (variance(p, judged)
            + unclipped.powi(2) * variance(sensitivity, self.sensitivity)
            + (1.0 - unclipped).powi(2) * variance(specificity, self.specificity))
        .sqrt()
            / youden;
        let se = (error > 0.0).then_some(error);
        Ok(CorrectedRate { rate: unclipped.clamp(0.0, 1.0), unclipped, se })
    }

    /// The interval of the corrected rate by Lang and Reiczigel (2014, Preventive Veterinary Medicine 113,
    /// 13-22): pseudo-counts keep it from collapsing near 0 and 1, and it counts the labelled samples' error.
    ///
    /// # Errors
    ///
    /// As [`JudgeAccuracy::correct`]; and [`Undefined::Value`] at a level outside (0, 1).
    pub fn interval(&self, judged: Proportion, level: f64) -> Result<Interval, Undefined> {
        Undefined::level(level)?;
        self.correct(judged)?;
        let z = normal_quantile(0.5 + level / 2.0);
        let (n, p) = with_pseudo_counts(judged, z * z);
        let (positives, sensitivity) = with_pseudo_counts(self.sensitivity, 2.0);
        let (negatives, specificity) = with_pseudo_counts(self.specificity, 2.0);
        let youden = youden(sensitivity, specificity)?;
        let centre = (p + specificity - 1.0) / youden;
        let missed = sensitivity * (1.0 - sensitivity) / positives;
        let alarms = specificity * (1.0 - specificity) / negatives;
        let shift = 2.0 * z * z * (centre * missed - (1.0 - centre) * alarms);
        let variance =
            p * (1.0 - p) / n + centre.powi(2) * missed + (1.0 - centre).powi(2) * alarms;
        let half = z * variance.sqrt() / youden;
        let limit = |value: f64| value.clamp(0.0, 1.0);
        Ok(Interval {
            low: limit(centre + shift - half),
            high: limit(centre + shift + half),
            level,
        })
    }
}

/// Trials and rate with so many trials more, half of them successes.
fn with_pseudo_counts(of: Proportion, more: f64) -> (f64, f64) {
    let trials = of.trials as f64 + more;
    (trials, (of.successes as f64 + more / 2.0) / trials)
}

/// Youden's index, which is 0 for a judge that guesses.
fn youden(sensitivity: f64, specificity: f64) -> Result<f64, Undefined> {
    let value = sensitivity + specificity - 1.0;
    let what = "the judge's sensitivity + specificity - 1";
    if value > 0.0 { Ok(value) } else { Err(Undefined::Value { what, value, wanted: "above 0" }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        judges: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        observed: (u64, u64),
        sensitivity: (u64, u64),
        specificity: (u64, u64),
        rate: f64,
        se: f64,
        intervals: Vec<Interval>,
    }

    fn proportion((successes, trials): (u64, u64)) -> Proportion {
        Proportion { successes, trials }
    }

    fn accuracy(sensitivity: (u64, u64), specificity: (u64, u64)) -> JudgeAccuracy {
        JudgeAccuracy {
            sensitivity: proportion(sensitivity),
            specificity: proportion(specificity),
            missing: Missing::default(),
        }
    }

    #[test]
    fn values_are_those_of_the_formulas() {
        for row in read::<Fixture>("judge").judges {
            let judge = accuracy(row.sensitivity, row.specificity);
            let ours = judge.correct(proportion(row.observed)).unwrap();
            close(ours.unclipped, row.rate);
            close(ours.se.unwrap_or(0.0), row.se);
            for theirs in row.intervals {
                let ours = judge.interval(proportion(row.observed), theirs.level).unwrap();
                close(ours.low, theirs.low);
                close(ours.high, theirs.high);
            }
        }
    }

    #[test]
    fn verdicts_are_counted_against_labels() {
        let verdicts = [
            (true, Outcome::Scored(true)),
            (true, Outcome::Scored(false)),
            (false, Outcome::Scored(false)),
            (false, Outcome::Unreadable("hm".to_owned())),
        ];
        let found = JudgeAccuracy::of(verdicts.iter().map(|(label, v)| (*label, v)));
        assert_eq!(found.sensitivity, Proportion { successes: 1, trials: 2 });
        assert_eq!(found.specificity, Proportion { successes: 1, trials: 1 });
        assert_eq!(found.missing.total(), 1);
    }

    #[test]
    fn a_judge_that_guesses_corrects_nothing() {
        let judged = proportion((3, 10));
        let guess = accuracy((5, 10), (5, 10));
        assert!(matches!(guess.correct(judged), Err(Undefined::Value { .. })));
        assert!(guess.interval(judged, 0.95).is_err());
        assert_eq!(JudgeAccuracy::default().correct(judged), Err(Undefined::Empty));
        let good = accuracy((9, 10), (10, 10));
        assert_eq!(good.correct(Proportion::default()), Err(Undefined::Empty));
        assert!(good.interval(judged, 1.0).is_err());
        assert!(good.interval(proportion((3, 2)), 0.95).is_err());
        // One label tells too little: with pseudo-counts the judge is no better than chance.
        assert!(accuracy((300, 1000), (1, 1)).interval(judged, 0.95).is_err());
    }

    proptest! {
        #[test]
        fn a_perfect_judge_changes_nothing(trials in 1u64..200, share in 0.0f64..=1.0) {
            let judged = Proportion { successes: (share * trials as f64) as u64, trials };
            let found = accuracy((50, 50), (50, 50)).correct(judged).unwrap();
            prop_assert!((found.rate - judged.rate().unwrap()).abs() < 1e-12);
        }

        #[test]
        fn intervals_grow_with_the_level_and_hold_the_rate(
            judged in (1u64..100).prop_flat_map(|n| (0..=n, Just(n))),
            sensitivity in 60u64..=100, specificity in 60u64..=100,
            a in 0.5f64..0.999, b in 0.5f64..0.999,
        ) {
            let (judge, judged) = (accuracy((sensitivity, 100), (specificity, 100)), proportion(judged));
            let narrow = judge.interval(judged, a.min(b)).unwrap();
            let wide = judge.interval(judged, a.max(b)).unwrap();
            prop_assert!(0.0 <= narrow.low && narrow.low <= narrow.high && narrow.high <= 1.0);
            prop_assert!(wide.width() >= narrow.width() - 1e-9);
            prop_assert!(wide.contains(judge.correct(judged).unwrap().rate) || a.max(b) < 0.9);
        }
    }
}
