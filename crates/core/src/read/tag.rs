//! The text in a tag.

use super::{Read, Reason, Unusable};

const OPEN: &str = "<scratchpad>";
const CLOSE: &str = "</scratchpad>";

/// The text between `<name>` and `</name>`, trimmed.
///
/// Scratchpads (`<scratchpad>…</scratchpad>`) before it are skipped, so that a plan which mentions the
/// tag is not taken for the answer. The tag must be there exactly once, closed once, and hold
/// something.
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
    if found.contains(&open) || rest.contains(&open) {
        return Err(Unusable::new(Reason::RepeatedTag, format!("several `{open}`")));
    }
    if rest.contains(&close) {
        return Err(Unusable::new(Reason::RepeatedTag, format!("several `{close}`")));
    }
    if [OPEN, CLOSE].iter().any(|tag| found.contains(tag)) {
        return Err(Unusable::new(Reason::LeakedScratchpad, format!("a scratchpad in `{open}`")));
    }
    if found.is_empty() {
        return Err(Unusable::new(Reason::Empty, format!("nothing in `{open}`")));
    }
    Ok(found)
}

/// What follows the scratchpads that open before `tag`; all of the text where none does.
fn after_scratchpad<'t>(text: &'t str, tag: &str) -> Read<&'t str> {
    let first = text.find(tag).unwrap_or(text.len());
    let Some(open) = text.find(OPEN).filter(|&open| open < first) else { return Ok(text) };
    // A plan may well speak of tags, its own and ours: the last end before the last of ours is its
    // end. Where there is none, ours stand in the plan and nowhere else.
    let last = text.rfind(tag).unwrap_or(text.len());
    let close = text[..last].rfind(CLOSE).filter(|&close| open < close);
    match close.or_else(|| text.rfind(CLOSE).filter(|&close| open < close)) {
        Some(close) => after_scratchpad(&text[close + CLOSE.len()..], tag),
        None => Err(Unusable::new(Reason::UnclosedTag, format!("`{OPEN}` is never closed"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::reason, *};

    #[test]
    fn a_tag_is_read_past_its_scratchpad() {
        let text =
            "<scratchpad>put it in <content></content></scratchpad>\n<content>\n hi </content>";
        assert_eq!(tag(text, "content"), Ok("hi"));
        assert_eq!(tag(text, "scratchpad"), Ok("put it in <content></content>"));
        for around in [
            "<scratchpad>I close </scratchpad> and open <content>.</scratchpad>HERE",
            "<scratchpad>a <scratchpad>b <content>c</content></scratchpad></scratchpad>HERE",
            "<scratchpad>a</scratchpad><scratchpad><content></scratchpad>HERE",
            "<scratchpad>a</scratchpad>HERE<scratchpad>Good.</scratchpad>",
            "HERE<scratchpad>Good.",
        ] {
            let text = around.replace("HERE", "<content>hi</content>");
            assert_eq!(tag(&text, "content"), Ok("hi"), "{text}");
        }
    }

    #[test]
    fn a_tag_that_is_not_right_has_a_reason() {
        for (text, expected) in [
            ("I cannot help.", Reason::MissingTag),
            ("<scratchpad>a <content>draft</content></scratchpad> No.", Reason::MissingTag),
            (
                "<scratchpad>a</scratchpad><scratchpad><content>b</content></scratchpad>",
                Reason::MissingTag,
            ),
            ("<content>cut o", Reason::UnclosedTag),
            ("<scratchpad>cut o", Reason::UnclosedTag),
            ("<scratchpad>a <content>b</content>", Reason::UnclosedTag),
            ("<content> </content>", Reason::Empty),
            ("<content>a</content><content>b</content>", Reason::RepeatedTag),
            ("<content>a<content>b</content></content>", Reason::RepeatedTag),
            ("<content>`</content>` ends it.</content>", Reason::RepeatedTag),
            ("<content>a <scratchpad></content>", Reason::LeakedScratchpad),
            (
                "<scratchpad>a</scratchpad><content>b </scratchpad></content>",
                Reason::LeakedScratchpad,
            ),
        ] {
            assert_eq!(reason(tag(text, "content")), expected, "{text}");
        }
    }
}
