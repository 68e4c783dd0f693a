//! Filters on strings.

use super::super::{
    call::Call,
    fault::{Eval, fail},
    format,
    machine::Machine,
    meter::Writer,
    methods::{Side, pad, replace, strip},
    show::to_string,
    text::{capitalize, is_space},
    value::Value,
};

pub(super) fn apply(
    machine: &mut Machine<'_>,
    name: &str,
    value: &Value,
    call: Call,
) -> Eval<Value> {
    let meter = &machine.meter;
    let printed;
    let (text, safe) = match value {
        Value::Text(text) => (&*text.text, text.safe),
        other => {
            printed = to_string(meter, other)?;
            (printed.as_str(), false)
        }
    };
    meter.walk(text.len())?;
    meter.room(text.len())?;
    match name {
        "trim" => {
            let [chars] = call.bind(name, ["chars"])?;
            meter.marked(strip(text, name, chars.as_ref())?, safe)
        }
        "replace" => {
            let [old, new, count] = call.bind(name, ["old", "new", "count"])?;
            let (Some(old), Some(new)) = (old, new) else { fail!("replace needs two strings") };
            let (old, new) = (to_string(meter, &old)?, to_string(meter, &new)?);
            let count = match count {
                None | Some(Value::None) => -1,
                Some(count) => match count.as_int() {
                    Some(count) => count,
                    None => fail!("replace needs a whole number of times, not {}", count.kind()),
                },
            };
            meter.text(replace(meter, text, &old, &new, count)?)
        }
        "center" => {
            let [width] = call.bind(name, ["width"])?;
            let width = width.map_or(Some(80), |width| width.as_int());
            let Some(width) = width else { fail!("center needs a whole number") };
            let mut writer = Writer::new(meter);
            pad(&mut writer, text, width, ' ', Side::Both)?;
            writer.finish()
        }
        "format" => {
            let Call { positional, named } = call;
            if !positional.is_empty() && !named.is_empty() {
                fail!("can't handle positional and keyword arguments at the same time");
            }
            let values = if named.is_empty() {
                meter.tuple(positional)?
            } else {
                let named =
                    named.into_iter().map(|(name, value)| (Value::free_text(&*name), value));
                meter.dict(named.collect())?
            };
            meter.text(format::percent(meter, text, &values)?)
        }
        "wordcount" => {
            let [] = call.exactly(name)?;
            meter.read(text.len())?;
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let count = text.split(|c| !word(c)).filter(|part| !part.is_empty()).count();
            Ok(Value::Int(count as i128))
        }
        plain => {
            let [] = call.exactly(plain)?;
            meter.read(text.len())?;
            let text = match plain {
                "upper" => text.to_uppercase(),
                "lower" => text.to_lowercase(),
                "capitalize" => capitalize(text),
                _ => title(text),
            };
            meter.marked(text, safe)
        }
    }
}

/// Words begin after whitespace, hyphens and opening brackets.
fn title(text: &str) -> String {
    let begins = |c: char| is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
    let mut title = String::with_capacity(text.len());
    for part in text.split_inclusive(begins) {
        let mut chars = part.chars();
        if let Some(first) = chars.next() {
            title.extend(first.to_uppercase());
            title += &chars.as_str().to_lowercase();
        }
    }
    title
}
