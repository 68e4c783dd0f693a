//! One row per group, one dot per run.

use serde::{Deserialize, Serialize};

use super::{
    axis::{Axis, Ends, Format, drawable, extent},
    drawing::{Anchor, Drawing, LABEL, NARROW, SMALL, VALUE, WIDE, roomy},
    legend::legend,
    palette::Look,
    swarm::{crowd, swarm},
    text,
};
use crate::number::count;

/// A row per group (an arm, a condition) and in it a dot per run, so that the reader sees every one.
///
/// Dots that would lie on each other move apart across the axis, never along it. Nothing is
/// computed: means and intervals are drawn where they are given. A value that is not finite, or that
/// lies outside a given range, is counted below the plot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripPlot {
    /// What the plot shows; a page sets it above the plot.
    pub title: String,
    /// The rows, from the top down.
    pub groups: Vec<Group>,
    /// The ends of the axis; `None` takes them from the data.
    pub range: Option<(f64, f64)>,
    /// How values are written.
    pub format: Format,
    /// What the axis measures, below it.
    pub x_label: Option<String>,
    /// What it means to lie to the left and to the right.
    pub ends: Option<(String, String)>,
    /// A value to compare with, such as chance.
    pub reference: Option<Reference>,
}

/// A value to compare with: a line across all rows of a [`StripPlot`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Where the line stands.
    pub value: f64,
    /// What it is called, above the line.
    pub label: String,
}

/// One row of a [`StripPlot`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The name of the row. It wraps onto three lines before it is cut.
    pub label: String,
    /// The dots of the row.
    pub dots: Vec<Dot>,
    /// A mean: an upright tick in the row, and a number beside it.
    pub mean: Option<f64>,
    /// An interval: a thin bar in the row.
    pub interval: Option<(f64, f64)>,
}

/// One run in a [`Group`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dot {
    /// Where it lies on the axis.
    pub value: f64,
    /// What is shown, with the value, to a reader who points at the dot.
    pub label: Option<String>,
    /// Dots of one series share a colour and a shape, and a legend names them.
    pub series: Option<String>,
}

impl StripPlot {
    /// A plot of `groups` with an axis taken from the data, and nothing else on it.
    pub fn new(title: impl Into<String>, groups: Vec<Group>) -> StripPlot {
        StripPlot {
            title: title.into(),
            groups,
            range: None,
            format: Format::Number,
            x_label: None,
            ends: None,
            reference: None,
        }
    }

    /// The plot as an SVG file of its own, with its style inside. Its title is not drawn, but told
    /// to screen readers.
    pub fn to_svg(&self) -> String {
        self.draw(WIDE).standalone()
    }

    pub(crate) fn draw(&self, width: f64) -> Drawing {
        let mut drawing = Drawing::new(width, &self.title);
        drawing.describe(&format!(
            "Strip plot: {}, {}.",
            count(self.groups.len(), "row", "rows"),
            count(self.groups.iter().map(|g| g.dots.len()).sum(), "dot", "dots"),
        ));
        let Some(layout) = Layout::of(self, width) else {
            drawing.nothing();
            self.remark_on_missing(&mut drawing, None);
            return drawing;
        };
        if layout.series.len() > 1 {
            let looks = (0..).map(Look::of);
            let entries: Vec<_> = layout.series.iter().copied().zip(looks).collect();
            legend(&mut drawing, &entries, false);
        }
        self.draw_header(&mut drawing, &layout);
        self.draw_rows(&mut drawing, &layout);
        self.draw_axis(&mut drawing, &layout);
        self.describe_rows(&mut drawing, &layout.axis);
        if layout.crowded {
            drawing.remark("Some dots overlap: there are too many to keep them apart.");
        }
        self.remark_on_missing(&mut drawing, Some(&layout.axis));
        drawing
    }

    fn draw_header(&self, drawing: &mut Drawing, layout: &Layout<'_>) {
        let reference = self.reference.as_ref().filter(|r| layout.shows(r.value));
        if reference.is_none() && !layout.has_means {
            return;
        }
        drawing.height += 18.0;
        let y = drawing.height - 6.0;
        let mut room = drawing.width;
        if layout.has_means {
            drawing.text(SMALL, Anchor::End, drawing.width, y, "mean");
            room -= text::width("mean", SMALL.size) + 12.0;
        }
        if let Some(reference) = reference {
            let label = text::fit(&reference.label, SMALL.size, room);
            let half = text::width(&label, SMALL.size) / 2.0;
            let x = layout.x(reference.value).min(room - half).max(half);
            drawing.text(SMALL, Anchor::Middle, x, y, &label);
        }
    }

