//! Reading an answer with its reasoning.

use ethos_core::read::{Read, Reason, Unusable};

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Reasoning and answer. The reasoning stands first, in one block that closes; one that never closes is an
/// answer that was cut off within it, and never passes.
pub(super) fn reasoned(text: &str) -> Read<(String, String)> {
    let unusable = |reason, detail: &str| Err(Unusable::new(reason, detail));
    let Some(inside) = text.trim_start().strip_prefix(OPEN) else {
        return match text.contains(OPEN) {
            true => {
                unusable(Reason::Other("text before the reasoning".to_owned()), "before `<think>`")
            }
            false => unusable(Reason::MissingTag, "no `<think>`"),
        };
    };
    let Some((reasoning, answer)) = inside.split_once(CLOSE) else {
        return unusable(Reason::UnclosedTag, "`<think>` is never closed");
    };
    let (reasoning, answer) = (reasoning.trim(), plain(answer)?);
    match reasoning.is_empty() {
        true => unusable(Reason::Empty, "nothing in `<think>`"),
        false if reasoning.contains(OPEN) => unusable(Reason::RepeatedTag, "several `<think>`"),
        false => Ok((reasoning.to_owned(), answer)),
    }
}

/// An answer without reasoning.
pub(super) fn plain(text: &str) -> Read<String> {
    let answer = text.trim();
    let low = answer.to_ascii_lowercase();
    if let Some(tag) = [OPEN, CLOSE].into_iter().find(|tag| low.contains(tag)) {
        return Err(Unusable::new(Reason::RepeatedTag, format!("`{tag}` in the answer")));
    }
    match answer.is_empty() {
        true => Err(Unusable::new(Reason::Empty, "no answer")),
        false => Ok(answer.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_that_never_closes_never_passes() {
        let (reasoning, answer) = reasoned("\n<think>\nHm, <b>.\n</think>\n\nYes.\nNo.\n").unwrap();
        assert_eq!((&*reasoning, &*answer), ("Hm, <b>.", "Yes.\nNo."));
        for (said, reason) in [
            ("Yes.", Reason::MissingTag),
            ("<think>Hm, yes.", Reason::UnclosedTag),
            ("<think>Hm</think>", Reason::Empty),
            ("<think> </think>Yes.", Reason::Empty),
            ("<think>a<think>b</think>Yes.", Reason::RepeatedTag),
            ("<think>a</think>Yes.</think>", Reason::RepeatedTag),
            ("<think>a</think>Yes.<think>b</think>", Reason::RepeatedTag),
        ] {
            assert_eq!(reasoned(said).unwrap_err().reason, reason, "{said}");
        }
        assert!(reasoned("Well: <think>a</think>Yes.").is_err());
        assert!(plain("<Think>Hm, yes.").is_err() && plain("I think. Yes.").is_ok());
    }
}
