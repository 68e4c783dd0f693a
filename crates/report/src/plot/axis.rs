//! From values to places between 0 and 1, with ticks at 1, 2 or 5 times a power of ten.

use serde::{Deserialize, Serialize};

use crate::number;

/// How values are written along an axis and in what speaks of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// As they are; large ones as 1.5M, very large and very small ones with a power of ten.
    #[default]
    Number,
    /// A share of one as a percentage: 0.25 is 25%.
    Percent,
}

/// One axis: its ends, its ticks and the way its values are written.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    lo: f64,
    hi: f64,
    log: bool,
    format: Format,
    pub(super) ticks: Vec<Tick>,
}

#[derive(Clone, Debug)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// Whether the ends of an axis are kept or moved out to the next tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    Keep,
    Round,
}

/// Beyond this, sums and differences of values would leave the numbers.
const LARGEST: f64 = 1e300;
/// Nearer to zero than this, a value is drawn at zero.
const SMALLEST: f64 = 1e-300;

/// The value to draw, unless it is not finite or too large for any plot.
pub(super) fn drawable(value: f64) -> Option<f64> {
    let size = value.abs();
    (size <= LARGEST).then_some(if size < SMALLEST { 0.0 } else { value })
}

/// The smallest and the largest of the drawable values.
pub(super) fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter_map(drawable).fold(None, |so_far, v| match so_far {
        None => Some((v, v)),
        Some((lo, hi)) => Some((v.min(lo), v.max(hi))),
    })
}

impl Axis {
    /// A linear axis over `extent` with at most about `count` ticks.
    pub(super) fn linear(extent: (f64, f64), ends: Ends, format: Format, count: usize) -> Axis {
        let (mut lo, mut hi) = widen(extent);
        let step = Step::of((hi - lo) / count.max(1) as f64);
        if ends == Ends::Round {
            lo = step.times(step.below(lo));
            hi = step.times(step.above(hi));
        }
        let values = (step.above(lo)..=step.below(hi)).map(|i| step.times(i));
        let notation = Notation::of(lo.abs().max(hi.abs()), step.exponent, format);
        let ticks = values.map(|value| Tick { value, label: notation.write(value) }).collect();
        Axis { lo, hi, log: false, format, ticks }
    }

    /// A logarithmic axis over `extent`, which must be above zero.
    pub(super) fn log(extent: (f64, f64), format: Format, count: usize) -> Axis {
        let (lo, hi) = if extent.0 < extent.1 { extent } else { (extent.0 / 2.0, extent.1 * 2.0) };
        let linear = Axis::linear((lo, hi), Ends::Round, format, count);
        if hi / lo < 5.0 && linear.lo > 0.0 {
            return Axis { log: true, ..linear };
        }
        let (first, last) = (lo.log10().floor() as i32, hi.log10().ceil() as i32);
        let decades = (last - first).max(1) as usize;
        let all: Vec<f64> = if decades * 2 <= count {
            (first..=last).flat_map(|e| [1, 2, 5].map(|m| power(m, e))).collect()
        } else {
            let stride = decades.div_ceil(count.max(1));
            (first..=last + stride as i32).step_by(stride).map(|e| power(1, e)).collect()
        };
        let lo = all.iter().rev().find(|v| **v <= lo).copied().unwrap_or(lo);
        let hi = all.iter().find(|v| **v >= hi).copied().unwrap_or(hi);
        let ticks = all.into_iter().filter(|v| (lo..=hi).contains(v)).map(|value| {
            let exponent = value.log10().floor() as i32;
            Tick { value, label: Notation::of(value, exponent, format).write(value) }
        });
        Axis { lo, hi, log: true, format, ticks: ticks.collect() }
    }

    /// The place of `value`: 0 at the lower end, 1 at the upper.
    pub(super) fn at(&self, value: f64) -> f64 {
        let (v, lo, hi) = if self.log {
            (value.max(SMALLEST).ln(), self.lo.ln(), self.hi.ln())
        } else {
            (value, self.lo, self.hi)
        };
        ((v - lo) / (hi - lo)).clamp(0.0, 1.0)
    }

