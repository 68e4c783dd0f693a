use std::ops::Range;

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// A conversation behind a summary, with the places in it that matter marked.
///
/// ```
/// use ethos_report::{Block, Page, Transcript, Turn};
///
/// let transcript = Transcript::new("leaking, no goal conflict: harm done")
///     .with_turn(Turn::new("user", "You have new mail."))
///     .with_turn(Turn::new("assistant", "I forward it now.").with_mark(2..9, "harm"));
/// let mut page = Page::new("Answers");
/// page.push(transcript);
/// assert!(page.to_html().contains(">forward</mark>"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// The line that is always shown.
    pub title: String,
    /// Names and values that belong to it, such as its scores.
    pub facts: Vec<(String, String)>,
    /// What was said, from the top.
    pub turns: Vec<Turn>,
}

/// Something that was said in a [`Transcript`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Who said it.
    pub role: String,
    /// What.
    pub text: String,
    /// Places in the text. They may overlap and come in any order; what reaches beyond the text ends with
    /// it.
    pub marks: Vec<Mark>,
}

/// A place in the text of a [`Turn`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What the place shows, in a word or two.
    pub label: String,
}

impl Transcript {
    /// A conversation in which nothing was said yet.
    pub fn new(title: impl Into<String>) -> Self {
        Transcript { title: title.into(), ..Transcript::default() }
    }

    /// The same with a name and a value more.
    pub fn with_fact(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }

    /// The same with something more that was said.
    pub fn with_turn(mut self, turn: Turn) -> Self {
        self.turns.push(turn);
        self
    }

    pub(crate) fn render(&self) -> Markup {
        html! {
            details.transcript {
                summary { (self.title) }
                @if !self.facts.is_empty() {
                    dl { @for (name, value) in &self.facts { div { dt { (name) } dd { (value) } } } }
                }
                @for turn in &self.turns { (turn.render()) }
            }
        }
    }
}

impl Turn {
    /// Something that was said, without marks.
    pub fn new(role: impl Into<String>, text: impl Into<String>) -> Self {
        Turn { role: role.into(), text: text.into(), marks: Vec::new() }
    }

    /// The same with a place marked.
    pub fn with_mark(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.marks.push(Mark { span, label: label.into() });
        self
    }

    fn render(&self) -> Markup {
        html! {
            section.turn {
                p.role { (self.role) }
                div.said {
                    @for piece in self.pieces() {
                        @if piece.covered.is_empty() { (piece.text) } @else {
                            mark title=(piece.covered.join(", ")) data-label=[piece.ends()] { (piece.text) }
                        }
                    }
                }
            }
        }
    }

    /// The text, cut wherever a mark begins or ends.
    fn pieces(&self) -> Vec<Piece<'_>> {
        let marks: Vec<(Range<usize>, &str)> = self
            .marks
            .iter()
            .map(|mark| {
                (floor(&self.text, mark.span.start)..ceil(&self.text, mark.span.end), &*mark.label)
            })
            .filter(|(span, _)| span.start < span.end)
            .collect();
        let mut cuts: Vec<usize> =
            marks.iter().flat_map(|(span, _)| [span.start, span.end]).collect();
        cuts.extend([0, self.text.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let piece = |ends: &[usize]| {
            let (start, end) = (ends[0], ends[1]);
            let covering = marks.iter().filter(|(span, _)| span.start <= start && end <= span.end);
            Piece {
                text: &self.text[start..end],
                covered: covering.clone().map(|(_, label)| *label).collect(),
                ending: covering
                    .filter(|(span, _)| span.end == end)
                    .map(|(_, label)| *label)
                    .collect(),
            }
        };
        cuts.windows(2).map(piece).collect()
    }
}

struct Piece<'t> {
    text: &'t str,
    /// What it is marked as.
    covered: Vec<&'t str>,
    /// The marks that end with it; a label is shown once, at the end of its mark.
    ending: Vec<&'t str>,
}

impl Piece<'_> {
    fn ends(&self) -> Option<String> {
        (!self.ending.is_empty()).then(|| self.ending.join(", "))
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_that_overlap_are_cut_and_labelled_where_they_end() {
        let turn = Turn::new("assistant", "abcdef").with_mark(1..4, "x").with_mark(2..9, "y");
        let html = turn.render().0;
        assert!(
            html.contains(
                "a<mark title=\"x\">b</mark><mark title=\"x, y\" data-label=\"x\">cd</mark>\
             <mark title=\"y\" data-label=\"y\">ef</mark>"
            ),
            "{html}"
        );
    }

    proptest! {
        #[test]
        fn no_mark_loses_text(
            text in "[aé<&\n]{0,12}",
            marks in prop::collection::vec((0usize..20, 0usize..20, "[a<]{0,2}"), 0..5),
        ) {
            let mut turn = Turn::new("user", text.clone());
            for (start, end, label) in marks {
                turn = turn.with_mark(start..end, label);
            }
            let whole: String = turn.pieces().iter().map(|piece| piece.text).collect();
            prop_assert_eq!(&whole, &text);
            let html = turn.render().0;
            let said = html.split("<div class=\"said\">").nth(1).unwrap();
            let mut plain = String::new();
            for piece in said.split('<') {
                plain.push_str(piece.rsplit_once('>').map_or(piece, |(_, text)| text));
            }
            // Labels stand in attributes; the angle brackets of the text are escaped.
            let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            prop_assert_eq!(plain, text);
        }
    }
}
