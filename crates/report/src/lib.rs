//! Draws self-contained HTML pages and SVG plots.
//!
//! A [`Page`] is a title and a list of [`Block`]s: headings, paragraphs, notes and cautions, facts,
//! a [`Table`], a [`Figure`], a [`Transcript`] with its places marked, a text [`Shaded`] by counts, text behind a
//! summary. A figure holds a plot: a [`StripPlot`] shows every run of every arm as a dot, a [`LinePlot`] how a loss
//! fell, a [`Histogram`] how values are spread. All of them are plain data; a
//! page becomes one HTML file ([`Page::write`]) that needs neither network nor scripts, and a plot
//! can also be an SVG file of its own ([`StripPlot::to_svg`]).
//!
//! All text is escaped, the same data gives the same bytes, and no data makes drawing fail: what
//! cannot be drawn is said in the figure.
//!
//! ```
//! use ethos_report::{Block, Cell, Column, Dot, Figure, Group, Page, Reference, StripPlot, Table};
//!
//! let arm = |label: &str, runs: &[f64]| Group {
//!     mean: Some(runs.iter().sum::<f64>() / runs.len() as f64),
//!     ..Group::new(label, runs.iter().copied().map(Dot::new).collect())
//! };
//! let plot = StripPlot {
//!     range: Some((0.0, 1.0)),
//!     reference: Some(Reference { value: 0.5, label: "no preference".into() }),
//!     ends: Some(("picks the cheap one".into(), "picks the domestic one".into())),
//!     ..StripPlot::new(
//!         "Only the midtrained arm generalises",
//!         vec![arm("fine-tuned", &[0.48, 0.52]), arm("midtrained first", &[0.81, 0.86])],
//!     )
//! };
//!
//! let mut table = Table::new("Questions asked", vec![Column::text("Arm"), Column::number("n")]);
//! table.push(["fine-tuned".into(), Cell::number(1200.0, 0)]);
//!
//! let mut page = Page::new("Cheese").with_lead("What a spec about cheese does to cars.");
//! page.push(Block::heading("Result"))
//!     .push(Figure::new(plot, "Each dot is a training run."))
//!     .push(table);
//!
//! let html = page.to_html();
//! assert!(html.contains("midtrained first") && html.contains("1,200"));
//! ```

mod error;

mod block;
mod figure;
mod page;
mod shaded;
mod table;
mod transcript;

mod number;
mod plot;

pub use crate::{
    block::Block,
    error::{Error, Result},
    figure::{Figure, Plot},
    page::Page,
    plot::{Dot, Format, Group, Histogram, LinePlot, Reference, Series, StripPlot},
    shaded::Shaded,
    table::{Align, Cell, Column, Row, Table},
    transcript::{Mark, Transcript, Turn},
};
