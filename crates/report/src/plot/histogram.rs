//! How values are spread: bars.

use maud::html;
use serde::{Deserialize, Serialize};

use super::{
    axis::{Axis, Ends, Format, drawable, extent},
    drawing::{Anchor, Drawing, NARROW, Px, SMALL, WIDE, roomy},
    palette::Look,
    text,
};
use crate::number::count;

/// How many bars there are at most.
const MOST: usize = 40;

/// How values are spread, as bars of equal width.
///
/// Bars are as many as the square root of the values, from 1 to 40. A value that is not finite is counted
/// below the plot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// What the plot shows; a page sets it above the plot.
    pub title: String,
    /// The values, in any order.
    pub values: Vec<f64>,
    /// What the horizontal axis measures.
    pub x_label: Option<String>,
    /// What is counted on the vertical axis.
    pub y_label: Option<String>,
    /// How values on the horizontal axis are written.
    pub format: Format,
}

impl Histogram {
    /// A plot of `values` without names on its axes.
    pub fn new(title: impl Into<String>, values: Vec<f64>) -> Histogram {
        let (x_label, y_label) = (None, None);
        Histogram { title: title.into(), values, x_label, y_label, format: Format::Number }
    }

    /// The plot as an SVG file of its own, with its style inside. Its title is not drawn, but told
    /// to screen readers.
    pub fn to_svg(&self) -> String {
        self.draw(WIDE).standalone()
    }

    pub(crate) fn draw(&self, width: f64) -> Drawing {
        let mut drawing = Drawing::new(width, &self.title);
        let values: Vec<f64> = self.values.iter().filter_map(|value| drawable(*value)).collect();
        drawing.describe(&format!("Histogram: {}.", count(values.len(), "value", "values")));
        match extent(values.iter().copied()) {
            Some(across) => self.draw_bars(&mut drawing, &values, across, width),
            None => drawing.nothing(),
        }
        let missing = self.values.len() - values.len();
        if missing > 0 {
            let what = count(missing, "value that is not finite", "values that are not finite");
            drawing.remark(&format!("Not drawn: {what}."));
        }
        drawing
    }

    fn draw_bars(&self, drawing: &mut Drawing, values: &[f64], across: (f64, f64), width: f64) {
        let bars = Bars::of(values, across);
        let narrow = width <= NARROW;
        let depth = if narrow { 160.0 } else { 220.0 };
        let most = bars.counts.iter().copied().max().unwrap_or(0);
        let steps = if narrow { 3 } else { 4 };
        let y = Axis::linear((0.0, most as f64), Ends::Round, Format::Number, steps);
        let widest = y.ticks.iter().map(|t| text::width(&t.label, SMALL.size)).fold(0.0, f64::max);
        let (left, right) = (widest.min(width * 0.3) + 8.0, width - 9.0);
        let ends = (bars.low, bars.low + bars.step * bars.counts.len() as f64);
        let steps = if narrow { 5 } else { 8 };
        let x = roomy(right - left, steps, |n| Axis::linear(ends, Ends::Keep, self.format, n));
        let place = |value: f64| left + x.at(value) * (right - left);

        if let Some(label) = &self.y_label {
            drawing.height += 18.0;
            drawing.text(SMALL, Anchor::Start, 0.0, drawing.height - 5.0, label);
        }
        drawing.height += 8.0;
        let bottom = drawing.height + depth;
        let height = |n: f64| y.at(n) * depth;
        for tick in &y.ticks {
            let level = bottom - height(tick.value);
            drawing.line("grid", (left, level), (right, level));
            drawing.text(SMALL, Anchor::End, left - 8.0, level + 4.3, &tick.label);
        }
        let class = format!("bar {}", Look::of(0).class());
        for (number, &n) in bars.counts.iter().enumerate().filter(|(_, n)| **n > 0) {
            let (from, to) = (bars.edge(number), bars.edge(number + 1));
            let (begin, end) = (place(from), place(to));
            let tall = height(n as f64);
            let told = format!(
                "{} from {} to {}",
                count(n, "value", "values"),
                x.write(from),
                x.write(to)
            );
            drawing.push(html! {
                rect class=(class) x=(Px(begin)) y=(Px(bottom - tall)) width=(Px(end - begin))
                    height=(Px(tall)) { title { (told) } }
            });
        }
        drawing.line("axis", (left, bottom), (right, bottom));
        for tick in &x.ticks {
            let at = place(tick.value);
            drawing.line("axis", (at, bottom), (at, bottom + 4.0));
            drawing.text(SMALL, Anchor::Middle, at, bottom + 18.0, &tick.label);
        }
        drawing.height = bottom + 24.0;
        if let Some(label) = &self.x_label {
            let middle = f64::midpoint(left, right);
            drawing.text(SMALL, Anchor::Middle, middle, drawing.height + 14.0, label);
            drawing.height += 20.0;
        }
        let (low, high) = (x.write(across.0), x.write(across.1));
        drawing.describe(&format!("From {low} to {high}, at most {most} in a bar."));
    }
}

/// The bars: counts from `low` on in equal steps.
struct Bars {
    low: f64,
    step: f64,
    counts: Vec<usize>,
}

impl Bars {
    fn of(values: &[f64], (low, high): (f64, f64)) -> Bars {
        let wanted = (values.len() as f64).sqrt().ceil().clamp(1.0, MOST as f64);
        // All values alike, or so close that steps vanish: one bar around them.
        let step = (high - low) / wanted;
        if low + step <= low || !step.is_finite() {
            let step = if low == high { low.abs().max(1.0) / 10.0 } else { high - low };
            let step = if step.is_finite() { step } else { f64::MAX };
            return Bars { low: low - step / 2.0, step, counts: vec![values.len()] };
        }
        let mut counts = vec![0; wanted as usize];
        for value in values {
            let number = ((value - low) / step) as usize;
            let last = counts.len() - 1;
            counts[number.min(last)] += 1;
        }
        Bars { low, step, counts }
    }

    fn edge(&self, number: usize) -> f64 {
        self.low + self.step * number as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_value_is_in_one_bar(values in prop::collection::vec(prop::num::f64::ANY, 0..300)) {
            let plot = Histogram::new("spread", values.clone());
            let finite: Vec<f64> = values.into_iter().filter_map(drawable).collect();
            if let Some(across) = extent(finite.iter().copied()) {
                let bars = Bars::of(&finite, across);
                prop_assert_eq!(bars.counts.iter().sum::<usize>(), finite.len());
                prop_assert!((1..=MOST).contains(&bars.counts.len()));
            }
            prop_assert!(!plot.to_svg().contains("NaN"));
        }
    }

    #[test]
    fn bars_are_counted() {
        let bars = Bars::of(&[0.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0, 4.0], (0.0, 4.0));
        assert_eq!(bars.counts, [2, 2, 5]);
        assert_eq!(Bars::of(&[7.0, 7.0], (7.0, 7.0)).counts, [2]);
        let svg = Histogram::new("t", vec![1.0, 2.0, f64::NAN]).to_svg();
        assert!(svg.contains("1 value that is not finite"), "{svg}");
    }
}
