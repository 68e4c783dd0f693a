//! Taking answers apart, strictly: what cannot be used is [`Unusable`] with a reason, never guessed.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Why an answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The model or its provider declined.
    Refusal,
    /// The answer reached its token limit.
    CutOff,
    /// There is nothing in it.
    Empty,
    /// A tag that should be there is not.
    MissingTag,
    /// A tag opens and never closes.
    UnclosedTag,
    /// A tag that should be there once is there several times.
    RepeatedTag,
    /// Text that belongs to the scratchpad stands in the answer.
    LeakedScratchpad,
    /// No list where one was asked for.
    MissingList,
    /// No JSON, or not the JSON that was asked for.
    BadJson,
    /// No verdict, or more than one.
    UnclearVerdict,
    /// Anything else a reader minds, in its own words.
    Other(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Refusal => "refusal",
            Reason::CutOff => "cut off",
            Reason::Empty => "empty",
            Reason::MissingTag => "missing tag",
            Reason::UnclosedTag => "unclosed tag",
            Reason::RepeatedTag => "repeated tag",
            Reason::LeakedScratchpad => "leaked scratchpad",
            Reason::MissingList => "missing list",
            Reason::BadJson => "bad JSON",
            Reason::UnclearVerdict => "unclear verdict",
            Reason::Other(what) => what,
        })
    }
}

/// An answer that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}: {detail}")]
#[non_exhaustive]
pub struct Unusable {
    /// The sort of trouble, for counting.
    pub reason: Reason,
    /// What exactly, for a person.
    pub detail: String,
}

impl Unusable {
    /// Unusable for this reason.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Unusable { reason, detail: detail.into() }
    }
}

/// What a reader gives.
pub type Read<T> = Result<T, Unusable>;

/// The text between `<name>` and `</name>`, trimmed.
///
/// Scratchpads (`<scratchpad>…</scratchpad>`) are skipped, so that a plan which mentions the tag is
/// not taken for the answer. The tag must be there exactly once, closed, and hold something.
///
/// # Errors
///
/// [`Reason::MissingTag`], [`Reason::UnclosedTag`], [`Reason::RepeatedTag`], [`Reason::Empty`], or
/// [`Reason::LeakedScratchpad`] when a scratchpad tag stands within the tag.
pub fn tag<'t>(text: &'t str, name: &str) -> Read<&'t str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let text = if name == "scratchpad" { text } else { after_scratchpad(text, &open)? };
    let Some(start) = text.find(&open) else {
        return Err(Unusable::new(Reason::MissingTag, format!("no `{open}`")));
    };
    let inside = &text[start + open.len()..];
    let Some(end) = inside.find(&close) else {
        return Err(Unusable::new(Reason::UnclosedTag, format!("`{open}` is never closed")));
    };
    let (found, rest) = (inside[..end].trim(), &inside[end + close.len()..]);
    if rest.contains(&open) || found.contains(&open) {
        return Err(Unusable::new(Reason::RepeatedTag, format!("several `{open}`")));
    }
    if ["<scratchpad>", "</scratchpad>"].iter().any(|tag| found.contains(tag)) {
        return Err(Unusable::new(Reason::LeakedScratchpad, format!("a scratchpad in `{open}`")));
    }
    if found.is_empty() {
        return Err(Unusable::new(Reason::Empty, format!("nothing in `{open}`")));
    }
    Ok(found)
}

/// What follows the scratchpad, where one opens before `tag`; all of the text otherwise.
fn after_scratchpad<'t>(text: &'t str, tag: &str) -> Read<&'t str> {
    const CLOSE: &str = "</scratchpad>";
    let tag = text.find(tag).unwrap_or(text.len());
    let Some(open) = text.find("<scratchpad>").filter(|&open| open < tag) else {
        return Ok(text);
    };
    // The last one closes it: a plan may well speak of its own tags.
    match text.rfind(CLOSE).filter(|&close| open < close) {
        Some(close) => Ok(&text[close + CLOSE.len()..]),
        None => Err(Unusable::new(Reason::UnclosedTag, "`<scratchpad>` is never closed")),
    }
}

