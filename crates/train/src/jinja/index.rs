//! Items and slices.

use std::rc::Rc;

use super::{
    attribute,
    compare::get,
    fault::{Eval, fail},
    meter::Meter,
    show::to_string,
    text::char_range,
    value::{Range, Value},
};

/// `container[key]`; undefined where there is none.
pub(super) fn item(meter: &Rc<Meter>, container: &Value, key: &Value) -> Eval<Value> {
    meter.spend(1)?;
    let found = match container {
        Value::Undefined(message) => fail!("{message}"),
        Value::Dict(dict) => match get(meter, &dict.entries, key) {
            Ok(found) => found.cloned(),
            // A list is no key, so there is no such item.
            Err(_) if matches!(key, Value::List(_) | Value::Dict(_)) => None,
            Err(fault) => return Err(fault),
        },
        Value::List(items) | Value::Tuple(items) => {
            place(key, items.items.len()).map(|place| items.items[place].clone())
        }
        Value::Text(text) => {
            meter.walk(text.text.len())?;
            match place(key, text.text.chars().count()) {
                Some(place) => {
                    let range = char_range(&text.text, place, place + 1);
                    Some(meter.marked(&text.text[range], text.safe)?)
                }
                None => None,
            }
        }
        Value::Range(range) => place(key, range.len()).map(|place| range.get(place)),
        _ => None,
    };
    match (found, key) {
        (Some(found), _) => Ok(found),
        (None, Value::Text(name)) => match attribute::of(container, &name.text)? {
            Some(found) => Ok(found),
            None => Ok(attribute::missing(container, &name.text)),
        },
        (None, key) => {
            let key = to_string(meter, key)?;
            Ok(Value::undefined(format!("{} has no element {key}", attribute::kind(container))))
        }
    }
}

/// The place that a whole number means, from the end where it is negative.
fn place(key: &Value, length: usize) -> Option<usize> {
    let place = key.as_int()?;
    let place = if place < 0 { place + length as i128 } else { place };
    usize::try_from(place).ok().filter(|place| *place < length)
}

/// `value[start:stop:step]`.
pub(super) fn slice(meter: &Rc<Meter>, value: &Value, bounds: [Value; 3]) -> Eval<Value> {
    let mut numbers = [None; 3];
    for (number, bound) in numbers.iter_mut().zip(&bounds) {
        *number = match bound {
            Value::None => None,
            other => match other.as_int() {
                // Nothing is longer than this.
                Some(int) => Some(int.clamp(-(1 << 40), 1 << 40) as i64),
                None => fail!("slice indices must be integers or None"),
            },
        };
    }
    let length = match value {
        Value::Undefined(message) => fail!("{message}"),
        Value::Text(_) | Value::List(_) | Value::Tuple(_) | Value::Range(_) => value.len(),
        Value::Dict(_) => fail!("unhashable type: 'slice'"),
        _ => None,
    };
    let Some(length) = length else { fail!("'{}' object is not subscriptable", value.kind()) };
    let range = indices(numbers, length)?;
    match value {
        Value::Text(text) => {
            meter.walk(text.text.len())?;
            let taken: String = if range.step == 1 {
                let count = range.len();
                let start = range.start as usize;
                text.text[char_range(&text.text, start, start + count)].to_owned()
            } else {
                meter.room(text.text.len().saturating_mul(5))?;
                let chars: Vec<char> = text.text.chars().collect();
                places(range).map(|place| chars[place]).collect()
            };
            meter.marked(taken, text.safe)
        }
        Value::List(items) => meter.list(places(range).map(|at| items.items[at].clone()).collect()),
        Value::Tuple(items) => {
            meter.tuple(places(range).map(|at| items.items[at].clone()).collect())
        }
        Value::Range(inner) => Ok(Value::Range(Range {
            start: inner.start.saturating_add(inner.step.saturating_mul(range.start)),
            stop: inner.start.saturating_add(inner.step.saturating_mul(range.stop)),
            step: inner.step.saturating_mul(range.step),
        })),
        _ => Ok(Value::None),
    }
}

fn places(range: Range) -> impl Iterator<Item = usize> {
    (0..range.len()).map(move |n| (range.start + range.step * n as i64) as usize)
}

/// The places that a slice of so many items means.
fn indices([start, stop, step]: [Option<i64>; 3], length: usize) -> Eval<Range> {
    let (length, step) = (length as i64, step.unwrap_or(1));
    if step == 0 {
        fail!("slice step cannot be zero");
    }
    // Steps beyond the length go once, whatever their size.
    let step = step.clamp(-length - 1, length + 1);
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let bound = |bound: Option<i64>, default: i64| match bound {
        None => default,
        Some(bound) if bound < 0 => (bound + length).max(lowest),
        Some(bound) => bound.min(highest),
    };
    let (first, last) = if step > 0 { (lowest, highest) } else { (highest, lowest) };
    Ok(Range { start: bound(start, first), stop: bound(stop, last), step })
}
