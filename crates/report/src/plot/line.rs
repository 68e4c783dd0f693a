//! How something went: loss against steps.

use maud::html;
use serde::{Deserialize, Serialize};

use super::{
    axis::{Axis, Ends, Format, drawable, extent},
    drawing::{Anchor, Drawing, LABEL, NARROW, Px, SMALL, WIDE, roomy},
    legend::legend,
    palette::Look,
    text,
};
use crate::number::count;

/// Lines through points, each named at its end, or in a legend where the names would collide.
///
/// A point that cannot be drawn (not finite, or not above zero on a logarithmic axis) breaks its
/// line and is counted below the plot. Long lines are thinned to what can be seen: of the points
/// that share half a unit of width, the first, the last, the lowest and the highest are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinePlot {
    /// What the plot shows; a page sets it above the plot.
    pub title: String,
    /// The lines.
    pub series: Vec<Series>,
    /// What the horizontal axis measures.
    pub x_label: Option<String>,
    /// What the vertical axis measures.
    pub y_label: Option<String>,
    /// How values on the vertical axis are written.
    pub format: Format,
    /// A logarithmic vertical axis.
    pub log_y: bool,
}

/// One line of a [`LinePlot`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Its name; an empty one is not drawn.
    pub name: String,
    /// Its points, joined in this order.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// A line through `points`.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Series {
        Series { name: name.into(), points }
    }
}

impl LinePlot {
    /// A plot of `series` on linear axes without names.
    pub fn new(title: impl Into<String>, series: Vec<Series>) -> LinePlot {
        LinePlot {
            title: title.into(),
            series,
            x_label: None,
            y_label: None,
            format: Format::Number,
            log_y: false,
        }
    }

    /// The plot as an SVG file of its own, with its style inside. Its title is not drawn, but told
    /// to screen readers.
    pub fn to_svg(&self) -> String {
        self.draw(WIDE).standalone()
    }

    pub(crate) fn draw(&self, width: f64) -> Drawing {
        let mut drawing = Drawing::new(width, &self.title);
        let lines: Vec<Line<'_>> =
            self.series.iter().enumerate().map(|(i, s)| Line::of(s, i, self.log_y)).collect();
        drawing.describe(&format!("Line plot: {}.", count(lines.len(), "line", "lines")));
        match Layout::of(self, &lines, width) {
            Some(layout) => {
                self.draw_lines(&mut drawing, &layout, &lines);
                describe_lines(&mut drawing, &layout, &lines);
            }
            None => drawing.nothing(),
        }
        self.remark_on_missing(&mut drawing, &lines);
        drawing
    }

    fn draw_lines(&self, drawing: &mut Drawing, layout: &Layout, lines: &[Line<'_>]) {
        if layout.names.is_none() {
            let named = lines.iter().filter(|l| !l.name.is_empty());
            let entries: Vec<_> = named.map(|l| (l.name, l.look)).collect();
            if !entries.is_empty() {
                legend(drawing, &entries, true);
            }
        }
        if let Some(label) = &self.y_label {
            drawing.height += 18.0;
            drawing.text(SMALL, Anchor::Start, 0.0, drawing.height - 5.0, label);
        }
        drawing.height += 8.0;
        let frame = Frame { layout, top: drawing.height };
        let bottom = frame.top + layout.depth;

        for tick in &layout.y.ticks {
            let y = frame.y(tick.value);
            drawing.line("grid", (layout.left, y), (layout.right, y));
            drawing.text(SMALL, Anchor::End, layout.left - 8.0, y + 4.3, &tick.label);
        }
        drawing.line("axis", (layout.left, bottom), (layout.right, bottom));
        for tick in &layout.x.ticks {
            let x = frame.x(tick.value);
            drawing.line("axis", (x, bottom), (x, bottom + 4.0));
            drawing.text(SMALL, Anchor::Middle, x, bottom + 18.0, &tick.label);
        }

        for line in lines {
            draw_line(drawing, &frame, line);
        }
        for name in layout.names.iter().flatten() {
            let line = &lines[name.line];
            let Some(&(x, y)) = line.last() else { continue };
            let (end, y) = (frame.x(x), frame.y(y));
            let base = frame.top + name.y;
            if (base - y).abs() > 3.0 {
                drawing.line("leader", (end + 7.0, y), (end + 15.0, base));
            }
            drawing.text(LABEL, Anchor::Start, end + name_gap(), base + 4.8, &name.text);
        }
        drawing.height = bottom + 24.0;
        if let Some(label) = &self.x_label {
            let middle = f64::midpoint(layout.left, layout.right);
            drawing.text(SMALL, Anchor::Middle, middle, drawing.height + 14.0, label);
            drawing.height += 20.0;
        }
    }

    fn remark_on_missing(&self, drawing: &mut Drawing, lines: &[Line<'_>]) {
        let unreal: usize = lines.iter().map(|l| l.unreal).sum();
        let below: usize = lines.iter().map(|l| l.not_above_zero).sum();
        let mut parts = Vec::new();
        if unreal > 0 {
            parts.push(count(
                unreal,
                "point without a finite value",
                "points without a finite value",
            ));
        }
        if below > 0 {
            parts.push(count(below, "point not above zero", "points not above zero"));
        }
        if !parts.is_empty() {
            drawing.remark(&format!("Not drawn: {}.", parts.join(" and ")));
        }
    }
}

/// The drawable stretches of a series.
struct Line<'a> {
    name: &'a str,
    look: Look,
    stretches: Vec<Vec<(f64, f64)>>,
    unreal: usize,
    not_above_zero: usize,
}

impl<'a> Line<'a> {
    fn of(series: &'a Series, index: usize, log_y: bool) -> Line<'a> {
        let (mut stretches, mut open) = (Vec::new(), Vec::new());
        let (mut unreal, mut not_above_zero) = (0, 0);
        for &(x, y) in &series.points {
            match (drawable(x), drawable(y)) {
                (Some(_), Some(y)) if log_y && y <= 0.0 => not_above_zero += 1,
                (Some(x), Some(y)) => {
                    open.push((x, y));
                    continue;
                }
                _ => unreal += 1,
            }
            if !open.is_empty() {
                stretches.push(std::mem::take(&mut open));
            }
        }
        if !open.is_empty() {
            stretches.push(open);
        }
        let (name, look) = (series.name.trim(), Look::of(index));
        Line { name, look, stretches, unreal, not_above_zero }
    }

    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.stretches.iter().flatten().copied()
    }

