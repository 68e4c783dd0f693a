//! Plots as SVG. [`StripPlot`], [`LinePlot`] and [`Histogram`] lay themselves out for a given width; everything
//! they share stands in a file of its own.

mod axis;
mod drawing;
mod histogram;
mod legend;
mod line;
mod palette;
mod strip;
mod swarm;
mod text;

pub use axis::Format;
pub(crate) use drawing::{NARROW, WIDE};
pub use histogram::Histogram;
pub use line::{LinePlot, Series};
pub use strip::{Dot, Group, Reference, StripPlot};

/// The look of plots, in a page and in an SVG file alike.
pub(crate) const CSS: &str = include_str!("plot/plot.css");
