//! `tojson`: Python's `json.dumps`.

use std::rc::Rc;

use super::{
    call::Call,
    fault::{Eval, fail},
    meter::{DEEPEST, Meter, Writer},
    number,
    sort::sorted,
    value::Value,
};

struct Layout {
    ascii: bool,
    indent: Option<String>,
    between: String,
    colon: String,
    sorted: bool,
}

/// `value|tojson(ensure_ascii, indent, separators, sort_keys)`.
pub(super) fn filter(meter: &Rc<Meter>, value: &Value, call: Call) -> Eval<Value> {
    let [ascii, indent, separators, sorted] =
        call.bind("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])?;
    let indent = match indent {
        None | Some(Value::None) => None,
        Some(Value::Text(text)) => Some(text.text.to_string()),
        Some(other) => match other.as_int() {
            Some(width) => {
                let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
                meter.room(width)?;
                Some(" ".repeat(width))
            }
            None => fail!("indent must be a number or a string, not {}", other.kind()),
        },
    };
    let (between, colon) = match separators {
        None | Some(Value::None) => {
            (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned())
        }
        Some(Value::Tuple(pair) | Value::List(pair)) => match &pair.items[..] {
            [Value::Text(between), Value::Text(colon)] => {
                (between.text.to_string(), colon.text.to_string())
            }
            _ => fail!("separators must be two strings"),
        },
        Some(other) => fail!("separators must be two strings, not {}", other.kind()),
    };
    let truth = |value: Option<Value>| value.is_some_and(|value| value.truth());
    let layout = Layout { ascii: truth(ascii), indent, between, colon, sorted: truth(sorted) };
    let mut writer = Writer::new(meter);
    layout.write(meter, &mut writer, value, 0)?;
    writer.finish()
}

impl Layout {
    fn write(&self, meter: &Rc<Meter>, writer: &mut Writer, value: &Value, depth: u16) -> Eval<()> {
        if depth > DEEPEST {
            fail!("a value is nested too deep for JSON");
        }
        match value {
            Value::None => writer.push("null"),
            Value::Bool(value) => writer.push(if *value { "true" } else { "false" }),
            Value::Int(int) => writer.push(&int.to_string()),
            Value::Float(float) => writer.push(&json_float(*float)),
            Value::Text(text) => self.string(writer, &text.text),
            Value::List(items) | Value::Tuple(items) => {
                if items.items.is_empty() {
                    return writer.push("[]");
                }
                writer.push("[")?;
                for (place, item) in items.items.iter().enumerate() {
                    self.before(writer, place, depth + 1)?;
                    self.write(meter, writer, item, depth + 1)?;
                }
                self.newline(writer, depth)?;
                writer.push("]")
            }
            Value::Dict(dict) => {
                if dict.entries.is_empty() {
                    return writer.push("{}");
                }
                writer.push("{")?;
                for (place, (key, value)) in
                    self.entries(meter, &dict.entries)?.into_iter().enumerate()
                {
                    self.before(writer, place, depth + 1)?;
                    match key {
                        Value::Text(text) => self.string(writer, &text.text)?,
                        Value::None => writer.push("\"null\"")?,
                        Value::Bool(value) => {
                            writer.push(if *value { "\"true\"" } else { "\"false\"" })?;
                        }
                        Value::Int(int) => writer.push(&format!("\"{int}\""))?,
                        Value::Float(float) => {
                            writer.push(&format!("\"{}\"", json_float(*float)))?
                        }
                        other => fail!(
                            "keys must be str, int, float, bool or None, not {}",
                            other.kind()
                        ),
                    }
                    writer.push(&self.colon)?;
                    self.write(meter, writer, value, depth + 1)?;
                }
                self.newline(writer, depth)?;
                writer.push("}")
            }
            other => fail!("Object of type {} is not JSON serializable", other.kind()),
        }
    }

    fn entries<'v>(
        &self,
        meter: &Rc<Meter>,
        entries: &'v [(Value, Value)],
    ) -> Eval<Vec<&'v (Value, Value)>> {
        let entries = entries.iter().collect();
        if self.sorted { sorted(meter, entries, |(key, _)| key, false) } else { Ok(entries) }
    }

    fn before(&self, writer: &mut Writer, place: usize, depth: u16) -> Eval<()> {
        if place > 0 {
            writer.push(&self.between)?;
        }
        self.newline(writer, depth)
    }

    fn newline(&self, writer: &mut Writer, depth: u16) -> Eval<()> {
        let Some(indent) = &self.indent else { return Ok(()) };
        writer.push("\n")?;
        (0..depth).try_for_each(|_| writer.push(indent))
    }

    fn string(&self, writer: &mut Writer, text: &str) -> Eval<()> {
        writer.push("\"")?;
        let mut plain = 0;
        for (at, c) in text.char_indices() {
            let escape = match c {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '\x08' => "\\b".to_owned(),
                '\x0c' => "\\f".to_owned(),
                c if c < ' ' => format!("\\u{:04x}", c as u32),
                c if self.ascii && c > '~' => {
                    let mut units = [0; 2];
                    let units = c.encode_utf16(&mut units);
                    units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
                }
                _ => continue,
            };
            writer.push(&text[plain..at])?;
            writer.push(&escape)?;
            plain = at + c.len_utf8();
        }
        writer.push(&text[plain..])?;
        writer.push("\"")
    }
}

fn json_float(value: f64) -> String {
    match number::float(value).as_str() {
        "nan" => "NaN".to_owned(),
        "inf" => "Infinity".to_owned(),
        "-inf" => "-Infinity".to_owned(),
        finite => finite.to_owned(),
    }
}
