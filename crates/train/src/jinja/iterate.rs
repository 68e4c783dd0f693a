//! Going through values.

use std::{cell::RefCell, rc::Rc};

use super::{
    fault::{Eval, fail},
    meter::{Meter, nested},
    value::{Items, Stream, Text, Value, View},
};

/// Whether a `for` can go through it.
pub(super) fn can(value: &Value) -> bool {
    matches!(
        value,
        Value::Undefined(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Dict(_)
            | Value::View(..)
            | Value::Range(_)
            | Value::Stream(_)
    )
}

/// Everything that a `for` gets from it. A generator is empty afterwards.
pub(super) fn all(meter: &Rc<Meter>, value: &Value) -> Eval<Vec<Value>> {
    let steps = |items: usize| meter.spend(1 + items as u64 / 4);
    match value {
        Value::Undefined(_) => Ok(Vec::new()),
        Value::Text(text) => {
            let count = text.text.chars().count();
            meter.room(count.saturating_mul(Text::OVERHEAD + size_of::<Value>()))?;
            text.text.chars().map(|c| meter.text(c.to_string())).collect()
        }
        Value::List(list) | Value::Tuple(list) => {
            steps(list.items.len())?;
            meter.room(list.items.len() * size_of::<Value>())?;
            Ok(list.items.clone())
        }
        Value::Dict(dict) | Value::View(View::Keys, dict) => {
            steps(dict.entries.len())?;
            Ok(dict.entries.iter().map(|(key, _)| key.clone()).collect())
        }
        Value::View(View::Values, dict) => {
            steps(dict.entries.len())?;
            Ok(dict.entries.iter().map(|(_, value)| value.clone()).collect())
        }
        Value::View(View::Items, dict) => {
            let pair =
                |(key, value): &(Value, Value)| meter.tuple(vec![key.clone(), value.clone()]);
            dict.entries.iter().map(pair).collect()
        }
        Value::Range(range) => {
            steps(range.len())?;
            Ok((0..range.len()).map(|place| range.get(place)).collect())
        }
        Value::Stream(stream) => {
            let mut rest = std::mem::take(&mut *stream.rest.borrow_mut());
            steps(rest.len())?;
            rest.reverse();
            Ok(rest)
        }
        other => fail!("'{}' object is not iterable", other.kind()),
    }
}

/// A generator of these items.
pub(super) fn stream(meter: &Rc<Meter>, mut items: Vec<Value>) -> Eval<Value> {
    let depth = nested(items.iter())?;
    let charge = meter.hold(items.len() * size_of::<Value>() + Items::OVERHEAD)?;
    items.reverse();
    Ok(Value::Stream(Rc::new(Stream { rest: RefCell::new(items), depth, _charge: charge })))
}