    fn draw_rows(&self, drawing: &mut Drawing, layout: &Layout<'_>) {
        let reference = self.reference.as_ref().map(|r| r.value).filter(|v| layout.shows(*v));
        for (group, row) in self.groups.iter().zip(&layout.rows) {
            draw_row(drawing, layout, group, row, reference);
        }
    }

    fn draw_axis(&self, drawing: &mut Drawing, layout: &Layout<'_>) {
        let top = drawing.height;
        drawing.line("axis", (layout.left, top), (layout.right, top));
        for tick in &layout.axis.ticks {
            let x = layout.x(tick.value);
            drawing.line("axis", (x, top), (x, top + 4.0));
            drawing.text(SMALL, Anchor::Middle, x, top + 18.0, &tick.label);
        }
        drawing.height = top + 24.0;
        if let Some((low, high)) = &self.ends {
            let room = (layout.right - layout.left) / 2.0 - 12.0;
            let low = text::wrap(&format!("← {low}"), VALUE.size, room, 3);
            let high = text::wrap(&format!("{high} →"), VALUE.size, room, 3);
            for (lines, anchor, x) in
                [(&low, Anchor::Start, layout.left), (&high, Anchor::End, layout.right)]
            {
                for (i, line) in lines.iter().enumerate() {
                    let y = drawing.height + 14.0 + 16.0 * i as f64;
                    drawing.text(VALUE, anchor, x, y, line);
                }
            }
            drawing.height += 6.0 + 16.0 * low.len().max(high.len()) as f64;
        }
        if let Some(label) = &self.x_label {
            let middle = f64::midpoint(layout.left, layout.right);
            drawing.text(SMALL, Anchor::Middle, middle, drawing.height + 14.0, label);
            drawing.height += 20.0;
        }
    }

    fn describe_rows(&self, drawing: &mut Drawing, axis: &Axis) {
        const ENOUGH: usize = 20;
        for group in self.groups.iter().take(ENOUGH) {
            let mut words = vec![count(group.dots.len(), "dot", "dots")];
            if let Some((lo, hi)) = extent(group.dots.iter().map(|d| d.value)) {
                words.push(format!("from {} to {}", axis.write(lo), axis.write(hi)));
            }
            if let Some(mean) = group.mean.and_then(drawable) {
                words.push(format!("mean {}", axis.write(mean)));
            }
            drawing.describe(&format!("{}: {}.", group.label, words.join(", ")));
        }
        if self.groups.len() > ENOUGH {
            let more = count(self.groups.len() - ENOUGH, "more row", "more rows");
            drawing.describe(&format!("And {more}."));
        }
    }

    fn remark_on_missing(&self, drawing: &mut Drawing, axis: Option<&Axis>) {
        let values = || self.groups.iter().flat_map(|g| g.dots.iter().map(|d| d.value));
        let unreal = values().filter(|v| drawable(*v).is_none()).count();
        let shown = |v| axis.is_none_or(|a| a.contains(v));
        let outside = values().filter_map(drawable).filter(|v| !shown(*v)).count();
        let mut parts = Vec::new();
        if unreal > 0 {
            parts.push(count(unreal, "dot without a finite value", "dots without a finite value"));
        }
        if outside > 0 {
            parts.push(count(outside, "dot outside the axis", "dots outside the axis"));
        }
        if !parts.is_empty() {
            drawing.remark(&format!("Not drawn: {}.", parts.join(" and ")));
        }
    }
}

impl Group {
    /// A row of `dots`, without mean and interval.
    pub fn new(label: impl Into<String>, dots: Vec<Dot>) -> Group {
        Group { label: label.into(), dots, mean: None, interval: None }
    }
}

impl Dot {
    /// A dot without label and series.
    pub fn new(value: f64) -> Dot {
        Dot { value, label: None, series: None }
    }
}

