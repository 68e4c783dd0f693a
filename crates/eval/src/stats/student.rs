//! Student's t distribution.

use std::f64::consts::PI;

use super::{beta::beta_cdf, normal::normal_quantile};

/// P(|T| ≥ |t|) with `df` degrees of freedom, the two-sided p value of a t statistic.
pub(super) fn t_two_sided(t: f64, df: f64) -> f64 {
    let square = t * t;
    if square.is_infinite() {
        return 0.0;
    }
    beta_cdf(0.5 * df, 0.5, df / (df + square), square / (df + square))
}

/// The t that `level` of the distribution lies within, on both sides of 0.
///
/// By Newton's method from the quantile of the normal distribution: it lies below, and the tail is convex,
/// so that the steps never overshoot.
pub(super) fn t_critical(level: f64, df: f64) -> f64 {
    let outside = 1.0 - level;
    let mut t = normal_quantile(0.5 + 0.5 * level);
    let constant =
        (libm::lgamma(0.5 * (df + 1.0)) - libm::lgamma(0.5 * df)).exp() / (df * PI).sqrt();
    // A heavy tail doubles t with every step at first; a thousand doublings leave the numbers there are.
    for _ in 0..1100 {
        let density = constant * (-0.5 * (df + 1.0) * (t * t / df).ln_1p()).exp();
        let step = (t_two_sided(t, df) - outside) / (2.0 * density);
        t += step;
        if step.abs() <= 1e-15 * t.abs() {
            break;
        }
    }
    t
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        student: Vec<Student>,
    }
    #[derive(Deserialize)]
    struct Student {
        df: f64,
        level: f64,
        t: f64,
        two_sided: f64,
    }

    #[test]
    fn values_are_those_of_scipy() {
        for Student { df, level, t, two_sided } in read::<Fixture>("distributions").student {
            close(t_two_sided(t, df), two_sided);
            close(t_critical(level, df), t);
        }
    }
}
