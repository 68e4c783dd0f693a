//! A difference by its t statistic.

use serde::{Deserialize, Serialize};

use super::{
    Interval, Undefined,
    student::{t_critical, t_two_sided},
};

/// A difference of means and how it compares with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TTest {
    /// The difference, first less second, in the unit of the scores.
    pub difference: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// The difference in standard errors.
    pub t: f64,
    /// Two-sided p value: how often chance alone gives a |t| as large.
    pub p: f64,
}

impl TTest {
    pub(super) fn new(difference: f64, se: f64, df: f64) -> Self {
        let t = difference / se;
        TTest { difference, se, df, t, p: t_two_sided(t, df) }
    }

    /// The t interval of the difference.
    ///
    /// # Errors
    ///
    /// [`Undefined::Value`] at a level outside (0, 1).
    pub fn interval(&self, level: f64) -> Result<Interval, Undefined> {
        t_interval(self.difference, self.se, self.df, level)
    }
}

/// `centre` ± t standard errors.
pub(super) fn t_interval(centre: f64, se: f64, df: f64, level: f64) -> Result<Interval, Undefined> {
    Undefined::level(level)?;
    let half = t_critical(level, df) * se;
    Ok(Interval { low: centre - half, high: centre + half, level })
}

/// A standard error that a t interval can stand on: one that is only rounding means that nothing varied.
pub(super) fn varied(se: f64, scale: f64, what: &'static str) -> Result<f64, Undefined> {
    if se > 1e-14 * scale.abs() { Ok(se) } else { Err(Undefined::NoVariation { what }) }
}
