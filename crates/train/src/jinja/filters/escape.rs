//! Filters around HTML and addresses.

use std::rc::Rc;

use super::super::{
    call::Call,
    fault::{Eval, fail},
    iterate,
    meter::{Meter, Writer},
    show::to_string,
    text::is_space,
    value::{Value, View},
};

pub(super) fn apply(meter: &Rc<Meter>, name: &str, value: &Value, call: Call) -> Eval<Value> {
    match name {
        "safe" => {
            let [] = call.exactly(name)?;
            meter.marked(to_string(meter, value)?, true)
        }
        "escape" | "e" => {
            let [] = call.exactly(name)?;
            match value {
                Value::Text(text) if text.safe => Ok(value.clone()),
                _ => meter.marked(escaped(meter, value)?, true),
            }
        }
        "forceescape" => {
            let [] = call.exactly(name)?;
            meter.marked(escaped(meter, value)?, true)
        }
        "striptags" => {
            let [] = call.exactly(name)?;
            meter.read(value.as_str().map_or(0, str::len))?;
            meter.text(without_tags(&to_string(meter, value)?))
        }
        "urlencode" => {
            let [] = call.exactly(name)?;
            let mut writer = Writer::new(meter);
            match value {
                Value::Text(text) => quote(&mut writer, &text.text, false)?,
                Value::Dict(_)
                | Value::List(_)
                | Value::Tuple(_)
                | Value::Stream(_)
                | Value::View(..) => {
                    let pairs = match value {
                        Value::Dict(dict) => {
                            iterate::all(meter, &Value::View(View::Items, dict.clone()))?
                        }
                        other => iterate::all(meter, other)?,
                    };
                    for (place, pair) in pairs.iter().enumerate() {
                        let pair = iterate::all(meter, pair)?;
                        let [key, value] = &pair[..] else { fail!("urlencode needs pairs") };
                        writer.push(if place == 0 { "" } else { "&" })?;
                        quote(&mut writer, &to_string(meter, key)?, true)?;
                        writer.push("=")?;
                        quote(&mut writer, &to_string(meter, value)?, true)?;
                    }
                }
                other => quote(&mut writer, &to_string(meter, other)?, false)?,
            }
            writer.finish()
        }
        _ => {
            let [space] = call.bind(name, ["autospace"])?;
            let Value::Dict(dict) = value else { fail!("xmlattr needs a mapping") };
            let mut writer = Writer::new(meter);
            let mut gap = if space.is_none_or(|space| space.truth()) { " " } else { "" };
            for (key, value) in &dict.entries {
                if matches!(value, Value::None | Value::Undefined(_)) {
                    continue;
                }
                let Some(name) = key.as_str() else {
                    fail!("xmlattr needs names that are strings")
                };
                if name
                    .contains(|c: char| c.is_ascii() && is_space(c) || matches!(c, '/' | '>' | '='))
                {
                    fail!("Invalid character in attribute name: '{name}'");
                }
                writer.push(gap)?;
                gap = " ";
                writer.push(&escaped(meter, key)?)?;
                writer.push("=\"")?;
                writer.push(&taken_in(meter, value)?)?;
                writer.push("\"")?;
            }
            writer.finish()
        }
    }
}

/// A value as Markup takes it in: escaped, unless it is safe.
fn taken_in(meter: &Rc<Meter>, value: &Value) -> Eval<String> {
    match value {
        Value::Text(text) if text.safe => Ok(text.text.to_string()),
        _ => escaped(meter, value),
    }
}

/// `str(value)` with the characters escaped that mean something in HTML.
pub(in super::super) fn escaped(meter: &Rc<Meter>, value: &Value) -> Eval<String> {
    let plain = to_string(meter, value)?;
    let mut writer = Writer::new(meter);
    let mut rest = plain.as_str();
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        writer.push(&rest[..at])?;
        writer.push(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&#34;",
            _ => "&#39;",
        })?;
        rest = &rest[at + 1..];
    }
    writer.push(rest)?;
    Ok(writer.into_string())
}

/// Text without comments and tags, its whitespace collapsed, its entities resolved.
fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let (end, skip) = match rest[open..].strip_prefix("<!--") {
            Some(comment) => (comment.find("-->").map(|at| open + 4 + at), 3),
            None => (rest[open..].find('>').map(|at| open + at), 1),
        };
        let Some(end) = end else { break };
        plain.push_str(&rest[..open]);
        rest = &rest[end + skip..];
    }
    plain.push_str(rest);
    let words: Vec<&str> = plain.split(is_space).filter(|word| !word.is_empty()).collect();
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'")];
    let resolved = entities.iter().fold(words.join(" "), |text, (name, c)| text.replace(name, c));
    resolved.replace("&amp;", "&")
}

/// Percent encoding of what is neither letter, digit nor `_.-~` (nor `/`, outside of queries).
fn quote(writer: &mut Writer, text: &str, query: bool) -> Eval<()> {
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'.' | b'-' | b'~' => {
                writer.fill(byte as char, 1)?;
            }
            b'/' if !query => writer.push("/")?,
            b' ' if query => writer.push("+")?,
            other => writer.push(&format!("%{other:02X}"))?,
        }
    }
    Ok(())
}