/// The items of a numbered (`1.`, `1)`) or bulleted (`-`, `*`, `•`) list.
///
/// Lines that follow an item and are not items themselves belong to it, joined by newlines; a blank
/// line followed by unindented text ends the list. Prose before the list is skipped.
///
/// # Errors
///
/// [`Reason::MissingList`] when there is no item.
pub fn list(text: &str) -> Read<Vec<String>> {
    let mut items: Vec<String> = Vec::new();
    // The indentation of the list's own items: deeper ones are part of an item.
    let mut indent = None;
    let mut blank = false;
    for line in text.lines() {
        let depth = line.len() - line.trim_start().len();
        let marked = item(line.trim_start());
        if line.trim().is_empty() {
            blank = true;
            continue;
        }
        match (marked, items.last_mut()) {
            (Some(content), _) if depth <= *indent.get_or_insert(depth) => {
                items.push(content.to_owned());
            }
            (_, None) => indent = None,
            (_, Some(_)) if blank && depth == 0 => break,
            (_, Some(last)) => {
                if !last.is_empty() {
                    last.push('\n');
                }
                last.push_str(line.trim());
            }
        }
        blank = false;
    }
    items.retain(|item| !item.is_empty());
    if items.is_empty() {
        return Err(Unusable::new(Reason::MissingList, "no numbered or bulleted item"));
    }
    Ok(items)
}

/// The content of a list item's first line, where the line is one.
fn item(line: &str) -> Option<&str> {
    let bullet = ["- ", "* ", "• "].iter().find_map(|mark| line.strip_prefix(mark));
    let numbered = || {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = line.len() - rest.len();
        let rest = rest.strip_prefix(['.', ')'])?;
        let separated = rest.is_empty() || rest.starts_with(' ') || rest.starts_with('\t');
        ((1..=4).contains(&digits) && separated).then_some(rest)
    };
    bullet.or_else(numbered).map(str::trim)
}

/// The one JSON value in an answer: alone, in a code fence, or between prose. Nothing is repaired.
///
/// # Errors
///
/// [`Reason::BadJson`] when there is none, when it is cut off, or when it is not a `T`.
pub fn json<T: DeserializeOwned>(text: &str) -> Read<T> {
    let bad = |detail: String| Unusable::new(Reason::BadJson, detail);
    let body = fenced(text).unwrap_or(text);
    let Some(start) = body.find(['{', '[']) else {
        return Err(bad("no `{` or `[`".to_owned()));
    };
    let mut values = serde_json::Deserializer::from_str(&body[start..]).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(bad(error.to_string())),
        None => Err(bad("no value".to_owned())),
    }
}

/// The inside of the first code fence that is marked as JSON, or of the first one.
fn fenced(text: &str) -> Option<&str> {
    let start = text.find("```json").or_else(|| text.find("```"))?;
    let body = &text[start..];
    let body = &body[body.find('\n')? + 1..];
    // A fence within a string of the JSON is not on a line of its own.
    body.find("\n```").map(|end| &body[..end])
}

/// A judge's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The judge said that it cannot tell. Not the same as an answer without a verdict.
    Unclear,
}