    pub(super) fn contains(&self, value: f64) -> bool {
        (self.lo..=self.hi).contains(&value)
    }

    /// `value` in words, to about a hundredth of the axis.
    pub(super) fn write(&self, value: f64) -> String {
        let exponent = if self.log && value != 0.0 {
            value.abs().log10().floor() - 2.0
        } else {
            ((self.hi - self.lo) / 100.0).log10().round()
        };
        let largest = if self.log { value.abs() } else { self.lo.abs().max(self.hi.abs()) };
        Notation::of(largest, exponent as i32, self.format).write(value)
    }
}

/// An extent with some width to it: a single value gets a tenth of itself on either side.
fn widen((lo, hi): (f64, f64)) -> (f64, f64) {
    let size = lo.abs().max(hi.abs());
    if hi - lo > size * 1e-9 {
        (lo, hi)
    } else if size == 0.0 {
        (-1.0, 1.0)
    } else {
        (lo - size * 0.1, hi + size * 0.1)
    }
}

/// 1, 2 or 5 times a power of ten, kept apart so that ticks are exact decimals.
#[derive(Clone, Copy, Debug)]
struct Step {
    mantissa: i64,
    exponent: i32,
}

impl Step {
    /// The smallest step not below `raw`.
    fn of(raw: f64) -> Step {
        let exponent = raw.log10().floor() as i32;
        let rest = raw / power(1, exponent);
        match [1, 2, 5].into_iter().find(|m| *m as f64 >= rest * (1.0 - 1e-9)) {
            Some(mantissa) => Step { mantissa, exponent },
            None => Step { mantissa: 1, exponent: exponent + 1 },
        }
    }

    fn times(self, i: i64) -> f64 {
        power(i * self.mantissa, self.exponent)
    }

    /// The number of the last step at or below `value`, give or take rounding.
    fn below(self, value: f64) -> i64 {
        (value / self.times(1) + 1e-6).floor() as i64
    }

    fn above(self, value: f64) -> i64 {
        (value / self.times(1) - 1e-6).ceil() as i64
    }
}

/// `mantissa × 10^exponent`, without the error that a rounded negative power would bring.
fn power(mantissa: i64, exponent: i32) -> f64 {
    if exponent < 0 {
        mantissa as f64 / 10f64.powi(-exponent)
    } else {
        mantissa as f64 * 10f64.powi(exponent)
    }
}

/// One way of writing all values of an axis.
#[derive(Clone, Copy, Debug)]
enum Notation {
    Decimal { digits: usize },
    Percent { digits: usize },
    Short { exponent: i32, suffix: &'static str, digits: usize },
    Scientific { step: i32 },
}

impl Notation {
    /// For values up to `largest` that differ by powers of ten from `step` on.
    fn of(largest: f64, step: i32, format: Format) -> Notation {
        let digits = |exponent: i32| (exponent - step).clamp(0, 12) as usize;
        match (format, largest) {
            (Format::Percent, l) if (1e-6..1e7).contains(&l) => {
                Notation::Percent { digits: digits(-2) }
            }
            (_, l) if !(1e-4..1e15).contains(&l) => Notation::Scientific { step },
            (_, l) if l >= 1e12 => {
                Notation::Short { exponent: 12, suffix: "T", digits: digits(12) }
            }
            (_, l) if l >= 1e9 => Notation::Short { exponent: 9, suffix: "B", digits: digits(9) },
            (_, l) if l >= 1e6 => Notation::Short { exponent: 6, suffix: "M", digits: digits(6) },
            _ => Notation::Decimal { digits: digits(0) },
        }
    }

