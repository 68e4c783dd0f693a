//! Methods of strings.

use std::rc::Rc;

use super::super::{
    call::Call,
    fault::{Eval, fail},
    format, iterate,
    machine::Machine,
    meter::{Meter, Writer},
    text::{capitalize, char_range, is_printable, is_space, lines, room_for},
    value::{Text, Value},
};

pub(super) const NAMES: [&str; 44] = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "upper",
    "zfill",
];

pub(super) fn call(
    machine: &mut Machine<'_>,
    receiver: &Rc<Text>,
    name: &str,
    call: Call,
) -> Eval<Value> {
    let meter = machine.meter.clone();
    let text = &*receiver.text;
    meter.walk(text.len())?;
    let same = |text: &str| meter.marked(text, receiver.safe);
    let owned = |text: String| meter.marked(text, receiver.safe);
    match name {
        "strip" | "lstrip" | "rstrip" => {
            let [chars] = call.bind(name, ["chars"])?;
            same(strip(text, name, chars.as_ref())?)
        }
        "split" | "rsplit" => split(&meter, receiver, name == "rsplit", call),
        "startswith" | "endswith" => {
            let [affix, start, end] = call.bind(name, ["prefix", "start", "end"])?;
            let text = &text[part(text, start.as_ref(), end.as_ref())?];
            let affixes = match affix {
                Some(Value::Tuple(affixes)) => affixes.items.clone(),
                Some(affix) => vec![affix],
                None => fail!("{name} needs an argument"),
            };
            for affix in &affixes {
                let affix = string(name, Some(affix))?;
                if if name == "startswith" {
                    text.starts_with(affix)
                } else {
                    text.ends_with(affix)
                } {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        "replace" => {
            let [old, new, count] = call.bind(name, ["old", "new", "count"])?;
            let (old, new) = (string(name, old.as_ref())?, string(name, new.as_ref())?);
            let count = int(count.as_ref(), -1)?;
            let replaced = replace(&meter, text, old, new, count)?;
            owned(replaced)
        }
        "join" => {
            let [items] = call.exactly(name)?;
            let mut writer = Writer::new(&meter);
            for (place, item) in iterate::all(&meter, &items)?.iter().enumerate() {
                if place > 0 {
                    writer.push(text)?;
                }
                match item.as_str() {
                    Some(item) => writer.push(item)?,
                    None => {
                        fail!("sequence item {place}: expected str instance, {} found", item.kind())
                    }
                }
            }
            writer.finish()
        }
        "find" | "rfind" | "index" | "rindex" | "count" => {
            let [wanted, start, end] = call.bind(name, ["sub", "start", "end"])?;
            let wanted = string(name, wanted.as_ref())?;
            let range = part(text, start.as_ref(), end.as_ref())?;
            let inside = &text[range.clone()];
            if name == "count" {
                let count = match wanted {
                    "" => inside.chars().count() + 1,
                    wanted => inside.matches(wanted).count(),
                };
                return Ok(Value::Int(count as i128));
            }
            let found =
                if name.starts_with('r') { inside.rfind(wanted) } else { inside.find(wanted) };
            match found {
                Some(byte) => Ok(Value::Int(text[..range.start + byte].chars().count() as i128)),
                None if name.ends_with("find") => Ok(Value::Int(-1)),
                None => fail!("substring not found"),
            }
        }
        "partition" | "rpartition" => {
            let [separator] = call.exactly(name)?;
            let separator = separator_of(&separator)?;
            let first = name == "partition";
            let found =
                if first { text.split_once(separator) } else { text.rsplit_once(separator) };
            let parts = match found {
                Some((before, after)) => [before, separator, after],
                None if first => [text, "", ""],
                None => ["", "", text],
            };
            meter.tuple(parts.into_iter().map(same).collect::<Eval<_>>()?)
        }
        "removeprefix" | "removesuffix" => {
            let [affix] = call.exactly(name)?;
            let affix = string(name, Some(&affix))?;
            let rest = if name == "removeprefix" {
                text.strip_prefix(affix)
            } else {
                text.strip_suffix(affix)
            };
            same(rest.unwrap_or(text))
        }
        "center" | "ljust" | "rjust" => {
            let [width, fill] = call.bind(name, ["width", "fillchar"])?;
            let Some(width) = width else { fail!("{name} expected at least 1 argument, got 0") };
            let width = int(Some(&width), 0)?;
            let fill = match &fill {
                None => ' ',
                Some(fill) => {
                    let fill = string(name, Some(fill))?;
                    let mut chars = fill.chars();
                    match (chars.next(), chars.next()) {
                        (Some(fill), None) => fill,
                        _ => fail!("the fill character must be exactly one character long"),
                    }
                }
            };
            let side = match name {
                "center" => Side::Both,
                "ljust" => Side::After,
                _ => Side::Before,
            };
            let mut writer = Writer::new(&meter);
            pad(&mut writer, text, width, fill, side)?;
            writer.finish()
        }
        "zfill" => {
            let [width] = call.exactly(name)?;
            let (sign, digits) = match text.chars().next() {
                Some(sign @ ('+' | '-')) => (Some(sign), &text[1..]),
                _ => (None, text),
            };
            let mut writer = Writer::new(&meter);
            if let Some(sign) = sign {
                writer.fill(sign, 1)?;
            }
            let width = int(Some(&width), 0)? - i128::from(sign.is_some());
            pad(&mut writer, digits, width, '0', Side::Before)?;
            writer.finish()
        }
        "expandtabs" => {
            let [size] = call.bind(name, ["tabsize"])?;
            expand_tabs(&meter, text, int(size.as_ref(), 8)?)
        }
        "splitlines" => {
            let [keep] = call.bind(name, ["keepends"])?;
            let lines = lines(&meter, text, keep.is_some_and(|keep| keep.truth()))?;
            meter.list(lines.into_iter().map(same).collect::<Eval<_>>()?)
        }
        "format" => {
            let shown = format::braces(machine, text, &call)?;
            owned(shown)
        }
        "format_map" => {
            let [map] = call.exactly(name)?;
            let Value::Dict(map) = &map else { fail!("format_map needs a mapping") };
            let named = map
                .entries
                .iter()
                .filter_map(|(key, value)| Some((key.as_str()?.into(), value.clone())));
            let call = Call { positional: Vec::new(), named: named.collect() };
            let shown = format::braces(machine, text, &call)?;
            owned(shown)
        }
        plain => {
            let [] = call.exactly(plain)?;
            meter.read(text.len())?;
            meter.room(text.len())?;
            match recased(text, plain) {
                Some(text) => owned(text),
                None => Ok(Value::Bool(is(text, plain))),
            }
        }
    }
}

/// Methods that give the text in other letters.
fn recased(text: &str, name: &str) -> Option<String> {
    Some(match name {
        "lower" => text.to_lowercase(),
        // Differs from lower case for few characters.
        "casefold" => text.to_lowercase().replace('ß', "ss").replace('ς', "σ"),
        "upper" => text.to_uppercase(),
        "capitalize" => capitalize(text),
        "swapcase" => text
            .chars()
            .flat_map(|c| {
                let swapped: Vec<char> = if c.is_uppercase() {
                    c.to_lowercase().collect()
                } else {
                    c.to_uppercase().collect()
                };
                swapped
            })
            .collect(),
        "title" => {
            let mut title = String::new();
            let mut word = String::new();
            for c in text.chars() {
                let cased = c.is_lowercase() || c.is_uppercase();
                if cased {
                    word.push(c);
                } else {
                    title += &capitalize(&word);
                    word.clear();
                    title.push(c);
                }
            }
            title + &capitalize(&word)
        }
        _ => return None,
    })
}

/// Methods that ask about all characters.
fn is(text: &str, name: &str) -> bool {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let cased = |c: char| c.is_lowercase() || c.is_uppercase();
    match name {
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => text.is_ascii(),
        "isdecimal" | "isdigit" => all(|c| c.is_numeric() && c.is_ascii_digit()),
        "isnumeric" => all(char::is_numeric),
        "isspace" => all(is_space),
        "islower" => text.chars().any(cased) && !text.chars().any(char::is_uppercase),
        "isupper" => text.chars().any(cased) && !text.chars().any(char::is_lowercase),
        "isprintable" => text.chars().all(is_printable),
        "isidentifier" => {
            let word = |c: char| c == '_' || c.is_alphanumeric();
            all(word) && !text.starts_with(char::is_numeric)
        }
        _ => recased(text, "title").as_deref() == Some(text) && text.chars().any(cased),
    }
}

fn string<'v>(name: &str, value: Option<&'v Value>) -> Eval<&'v str> {
    match value {
        Some(Value::Text(text)) => Ok(&text.text),
        Some(other) => fail!("{name} needs a string, not {}", other.kind()),
        None => fail!("{name} needs a string"),
    }
}

fn separator_of(value: &Value) -> Eval<&str> {
    match string("the separator", Some(value))? {
        "" => fail!("empty separator"),
        separator => Ok(separator),
    }
}

fn int(value: Option<&Value>, default: i128) -> Eval<i128> {
    match value {
        None => Ok(default),
        Some(value) => match value.as_int() {
            Some(int) => Ok(int),
            None => fail!("'{}' object cannot be interpreted as an integer", value.kind()),
        },
    }
}

/// Byte range of the characters from `start` to `end`, which may count from the end.
fn part(text: &str, start: Option<&Value>, end: Option<&Value>) -> Eval<std::ops::Range<usize>> {
    if start.is_none() && end.is_none() {
        return Ok(0..text.len());
    }
    let length = text.chars().count() as i128;
    let bound = |value: Option<&Value>, default| match value {
        None | Some(Value::None) => Ok(default),
        value => int(value, default).map(|place| {
            (if place < 0 { place.saturating_add(length) } else { place }).clamp(0, length)
        }),
    };
    let (start, end) = (bound(start, 0)? as usize, bound(end, length)? as usize);
    Ok(char_range(text, start, end.max(start)))
}

/// `strip`, `lstrip` and `rstrip`.
pub(in super::super) fn strip<'t>(
    text: &'t str,
    name: &str,
    chars: Option<&Value>,
) -> Eval<&'t str> {
    let given = match chars {
        None | Some(Value::None) => None,
        chars => Some(string(name, chars)?),
    };
    let goes = |c: char| given.map_or_else(|| is_space(c), |given| given.contains(c));
    let text = if name == "rstrip" { text } else { text.trim_start_matches(goes) };
    Ok(if name == "lstrip" { text } else { text.trim_end_matches(goes) })
}

