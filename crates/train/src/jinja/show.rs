//! Values as Python prints them: `str` and `repr`.

use std::rc::Rc;

use super::{
    fault::{Eval, fail},
    meter::{DEEPEST, Meter, Writer},
    number,
    text::is_printable,
    value::{Value, View},
};

/// `str(value)`: what `{{ value }}` prints.
pub(super) fn print(writer: &mut Writer, value: &Value) -> Eval<()> {
    match value {
        Value::Undefined(_) => Ok(()),
        Value::Text(text) => writer.push(&text.text),
        Value::Joiner(joiner) if !joiner.used.get() => Ok(()),
        other => repr(writer, other, DEEPEST),
    }
}

/// `str(value)` as a value.
pub(super) fn to_text(meter: &Rc<Meter>, value: &Value) -> Eval<Value> {
    match value {
        Value::Text(text) if !text.safe => Ok(value.clone()),
        _ => {
            let mut writer = Writer::new(meter);
            print(&mut writer, value)?;
            writer.finish()
        }
    }
}

/// `str(value)` as a string.
pub(super) fn to_string(meter: &Rc<Meter>, value: &Value) -> Eval<String> {
    let mut writer = Writer::new(meter);
    print(&mut writer, value)?;
    Ok(writer.into_string())
}

/// `repr(value)`, with room for so many levels.
pub(super) fn repr(writer: &mut Writer, value: &Value, room: u16) -> Eval<()> {
    let Some(room) = room.checked_sub(1) else { fail!("a value is nested too deep to be printed") };
    match value {
        Value::Undefined(_) => writer.push("Undefined"),
        Value::None => writer.push("None"),
        Value::Bool(true) => writer.push("True"),
        Value::Bool(false) => writer.push("False"),
        Value::Int(int) => writer.push(&int.to_string()),
        Value::Float(float) => writer.push(&number::float(*float)),
        Value::Text(text) if text.safe => {
            writer.push("Markup(")?;
            quoted(writer, &text.text)?;
            writer.push(")")
        }
        Value::Text(text) => quoted(writer, &text.text),
        Value::List(list) => sequence(writer, ("[", "]"), &list.items, room),
        Value::Tuple(tuple) => {
            let close = if tuple.items.len() == 1 { ",)" } else { ")" };
            sequence(writer, ("(", close), &tuple.items, room)
        }
        Value::Dict(dict) => entries(writer, &dict.entries, room),
        Value::View(View::Items, dict) => {
            writer.push("dict_items([")?;
            for (place, (key, value)) in dict.entries.iter().enumerate() {
                writer.push(if place == 0 { "(" } else { ", (" })?;
                repr(writer, key, room)?;
                writer.push(", ")?;
                repr(writer, value, room)?;
                writer.push(")")?;
            }
            writer.push("])")
        }
        Value::View(view, dict) => {
            let keys = *view == View::Keys;
            writer.push(if keys { "dict_keys([" } else { "dict_values([" })?;
            for (place, (key, value)) in dict.entries.iter().enumerate() {
                writer.push(if place == 0 { "" } else { ", " })?;
                repr(writer, if keys { key } else { value }, room)?;
            }
            writer.push("])")
        }
        Value::Range(range) => {
            writer.push(&format!("range({}, {}", range.start, range.stop))?;
            if range.step != 1 {
                writer.push(&format!(", {}", range.step))?;
            }
            writer.push(")")
        }
        Value::Namespace(namespace) => {
            writer.push("<Namespace {")?;
            for (place, (name, value)) in namespace.attributes.borrow().iter().enumerate() {
                writer.push(if place == 0 { "" } else { ", " })?;
                quoted(writer, name)?;
                writer.push(": ")?;
                repr(writer, value, room)?;
            }
            writer.push("}>")
        }
        Value::Macro(called) => {
            writer.push("<Macro ")?;
            quoted(writer, &called.node.name)?;
            writer.push(">")
        }
        Value::Loop(over) => {
            let (index, length) = over.progress();
            writer.push(&format!("<LoopContext {index}/{length}>"))
        }
        // Python prints an address, which nobody can want in a text.
        other => writer.push(&format!("<{} object>", other.kind())),
    }
}

fn sequence(
    writer: &mut Writer,
    (open, close): (&str, &str),
    items: &[Value],
    room: u16,
) -> Eval<()> {
    writer.push(open)?;
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            writer.push(", ")?;
        }
        repr(writer, item, room)?;
    }
    writer.push(close)
}

fn entries(writer: &mut Writer, entries: &[(Value, Value)], room: u16) -> Eval<()> {
    writer.push("{")?;
    for (place, (key, value)) in entries.iter().enumerate() {
        if place > 0 {
            writer.push(", ")?;
        }
        repr(writer, key, room)?;
        writer.push(": ")?;
        repr(writer, value, room)?;
    }
    writer.push("}")
}

/// `repr` of a string.
pub(super) fn quoted(writer: &mut Writer, text: &str) -> Eval<()> {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    writer.fill(quote, 1)?;
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let escape = match c {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if c == quote => format!("\\{c}"),
            ' '..='~' => continue,
            c if is_printable(c) => continue,
            c if (c as u32) < 0x100 => format!("\\x{:02x}", c as u32),
            c if (c as u32) < 0x10000 => format!("\\u{:04x}", c as u32),
            c => format!("\\U{:08x}", c as u32),
        };
        writer.push(&text[plain..at])?;
        writer.push(&escape)?;
        plain = at + c.len_utf8();
    }
    writer.push(&text[plain..])?;
    writer.fill(quote, 1)
}