    fn write(self, value: f64) -> String {
        match self {
            Notation::Decimal { digits } => number::decimal(value, digits),
            Notation::Percent { digits } => number::percent(value, digits),
            Notation::Short { .. } if value == 0.0 => "0".into(),
            Notation::Short { exponent, suffix, digits } => {
                number::decimal(value / power(1, exponent), digits) + suffix
            }
            Notation::Scientific { step } => {
                let size = if value == 0.0 { step } else { value.abs().log10().floor() as i32 };
                number::scientific(value, (size - step).clamp(0, 12) as usize)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(axis: Axis, expect: Expect) {
        let labels: Vec<_> = axis.ticks.iter().map(|t| t.label.as_str()).collect();
        expect.assert_eq(&labels.join(" "));
        for tick in &axis.ticks {
            assert!((0.0..=1.0).contains(&axis.at(tick.value)), "{tick:?}");
        }
    }

    #[test]
    fn ticks_are_round_numbers() {
        let linear = |lo, hi, count| Axis::linear((lo, hi), Ends::Round, Format::Number, count);
        check(linear(0.0, 1.0, 5), expect!["0.0 0.2 0.4 0.6 0.8 1.0"]);
        check(linear(-0.13, 0.42, 6), expect!["−0.2 −0.1 0.0 0.1 0.2 0.3 0.4 0.5"]);
        check(linear(1.73, 11.2, 5), expect!["0 2 4 6 8 10 12"]);
        check(linear(0.0, 9600.0, 5), expect!["0 2,000 4,000 6,000 8,000 10,000"]);
        check(linear(0.0, 2.4e6, 5), expect!["0 0.5M 1.0M 1.5M 2.0M 2.5M"]);
        check(linear(3.0, 3.0, 4), expect!["2.6 2.8 3.0 3.2 3.4"]);
        check(linear(0.0, 0.0, 4), expect!["−1.0 −0.5 0.0 0.5 1.0"]);
        check(linear(-1e300, 1e300, 4), expect!["−1.0×10³⁰⁰ −5×10²⁹⁹ 0 5×10²⁹⁹ 1.0×10³⁰⁰"]);
        check(linear(0.0, 3e-300, 4), expect!["0 1×10⁻³⁰⁰ 2×10⁻³⁰⁰ 3×10⁻³⁰⁰"]);
        check(linear(1e9, 1e9 + 1.0, 3), expect!["0.9B 1.0B 1.1B"]);
        check(
            Axis::linear((0.12, 0.88), Ends::Keep, Format::Number, 5),
            expect!["0.2 0.4 0.6 0.8"],
        );
        check(Axis::linear((0.0, 1.0), Ends::Keep, Format::Percent, 4), expect!["0% 50% 100%"]);
    }

    #[test]
    fn log_ticks_are_decades_or_finer() {
        let log = |lo, hi| Axis::log((lo, hi), Format::Number, 6);
        check(log(0.8, 11.0), expect!["0.5 1 2 5 10 20"]);
        check(log(1.9, 2.1), expect!["1.90 1.95 2.00 2.05 2.10"]);
        check(log(0.002, 30.0), expect!["0.001 0.01 0.1 1 10 100"]);
        check(log(1e-300, 1e300), expect!["1×10⁻³⁰⁰ 1×10⁻²⁰⁰ 1×10⁻¹⁰⁰ 1 1×10¹⁰⁰ 1×10²⁰⁰ 1×10³⁰⁰"]);
        check(log(7.0, 7.0), expect!["2 4 6 8 10 12 14"]);
    }

    #[test]
    fn values_are_written_to_a_hundredth_of_the_axis() {
        let axis = |lo, hi, format| Axis::linear((lo, hi), Ends::Keep, format, 5);
        assert_eq!(axis(0.0, 1.0, Format::Number).write(0.61803), "0.62");
        assert_eq!(axis(0.0, 1.0, Format::Percent).write(0.61803), "62%");
        assert_eq!(axis(0.0, 9600.0, Format::Number).write(1234.5), "1,234");
        assert_eq!(Axis::log((0.01, 10.0), Format::Number, 5).write(0.01234), "0.0123");
    }
}
