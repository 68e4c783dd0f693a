//! Where in a rendered chat an answer stands.
//!
//! A template is a program: what it makes of a message is seen by changing the message and looking at
//! what changes in the text. That gives the bytes that depend on the answer. Around them stand the
//! template's own words, of which the model writes some:
//!
//! * before them, what comes after the generation prompt. The chat up to the answer is rendered with
//!   `add_generation_prompt`, which is what the model reads when it answers; where the whole chat begins
//!   with that text, the answer begins behind it. Some templates write the beginning of a whole chat
//!   otherwise (they drop earlier reasoning, or move the tools), so that it does not: then the end
//!   of the message before is looked for in both, and what follows it must be the same.
//! * behind them, the rest of the message up to its end-of-turn token.

use std::ops::Range;

use super::{
    chat::Scene,
    mask::{replaced, undetermined},
};
use crate::{Result, Tokenizer};

/// Noncharacters of Unicode.
pub(super) fn spare_chars() -> impl Iterator<Item = char> {
    ('\u{FDD0}'..='\u{FDEF}').chain(['\u{FFFE}', '\u{FFFF}', '\u{1FFFE}', '\u{1FFFF}'])
}

/// The bytes of `text` that depend on a message.
pub(super) fn shown(scene: &Scene<'_>, text: &str, place: usize) -> Result<Range<usize>> {
    let changed = changed(scene, text, scene.messages.len(), place, false)?;
    if changed == text {
        return Err(undetermined(place, "the template does not show it"));
    }
    Ok(difference(text, &changed))
}

/// The bytes of `text`, the whole chat, that the model writes of a message.
pub(super) fn find(scene: &Scene<'_>, text: &str, place: usize) -> Result<Range<usize>> {
    let shown = shown(scene, text, place)?;
    let start = start(scene, text, place, &shown)?;
    let end = end(scene, text, place, &shown)?;
    if start > shown.end {
        return Err(undetermined(place, "the generation prompt reaches over it"));
    }
    Ok(start..end)
}

/// The first so many messages rendered with one of them replaced.
fn changed(
    scene: &Scene<'_>,
    text: &str,
    count: usize,
    place: usize,
    prompt: bool,
) -> Result<String> {
    let Some(spare) = spare_chars().find(|c| !text.contains(*c)) else {
        return Err(undetermined(place, "the chat holds every Unicode noncharacter"));
    };
    let mut messages = scene.messages[..count].to_vec();
    messages[place] = replaced(&messages[place], spare);
    scene.render(&messages, prompt)
}

/// The bytes of `text` that are not the same in `other`.
fn difference(text: &str, other: &str) -> Range<usize> {
    let start = common_start(text, other);
    start..text.len() - common_end(&text[start..], &other[start..])
}

/// How many bytes both begin with.
fn common_start(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    (0..=same).rev().find(|at| a.is_char_boundary(*at)).unwrap_or(0)
}

/// How many bytes both end with.
fn common_end(a: &str, b: &str) -> usize {
    let same = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    (0..=same).rev().find(|at| a.is_char_boundary(a.len() - at)).unwrap_or(0)
}

/// Where the model begins to write.
fn start(scene: &Scene<'_>, text: &str, place: usize, shown: &Range<usize>) -> Result<usize> {
    let before = &scene.messages[..place];
    let prompt = scene.render(before, true).ok();
    let plain = scene.render(before, false).ok();
    // A template may refuse a chat that ends here, or write no prompt where no message is. What the
    // prompt is shows at the end of the whole chat.
    let Some(prompt) = prompt.filter(|prompt| place > 0 || plain.as_ref() != Some(prompt)) else {
        let whole = scene.render(&scene.messages, true)?;
        return match (whole.strip_prefix(text), plain) {
            (Some(""), Some(plain)) if text.starts_with(&plain) => Ok(plain.len()),
            (Some(added), _) => after_only(text, 0, added, place, shown),
            (None, _) => Err(undetermined(place, "no generation prompt can be told")),
        };
    };
    if text.starts_with(&prompt) {
        return Ok(prompt.len());
    }
    let added = plain.and_then(|plain| Some(prompt.strip_prefix(&plain)?.to_owned()));
    let added = added.unwrap_or_default();
    let (context, tail) = context_end(scene, text, &prompt, place)?;
    if context > shown.start {
        return Err(undetermined(place, "it stands before what comes before it"));
    }
    let same = common_start(&text[context..], tail);
    if same == tail.len() {
        return Ok(context + same);
    }
    // The prompt may open a block of reasoning, which earlier answers are shown without. Part of the
    // prompt stands there all the same: a role's mark.
    let known = tail.len() - added.len();
    let blank = |start: usize| text[start..shown.start].trim().is_empty();
    let start = (context + same).min(shown.start);
    if same > known && blank(start) {
        return Ok(start);
    }
    // Another mark may begin with the same letter.
    let same = match tail[..same].rfind(['<', '[']) {
        Some(open) if !tail[open..same].contains(['>', ']']) => open,
        _ => same,
    };
    if same > known && context + same <= shown.start && opens_reasoning(&tail[same..]) {
        return Ok(context + same);
    }
    after_only(text, context, &added, place, shown)
}

