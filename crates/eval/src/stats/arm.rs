//! Training arms: the unit is the training run.

use serde::{Deserialize, Serialize};

use super::{Mean, Missing, TTest, Undefined, t_test::varied};
use crate::Outcome;

/// One training arm over its seeds. However many questions a run answered, it is one draw of the training:
/// what is said of the method stands on the spread over runs (mean ± SEM over seeds, as in arXiv
/// 2605.02087).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The mean over the seeds that were scored; `None` when none was.
    pub mean: Option<Mean>,
    /// The seeds that were not, by reason.
    pub missing: Missing,
}

impl Arm {
    /// An arm from what became of each of its seeds.
    ///
    /// # Errors
    ///
    /// [`Undefined::Value`] with a score that is not finite.
    pub fn of<'a, T: 'a>(
        seeds: impl IntoIterator<Item = &'a Outcome<T>>,
        score: impl Fn(&T) -> f64,
    ) -> Result<Self, Undefined> {
        let mut missing = Missing::default();
        let mut units = Vec::new();
        for seed in seeds {
            missing.count(seed);
            if let Some(value) = seed.score() {
                units.push(Undefined::score(score(value))?);
            }
        }
        Ok(Arm { mean: Mean::of(&units), missing })
    }

    /// How this arm differs from another, by [`welch`].
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] when one has no scored seed, and those of [`welch`].
    pub fn difference(&self, other: &Arm) -> Result<TTest, Undefined> {
        welch(&self.mean.ok_or(Undefined::Empty)?, &other.mean.ok_or(Undefined::Empty)?)
    }
}

/// Welch's test of the difference of two means over independent units, first less second, which need
/// not vary alike (Welch 1947, Biometrika 34, 28-35; degrees of freedom by Satterthwaite).
///
/// For arms whose seeds are paired (same data order, same base) [`Paired`](super::Paired) sees more.
///
/// # Errors
///
/// [`Undefined::TooFew`] when one has a single unit, [`Undefined::NoVariation`] when neither varies.
pub fn welch(first: &Mean, second: &Mean) -> Result<TTest, Undefined> {
    let (one, two) = (first.error()?.powi(2), second.error()?.powi(2));
    let scale = first.mean.abs().max(second.mean.abs());
    let se = varied((one + two).sqrt(), scale, "units")?;
    let df = (one + two).powi(2) / (one.powi(2) / first.df() + two.powi(2) / second.df());
    Ok(TTest::new(first.mean - second.mean, se, df))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        welch: Vec<Row>,
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

    #[test]
    fn values_are_those_of_scipy() {
        for row in read::<Fixture>("means").welch {
            let arm = |units: &[f64]| {
                let seeds: Vec<_> = units.iter().map(|unit| Outcome::Scored(*unit)).collect();
                Arm::of(&seeds, |score| *score).unwrap()
            };
            let ours = arm(&row.first).difference(&arm(&row.second)).unwrap();
            close(ours.t, row.t);
            close(ours.p, row.p);
            close(ours.df, row.df);
            let interval = ours.interval(0.95).unwrap();
            close(interval.low, row.low);
            close(interval.high, row.high);
        }
    }

    #[test]
    fn seeds_that_failed_are_counted_and_a_single_one_tells_no_error() {
        let lost = || Outcome::Infrastructure("out of memory".to_owned());
        let arm = Arm::of(&[Outcome::Scored(0.4), lost(), lost()], |score| *score).unwrap();
        assert_eq!(arm.missing.total(), 2);
        let few = Undefined::TooFew { what: "units", have: 1, need: 2 };
        assert_eq!(arm.difference(&arm), Err(few));
        let none = Arm::of(&[lost()], |score: &f64| *score).unwrap();
        assert_eq!(none.difference(&arm), Err(Undefined::Empty));
        let same = Arm::of(&[Outcome::Scored(0.4), Outcome::Scored(0.4)], |score| *score).unwrap();
        assert_eq!(same.difference(&same), Err(Undefined::NoVariation { what: "units" }));
        assert!(Arm::of(&[Outcome::Scored(f64::NAN)], |score| *score).is_err());
    }
}
