//! The standard normal distribution.

use std::f64::consts::FRAC_1_SQRT_2;

/// P(Z ≤ z).
pub(super) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// P(|Z| ≥ |z|), the two-sided p value of a z statistic.
pub(super) fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
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
    use serde::Deserialize;

    use super::*;
    use crate::stats::fixture::{close, read};

    #[derive(Deserialize)]
    struct Fixture {
        normal: Vec<Quantile>,
        tails: Vec<Tail>,
    }
    #[derive(Deserialize)]
    struct Quantile {
        p: f64,
        z: f64,
    }
    #[derive(Deserialize)]
    struct Tail {
        z: f64,
        cdf: f64,
        two_sided: f64,
    }

    #[test]
    fn values_are_those_of_scipy() {
        let fixture: Fixture = read("distributions");
        for Quantile { p, z } in fixture.normal {
            close(normal_quantile(p), z);
        }
        for Tail { z, cdf, two_sided } in fixture.tails {
            close(normal_cdf(z), cdf);
            close(normal_two_sided(z) / two_sided, 1.0);
        }
    }

    #[test]
    fn the_ends_are_infinite_and_nothing_is_beyond() {
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(1.5).is_nan() && normal_quantile(f64::NAN).is_nan());
    }
}