fn draw_row(
    drawing: &mut Drawing,
    layout: &Layout<'_>,
    group: &Group,
    row: &Row,
    reference: Option<f64>,
) {
    // Labels stand beside the dots, or on a phone above them, where no line may cross them.
    let (top, height) = (drawing.height, layout.height(row));
    let bottom = top + height;
    drawing.height = bottom;
    let (middle, grid) = if layout.stacked {
        (bottom - row.half - 3.0, bottom - 2.0 * row.half - 4.0)
    } else {
        (top + height / 2.0, top)
    };
    let lines = row.label.len().saturating_sub(1) as f64;
    let first = if layout.stacked { top + 19.0 } else { middle + 4.8 - LINE * lines / 2.0 };
    for (i, line) in row.label.iter().enumerate() {
        drawing.text(LABEL, Anchor::Start, 0.0, first + LINE * i as f64, line);
    }
    if let Some(mean) = group.mean.and_then(drawable) {
        let y = if layout.stacked { first } else { middle + 4.6 };
        drawing.text(VALUE, Anchor::End, drawing.width, y, &layout.axis.write(mean));
    }

    for tick in &layout.axis.ticks {
        let x = layout.x(tick.value);
        drawing.line("grid", (x, grid), (x, bottom));
    }
    if let Some(x) = reference.map(|value| layout.x(value)) {
        drawing.line("reference", (x, grid), (x, bottom));
    }
    drawing.line("row", (layout.left, middle), (layout.right, middle));
    if let Some((lo, hi)) = group.interval.and_then(|(a, b)| extent([a, b])) {
        drawing.line("interval", (layout.x(lo), middle), (layout.x(hi), middle));
    }
    let dots: Vec<&Dot> = group.dots.iter().filter(|d| layout.shows(d.value)).collect();
    if dots.is_empty() && group.mean.is_none() && group.interval.is_none() {
        drawing.text(SMALL, Anchor::Start, layout.left, middle - 4.0, "no data");
    }
    for (dot, offset) in dots.into_iter().zip(&row.offsets) {
        let place = (layout.x(dot.value), middle + offset);
        drawing.mark(layout.look(dot), place, layout.radius, layout.tooltip(dot).as_deref());
    }
    // On top: the mean of runs that agree would otherwise lie behind them.
    if let Some(mean) = group.mean.filter(|m| layout.shows(*m)) {
        let (x, reach) = (layout.x(mean), row.half.min(14.0));
        drawing.line("mean", (x, middle - reach), (x, middle + reach));
    }
}

/// The distance between lines of a label.
const LINE: f64 = 17.0;

/// The range of the axis: the given one, or what is drawn and the reference, rounded.
fn range(plot: &StripPlot) -> Option<((f64, f64), Ends)> {
    let dots = plot.groups.iter().flat_map(|g| g.dots.iter().map(|d| d.value));
    let marks = plot.groups.iter().flat_map(|g| {
        let (lo, hi) = g.interval.unzip();
        [g.mean, lo, hi].into_iter().flatten()
    });
    let data = extent(dots.chain(marks))?;
    let given = plot.range.and_then(|(a, b)| extent([a, b])).filter(|(lo, hi)| lo < hi);
    let reference = plot.reference.as_ref().map(|r| r.value);
    match given {
        Some(given) => Some((given, Ends::Keep)),
        None => Some((extent([data.0, data.1].into_iter().chain(reference))?, Ends::Round)),
    }
}

/// Where things go: all that must be known before the first line is drawn.
struct Layout<'a> {
    axis: Axis,
    left: f64,
    right: f64,
    /// The names of the series, in the order of their first dots.
    series: Vec<&'a str>,
    rows: Vec<Row>,
    /// Labels stand above their rows, since there is no room beside them.
    stacked: bool,
    has_means: bool,
    radius: f64,
    /// There is no room for all dots side by side.
    crowded: bool,
    tooltips_for_all: bool,
}

/// What is known about one row before it is drawn.
struct Row {
    /// The lines of its label.
    label: Vec<String>,
    /// How far each of the dots that are shown moves from the middle.
    offsets: Vec<f64>,
    /// How far the row reaches to either side of its middle.
    half: f64,
}

