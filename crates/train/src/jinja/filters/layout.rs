//! Filters that lay text out in lines.

use std::rc::Rc;

use super::super::{
    call::Call,
    fault::{Eval, fail},
    meter::{DEEPEST, Meter, Writer},
    show::{repr, to_string},
    text::{char_range, is_space, lines},
    value::Value,
};

pub(super) fn apply(meter: &Rc<Meter>, name: &str, value: &Value, call: Call) -> Eval<Value> {
    if name == "pprint" {
        let [] = call.exactly(name)?;
        let mut writer = Writer::new(meter);
        repr(&mut writer, value, DEEPEST)?;
        // Longer ones are broken into lines, by rules that no chat template leans on.
        if writer.text().chars().count() > 80 {
            fail!("pprint of more than a line is not supported; use tojson(indent=2)");
        }
        return writer.finish();
    }
    let Value::Text(text) = value else { fail!("{name} needs a string, not {}", value.kind()) };
    let text = &*text.text;
    meter.walk(text.len())?;
    match name {
        "indent" => {
            let [width, first, blank] = call.bind(name, ["width", "first", "blank"])?;
            let is_true = |value: Option<Value>| value.is_some_and(|value| value.truth());
            let indent = match width {
                None => "    ".to_owned(),
                Some(Value::Text(indent)) => indent.text.to_string(),
                Some(width) => {
                    let width = count(Some(&width), 4)?;
                    meter.room(width)?;
                    " ".repeat(width)
                }
            };
            indented(meter, text, &indent, is_true(first), is_true(blank))
        }
        "truncate" => {
            let [length, killwords, end, leeway] =
                call.bind(name, ["length", "killwords", "end", "leeway"])?;
            let length = count(length.as_ref(), 255)?;
            let end = match &end {
                Some(end) => to_string(meter, end)?,
                None => "...".to_owned(),
            };
            let leeway = match &leeway {
                Some(Value::None) | None => 5,
                leeway => count(leeway.as_ref(), 5)?,
            };
            let end_length = end.chars().count();
            if length < end_length {
                fail!("expected length >= {end_length}, got {length}");
            }
            if text.chars().count() <= length.saturating_add(leeway) {
                return Ok(value.clone());
            }
            let mut kept = &text[char_range(text, 0, length - end_length)];
            if !killwords.is_some_and(|killwords| killwords.truth()) {
                kept = kept.rsplit_once(' ').map_or(kept, |(before, _)| before);
            }
            meter.text([kept, &end].concat())
        }
        _ => {
            let [width, break_long, separator, hyphens] =
                call.bind(name, ["width", "break_long_words", "wrapstring", "break_on_hyphens"])?;
            let width = count(width.as_ref(), 79)?;
            let is_true = |value: Option<Value>| value.is_none_or(|value| value.truth());
            let (break_long, hyphens) = (is_true(break_long), is_true(hyphens));
            let separator = match &separator {
                None | Some(Value::None) => "\n".to_owned(),
                Some(separator) => to_string(meter, separator)?,
            };
            if width == 0 {
                fail!("invalid width 0 (must be > 0)");
            }
            let mut writer = Writer::new(meter);
            for (place, line) in lines(meter, text, false)?.into_iter().enumerate() {
                if place > 0 {
                    writer.push(&separator)?;
                }
                wrap(&mut writer, meter, line, width, &separator, (break_long, hyphens))?;
            }
            writer.finish()
        }
    }
}

fn count(value: Option<&Value>, default: usize) -> Eval<usize> {
    match value {
        None => Ok(default),
        Some(value) => match value.as_int() {
            Some(int) => Ok(usize::try_from(int.max(0)).unwrap_or(usize::MAX)),
            None => fail!("a whole number is needed, not {}", value.kind()),
        },
    }
}

fn indented(meter: &Rc<Meter>, text: &str, indent: &str, first: bool, blank: bool) -> Eval<Value> {
    let mut writer = Writer::new(meter);
    if first {
        writer.push(indent)?;
    }
    // A newline at the end is kept, with an empty line after it.
    let with_end = format!("{text}\n");
    for (place, line) in lines(meter, &with_end, false)?.into_iter().enumerate() {
        if place > 0 {
            writer.push("\n")?;
            if blank || !line.is_empty() {
                writer.push(indent)?;
            }
        }
        writer.push(line)?;
    }
    writer.finish()
}

/// One paragraph in lines of at most `width` characters, as Python's `textwrap` breaks them.
fn wrap(
    writer: &mut Writer,
    meter: &Meter,
    text: &str,
    width: usize,
    separator: &str,
    (break_long, hyphens): (bool, bool),
) -> Eval<()> {
    let mut chunks: Vec<&str> = Vec::new();
    meter.read(text.len())?;
    super::super::text::room_for(meter, text.len() / 2)?;
    let mut rest = text;
    while !rest.is_empty() {
        let space = rest.starts_with(is_space);
        let end = rest.find(|c| is_space(c) != space).unwrap_or(rest.len());
        let (chunk, after) = rest.split_at(end);
        rest = after;
        if space || !hyphens {
            chunks.push(chunk);
        } else {
            chunks.extend(hyphenated(chunk));
        }
    }
    chunks.reverse();
    let mut first = true;
    while !chunks.is_empty() {
        let mut line: Vec<&str> = Vec::new();
        let mut length = 0;
        if !first && chunks.last().is_some_and(|chunk| chunk.trim_matches(is_space).is_empty()) {
            chunks.pop();
        }
        while let Some(chunk) = chunks.last() {
            let chars = chunk.chars().count();
            if length + chars > width {
                break;
            }
            length += chars;
            line.extend(chunks.pop());
        }
        if let Some(chunk) = chunks.last().copied()
            && chunk.chars().count() > width
        {
            if break_long {
                let room = width - length.min(width);
                let cut = char_range(chunk, 0, room.max(usize::from(width == 0))).end;
                line.push(&chunk[..cut]);
                if let Some(last) = chunks.last_mut() {
                    *last = &chunk[cut..];
                }
            } else if line.is_empty() {
                line.extend(chunks.pop());
            }
        }
        if line.last().is_some_and(|chunk| chunk.trim_matches(is_space).is_empty()) {
            line.pop();
        }
        if line.is_empty() {
            continue;
        }
        if !first {
            writer.push(separator)?;
        }
        first = false;
        for chunk in line {
            writer.push(chunk)?;
        }
    }
    Ok(())
}

/// A word in the parts that hyphens between letters make.
fn hyphenated(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in word.match_indices('-') {
        let letters = |part: &str| part.chars().filter(|c| c.is_alphabetic()).count();
        let before = &word[start..at];
        let after = &word[at + 1..];
        if letters(before) >= 2
            && before.ends_with(char::is_alphabetic)
            && letters(after) >= 2
            && after.starts_with(char::is_alphabetic)
        {
            parts.push(&word[start..=at]);
            start = at + 1;
        }
    }
    parts.push(&word[start..]);
    parts
}