/// Whether this is nothing but a mark such as `<think>`.
fn opens_reasoning(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let is_mark = text.starts_with(['<', '[']) && text.ends_with(['>', ']']);
    is_mark && (text.contains("think") || text.contains("reason"))
}

/// Behind the one place, after `from` and before the answer, where the generation prompt stands.
fn after_only(
    text: &str,
    from: usize,
    prompt: &str,
    place: usize,
    shown: &Range<usize>,
) -> Result<usize> {
    let between = &text[from..shown.start];
    match between.match_indices(prompt).collect::<Vec<_>>()[..] {
        [(at, _)] if !prompt.is_empty() => Ok(from + at + prompt.len()),
        _ => Err(undetermined(place, "the generation prompt does not stand before it")),
    }
}

/// Where the messages before an answer end in the whole chat, and what follows them in the prompt.
fn context_end<'p>(
    scene: &Scene<'_>,
    text: &str,
    prompt: &'p str,
    place: usize,
) -> Result<(usize, &'p str)> {
    for before in (0..place).rev() {
        let in_prompt = changed(scene, text, place, before, true);
        let in_text = changed(scene, text, scene.messages.len(), before, false);
        let (Ok(in_prompt), Ok(in_text)) = (in_prompt, in_text) else { continue };
        // A message that is not shown, or only in one of them, tells nothing.
        if in_prompt != prompt && in_text != text {
            let end = difference(text, &in_text).end;
            return Ok((end, &prompt[difference(prompt, &in_prompt).end..]));
        }
    }
    Ok((0, prompt))
}

/// Where the model stops to write: behind the end-of-turn token.
fn end(scene: &Scene<'_>, text: &str, place: usize, shown: &Range<usize>) -> Result<usize> {
    let after = &text[shown.end..];
    let tail = tail(scene, text, place, shown, false)?.unwrap_or_default();
    let own = &after[..common_start(after, &tail)];
    let tokenizer = scene.tokenizer;
    let blank = own.len() - own.trim_start().len();
    if let Some((length, true)) = tokenizer.special_at(&own[blank..]) {
        return Ok(shown.end + blank + length);
    }
    // Something at the end of a chat may not be of its last message. It does not stand there when the
    // chat goes on.
    let going_on = self::tail(scene, text, place, shown, true)?.unwrap_or_default();
    let own = &own[..common_start(own, &going_on)];
    if let Some(length) = tokenizer.first_end(own).or_else(|| tokenizer.last_special(own)) {
        return Ok(shown.end + length);
    }
    let whole = own == tail || own == going_on;
    if let Some((length, is_end)) = tokenizer.special_at(after)
        && (is_end || !whole)
    {
        return Ok(shown.end + length);
    }
    // No token ends a turn: what the template itself writes to end it, if anything.
    let written = if whole { own } else { own.rfind('\n').map_or("", |newline| &own[..newline]) };
    Ok(shown.end + written.trim_end().len())
}

/// What follows a message, at the end of the chat that it is the last of.
fn tail(
    scene: &Scene<'_>,
    text: &str,
    place: usize,
    shown: &Range<usize>,
    prompt: bool,
) -> Result<Option<String>> {
    let count = place + 1;
    if count == scene.messages.len() && !prompt {
        return Ok(Some(text[shown.end..].to_owned()));
    }
    // A chat that ends here may be one that the template refuses.
    let (Ok(alone), Ok(changed)) = (
        scene.render(&scene.messages[..count], prompt),
        changed(scene, text, count, place, prompt),
    ) else {
        return Ok(None);
    };
    Ok(Some(alone[difference(&alone, &changed).end..].to_owned()))
}

impl Tokenizer {
    /// The length of the special token that a text begins with, and whether it ends turns.
    fn special_at(&self, text: &str) -> Option<(usize, bool)> {
        let longest = self.specials().filter(|(token, _)| text.starts_with(*token));
        longest.max_by_key(|(token, _)| token.len()).map(|(token, is_end)| (token.len(), is_end))
    }

    /// Where the last special token ends.
    fn last_special(&self, text: &str) -> Option<usize> {
        self.special_places(text).last().map(|(end, _)| end)
    }

    /// Where the first one ends that ends turns.
    fn first_end(&self, text: &str) -> Option<usize> {
        self.special_places(text).find(|(_, is_end)| *is_end).map(|(end, _)| end)
    }

    fn special_places<'t>(&'t self, text: &'t str) -> impl Iterator<Item = (usize, bool)> + 't {
        let mut at = 0;
        std::iter::from_fn(move || {
            while at < text.len() {
                if let Some((length, is_end)) =
                    text.is_char_boundary(at).then(|| self.special_at(&text[at..])).flatten()
                {
                    at += length;
                    return Some((at, is_end));
                }
                at += 1;
            }
            None
        })
    }
}
