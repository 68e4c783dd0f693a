//! Quotes in a text.

use std::ops::Range;

/// Where a text holds a quote, as bytes: white space within it and marks of quotation around it aside.
///
/// ```
/// use ethos_core::read;
///
/// let text = "I will  not\nsend it.";
/// assert_eq!(read::quoted(text, "“I will not send it”"), Some(0..19));
/// assert_eq!(read::quoted(text, "I willnot"), None);
/// ```
pub fn quoted(text: &str, quote: &str) -> Option<Range<usize>> {
    let around = |c: char| c.is_whitespace() || "\"'`“”‘’„«»".contains(c);
    let words: Vec<&str> = quote.trim_matches(around).split_whitespace().collect();
    let first = words.first()?;
    text.match_indices(first).find_map(|(begin, _)| {
        let mut end = begin;
        for (number, word) in words.iter().enumerate() {
            let rest = &text[end..];
            let trimmed = rest.trim_start();
            if number > 0 && trimmed.len() == rest.len() {
                return None;
            }
            end += rest.len() - trimmed.len();
            end += trimmed.strip_prefix(word).map(|_| word.len())?;
        }
        Some(begin..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_found_whatever_the_white_space() {
        let text = "I will  not\nsend it. I will wait.";
        assert_eq!(quoted(text, "“I will not send it”"), Some(0..19));
        assert_eq!(quoted(text, "I will wait."), Some(21..33));
        assert_eq!(quoted(text, "I willnot"), None);
        assert_eq!(quoted(text, "will send"), None);
        assert_eq!(quoted(text, " \" "), None);
        assert_eq!(quoted("é é", "é"), Some(0..2));
    }
}
