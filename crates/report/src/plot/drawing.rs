//! One SVG in the making.

use std::fmt;

use maud::{Markup, PreEscaped, Render, html};

use super::{CSS, axis::Axis, palette::Look, text};
use crate::page::printable;

/// The width of a plot on a desk and on paper, in its own units.
pub(crate) const WIDE: f64 = 720.0;
/// The width of a plot on a phone, where the same letters take more of it.
pub(crate) const NARROW: f64 = 360.0;

/// A size of letters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub(super) class: &'static str,
    pub(super) size: f64,
}

/// Names of rows and series.
pub(super) const LABEL: Type = Type { class: "label", size: 14.0 };
/// Values.
pub(super) const VALUE: Type = Type { class: "value", size: 13.0 };
/// Ticks, axes, remarks.
pub(super) const SMALL: Type = Type { class: "small", size: 12.5 };

/// Which point of a text its x stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG that grows downward: its width is given, its height is known at the end.
#[derive(Debug)]
pub(crate) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    title: String,
    description: String,
    body: String,
}

impl Drawing {
    pub(super) fn new(width: f64, title: &str) -> Drawing {
        let (title, description) = (title.to_owned(), String::new());
        Drawing { width, height: 0.0, title, description, body: String::new() }
    }

    /// What the plot shows, for those who do not see it.
    pub(super) fn describe(&mut self, sentence: &str) {
        if !self.description.is_empty() {
            self.description.push(' ');
        }
        self.description.push_str(sentence);
    }

    pub(super) fn push(&mut self, markup: Markup) {
        self.body.push_str(&markup.0);
    }

    /// A line of text on the base line `y`, moved inside if its place is too near the edge.
    pub(super) fn text(&mut self, kind: Type, anchor: Anchor, x: f64, y: f64, content: &str) {
        let content = text::fit(content, kind.size, self.width);
        let wide = text::width(&content, kind.size);
        let (name, before) = match anchor {
            Anchor::Start => ("start", 0.0),
            Anchor::Middle => ("middle", wide / 2.0),
            Anchor::End => ("end", wide),
        };
        let x = x.clamp(before, (self.width - wide + before).max(before));
        self.push(html! {
            text class=(kind.class) font-size=(Px(kind.size)) text-anchor=(name) x=(Px(x)) y=(Px(y)) {
                (content)
            }
        });
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(html! {
            line class=(class) x1=(Px(x1)) y1=(Px(y1)) x2=(Px(x2)) y2=(Px(y2)) {}
        });
    }

    pub(super) fn mark(&mut self, look: Look, (x, y): (f64, f64), r: f64, tooltip: Option<&str>) {
        self.push(look.mark(x, y, r, tooltip));
    }

    /// Remarks under the plot: what could not be drawn.
    pub(super) fn remark(&mut self, sentence: &str) {
        self.height += 6.0;
        for line in text::wrap(sentence, SMALL.size, self.width, 4) {
            self.height += 18.0;
            self.text(SMALL, Anchor::Start, 0.0, self.height - 4.0, &line);
        }
        self.describe(sentence);
    }

    /// Says that there is nothing to draw.
    pub(super) fn nothing(&mut self) {
        let (top, height) = (self.height, 96.0);
        self.push(html! {
            rect class="empty" x="0.5" y=(Px(top + 0.5)) width=(Px(self.width - 1.0))
                height=(Px(height - 1.0)) rx="4" {}
        });
        self.text(LABEL, Anchor::Middle, self.width / 2.0, top + height / 2.0 + 5.0, "no data");
        self.height = top + height + 6.0;
        self.describe("No data.");
    }

    /// For a page, which brings the style.
    pub(crate) fn inline(&self) -> Markup {
        self.svg(false)
    }

    /// For a file of its own.
    pub(crate) fn standalone(&self) -> String {
        printable(&self.svg(true).0)
    }

    fn svg(&self, style: bool) -> Markup {
        let view = format!("0 0 {} {}", Px(self.width), Px(self.height.max(1.0)));
        html! {
            svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" viewBox=(view) {
                title { (self.title) }
                desc { (self.description) }
                @if style { style { (PreEscaped(CSS)) } }
                (PreEscaped(&self.body))
            }
        }
    }
}

/// The axis with the most ticks, up to `most`, whose labels stand clear of each other in `room`.
pub(super) fn roomy(room: f64, most: usize, axis: impl Fn(usize) -> Axis) -> Axis {
    let clear = |axis: &Axis| {
        axis.ticks.windows(2).all(|pair| {
            let apart = (axis.at(pair[1].value) - axis.at(pair[0].value)) * room;
            let halves = text::width(&pair[0].label, SMALL.size) / 2.0
                + text::width(&pair[1].label, SMALL.size) / 2.0;
            apart >= halves + 14.0
        })
    };
    let mut fallback = axis(1);
    for count in (1..=most).rev() {
        let candidate = axis(count);
        if clear(&candidate) {
            return candidate;
        }
        fallback = candidate;
    }
    fallback.ticks.truncate(1);
    fallback
}

/// A coordinate: two decimals are finer than any screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Px(pub(super) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_assert!(self.0.is_finite(), "a coordinate that is not a number");
        let hundredths = if self.0.is_finite() { (self.0 * 100.0).round() } else { 0.0 };
        // Adding zero turns -0 into 0.
        write!(f, "{}", hundredths / 100.0 + 0.0)
    }
}

impl Render for Px {
    fn render_to(&self, buffer: &mut String) {
        *buffer += &self.to_string();
    }
}