fn split(meter: &Rc<Meter>, receiver: &Text, from_end: bool, call: Call) -> Eval<Value> {
    let text = &*receiver.text;
    let [separator, most] = call.bind("split", ["sep", "maxsplit"])?;
    let most = usize::try_from(int(most.as_ref(), -1)?).unwrap_or(usize::MAX - 1);
    let mut parts: Vec<&str> = Vec::new();
    match separator {
        None | Some(Value::None) => {
            let words = text.split(is_space).filter(|word| !word.is_empty()).count();
            room_for(meter, words.min(most))?;
            let mut rest = text.trim_matches(is_space);
            while !rest.is_empty() {
                let cut =
                    if from_end { rest.rsplit_once(is_space) } else { rest.split_once(is_space) };
                match cut.filter(|_| parts.len() < most) {
                    Some((before, after)) if from_end => {
                        parts.push(after);
                        rest = before.trim_end_matches(is_space);
                    }
                    Some((before, after)) => {
                        parts.push(before);
                        rest = after.trim_start_matches(is_space);
                    }
                    None => {
                        parts.push(rest);
                        break;
                    }
                }
            }
            // What is left keeps its whitespace at the end that was not looked at.
            if parts.len() > most && !from_end {
                let last = parts.pop().unwrap_or_default();
                let start = last.as_ptr() as usize - text.as_ptr() as usize;
                parts.push(&text[start..]);
            } else if parts.len() > most {
                let last = parts.pop().unwrap_or_default();
                let end = last.as_ptr() as usize - text.as_ptr() as usize + last.len();
                parts.push(&text[..end]);
            }
        }
        Some(separator) => {
            let separator = separator_of(&separator)?;
            room_for(meter, text.matches(separator).count().min(most))?;
            if from_end {
                parts.extend(text.rsplitn(most + 1, separator));
            } else {
                parts.extend(text.splitn(most + 1, separator));
            }
        }
    }
    if from_end {
        parts.reverse();
    }
    let same = |part: &str| meter.marked(part, receiver.safe);
    meter.list(parts.into_iter().map(same).collect::<Eval<_>>()?)
}

