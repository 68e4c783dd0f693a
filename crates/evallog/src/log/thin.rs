//! Cuts what is long out of a summary, to Inspect's measures.

use super::{ChatMessage, Content, ContentPart, Input, Score, Target};
use crate::{Map, Value, json};

/// Characters of an input or target.
const LONGEST_INPUT: usize = 5120;
/// Characters of an explanation, bytes of a value.
const LONGEST_TEXT: usize = 1024;
const REMOVED: &str = "Key removed from summary (> 1k)";

pub(super) fn thin_input(input: &Input) -> Input {
    match input {
        Input::Text(text) => Input::Text(cut(text)),
        Input::Messages(messages) => Input::Messages(messages.iter().map(thin_message).collect()),
    }
}

fn thin_message(message: &ChatMessage) -> ChatMessage {
    let content = match &message.content {
        Content::Text(text) => Content::Text(cut(text)),
        Content::Parts(parts) => Content::Parts(parts.iter().map(thin_part).collect()),
    };
    // Not a clone of it all: the content is what may be large.
    let bare = ChatMessage::new(message.role.clone(), "");
    ChatMessage {
        content,
        id: message.id.clone(),
        source: message.source.clone(),
        metadata: message.metadata.clone(),
        tool_calls: message.tool_calls.clone(),
        model: message.model.clone(),
        tool_call_id: message.tool_call_id.clone(),
        function: message.function.clone(),
        error: message.error.clone(),
        extra: message.extra.clone(),
        ..bare
    }
}

/// Images, reasoning and the like become a word in brackets.
fn thin_part(part: &ContentPart) -> ContentPart {
    if part.kind != "text" {
        let mut letters = part.kind.chars();
        let first = letters.next().map(char::to_uppercase);
        let word: String = first.into_iter().flatten().chain(letters).collect();
        return ContentPart::text(format!("({word})"));
    }
    ContentPart { text: part.text.as_deref().map(cut), ..part.clone() }
}

pub(super) fn thin_target(target: &Target) -> Target {
    match target {
        Target::One(text) => Target::One(cut(text)),
        Target::Many(texts) => Target::Many(texts.iter().map(|text| cut(text)).collect()),
    }
}

pub(super) fn thin_score(score: &Score) -> Score {
    Score {
        answer: score.answer.as_deref().map(shorten),
        explanation: score.explanation.as_deref().map(shorten),
        reason: score.reason.as_deref().map(shorten),
        metadata: score.metadata.as_ref().map(thin_map),
        ..Score::new(score.value.clone())
    }
}

pub(super) fn thin_map(map: &Map) -> Map {
    let thin = |value: &Value| match value {
        Value::String(text) => Value::String(shorten(text)),
        Value::Array(_) | Value::Object(_) if !is_small(value) => REMOVED.into(),
        value => value.clone(),
    };
    map.iter().map(|(key, value)| (key.clone(), thin(value))).collect()
}

/// Whether a value takes little space, without writing all of a large one.
fn is_small(value: &Value) -> bool {
    let mut room = [0_u8; LONGEST_TEXT];
    json::to_writer(room.as_mut_slice(), value).is_ok()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_INPUT) {
        Some((end, _)) => format!("{}...\n(content truncated)", &text[..end]),
        None => text.to_owned(),
    }
}

/// One line of words, ended by dots if there are more.
fn shorten(text: &str) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let added = word.chars().count() + usize::from(length > 0);
        if length + added > LONGEST_TEXT {
            while length + 3 > LONGEST_TEXT {
                let end = line.rfind(' ').unwrap_or(0);
                line.truncate(end);
                length = line.chars().count();
            }
            if line.is_empty() {
                line.extend(word.chars().take(LONGEST_TEXT - 3));
            }
            return line + "...";
        }
        if length > 0 {
            line.push(' ');
        }
        line.push_str(word);
        length += added;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_a_word() {
        assert_eq!(shorten("  a \n b  "), "a b");
        let words = shorten(&"word ".repeat(1000));
        assert!(words.ends_with(" word...") && words.chars().count() <= LONGEST_TEXT, "{words}");
        assert_eq!(shorten(&"ü".repeat(5000)).chars().count(), LONGEST_TEXT);
        assert_eq!(cut(&"ü".repeat(5120)), "ü".repeat(5120));
        assert!(cut(&"ü".repeat(5121)).ends_with("(content truncated)"));
    }

    #[test]
    fn large_values_are_named_but_not_shown() {
        let list = |length| Value::Array(vec![1.into(); length]);
        let map = Map::from_iter([("few".to_owned(), list(10)), ("many".to_owned(), list(1000))]);
        let thin = thin_map(&map);
        assert_eq!(thin["few"], list(10));
        assert_eq!(thin["many"], REMOVED.into());
    }
}
