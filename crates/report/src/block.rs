use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::{Figure, Shaded, Table, Transcript};

/// One part of a [`Page`](crate::Page). All text is plain: it is escaped, never read as markup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Block {
    /// The heading of a section.
    Heading(String),
    /// The heading of a part of a section.
    Subheading(String),
    /// A paragraph.
    Paragraph(String),
    /// Something the reader may want to know.
    Note(String),
    /// Something the reader must know before believing the rest.
    Caution(String),
    /// Names and values: what was run, with what.
    Facts(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// A plot with its caption.
    Figure(Figure),
    /// Text whose line breaks and spaces matter.
    Preformatted(String),
    /// A conversation behind a summary.
    Transcript(Transcript),
    /// A text shaded by counts.
    Shaded(Shaded),
    /// Blocks behind a summary that the reader opens.
    Details {
        /// The line that is always shown.
        summary: String,
        /// What it opens.
        blocks: Vec<Block>,
    },
}

impl Block {
    /// The heading of a section.
    pub fn heading(text: impl Into<String>) -> Block {
        Block::Heading(text.into())
    }

    /// The heading of a part of a section.
    pub fn subheading(text: impl Into<String>) -> Block {
        Block::Subheading(text.into())
    }

    /// A paragraph.
    pub fn paragraph(text: impl Into<String>) -> Block {
        Block::Paragraph(text.into())
    }

    /// Something the reader may want to know.
    pub fn note(text: impl Into<String>) -> Block {
        Block::Note(text.into())
    }

    /// Something the reader must know before believing the rest.
    pub fn caution(text: impl Into<String>) -> Block {
        Block::Caution(text.into())
    }

    /// Names and values.
    pub fn facts<N: Into<String>, V: Into<String>>(
        facts: impl IntoIterator<Item = (N, V)>,
    ) -> Block {
        Block::Facts(facts.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }

    /// Text whose line breaks and spaces matter.
    pub fn preformatted(text: impl Into<String>) -> Block {
        Block::Preformatted(text.into())
    }

    /// Blocks behind a summary that the reader opens.
    pub fn details(summary: impl Into<String>, blocks: Vec<Block>) -> Block {
        Block::Details { summary: summary.into(), blocks }
    }

    pub(crate) fn render(&self) -> Markup {
        match self {
            Block::Heading(text) => html! { h2 { (text) } },
            Block::Subheading(text) => html! { h3 { (text) } },
            Block::Paragraph(text) => html! { p { (text) } },
            Block::Note(text) => html! {
                div.callout role="note" { p { strong { "Note. " } (text) } }
            },
            Block::Caution(text) => html! {
                div.callout.caution role="note" { p { strong { "Caution. " } (text) } }
            },
            Block::Facts(facts) => html! {
                dl { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
            },
            Block::Table(table) => table.render(),
            Block::Figure(figure) => figure.render(),
            // A browser drops a line break right after the tag, so one is put there for it to drop.
            Block::Preformatted(text) => html! { pre tabindex="0" { "\n" (text) } },
            Block::Transcript(transcript) => transcript.render(),
            Block::Shaded(shaded) => shaded.render(),
            Block::Details { summary, blocks } => html! {
                details { summary { (summary) } @for block in blocks { (block.render()) } }
            },
        }
    }

    /// Whether there is something in it that the script of a page can sort.
    pub(crate) fn has_table(&self) -> bool {
        match self {
            Block::Table(_) => true,
            Block::Details { blocks, .. } => blocks.iter().any(Block::has_table),
            _ => false,
        }
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Block {
        Block::Table(table)
    }
}

impl From<Figure> for Block {
    fn from(figure: Figure) -> Block {
        Block::Figure(figure)
    }
}

impl From<Transcript> for Block {
    fn from(transcript: Transcript) -> Block {
        Block::Transcript(transcript)
    }
}

impl From<Shaded> for Block {
    fn from(shaded: Shaded) -> Block {
        Block::Shaded(shaded)
    }
}
