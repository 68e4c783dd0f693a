//! Places in a text.

use std::{fmt, ops::Range};

use serde::{Deserialize, Serialize};

/// A byte range of a spec's text, `start` included and `end` not.
///
/// The spans a [`Spec`](crate::Spec) gives always lie on character boundaries of its own text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Span {
    /// The span from `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Span { start, end }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether there is no byte in it.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether all of `other` lies within this span.
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Whether the two share at least one byte.
    pub fn overlaps(self, other: Span) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }

    /// The same as a standard range, for slicing.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Span { start: range.start, end: range.end }
    }
}

impl From<Span> for Range<usize> {
    fn from(span: Span) -> Self {
        span.range()
    }
}

/// A place for people to read: line and column, both from 1. Displayed as `12:3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters (Unicode scalar values), from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Where lines begin. A line ends with `\n`, `\r\n` or a lone `\r`, as in CommonMark.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (i, &byte) in bytes.iter().enumerate() {
            if byte == b'\n' || (byte == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
                starts.push(i + 1);
            }
        }
        Lines(starts)
    }

    /// Index, from 0, of the line that `offset` is on.
    fn index(&self, offset: usize) -> usize {
        self.0.partition_point(|&start| start <= offset).saturating_sub(1)
    }

    pub(crate) fn start(&self, offset: usize) -> usize {
        self.0[self.index(offset)]
    }

    /// Start of the line after the one that `offset` is on, or the length of the text.
    pub(crate) fn next(&self, offset: usize, text: &str) -> usize {
        self.0.get(self.index(offset) + 1).copied().unwrap_or(text.len())
    }

    pub(crate) fn position(&self, offset: usize, text: &str) -> Position {
        self.position_from((0, Position::START), offset, text)
    }

    /// The position of `offset`, counted on from an earlier one if that is on the same line: many on
    /// one long line, in order, take linear time.
    pub(crate) fn position_from(
        &self,
        (before, known): (usize, Position),
        offset: usize,
        text: &str,
    ) -> Position {
        let offset = text.floor_char_boundary(offset);
        let line = self.index(offset);
        let (start, column) = if known.line == line + 1 && before <= offset {
            (before, known.column)
        } else {
            (self.0[line], 1)
        };
        let between = text.get(start..offset).map_or(0, |s| s.chars().count());
        Position { line: line + 1, column: column + between }
    }
}

impl Position {
    /// Where a text begins.
    pub(crate) const START: Position = Position { line: 1, column: 1 };
}

/// `span` without the white space at both ends; an empty span at its start when there is no more.
pub(crate) fn trim(text: &str, span: Span) -> Span {
    let slice = &text[span.range()];
    let start = span.start + (slice.len() - slice.trim_start().len());
    Span::new(start, start + slice.trim().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_every_line_ending() {
        let text = "a\r\nbé{\rc\nd";
        let lines = Lines::new(text);
        let at = |what: &str| lines.position(text.find(what).unwrap(), text).to_string();
        assert_eq!(
            [at("a"), at("b"), at("{"), at("c"), at("d")],
            ["1:1", "2:1", "2:3", "3:1", "4:1"]
        );
        assert_eq!(lines.position(5, text).to_string(), "2:2", "inside é");
        assert_eq!(lines.position(99, text).to_string(), "4:2");
    }

    #[test]
    fn spans_meet() {
        let span = Span::new(2, 6);
        assert!(span.contains(Span::new(2, 6)) && !span.contains(Span::new(1, 3)));
        assert!(span.overlaps(Span::new(5, 9)) && !span.overlaps(Span::new(6, 9)));
        assert!(!span.overlaps(Span::new(3, 3)), "an empty span shares no byte");
        assert_eq!(trim("  a b \n", Span::new(0, 7)), Span::new(2, 5));
    }
}
