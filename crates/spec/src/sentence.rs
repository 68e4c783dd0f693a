//! Splitting into sentences: the unit in which coverage and reasons are counted.

use crate::{
    rule::Rule,
    scan::{LeafKind, Scan},
    span::{Span, trim},
};

/// The sentences of all that a spec says, in order; `text` is the spec without its comments.
///
/// A block of code or HTML is one, a table row at least one. Headings and the labels of rules are
/// names and not sentences; what a heading says behind a label is its rule's text.
pub(crate) fn split_all(text: &str, scan: &Scan, rules: &[Rule]) -> Vec<Span> {
    let mut sentences = Vec::new();
    let mut rules = rules.iter().peekable();
    for leaf in &scan.leaves {
        if leaf.kind == LeafKind::Block {
            push(text, leaf.span, &mut sentences);
            continue;
        }
        while rules.next_if(|rule| rule.label.end <= leaf.span.start).is_some() {}
        match rules.next_if(|rule| leaf.span.contains(rule.label)) {
            Some(rule) if leaf.span.contains(rule.text) => split(text, rule.text, &mut sentences),
            Some(_) => {} // the label alone
            None if leaf.kind == LeafKind::Text => split(text, leaf.span, &mut sentences),
            None => {}
        }
    }
    sentences
}

fn split(text: &str, span: Span, sentences: &mut Vec<Span>) {
    let slice = &text[span.range()];
    let mut start = 0;
    let mut rest = 0;
    while let Some(found) = slice[rest..].find(['.', '!', '?', '…', '。', '！', '？']) {
        let stop = rest + found;
        let after = slice[stop..].trim_start_matches(|c: char| {
            c.is_ascii_punctuation() && c != '(' && c != '[' && c != '{' || "…。！？”’»".contains(c)
        });
        rest = slice.len() - after.len();
        let next = after.trim_start();
        let wide = slice[stop..].starts_with(['。', '！', '？']);
        let ends = (wide || next.len() < after.len())
            && !next.starts_with(char::is_lowercase)
            && !abbreviates(&slice[start..stop]);
        if ends {
            push(text, Span::new(span.start + start, span.start + rest), sentences);
            start = rest;
        }
    }
    push(text, Span::new(span.start + start, span.end), sentences);
}

fn push(text: &str, span: Span, sentences: &mut Vec<Span>) {
    let span = trim(text, span);
    if !span.is_empty() {
        sentences.push(span);
    }
}

/// Whether the last word before a full stop is one that is written with it.
fn abbreviates(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    matches!(word, "e.g" | "i.e" | "vs" | "cf" | "Dr" | "Mr" | "Ms" | "Mrs" | "St" | "approx")
        || (word.len() == 1 && word.starts_with(|c: char| c.is_ascii_uppercase() && c != 'I'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, sentences: &[&str]) {
        let mut spans = Vec::new();
        split(text, Span::new(0, text.len()), &mut spans);
        let found: Vec<_> = spans.iter().map(|span| &text[span.range()]).collect();
        assert_eq!(found, sentences);
    }

    #[test]
    fn sentences() {
        check(
            "One. Two\nthree! \"Four?\" (Five.) Six",
            &["One.", "Two\nthree!", "\"Four?\"", "(Five.)", "Six"],
        );
        check(
            "See e.g. Foo, i.e. bar etc. and 3.5 of J. Doe.",
            &["See e.g. Foo, i.e. bar etc. and 3.5 of J. Doe."],
        );
        check("**Bold.** Then {name} acts… Yes.", &["**Bold.**", "Then {name} acts…", "Yes."]);
        check("一。二！三", &["一。", "二！", "三"]);
        check("...", &["..."]);
        check(" \n", &[]);
    }
}
