//! Finding quotes whatever the line breaks.

use crate::span::Span;

/// A text with every run of white space as one space, and the way back.
#[derive(Clone, Debug)]
pub(crate) struct Flat {
    text: String,
    /// Where the two texts part: offsets here and in the original, from which both run in step.
    steps: Vec<(usize, usize)>,
}

impl Flat {
    pub(crate) fn new(original: &str) -> Self {
        let mut flat = Flat { text: String::with_capacity(original.len()), steps: vec![(0, 0)] };
        let mut rest = original;
        while let Some(start) = rest.find(char::is_whitespace) {
            flat.text.push_str(&rest[..start]);
            flat.text.push(' ');
            let after = rest[start..].trim_start();
            if rest.len() - after.len() - start != 1 {
                flat.steps.push((flat.text.len(), original.len() - after.len()));
            }
            rest = after;
        }
        flat.text.push_str(rest);
        flat
    }

    /// The first place where the words of `quote` stand, each run of white space for any other.
    pub(crate) fn find(&self, quote: &str) -> Option<Span> {
        let quote = quote.split_whitespace().collect::<Vec<_>>().join(" ");
        if quote.is_empty() {
            return None;
        }
        let start = self.text.find(&quote)?;
        let last = start + quote.len() - 1;
        Some(Span::new(self.original(start), self.original(last) + 1))
    }

    fn original(&self, flat: usize) -> usize {
        let step = self.steps.partition_point(|&(here, _)| here <= flat) - 1;
        let (here, there) = self.steps[step];
        there + (flat - here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_white_space() {
        let text = "  one\r\n\ttwo  three\u{a0}four é";
        let flat = Flat::new(text);
        let find = |quote: &str| flat.find(quote).map(|span| &text[span.range()]);
        assert_eq!(find("one two"), Some("one\r\n\ttwo"));
        assert_eq!(find(" two\n three  four "), Some("two  three\u{a0}four"));
        assert_eq!(find("ee f"), Some("ee\u{a0}f"), "words may be cut");
        assert_eq!(find("é"), Some("é"));
        assert_eq!(find("onetwo"), None);
        assert_eq!(find(" \n"), None, "nothing is quoted");
    }
}