/// The verdict in `<verdict>…</verdict>`: exactly `yes`, `no` or `unclear`, in any case, a full stop
/// allowed. "no - the email yesterday" is not a verdict, and neither is an answer without the tag.
///
/// # Errors
///
/// What [`tag`] gives, or [`Reason::UnclearVerdict`] when the tag holds something else.
pub fn verdict(text: &str) -> Read<Verdict> {
    let said = tag(text, "verdict")?;
    match said.trim_end_matches('.').to_ascii_lowercase().as_str() {
        "yes" => Ok(Verdict::Yes),
        "no" => Ok(Verdict::No),
        "unclear" => Ok(Verdict::Unclear),
        _ => Err(Unusable::new(
            Reason::UnclearVerdict,
            format!("`{}` is not yes, no or unclear", said.chars().take(80).collect::<String>()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn reason<T: fmt::Debug>(read: Read<T>) -> Reason {
        read.unwrap_err().reason
    }

    #[test]
    fn a_tag_is_read_past_its_scratchpad() {
        let text =
            "<scratchpad>put it in <content></content></scratchpad>\n<content>\n hi </content>";
        assert_eq!(tag(text, "content"), Ok("hi"));
        assert_eq!(tag(text, "scratchpad"), Ok("put it in <content></content>"));
    }

    #[test]
    fn a_tag_that_is_not_right_has_a_reason() {
        assert_eq!(reason(tag("I cannot help.", "content")), Reason::MissingTag);
        assert_eq!(reason(tag("<content>cut o", "content")), Reason::UnclosedTag);
        assert_eq!(reason(tag("<scratchpad>cut o", "content")), Reason::UnclosedTag);
        assert_eq!(
            reason(tag("<scratchpad>a <content>b</content>", "content")),
            Reason::UnclosedTag
        );
        assert_eq!(reason(tag("<content> </content>", "content")), Reason::Empty);
        assert_eq!(
            reason(tag("<content>a</content><content>b</content>", "content")),
            Reason::RepeatedTag
        );
        assert_eq!(
            reason(tag("<content>a <scratchpad></content>", "content")),
            Reason::LeakedScratchpad,
        );
    }

    #[test]
    fn lists_keep_multi_line_items() {
        let text =
            "Here are two:\n\n1. First\n   goes on\n2) Second:\n\n   - a\n   - b\n\nHope it helps!";
        assert_eq!(list(text).unwrap(), ["First\ngoes on", "Second:\n- a\n- b"]);
        assert_eq!(list("- a\n* b\n• c").unwrap(), ["a", "b", "c"]);
        assert_eq!(list("10. ten\n11. eleven").unwrap(), ["ten", "eleven"]);
        assert_eq!(reason(list("1.5 litres\n-not an item")), Reason::MissingList);
    }

    #[test]
    fn json_is_found_in_prose_and_fences() {
        assert_eq!(json::<Vec<u8>>("Sure: [1, 2] as asked"), Ok(vec![1, 2]));
        assert_eq!(json::<Vec<String>>("```json\n[\"```\"]\n```"), Ok(vec!["```".to_owned()]));
        assert_eq!(reason(json::<Vec<u8>>("[1, 2")), Reason::BadJson);
        assert_eq!(reason(json::<Vec<u8>>("none")), Reason::BadJson);
        assert_eq!(reason(json::<Vec<u8>>("{\"a\": 1}")), Reason::BadJson);
    }

    #[test]
    fn verdicts_are_exact() {
        assert_eq!(verdict("so <verdict>Yes.</verdict>"), Ok(Verdict::Yes));
        assert_eq!(verdict("<verdict>unclear</verdict>"), Ok(Verdict::Unclear));
        assert_eq!(
            reason(verdict("<verdict>no - the email yesterday</verdict>")),
            Reason::UnclearVerdict
        );
        assert_eq!(reason(verdict("yes")), Reason::MissingTag);
    }

    proptest! {
        #[test]
        fn readers_never_panic(text in "(?s).{0,200}|[<>/a-z`\\-1-9.)\\[\\]{}\" \n]{0,80}") {
            let _ = (tag(&text, "content"), list(&text), verdict(&text));
            let _ = json::<serde_json::Value>(&text);
        }

        #[test]
        fn what_is_put_into_a_list_comes_out(items in prop::collection::vec("[a-z][a-z ]{0,10}[a-z]", 1..9)) {
            let text: String = items.iter().enumerate().map(|(i, s)| format!("{}. {s}\n", i + 1)).collect();
            prop_assert_eq!(list(&text).unwrap(), items);
        }
    }
}
