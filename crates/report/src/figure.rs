use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::plot::{Histogram, LinePlot, NARROW, StripPlot, WIDE};

/// A plot with a caption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// What is drawn. Its title stands above it.
    pub plot: Plot,
    /// How to read it, below it; an empty one is left out.
    pub caption: String,
}

/// Any plot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Plot {
    /// One row per group, one dot per run.
    Strip(StripPlot),
    /// Lines through points.
    Line(LinePlot),
    /// Bars that show how values are spread.
    Histogram(Histogram),
}

impl Figure {
    /// `plot` with `caption` below it.
    pub fn new(plot: impl Into<Plot>, caption: impl Into<String>) -> Figure {
        Figure { plot: plot.into(), caption: caption.into() }
    }

    /// The plot is drawn twice, for a desk and for a phone, and the style shows one of them: letters
    /// shrink with an SVG, so that no single drawing is readable on both.
    pub(crate) fn render(&self) -> Markup {
        let (title, draw): (_, &dyn Fn(f64) -> Markup) = match &self.plot {
            Plot::Strip(plot) => (&plot.title, &|width| plot.draw(width).inline()),
            Plot::Line(plot) => (&plot.title, &|width| plot.draw(width).inline()),
            Plot::Histogram(plot) => (&plot.title, &|width| plot.draw(width).inline()),
        };
        html! {
            figure {
                @if !title.is_empty() { p.title { (title) } }
                div.wide { (draw(WIDE)) }
                div.narrow { (draw(NARROW)) }
                @if !self.caption.is_empty() { figcaption { (self.caption) } }
            }
        }
    }
}

impl From<StripPlot> for Plot {
    fn from(plot: StripPlot) -> Plot {
        Plot::Strip(plot)
    }
}

impl From<Histogram> for Plot {
    fn from(plot: Histogram) -> Plot {
        Plot::Histogram(plot)
    }
}

impl From<LinePlot> for Plot {
    fn from(plot: LinePlot) -> Plot {
        Plot::Line(plot)
    }
}
