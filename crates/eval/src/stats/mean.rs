//! The mean over independent units.

use serde::{Deserialize, Serialize};

use super::{
    Interval, Undefined,
    t_test::{t_interval, varied},
};

/// The mean over units that are independent of each other: seeds, training runs, models.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// How many units.
    pub units: usize,
    /// Their mean.
    pub mean: f64,
    /// Standard error of the mean, from the spread over the units; `None` with a single one.
    pub sem: Option<f64>,
}

impl Mean {
    /// The mean over units; `None` without any, or when one of them is not a finite number.
    pub fn of(units: &[f64]) -> Option<Self> {
        if units.is_empty() || units.iter().any(|unit| !unit.is_finite()) {
            return None;
        }
        let n = units.len() as f64;
        let mean = units.iter().sum::<f64>() / n;
        let squares: f64 = units.iter().map(|x| (x - mean).powi(2)).sum();
        let sem = (units.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt());
        Some(Mean { units: units.len(), mean, sem })
    }

    /// Degrees of freedom of the standard error.
    pub(super) fn df(&self) -> f64 {
        self.units as f64 - 1.0
    }

    /// The standard error, where the units tell one.
    pub(super) fn error(&self) -> Result<f64, Undefined> {
        let too_few = Undefined::TooFew { what: "units", have: self.units as u64, need: 2 };
        self.sem.ok_or(too_few)
    }

    /// The t interval of the mean (Student 1908), with units - 1 degrees of freedom: with four seeds the
    /// 95 % interval reaches 3.2 standard errors, not 2.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooFew`] with a single unit, [`Undefined::NoVariation`] when all are the same,
    /// [`Undefined::Value`] at a level outside (0, 1).
    pub fn interval(&self, level: f64) -> Result<Interval, Undefined> {
        let se = varied(self.error()?, self.mean, "units")?;
        t_interval(self.mean, se, self.df(), level)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        means: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        units: Vec<f64>,
        mean: f64,
        sem: Option<f64>,
        intervals: Vec<Interval>,
    }

    #[test]
    fn values_are_those_of_scipy() {
        for row in read::<Fixture>("means").means {
            let ours = Mean::of(&row.units).unwrap();
            close(ours.mean, row.mean);
            assert_eq!(ours.sem.is_some(), row.sem.is_some());
            close(ours.sem.unwrap_or(0.0), row.sem.unwrap_or(0.0));
            for theirs in row.intervals {
                let ours = ours.interval(theirs.level).unwrap();
                close(ours.low, theirs.low);
                close(ours.high, theirs.high);
            }
        }
    }

    #[test]
    fn what_says_nothing_of_the_error_gives_no_interval() {
        assert_eq!(Mean::of(&[]), None);
        assert_eq!(Mean::of(&[0.1, f64::NAN]), None);
        let one = Mean::of(&[0.3]).unwrap();
        assert_eq!(one.interval(0.95), Err(Undefined::TooFew { what: "units", have: 1, need: 2 }));
        let same = Mean::of(&[0.1; 7]).unwrap();
        assert_eq!(same.interval(0.95), Err(Undefined::NoVariation { what: "units" }));
        let two = Mean::of(&[0.1, 0.2]).unwrap();
        assert!(matches!(two.interval(1.0), Err(Undefined::Value { .. })));
    }

    proptest! {
        #[test]
        fn intervals_hold_the_mean_and_grow_with_the_level(
            units in prop::collection::vec(-1e3f64..1e3, 2..9), a in 0.01f64..0.999, b in 0.01f64..0.999,
        ) {
            let mean = Mean::of(&units).unwrap();
            let narrow = mean.interval(a.min(b)).unwrap();
            let wide = mean.interval(a.max(b)).unwrap();
            prop_assert!(narrow.contains(mean.mean));
            prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
        }
    }
}