impl<'a> Layout<'a> {
    /// `None` where there is nothing that could be drawn.
    fn of(plot: &'a StripPlot, width: f64) -> Option<Layout<'a>> {
        let dots = || plot.groups.iter().flat_map(|g| &g.dots);
        let (range, ends) = range(plot)?;
        let stacked = width <= NARROW;
        let has_means = plot.groups.iter().any(|g| g.mean.and_then(drawable).is_some());

        // The axis is laid out twice, since its room depends on how its values are written.
        let rough = Axis::linear(range, ends, plot.format, 5);
        let means = plot.groups.iter().filter_map(|g| g.mean.and_then(drawable));
        let widest = means.map(|m| text::width(&rough.write(m), VALUE.size));
        let widest = widest.fold(text::width("mean", SMALL.size), f64::max) + 10.0;
        let margin = if has_means { widest.min(width * 0.3) } else { 0.0 };

        let room = if stacked { width - margin } else { width * 0.36 };
        let label = |g: &Group| text::wrap(&g.label, LABEL.size, room, 3);
        let labels: Vec<Vec<String>> = plot.groups.iter().map(label).collect();
        let widest = labels.iter().flatten().map(|line| text::width(line, LABEL.size));
        let edge = 9.0;
        let left = edge + if stacked { 0.0 } else { widest.fold(0.0, f64::max) + 16.0 };
        let right = width - edge - if stacked { 0.0 } else { margin };
        let most = if stacked { 5 } else { 8 };
        let axis = roomy(right - left, most, |count| Axis::linear(range, ends, plot.format, count));

        let mut series: Vec<&str> = Vec::new();
        for name in dots().filter_map(|d| d.series.as_deref()) {
            if !series.contains(&name) {
                series.push(name);
            }
        }
        let tooltips_for_all = dots().take(MANY + 1).count() <= MANY;
        let (rows, radius) = (Vec::new(), 0.0);
        let mut layout = Layout {
            axis,
            left,
            right,
            series,
            rows,
            stacked,
            has_means,
            radius,
            crowded: false,
            tooltips_for_all,
        };
        layout.place_dots(plot, labels);
        Some(layout)
    }

    /// Rows grow, up to a height, before all dots shrink, since dots of one plot have one size.
    fn place_dots(&mut self, plot: &StripPlot, labels: Vec<Vec<String>>) {
        const SIZES: [(f64, f64); 5] =
            [(5.0, 28.0), (4.4, 44.0), (3.6, 60.0), (2.8, 80.0), (2.0, 100.0)];
        const LAST: (f64, f64) = (1.6, 120.0);
        let xs: Vec<Vec<f64>> = plot
            .groups
            .iter()
            .map(|g| g.dots.iter().map(|d| d.value).filter(|v| self.shows(*v)))
            .map(|values| values.map(|v| self.x(v)).collect())
            .collect();
        let all = |(radius, half): (f64, f64)| -> Option<(f64, Vec<Vec<f64>>)> {
            let offsets = xs.iter().map(|xs| swarm(xs, radius, half)).collect::<Option<_>>()?;
            Some((radius, offsets))
        };
        let found = SIZES.into_iter().find_map(all);
        self.crowded = found.is_none();
        let (radius, offsets) = found
            .unwrap_or_else(|| (LAST.0, xs.iter().map(|xs| crowd(xs, LAST.0, LAST.1)).collect()));
        self.radius = radius;
        let rows = labels.into_iter().zip(offsets).map(|(label, offsets)| {
            let half = offsets.iter().map(|y: &f64| y.abs() + radius + 2.0).fold(18.0, f64::max);
            Row { label, offsets, half }
        });
        self.rows = rows.collect();
    }

    fn look(&self, dot: &Dot) -> Look {
        match &dot.series {
            Some(name) => self.series.iter().position(|s| s == name).map_or(Look::PLAIN, Look::of),
            None if self.series.is_empty() => Look::of(0),
            None => Look::PLAIN,
        }
    }

    fn x(&self, value: f64) -> f64 {
        self.left + self.axis.at(drawable(value).unwrap_or(0.0)) * (self.right - self.left)
    }

    fn shows(&self, value: f64) -> bool {
        drawable(value).is_some_and(|v| self.axis.contains(v))
    }

    fn height(&self, row: &Row) -> f64 {
        let label = LINE * row.label.len() as f64;
        let dots = 2.0 * row.half;
        if self.stacked { label + dots + 12.0 } else { (dots + 8.0).max(label + 12.0) }
    }

    fn tooltip(&self, dot: &Dot) -> Option<String> {
        let value = self.axis.write(dot.value);
        let parts = [&dot.label, &dot.series].into_iter().flatten().map(String::as_str);
        let name = parts.collect::<Vec<_>>().join(", ");
        match name.as_str() {
            "" => self.tooltips_for_all.then_some(value),
            name => Some(format!("{name}: {value}")),
        }
    }
}

/// More dots than this are not pointed at one by one; unlabelled ones then have no tooltip.
const MANY: usize = 2000;