/// `text.replace(old, new, count)`.
pub(in super::super) fn replace(
    meter: &Rc<Meter>,
    text: &str,
    old: &str,
    new: &str,
    count: i128,
) -> Eval<String> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut writer = Writer::new(meter);
    let mut plain = 0;
    for (at, found) in text.match_indices(old).take(most) {
        writer.push(&text[plain..at])?;
        writer.push(new)?;
        plain = at + found.len();
    }
    writer.push(&text[plain..])?;
    Ok(writer.into_string())
}

#[derive(Clone, Copy, PartialEq)]
pub(in super::super) enum Side {
    Before,
    After,
    Both,
}

/// A text with fill characters up to a width.
pub(in super::super) fn pad(
    writer: &mut Writer,
    text: &str,
    width: i128,
    fill: char,
    side: Side,
) -> Eval<()> {
    let length = text.chars().count() as i128;
    let missing = usize::try_from((width - length).max(0)).unwrap_or(usize::MAX);
    let before = match side {
        Side::Before => missing,
        Side::After => 0,
        // An odd one goes before the text where the width is odd, as Python has it.
        Side::Both => missing / 2 + (missing & width as usize & 1),
    };
    writer.fill(fill, before)?;
    writer.push(text)?;
    writer.fill(fill, missing - before)
}

fn expand_tabs(meter: &Rc<Meter>, text: &str, size: i128) -> Eval<Value> {
    let mut writer = Writer::new(meter);
    let mut column: i128 = 0;
    for c in text.chars() {
        if c == '\t' {
            let width = if size > 0 { size - column % size } else { 0 };
            writer.fill(' ', usize::try_from(width).unwrap_or(usize::MAX))?;
            column += width;
        } else {
            writer.fill(c, 1)?;
            column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
        }
    }
    writer.finish()
}
