//! Equality, order and membership.

use std::{cmp::Ordering, rc::Rc};

use super::{
    ast::Comparison,
    fault::{Eval, Fault, fail},
    iterate,
    meter::Meter,
    value::{Value, View},
};

/// Whether `left` stands so to `right`.
pub(super) fn holds(
    meter: &Rc<Meter>,
    comparison: Comparison,
    left: &Value,
    right: &Value,
) -> Eval<bool> {
    Ok(match comparison {
        Comparison::Eq => equal(meter, left, right)?,
        Comparison::Ne => !equal(meter, left, right)?,
        Comparison::In => contains(meter, right, left)?,
        Comparison::NotIn => !contains(meter, right, left)?,
        Comparison::Lt => order(meter, left, right, comparison)?.is_some_and(Ordering::is_lt),
        Comparison::Le => order(meter, left, right, comparison)?.is_some_and(Ordering::is_le),
        Comparison::Gt => order(meter, left, right, comparison)?.is_some_and(Ordering::is_gt),
        Comparison::Ge => order(meter, left, right, comparison)?.is_some_and(Ordering::is_ge),
    })
}

pub(super) fn equal(meter: &Rc<Meter>, left: &Value, right: &Value) -> Eval<bool> {
    meter.spend(1)?;
    Ok(match (left, right) {
        (Value::Undefined(_), Value::Undefined(_)) | (Value::None, Value::None) => true,
        (Value::Text(a), Value::Text(b)) => {
            meter.walk(a.text.len().min(b.text.len()))?;
            a.text == b.text
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            if Rc::ptr_eq(a, b) {
                return Ok(true);
            }
            if a.items.len() != b.items.len() {
                return Ok(false);
            }
            for (a, b) in a.items.iter().zip(&b.items) {
                if !equal(meter, a, b)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Dict(a), Value::Dict(b)) => {
            if Rc::ptr_eq(a, b) {
                return Ok(true);
            }
            if a.entries.len() != b.entries.len() {
                return Ok(false);
            }
            for (key, value) in &a.entries {
                match get(meter, &b.entries, key)? {
                    Some(other) if equal(meter, value, other)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Range(a), Value::Range(b)) => {
            let same_start = a.start == b.start || a.len() == 0;
            let same_step = a.step == b.step || a.len() <= 1;
            a.len() == b.len() && same_start && same_step
        }
        (Value::View(View::Keys, a), Value::View(View::Keys, b)) => {
            let mut all = a.entries.len() == b.entries.len();
            for (key, _) in &a.entries {
                all = all && get(meter, &b.entries, key)?.is_some();
            }
            all
        }
        _ => match numbers(left, right) {
            Some(order) => order == Some(Ordering::Equal),
            None => same(left, right),
        },
    })
}

/// Python's `is`, as far as it can be seen.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Undefined(a), Value::Undefined(b)) => Rc::ptr_eq(a, b),
        (Value::None, Value::None) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => Rc::ptr_eq(a, b),
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => Rc::ptr_eq(a, b),
        (Value::Dict(a), Value::Dict(b)) => Rc::ptr_eq(a, b),
        (Value::Stream(a), Value::Stream(b)) => Rc::ptr_eq(a, b),
        (Value::Namespace(a), Value::Namespace(b)) => Rc::ptr_eq(a, b),
        (Value::Macro(a), Value::Macro(b)) => Rc::ptr_eq(a, b),
        (Value::Loop(a), Value::Loop(b)) => Rc::ptr_eq(a, b),
        (Value::Cycler(a), Value::Cycler(b)) => Rc::ptr_eq(a, b),
        (Value::Joiner(a), Value::Joiner(b)) => Rc::ptr_eq(a, b),
        (Value::Builtin(a), Value::Builtin(b)) => a == b,
        _ => false,
    }
}

/// How two numbers are ordered, if both are numbers; `Some(None)` where one is not a number at all.
fn numbers(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    if let (Some(a), Some(b)) = (left.as_int(), right.as_int()) {
        return Some(Some(a.cmp(&b)));
    }
    Some(left.as_float()?.partial_cmp(&right.as_float()?))
}

/// How two values are ordered; `None` where none of `<`, `==`, `>` holds.
///
/// Fails where Python raises: a number and a string, say.
pub(super) fn order(
    meter: &Rc<Meter>,
    left: &Value,
    right: &Value,
    comparison: Comparison,
) -> Eval<Option<Ordering>> {
    meter.spend(1)?;
    match (left, right) {
        (Value::Undefined(message), _) | (_, Value::Undefined(message)) => fail!("{message}"),
        (Value::Text(a), Value::Text(b)) => {
            meter.walk(a.text.len().min(b.text.len()))?;
            Ok(Some(a.text.cmp(&b.text)))
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            for (a, b) in a.items.iter().zip(&b.items) {
                if !equal(meter, a, b)? {
                    return order(meter, a, b, comparison);
                }
            }
            Ok(Some(a.items.len().cmp(&b.items.len())))
        }
        _ => match numbers(left, right) {
            Some(order) => Ok(order),
            None => fail!(
                "'{}' not supported between instances of '{}' and '{}'",
                comparison.symbol(),
                left.kind(),
                right.kind()
            ),
        },
    }
}

/// `item in container`.
pub(super) fn contains(meter: &Rc<Meter>, container: &Value, item: &Value) -> Eval<bool> {
    match container {
        Value::Text(text) => match item.as_str() {
            Some(part) => {
                meter.walk(text.text.len())?;
                Ok(text.text.contains(part))
            }
            None => fail!("'in <string>' requires string as left operand, not {}", item.kind()),
        },
        Value::Dict(dict) | Value::View(View::Keys, dict) => {
            Ok(get(meter, &dict.entries, item)?.is_some())
        }
        Value::Range(range) => Ok(match item.as_int() {
            Some(int) => {
                let step = i128::from(range.step);
                let away = int.saturating_sub(i128::from(range.start));
                away % step == 0 && (0..range.len() as i128).contains(&(away / step))
            }
            None => false,
        }),
        Value::List(items) | Value::Tuple(items) => {
            for other in &items.items {
                if equal(meter, other, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Stream(stream) => {
            // What comes after the item stays to be gone through.
            loop {
                let Some(next) = stream.rest.borrow_mut().pop() else { return Ok(false) };
                if equal(meter, &next, item)? {
                    return Ok(true);
                }
            }
        }
        other if iterate::can(other) => {
            for other in iterate::all(meter, other)? {
                if equal(meter, &other, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        other => fail!("argument of type '{}' is not iterable", other.kind()),
    }
}

/// The value of a key.
pub(super) fn get<'v>(
    meter: &Rc<Meter>,
    entries: &'v [(Value, Value)],
    key: &Value,
) -> Eval<Option<&'v Value>> {
    hashable(key)?;
    if let Some(text) = key.as_str() {
        meter.spend(1 + entries.len() as u64 / 16)?;
        return Ok(entries
            .iter()
            .find(|(key, _)| key.as_str() == Some(text))
            .map(|(_, value)| value));
    }
    for (other, value) in entries {
        if equal(meter, other, key)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// Fails on what cannot be the key of a dictionary.
pub(super) fn hashable(key: &Value) -> Eval<()> {
    match key {
        Value::List(_) | Value::Dict(_) => {
            Err(Fault::new(format!("unhashable type: '{}'", key.kind())))
        }
        Value::Tuple(tuple) => tuple.items.iter().try_for_each(hashable),
        _ => Ok(()),
    }
}
