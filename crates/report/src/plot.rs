//! Plots as SVG. [`StripPlot`] and [`LinePlot`] lay themselves out for a given width; everything
//! they share stands in a file of its own.

mod axis;
mod drawing;
mod legend;
mod line;
mod palette;
mod strip;
mod swarm;
mod text;

pub use axis::Format;
pub(crate) use drawing::{NARROW, WIDE};
pub use line::{LinePlot, Series};
pub use strip::{Dot, Group, Reference, StripPlot};

/// The look of plots, in a page and in an SVG file alike.
pub(crate) const CSS: &str = include_str!("plot/plot.css");
