use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::number::{self, MISSING};

/// A table: a caption, named columns, rows of cells.
///
/// Rows may be shorter or longer than the columns: missing cells are shown as missing, and surplus
/// ones get a column without a name, so that nothing is lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What the table shows, above it.
    pub caption: String,
    /// The columns, from the left.
    pub columns: Vec<Column>,
    /// The rows, from the top. In a browser that runs scripts the reader can sort them.
    pub rows: Vec<Row>,
    /// A footnote, below the table.
    pub note: Option<String>,
}

/// A column of a [`Table`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The name at its head.
    pub name: String,
    /// How its cells stand.
    pub align: Align,
}

/// How the cells of a [`Column`] stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Words, from the left.
    Text,
    /// Figures, to the right, so that digits of one place stand under each other.
    Number,
}

/// A row of a [`Table`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The cells, from the left. If the first column is text, its cell names the row.
    pub cells: Vec<Cell>,
    /// Set in bold: the row to look at first.
    pub emphasis: bool,
}

/// A cell of a [`Table`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number; one that is not finite is shown as missing.
    Number {
        /// The number.
        value: f64,
        /// Digits after the point.
        digits: usize,
    },
    /// A share of one, shown as a percentage.
    Percent {
        /// The share: 0.25 is shown as 25%.
        value: f64,
        /// Digits after the point of the percentage.
        digits: usize,
    },
    /// Nothing was measured.
    #[default]
    Missing,
}

impl Table {
    /// A table without rows and without a footnote.
    pub fn new(caption: impl Into<String>, columns: Vec<Column>) -> Table {
        Table { caption: caption.into(), columns, rows: Vec::new(), note: None }
    }

    /// Adds a row of cells at the bottom.
    pub fn push(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Table {
        self.rows.push(Row { cells: cells.into_iter().collect(), emphasis: false });
        self
    }

    /// Adds a row of cells at the bottom, set in bold.
    pub fn push_emphasis(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Table {
        self.rows.push(Row { cells: cells.into_iter().collect(), emphasis: true });
        self
    }

    pub(crate) fn render(&self) -> Markup {
        let surplus = Column::text("");
        let width = self.rows.iter().map(|r| r.cells.len()).fold(self.columns.len(), usize::max);
        let columns: Vec<&Column> =
            (0..width).map(|i| self.columns.get(i).unwrap_or(&surplus)).collect();
        html! {
            div.table {
                div.scroll role="region" tabindex="0" aria-label=(self.caption) {
                    table class=[(self.rows.len() > 1).then_some("sortable")] {
                        caption { span { (self.caption) } }
                        thead {
                            tr {
                                @for column in &columns {
                                    th scope="col" class=(column.align.class()) { (column.name) }
                                }
                            }
                        }
                        tbody {
                            @for row in &self.rows { (row.render(&columns)) }
                        }
                    }
                }
                @if self.rows.is_empty() { p.remark { "no data" } }
                @if let Some(note) = &self.note { p.remark { (note) } }
            }
        }
    }
}

impl Column {
    /// A column of words.
    pub fn text(name: impl Into<String>) -> Column {
        Column { name: name.into(), align: Align::Text }
    }

    /// A column of figures.
    pub fn number(name: impl Into<String>) -> Column {
        Column { name: name.into(), align: Align::Number }
    }
}

impl Align {
    fn class(self) -> &'static str {
        match self {
            Align::Text => "words",
            Align::Number => "figures",
        }
    }
}

impl Row {
    fn render(&self, columns: &[&Column]) -> Markup {
        let cells = columns.iter().enumerate().map(|(i, column)| {
            let cell = self.cells.get(i).unwrap_or(&Cell::Missing);
            (cell, column.align.class(), i == 0 && column.align == Align::Text)
        });
        html! {
            tr class=[self.emphasis.then_some("emphasis")] {
                @for (cell, class, names_the_row) in cells {
                    @if names_the_row {
                        th scope="row" class=(class) data-sort=[cell.sort_key()] { (cell.render()) }
                    } @else {
                        td class=(class) data-sort=[cell.sort_key()] { (cell.render()) }
                    }
                }
            }
        }
    }
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// A number with `digits` digits after the point.
    pub fn number(value: f64, digits: usize) -> Cell {
        Cell::Number { value, digits }
    }

    /// A share of one as a percentage with `digits` digits after the point.
    pub fn percent(value: f64, digits: usize) -> Cell {
        Cell::Percent { value, digits }
    }

    fn render(&self) -> Markup {
        let (text, missing) = match self {
            Cell::Text(text) => (text.clone(), None),
            Cell::Number { value, digits } => (number::decimal(*value, *digits), Some(*value)),
            Cell::Percent { value, digits } => (number::percent(*value, *digits), Some(*value)),
            Cell::Missing => (MISSING.into(), None),
        };
        match missing {
            Some(value) if !value.is_finite() => {
                html! { span.missing title="not a finite number" { (MISSING) } }
            }
            _ if *self == Cell::Missing => html! { span.missing title="missing" { (MISSING) } },
            _ => html! { (text) },
        }
    }

    /// What numbers are sorted by.
    fn sort_key(&self) -> Option<String> {
        match self {
            Cell::Number { value, .. } | Cell::Percent { value, .. } if value.is_finite() => {
                Some(format!("{value:e}"))
            }
            _ => None,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.into())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(rows: &[Vec<Cell>], expect: Expect) {
        let mut table = Table::new("Runs", vec![Column::text("Arm"), Column::number("Share")]);
        for cells in rows {
            table.push(cells.clone());
        }
        let html = table.render().0;
        let body = html.split_once("<tbody>").unwrap().1.split_once("</tbody>").unwrap().0;
        expect.assert_eq(&body.replace("</tr>", "</tr>\n"));
    }

    #[test]
    fn cells_say_what_they_are() {
        check(
            &[
                vec!["base".into(), Cell::percent(0.256, 1)],
                vec!["midtrained".into(), Cell::number(-1234.5, 1)],
                vec!["broken".into(), Cell::number(f64::NAN, 1)],
            ],
            expect![[r#"
                <tr><th scope="row" class="words">base</th><td class="figures" data-sort="2.56e-1">25.6%</td></tr>
                <tr><th scope="row" class="words">midtrained</th><td class="figures" data-sort="-1.2345e3">−1,234.5</td></tr>
                <tr><th scope="row" class="words">broken</th><td class="figures"><span class="missing" title="not a finite number">—</span></td></tr>
            "#]],
        );
    }

    #[test]
    fn rows_of_any_length_lose_nothing() {
        check(
            &[vec![], vec!["a".into(), "b".into(), "c".into()]],
            expect![[r#"
                <tr><th scope="row" class="words"><span class="missing" title="missing">—</span></th><td class="figures"><span class="missing" title="missing">—</span></td><td class="words"><span class="missing" title="missing">—</span></td></tr>
                <tr><th scope="row" class="words">a</th><td class="figures">b</td><td class="words">c</td></tr>
            "#]],
        );
    }
}