    fn last(&self) -> Option<&(f64, f64)> {
        self.stretches.last().and_then(|s| s.last())
    }
}

/// Where things go.
struct Layout {
    x: Axis,
    y: Axis,
    left: f64,
    right: f64,
    depth: f64,
    /// The names at the ends of the lines; `None` where a legend must do.
    names: Option<Vec<Name>>,
}

/// A name beside the end of a line.
struct Name {
    line: usize,
    text: String,
    y: f64,
}

/// From the end of a line to its name: room for the mark at the end.
fn name_gap() -> f64 {
    14.0
}

impl Layout {
    /// `None` where there is no point to draw.
    fn of(plot: &LinePlot, lines: &[Line<'_>], width: f64) -> Option<Layout> {
        let narrow = width <= NARROW;
        let depth = if narrow { 220.0 } else { 300.0 };
        let across = extent(lines.iter().flat_map(|l| l.points().map(|p| p.0)))?;
        let up = extent(lines.iter().flat_map(|l| l.points().map(|p| p.1)))?;
        let y = if plot.log_y {
            Axis::log(up, plot.format, 6)
        } else {
            Axis::linear(up, Ends::Round, plot.format, if narrow { 4 } else { 5 })
        };
        let widest = y.ticks.iter().map(|t| text::width(&t.label, SMALL.size)).fold(0.0, f64::max);
        let left = widest.min(width * 0.3) + 8.0;

        let widest = lines.iter().map(|l| text::width(l.name, LABEL.size)).fold(0.0, f64::max);
        let names = Self::names(lines, across, &y, depth).filter(|_| widest < width * 0.3);
        let margin = if names.is_some() && widest > 0.0 { name_gap() + widest + 2.0 } else { 9.0 };
        let right = width - margin;
        let most = if narrow { 5 } else { 8 };
        let x = roomy(right - left, most, |n| Axis::linear(across, Ends::Keep, Format::Number, n));
        Some(Layout { x, y, left, right, depth, names })
    }

    /// Names moved up and down until they are clear of each other, unless that takes them too far
    /// from their lines or a line ends before the others do.
    fn names(lines: &[Line<'_>], across: (f64, f64), y: &Axis, depth: f64) -> Option<Vec<Name>> {
        const APART: f64 = 18.0;
        const TOO_FAR: f64 = 22.0;
        let mut wanted = Vec::new();
        for (line, l) in lines.iter().enumerate().filter(|(_, l)| !l.name.is_empty()) {
            let &(x, last) = l.last()?;
            if (across.1 - x) > (across.1 - across.0) * 0.01 {
                return None;
            }
            wanted.push((line, (1.0 - y.at(last)) * depth));
        }
        wanted.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut placed: Vec<f64> = Vec::new();
        for (_, y) in &wanted {
            placed.push(placed.last().map_or(*y, |above| y.max(above + APART)));
        }
        // What was pushed down is spread around where it wanted to be.
        let mut start = 0;
        for end in 1..=placed.len() {
            if end == placed.len() || placed[end] - placed[end - 1] > APART + 1e-9 {
                let pushed: f64 = (start..end).map(|i| placed[i] - wanted[i].1).sum();
                let shift = pushed / (end - start) as f64;
                placed[start..end].iter_mut().for_each(|y| *y -= shift);
                start = end;
            }
        }
        let clear = placed.windows(2).all(|p| p[1] - p[0] >= APART - 1.0);
        let near = placed.iter().zip(&wanted).all(|(p, (_, w))| (p - w).abs() <= TOO_FAR);
        let inside = placed.iter().all(|y| (-6.0..=depth + 6.0).contains(y));
        let named = wanted.iter().zip(&placed).map(|(&(line, _), &y)| {
            let text = lines[line].name.to_owned();
            Name { line, text, y }
        });
        (clear && near && inside).then(|| named.collect())
    }
}

/// A layout put in its place.
struct Frame<'a> {
    layout: &'a Layout,
    top: f64,
}

impl Frame<'_> {
    fn x(&self, value: f64) -> f64 {
        let Layout { x, left, right, .. } = self.layout;
        left + x.at(value) * (right - left)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + (1.0 - self.layout.y.at(value)) * self.layout.depth
    }
}

/// A line of so few points shows each of them.
const FEW: usize = 24;

fn draw_line(drawing: &mut Drawing, frame: &Frame<'_>, line: &Line<'_>) {
    let dashed = if line.look.dashed { " dashed" } else { "" };
    let class = format!("line {}{dashed}", line.look.class());
    let few = line.points().take(FEW + 1).count() <= FEW;
    for stretch in &line.stretches {
        let places: Vec<_> = stretch.iter().map(|&(x, y)| (frame.x(x), frame.y(y))).collect();
        if let [only] = places[..] {
            if !few {
                drawing.mark(line.look, only, 2.0, None);
            }
            continue;
        }
        let mut d = String::new();
        for (i, (x, y)) in thin(&places).into_iter().enumerate() {
            d += &format!("{}{} {}", if i == 0 { 'M' } else { 'L' }, Px(x), Px(y));
        }
        drawing.push(html! { path class=(class) d=(d) {} });
    }
    let marked = line.points().filter(|_| few);
    let end = line.last().copied().filter(|_| !few && !line.name.is_empty());
    for (x, y) in marked.chain(end) {
        let (x_text, y_text) = (frame.layout.x.write(x), frame.layout.y.write(y));
        let value = format!("{y_text} at {x_text}");
        let name = if line.name.is_empty() { value } else { format!("{}: {value}", line.name) };
        drawing.mark(line.look, (frame.x(x), frame.y(y)), 3.6, Some(&name));
    }
}

/// Of neighbours that share half a unit of width, those that can be seen.
fn thin(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let column = |i: usize| (places[i].0 * 2.0).floor();
    let mut out = Vec::new();
    let mut start = 0;
    while start < places.len() {
        let end =
            (start..places.len()).find(|&i| column(i) != column(start)).unwrap_or(places.len());
        let by_height = |a: &usize, b: &usize| places[*a].1.total_cmp(&places[*b].1);
        let low = (start..end).min_by(by_height).unwrap_or(start);
        let high = (start..end).max_by(by_height).unwrap_or(start);
        let mut kept = [start, low, high, end - 1];
        kept.sort_unstable();
        let mut previous = None;
        for i in kept {
            if previous != Some(i) {
                out.push(places[i]);
            }
            previous = Some(i);
        }
        start = end;
    }
    out
}

fn describe_lines(drawing: &mut Drawing, layout: &Layout, lines: &[Line<'_>]) {
    const ENOUGH: usize = 20;
    for line in lines.iter().take(ENOUGH) {
        let (Some(first), Some(last)) = (line.points().next(), line.last()) else { continue };
        let points = count(line.points().count(), "point", "points");
        let name = if line.name.is_empty() { "A line" } else { line.name };
        let [(x0, y0), (x1, y1)] =
            [first, *last].map(|(x, y)| (layout.x.write(x), layout.y.write(y)));
        drawing.describe(&format!("{name}: {points}, from {y0} at {x0} to {y1} at {x1}."));
    }
    if lines.len() > ENOUGH {
        let more = count(lines.len() - ENOUGH, "more line", "more lines");
        drawing.describe(&format!("And {more}."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_extremes_and_the_ends() {
        let places: Vec<_> =
            (0..10_000).map(|i| (f64::from(i) / 100.0, f64::from(i % 97))).collect();
        let thinned = thin(&places);
        assert!(thinned.len() <= 4 * 201, "{}", thinned.len());
        assert_eq!((thinned.first(), thinned.last()), (places.first(), places.last()));
        for extreme in [0.0, 96.0] {
            assert!(thinned.iter().any(|p| p.1 == extreme));
        }
        assert_eq!(thin(&places[..1]), places[..1]);
    }
}
