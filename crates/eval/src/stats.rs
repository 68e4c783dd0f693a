//! Proportions, means and their uncertainty.
//!
//! Values agree with scipy and statsmodels to 1e-9 (`fixtures/stats.json`, made by `stats.py` beside
//! it).

use serde::{Deserialize, Serialize};

/// So many successes in so many trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proportion {
    /// Successes, at most `trials`.
    pub successes: u64,
    /// Trials.
    pub trials: u64,
}

impl Proportion {
    /// The share of successes; `None` without trials.
    pub fn rate(self) -> Option<f64> {
        (self.trials > 0).then(|| self.successes as f64 / self.trials as f64)
    }

    /// Wilson's score interval (Wilson 1927) at a confidence in (0, 1); `None` without trials.
    ///
    /// It takes the trials to be independent. Pairs that share an item, or that one model answered,
    /// are not: the interval is then too narrow, and runs (seeds, models) are the unit to compare, see
    /// [`Mean`].
    pub fn wilson(self, confidence: f64) -> Option<(f64, f64)> {
        let rate = self.rate()?;
        let n = self.trials as f64;
        let z = normal_quantile(0.5 + confidence / 2.0);
        let z2 = z * z;
        let centre = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = z / (1.0 + z2 / n) * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
        Some(((centre - half).max(0.0), (centre + half).min(1.0)))
    }
}

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
    /// The mean over units; `None` without any.
    pub fn of(units: &[f64]) -> Option<Self> {
        if units.is_empty() {
            return None;
        }
        let n = units.len() as f64;
        let mean = units.iter().sum::<f64>() / n;
        let squares: f64 = units.iter().map(|x| (x - mean).powi(2)).sum();
        let sem = (units.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt());
        Some(Mean { units: units.len(), mean, sem })
    }
}

/// The quantile of the standard normal distribution, by algorithm AS 241 (Wichura 1988), good to about
/// 1e-16 relative. Infinite at 0 and 1, NaN outside.
#[allow(clippy::excessive_precision)] // the published coefficients
pub fn normal_quantile(p: f64) -> f64 {
    let ratio = |x: f64, over: [f64; 8], under: [f64; 8]| {
        let value = |c: [f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * x + c);
        value(over) / value(under)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(
            0.180625 - q * q,
            [
                3.387_132_872_796_366_6,
                1.331_416_678_917_843_8e2,
                1.971_590_950_306_551_4e3,
                1.373_169_376_550_946_1e4,
                4.592_195_393_154_987_1e4,
                6.726_577_092_700_870_1e4,
                3.343_057_558_358_812_8e4,
                2.509_080_928_730_122_7e3,
            ],
            [
                1.0,
                4.231_333_070_160_091_1e1,
                6.871_870_074_920_579e2,
                5.394_196_021_424_751e3,
                2.121_379_430_158_659_6e4,
                3.930_789_580_009_271e4,
                2.872_908_573_572_194_3e4,
                5.226_495_278_852_854_6e3,
            ],
        );
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail.is_nan() || tail < 0.0 {
        return f64::NAN;
    }
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-tail.ln()).sqrt();
    let value = if r <= 5.0 {
        ratio(
            r - 1.6,
            [
                1.423_437_110_749_683_6,
                4.630_337_846_156_545_3,
                5.769_497_221_460_691_4,
                3.647_848_324_763_204_5,
                1.270_458_252_452_368_4,
                2.417_807_251_774_506_1e-1,
                2.272_384_498_926_918_5e-2,
                7.745_450_142_783_414_1e-4,
            ],
            [
                1.0,
                2.053_191_626_637_758_8,
                1.676_384_830_183_803_8,
                6.897_673_349_851e-1,
                1.481_039_764_274_800_8e-1,
                1.519_866_656_361_645_7e-2,
                5.475_938_084_995_344_9e-4,
                1.050_750_071_644_416_8e-9,
            ],
        )
    } else {
        ratio(
            r - 5.0,
            [
                6.657_904_643_501_103_8,
                5.463_784_911_164_114_4,
                1.784_826_539_917_291_3,
                2.965_605_718_285_048_9e-1,
                2.653_218_952_657_612_3e-2,
                1.242_660_947_388_078_4e-3,
                2.711_555_568_743_487_6e-5,
                2.010_334_399_292_288_1e-7,
            ],
            [
                1.0,
                5.998_322_065_558_88e-1,
                1.369_298_809_227_358e-1,
                1.487_536_129_085_061_5e-2,
                7.868_691_311_456_132_6e-4,
                1.846_318_317_510_054_7e-5,
                1.421_511_758_316_446e-7,
                2.044_263_103_389_939_8e-15,
            ],
        )
    };
    value.copysign(q)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Deserialize)]
    struct Fixture {
        quantiles: Vec<Quantile>,
        wilson: Vec<Wilson>,
        means: Vec<Means>,
    }
    #[derive(Deserialize)]
    struct Quantile {
        p: f64,
        z: f64,
    }
    #[derive(Deserialize)]
    struct Wilson {
        successes: u64,
        trials: u64,
        confidence: f64,
        low: f64,
        high: f64,
    }
    #[derive(Deserialize)]
    struct Means {
        units: Vec<f64>,
        mean: f64,
        sem: Option<f64>,
    }

    #[track_caller]
    fn close(ours: f64, theirs: f64) {
        assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{ours} is not {theirs}");
    }

    #[test]
    fn values_are_those_of_scipy_and_statsmodels() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../fixtures/stats.json")).unwrap();
        for Quantile { p, z } in fixture.quantiles {
            close(normal_quantile(p), z);
        }
        for w in fixture.wilson {
            let proportion = Proportion { successes: w.successes, trials: w.trials };
            let (low, high) = proportion.wilson(w.confidence).unwrap();
            close(low, w.low);
            close(high, w.high);
        }
        for Means { units, mean, sem } in fixture.means {
            let ours = Mean::of(&units).unwrap();
            close(ours.mean, mean);
            assert_eq!(ours.sem.is_some(), sem.is_some());
            close(ours.sem.unwrap_or(0.0), sem.unwrap_or(0.0));
        }
    }

    #[test]
    fn without_trials_there_is_no_rate() {
        assert_eq!(Proportion::default().rate(), None);
        assert_eq!(Proportion::default().wilson(0.95), None);
        assert_eq!(Mean::of(&[]), None);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert!(normal_quantile(1.5).is_nan());
    }

    proptest! {
        #[test]
        fn intervals_hold_the_rate_and_grow_with_confidence(
            trials in 1u64..2000, share in 0.0f64..=1.0, a in 0.01f64..0.999, b in 0.01f64..0.999,
        ) {
            let successes = (share * trials as f64) as u64;
            let proportion = Proportion { successes, trials };
            let rate = proportion.rate().unwrap();
            let (low, high) = proportion.wilson(a.min(b)).unwrap();
            let (lower, higher) = proportion.wilson(a.max(b)).unwrap();
            prop_assert!(0.0 <= lower && higher <= 1.0);
            prop_assert!(lower <= low + 1e-12 && high <= higher + 1e-12);
            prop_assert!(low <= rate + 1e-12 && rate <= high + 1e-12);
        }
    }
}
