//! Which parts of a rendered chat the model writes.

use std::ops::Range;

use ethos_core::{Chat, Role};
use serde_json::Value;

use super::{answer, chat::Scene};
use crate::{Error, Result, Tokenizer, tokens::Row};

/// A rendered chat with the parts that the model writes.
///
/// Displayed, those parts stand in `[brackets]`; with `{:#}` they are coloured, for terminals.
#[derive(Clone, Debug, PartialEq)]
pub struct Masked {
    /// What the model reads.
    pub text: String,
    /// What the model writes of it: in order, apart from each other.
    pub spans: Vec<Span>,
}

/// A part of a rendered chat that the model writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Weight of its loss.
    pub weight: f32,
}

impl Masked {
    /// The chat in tokens.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer fails.
    pub fn row(&self, tokenizer: &Tokenizer) -> Result<Row> {
        let mut row = Row::default();
        let mut spans = self.spans.iter().peekable();
        for (id, (start, end)) in tokenizer.encode_with_offsets(&self.text)? {
            while spans.next_if(|span| span.range.end <= start).is_some() {}
            let within = spans.peek().filter(|span| {
                let begins = tokenizer.is_special(id) && span.range.start > start;
                end > span.range.start && !begins
            });
            row.ids.push(id);
            row.weights.push(within.map_or(0.0, |span| span.weight));
        }
        Ok(row)
    }
}

pub(super) fn mask(scene: &Scene<'_>, chat: &Chat) -> Result<Masked> {
    let answers: Vec<(usize, f32)> = chat
        .messages
        .iter()
        .enumerate()
        .filter(|(_, message)| message.role == Role::Assistant)
        .map(|(place, message)| (place, message.weight.unwrap_or(1.0)))
        .collect();
    if scene.has_generation() {
        return marked(scene, &answers);
    }
    let text = scene.render(&scene.messages, false)?;
    let mut spans: Vec<Span> = Vec::new();
    for (place, weight) in answers.into_iter().filter(|(_, weight)| *weight != 0.0) {
        let range = answer::find(scene, &text, place)?;
        if spans.last().is_some_and(|last| last.range.end > range.start) {
            return Err(undetermined(place, "it overlaps the answer before it"));
        }
        spans.push(Span { range, weight });
    }
    Ok(Masked { text, spans })
}

pub(super) fn undetermined(place: usize, why: &str) -> Error {
    Error::Template(format!(
        "cannot tell where the answer of message {} stands: {why}; mark what the model writes with \
         {{% generation %}}…{{% endgeneration %}}",
        place + 1
    ))
}

/// By the template's own marks.
fn marked(scene: &Scene<'_>, answers: &[(usize, f32)]) -> Result<Masked> {
    let marks = unused(scene)?;
    let marked = scene.render_marked(&scene.messages, false, Some(marks))?;
    let mut masked = Masked { text: String::with_capacity(marked.len()), spans: Vec::new() };
    let mut open = None;
    for piece in marked.split_inclusive(marks) {
        masked.text.push_str(piece.trim_end_matches(marks));
        let end = masked.text.len();
        if piece.ends_with(marks[0]) {
            open.get_or_insert(end);
        } else if piece.ends_with(marks[1])
            && let Some(start) = open.take()
            && start < end
        {
            masked.spans.push(Span { range: start..end, weight: 1.0 });
        }
    }
    if masked.spans.is_empty() && answers.iter().any(|(_, weight)| *weight != 0.0) {
        let message = "it marks nothing of this chat with {% generation %}";
        return Err(Error::Template(message.to_owned()));
    }
    if answers.iter().any(|(_, weight)| *weight != 1.0) {
        weigh(scene, &mut masked, answers)?;
    }
    Ok(masked)
}

/// Gives every span the weight of its message.
fn weigh(scene: &Scene<'_>, masked: &mut Masked, answers: &[(usize, f32)]) -> Result<()> {
    let mut weights = vec![None; masked.spans.len()];
    for &(place, weight) in answers {
        let shown = answer::shown(scene, &masked.text, place)?;
        for (slot, span) in weights.iter_mut().zip(&masked.spans) {
            if span.range.start <= shown.end && shown.start <= span.range.end {
                let whose: &mut Option<f32> = slot;
                if whose.is_some_and(|other| other != weight) {
                    return Err(undetermined(place, "a generated part is of two messages"));
                }
                *whose = Some(weight);
            }
        }
    }
    for (span, weight) in masked.spans.iter_mut().zip(weights) {
        let Some(weight) = weight else {
            let message = "it marks a part with {% generation %} that is of no assistant message";
            return Err(Error::Template(message.to_owned()));
        };
        span.weight = weight;
    }
    masked.spans.retain(|span| span.weight != 0.0);
    Ok(())
}

/// Two characters that nothing in the chat has: noncharacters, which no text holds by right.
fn unused(scene: &Scene<'_>) -> Result<[char; 2]> {
    let text = scene.render(&scene.messages, false)?;
    let mut free = answer::spare_chars().filter(|c| !text.contains(*c));
    match (free.next(), free.next()) {
        (Some(open), Some(close)) => Ok([open, close]),
        _ => Err(Error::Template("a chat holds every Unicode noncharacter".to_owned())),
    }
}

/// A message whose every word is one character.
pub(super) fn replaced(message: &Value, with: char) -> Value {
    let mut message = message.clone();
    let Value::Object(fields) = &mut message else { return message };
    let mut shown = false;
    for (name, field) in fields.iter_mut() {
        match (name.as_str(), field) {
            ("content" | "reasoning_content" | "reasoning" | "thinking", field) => {
                shown |= replace_texts(field, with) && name == "content";
            }
            ("tool_calls", Value::Array(calls)) => {
                for call in calls {
                    let pointer = "/function/arguments";
                    let Some(arguments) = call.pointer_mut(pointer) else { continue };
                    shown = true;
                    *arguments = match arguments {
                        Value::Object(_) => {
                            let mut replaced = serde_json::Map::new();
                            replaced.insert(with.to_string(), with.to_string().into());
                            Value::Object(replaced)
                        }
                        _ => with.to_string().into(),
                    };
                }
            }
            _ => {}
        }
    }
    if !shown {
        // It says nothing; where that would stand is found by saying something.
        fields.insert("content".to_owned(), with.to_string().into());
    }
    message
}

/// Replaces the texts of a content; whether there were any.
fn replace_texts(content: &mut Value, with: char) -> bool {
    match content {
        Value::String(text) if !text.is_empty() => {
            *text = with.to_string();
            true
        }
        Value::Array(parts) => parts.iter_mut().fold(false, |any, part| {
            any | part.get_mut("text").is_some_and(|text| replace_texts(text, with))
        }),
        _ => false,
    }
}
