use std::ops::Range;

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// A text whose pieces are shaded by a count, from not at all to the highest.
///
/// The shades are five steps of equal ratio, so that pieces counted once, ten times and a hundred times differ;
/// what has a count of 0 is struck with a dotted line, since it is what a reader looks for.
///
/// ```
/// use ethos_report::{Page, Shaded};
///
/// let text = "It keeps. It says so. It is kind.";
/// let shaded = Shaded::new(text, "documents").with(0..9, 40).with(10..21, 0);
/// let mut page = Page::new("Coverage");
/// page.push(shaded);
/// let html = page.to_html();
/// assert!(html.contains("title=\"40 documents\"") && html.contains("title=\"0 documents\""));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shaded {
    /// The text.
    pub text: String,
    /// What is counted, in the plural.
    pub of: String,
    /// Bytes of the text with their counts, in order and without overlap; what is left out is not shaded.
    pub pieces: Vec<(Range<usize>, u64)>,
}

/// Steps of shading above none.
const STEPS: u32 = 5;

impl Shaded {
    /// A text with nothing shaded yet.
    pub fn new(text: impl Into<String>, of: impl Into<String>) -> Self {
        Shaded { text: text.into(), of: of.into(), pieces: Vec::new() }
    }

    /// The same with a piece more.
    pub fn with(mut self, span: Range<usize>, count: u64) -> Self {
        self.pieces.push((span, count));
        self
    }

    pub(crate) fn render(&self) -> Markup {
        let flowing = flowing(&self.text);
        let most = self.pieces.iter().map(|(_, count)| *count).max().unwrap_or(0);
        html! {
            div.shaded {
                p.legend {
                    "Shade: " span.s0 { "none" }
                    @for (step, from, to) in steps(most) {
                        " " span class=(format!("s{step}")) {
                            @if from == to { (from) } @else { (from) "–" (to) }
                        }
                    }
                    " " (self.of)
                }
                div.text {
                    @for (text, count) in self.cut(&flowing) {
                        @match count {
                            None => (text),
                            Some(count) => span class=(format!("s{}", step(count, most)))
                                title=(format!("{count} {}", self.of)) { (text) },
                        }
                    }
                }
            }
        }
    }

    /// The text from beginning to end, each piece with its count where it has one.
    fn cut<'t>(&self, text: &'t str) -> Vec<(&'t str, Option<u64>)> {
        let mut cut = Vec::new();
        let mut at = 0;
        for (span, count) in &self.pieces {
            let (begin, end) = (span.start.max(at), span.end.min(text.len()));
            let (Some(before), Some(piece)) = (text.get(at..begin), text.get(begin..end)) else {
                continue; // Out of order, empty, or not at a letter's edge.
            };
            cut.extend((!before.is_empty()).then_some((before, None)));
            cut.extend((!piece.is_empty()).then_some((piece, Some(*count))));
            at = end;
        }
        let rest = &text[at..];
        cut.extend((!rest.is_empty()).then_some((rest, None)));
        cut
    }
}

/// The text without the line breaks within its paragraphs, which are those of whoever wrote it and not of the page;
/// as long as it was, to the byte.
fn flowing(text: &str) -> String {
    let marked = |line: &str| {
        let line = line.trim_start();
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        line.starts_with(['#', '-', '*', '+', '>', '|', '`'])
            || (number.len() < line.len() && number.starts_with(['.', ')']))
    };
    let lines: Vec<&str> = text.split('\n').collect();
    let mut flowing = String::with_capacity(text.len());
    for (number, line) in lines.iter().enumerate() {
        flowing.push_str(line);
        let Some(next) = lines.get(number + 1) else { break };
        let ends = line.trim().is_empty() || line.trim_start().starts_with(['#', '|', '`']);
        flowing.push(if ends || next.trim().is_empty() || marked(next) { '\n' } else { ' ' });
    }
    flowing
}

/// The shade of a count: 0 for none, else 1 to 5 by its logarithm against the highest.
fn step(count: u64, most: u64) -> u32 {
    if count == 0 || most == 0 {
        return 0;
    }
    let share = (count as f64).ln() / (most as f64).ln().max(f64::MIN_POSITIVE);
    (1.0 + share * f64::from(STEPS - 1)).round().clamp(1.0, f64::from(STEPS)) as u32
}

/// Each shade that is used, with the counts that it stands for.
fn steps(most: u64) -> Vec<(u32, u64, u64)> {
    let mut steps: Vec<(u32, u64, u64)> = Vec::new();
    let mut from = 1;
    while from <= most {
        let shade = step(from, most);
        // The last count of this shade, by halving: shades grow with the count.
        let (mut low, mut high) = (from, most);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if step(middle, most) == shade { low = middle } else { high = middle - 1 }
        }
        steps.push((shade, from, low));
        from = low + 1;
    }
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paragraphs_flow_and_lists_do_not() {
        let text = "# A\nIt is\nkind.\n\n- one\n  more\n- two\n1. three\n";
        let flow = flowing(text);
        assert_eq!(flow, "# A\nIt is kind.\n\n- one   more\n- two\n1. three\n");
        assert_eq!(flow.len(), text.len());
    }

    #[test]
    fn shades_grow_by_ratio() {
        let shades: Vec<u32> = [0, 1, 3, 10, 30, 100, 10_000].map(|n| step(n, 10_000)).into();
        assert_eq!(shades, [0, 1, 1, 2, 2, 3, 5]);
        assert_eq!(steps(3), [(1, 1, 1), (4, 2, 2), (5, 3, 3)]);
        assert_eq!((step(1, 1), steps(0).len()), (1, 0));
    }

    proptest! {
        #[test]
        fn the_text_is_whole_whatever_the_pieces(
            text in "[a-zé☂\n ]{0,40}",
            pieces in prop::collection::vec((0usize..60, 0usize..60, 0u64..9), 0..9),
        ) {
            let mut shaded = Shaded::new(text.as_str(), "documents");
            for (begin, end, count) in pieces {
                shaded = shaded.with(begin..end, count);
            }
            let whole: String = shaded.cut(&text).into_iter().map(|(piece, _)| piece).collect();
            prop_assert_eq!(whole, text);
            shaded.render();
        }

        #[test]
        fn the_legend_covers_every_count_once(most in 0u64..5_000) {
            let steps = steps(most);
            let covered: u64 = steps.iter().map(|(_, from, to)| to - from + 1).sum();
            prop_assert_eq!(covered, most);
        }
    }
}
