//! What could not be scored, counted by reason.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{Interval, Proportion};
use crate::Outcome;

/// How many outcomes have no score, by [`Outcome::kind`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Missing(pub BTreeMap<String, u64>);

impl Missing {
    /// Counts an outcome, if it has no score.
    pub fn count<T>(&mut self, outcome: &Outcome<T>) {
        if outcome.score().is_none() {
            *self.0.entry(outcome.kind().to_owned()).or_default() += 1;
        }
    }

    /// How many are missing in all.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// `2 cut off, 1 refused`, or `none`.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (place, (kind, count)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{count} {kind}")?;
        }
        Ok(())
    }
}

/// Successes among what was scored, beside what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Successes among the scored outcomes.
    pub scored: Proportion,
    /// What could not be scored, by reason.
    pub missing: Missing,
}

impl Tally {
    /// Counts outcomes; `success` says which score is one.
    pub fn of<'a, T: 'a>(
        outcomes: impl IntoIterator<Item = &'a Outcome<T>>,
        success: impl Fn(&T) -> bool,
    ) -> Self {
        let mut tally = Tally::default();
        for outcome in outcomes {
            tally.missing.count(outcome);
            if let Some(score) = outcome.score() {
                tally.scored.successes += u64::from(success(score));
                tally.scored.trials += 1;
            }
        }
        tally
    }

    /// How many outcomes there are, scored or not.
    pub fn total(&self) -> u64 {
        self.scored.trials + self.missing.total()
    }

    /// The share that was scored; `None` without outcomes.
    pub fn coverage(&self) -> Option<f64> {
        Proportion { successes: self.scored.trials, trials: self.total() }.rate()
    }

    /// What the result would be if everything missing went one way, and the other.
    pub fn bounds(&self) -> Bounds {
        let (scored, trials) = (self.scored, self.total());
        Bounds {
            all_failures: Proportion { successes: scored.successes, trials },
            all_successes: Proportion {
                successes: scored.successes + self.missing.total(),
                trials,
            },
        }
    }
}

/// The result if every missing outcome were a failure, and if every one were a success. No assumption on
/// why they are missing can lead outside (Manski 1989, J. Human Resources 24, 343-360).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// If every missing outcome were a failure.
    pub all_failures: Proportion,
    /// If every missing outcome were a success.
    pub all_successes: Proportion,
}

impl Bounds {
    /// The lowest and the highest rate that the missing outcomes allow; `None` without outcomes.
    pub fn rates(self) -> Option<(f64, f64)> {
        Some((self.all_failures.rate()?, self.all_successes.rate()?))
    }

    /// From Wilson's lower limit of the lowest rate to his upper limit of the highest (Horowitz and
    /// Manski 2000, JASA 95, 77-84): it covers both what is missing and chance, each at its worst, and so
    /// holds the truth at least as often as its level says.
    ///
    /// `None` without outcomes or at a level outside (0, 1).
    pub fn wilson(self, level: f64) -> Option<Interval> {
        let low = self.all_failures.wilson(level)?.low;
        let high = self.all_successes.wilson(level)?.high;
        Some(Interval { low, high, level })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_missing_is_counted_by_reason_and_bounds_the_rate() {
        let outcomes = [
            Outcome::Scored(true),
            Outcome::Scored(false),
            Outcome::Scored(true),
            Outcome::Refused("no".to_owned()),
            Outcome::CutOff("…".to_owned()),
            Outcome::Refused("never".to_owned()),
        ];
        let tally = Tally::of(&outcomes, |score| *score);
        assert_eq!(tally.scored, Proportion { successes: 2, trials: 3 });
        assert_eq!(tally.missing.to_string(), "1 cut off, 2 refused");
        assert_eq!(tally.coverage(), Some(0.5));
        assert_eq!(tally.bounds().rates(), Some((2.0 / 6.0, 5.0 / 6.0)));
    }

    #[test]
    fn nothing_is_bounded_by_nothing() {
        let none = Tally::of(&[], |score: &bool| *score);
        assert_eq!((none.coverage(), none.bounds().rates()), (None, None));
        assert_eq!(none.bounds().wilson(0.95), None);
        assert_eq!(none.missing.to_string(), "none");
    }

    proptest! {
        #[test]
        fn bounds_hold_whatever_the_missing_were(
            outcomes in prop::collection::vec((any::<bool>(), any::<bool>()), 1..60),
        ) {
            let seen: Vec<_> = outcomes.iter().map(|(truth, scored)| match scored {
                true => Outcome::Scored(*truth),
                false => Outcome::Infrastructure("lost".to_owned()),
            }).collect();
            let bounds = Tally::of(&seen, |score| *score).bounds();
            let truth = Proportion::of(outcomes.iter().map(|(truth, _)| *truth));
            let (low, high) = bounds.rates().unwrap();
            prop_assert!(low <= truth.rate().unwrap() && truth.rate().unwrap() <= high);
            let (all, wide) = (truth.wilson(0.95).unwrap(), bounds.wilson(0.95).unwrap());
            prop_assert!(wide.low <= all.low + 1e-12 && all.high <= wide.high + 1e-12);
        }
    }
}
