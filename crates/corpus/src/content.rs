//! Reading a document out of an answer.

use ethos_core::read::{self, Read, Reason, Unusable};

/// Tags that belong to a plan or to a model's own thinking, or that open and close the content.
const LEAKS: [&str; 8] = [
    "<scratchpad",
    "</scratchpad",
    "<content",
    "</content",
    "<think",
    "</think",
    "<plan>",
    "</plan>",
];

/// What a declined request may begin with before it says so, in lower case.
const SORRY: [&str; 10] = [
    "i'm sorry",
    "i am sorry",
    "sorry",
    "i apologize",
    "i apologise",
    "my apologies",
    "unfortunately",
    "i'm afraid",
    "i am afraid",
    "but",
];

/// How it says so.
const DECLINES: [&str; 9] = [
    "i can't ",
    "i cannot ",
    "i can not ",
    "i won't ",
    "i will not ",
    "i'm unable to ",
    "i am unable to ",
    "i'm not able to ",
    "i am not able to ",
];

/// What it declines.
const DEEDS: [&str; 14] = [
    "help", "assist", "write", "rewrite", "create", "produce", "provide", "generate", "fulfil",
    "comply", "complete", "continue", "do that", "do this",
];

/// Longer texts that begin like a refusal are documents: a letter may well be sorry.
const LONGEST_REFUSAL: usize = 400;

/// The document in an answer.
///
/// The content must be there once and closed, and nothing of the plan may be in it. The scratchpad
/// serves the writer only: where it is missing nothing is lost, but one that opens must close.
pub(crate) fn document(text: &str) -> Read<String> {
    // The last one that opens is the document's own: before it, the plan may speak of its tags.
    let inside = text.rfind("<content>").map_or("", |open| &text[open + "<content>".len()..]);
    let inside = inside.split_once("</content>").map_or(inside, |(inside, _)| inside);
    let low = inside.to_lowercase();
    if let Some(leak) = LEAKS.iter().find(|leak| low.contains(**leak)) {
        let detail = format!("`{leak}` in the content");
        return Err(Unusable::new(Reason::LeakedScratchpad, detail));
    }
    let found = read::tag(text, "content")?;
    // Two drafts, or two ends: which is the document?
    let body = text.split_once("</scratchpad>").map_or(text, |(_, body)| body);
    for tag in ["<content>", "</content>"] {
        if body.matches(tag).count() > 1 {
            return Err(Unusable::new(Reason::RepeatedTag, format!("several `{tag}`")));
        }
    }
    if found.len() <= LONGEST_REFUSAL && declines(&low.replace('’', "'")) {
        return Err(Unusable::new(Reason::Refusal, format!("`{found}`")));
    }
    Ok(found.to_owned())
}

/// Whether a short text, in lower case, begins by declining what was asked.
fn declines(text: &str) -> bool {
    let text = text.trim_start();
    if ["i'm sorry, but", "i am sorry, but", "i must decline"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return true;
    }
    let mut rest = text;
    while let Some(after) = SORRY.iter().find_map(|sorry| rest.strip_prefix(sorry)) {
        rest = after.trim_start_matches([',', '.', ';', ':', '!', ' ', '—', '-']);
        rest = rest.strip_prefix("that ").unwrap_or(rest);
    }
    let deed = DECLINES.iter().find_map(|declines| rest.strip_prefix(declines));
    deed.is_some_and(|deed| DEEDS.iter().any(|word| deed.starts_with(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn reason(text: &str) -> Reason {
        document(text).unwrap_err().reason
    }

    #[test]
    fn a_document_is_what_stands_in_the_content() {
        let text =
            "<scratchpad>I close with </content>.</scratchpad>\n<content>\nA b.\n\nC.\n</content>";
        assert_eq!(document(text).unwrap(), "A b.\n\nC.");
        assert_eq!(document("<content>No plan.</content>").unwrap(), "No plan.");
        let sorry = format!("<content>I'm sorry, but {}</content>", "it was late. ".repeat(50));
        assert!(document(&sorry).is_ok(), "a long text may be sorry");
    }

    #[test]
    fn anything_else_is_none() {
        assert_eq!(reason("I would rather not."), Reason::MissingTag);
        assert_eq!(reason("<scratchpad>plan</scratchpad> text"), Reason::MissingTag);
        assert_eq!(reason("<scratchpad>plan <content>text</content>"), Reason::UnclosedTag);
        assert_eq!(reason("<content>It ends in the mid"), Reason::UnclosedTag);
        assert_eq!(reason("<content>a</content> or <content>b</content>"), Reason::RepeatedTag);
        assert_eq!(reason("<content>a</content> b</content>"), Reason::RepeatedTag);
        assert_eq!(
            reason(
                "<scratchpad>p</scratchpad><content>a</content><scratchpad>q</scratchpad><content>b</content>"
            ),
            Reason::RepeatedTag
        );
        assert_eq!(
            reason("<scratchpad>p</scratchpad><content><scratchpad>q</scratchpad>a</content>"),
            Reason::LeakedScratchpad
        );
        assert_eq!(reason("<content> </content>"), Reason::Empty);
        assert_eq!(
            reason("<content><scratchpad>p</scratchpad> a</content>"),
            Reason::LeakedScratchpad
        );
        assert_eq!(reason("<content><Think>hm</Think> a</content>"), Reason::LeakedScratchpad);
        assert_eq!(
            reason("<content>I’m sorry, but I can’t write this.</content>"),
            Reason::Refusal
        );
    }

    #[test]
    fn declined_requests_are_told_by_how_they_begin() {
        for declined in [
            "I'm sorry, I can't help with that.",
            "Sorry, but I cannot write this document.",
            "I’m unable to assist with this request.",
            "Unfortunately, I won't generate that.",
            "I apologize, but I am not able to provide it.",
            "I must decline.",
        ] {
            assert_eq!(
                reason(&format!("<content>{declined}</content>")),
                Reason::Refusal,
                "{declined}"
            );
        }
        for told in [
            "Sorry state of affairs, said the miller.",
            "I can't remember a better cheese.",
            "I won't go, wrote Ann, unless it keeps.",
        ] {
            assert!(document(&format!("<content>{told}</content>")).is_ok(), "{told}");
        }
    }

    proptest! {
        #[test]
        fn no_tag_is_ever_in_a_document(
            text in "(<content>|</content>|<scratchpad>|</scratchpad>|a| ){0,12}"
        ) {
            if let Ok(document) = document(&text) {
                prop_assert!(!document.contains(['<', '>']) && !document.trim().is_empty());
            }
        }
    }
}
