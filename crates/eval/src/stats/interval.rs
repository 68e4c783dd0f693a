//! A confidence interval.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A two-sided confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower limit.
    pub low: f64,
    /// Its upper limit.
    pub high: f64,
    /// The confidence level in (0, 1): the share of such intervals that hold the truth.
    pub level: f64,
}

impl Interval {
    /// Whether a value is within the limits.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The distance of the limits.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

/// `0.11 to 0.35`, with the precision that is asked for.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.low, f)?;
        f.write_str(" to ")?;
        fmt::Display::fmt(&self.high, f)
    }
}
