//! Python's arithmetic.

use std::rc::Rc;

use super::{
    ast::Math,
    fault::{Eval, Fault, fail},
    filters::escape::escaped,
    format,
    meter::{Meter, Writer},
    number::{float_div_mod, int_div_mod},
    value::{Items, Value},
};

/// `left op right`.
pub(super) fn apply(meter: &Rc<Meter>, op: Math, left: &Value, right: &Value) -> Eval<Value> {
    if let (Value::Undefined(message), _) | (_, Value::Undefined(message)) = (left, right)
        && !(op == Math::Mod && left.as_str().is_some())
    {
        fail!("{message}");
    }
    match (op, left, right) {
        (Math::Add, Value::Text(a), Value::Text(b)) => {
            meter.room(a.text.len() + b.text.len())?;
            if !a.safe && !b.safe {
                return meter.text([&*a.text, &*b.text].concat());
            }
            // Markup takes in only what is escaped.
            let side = |value: &Value, safe: bool, text: &str| {
                if safe { Ok(text.to_owned()) } else { escaped(meter, value) }
            };
            let (a, b) = (side(left, a.safe, &a.text)?, side(right, b.safe, &b.text)?);
            meter.marked(a + &b, true)
        }
        (Math::Add, Value::List(a), Value::List(b)) => meter.list(joined(meter, a, b)?),
        (Math::Add, Value::Tuple(a), Value::Tuple(b)) => meter.tuple(joined(meter, a, b)?),
        (Math::Mod, Value::Text(text), _) => {
            let shown = format::percent(meter, &text.text, right)?;
            if text.safe { meter.marked(shown, true) } else { meter.text(shown) }
        }
        (Math::Mul, _, _) if repeats(left, right).is_some() => {
            let Some((what, times)) = repeats(left, right) else { return Ok(Value::None) };
            repeat(meter, what, times)
        }
        _ => numbers(op, left, right),
    }
}

fn joined(meter: &Rc<Meter>, a: &Items, b: &Items) -> Eval<Vec<Value>> {
    meter.room((a.items.len() + b.items.len()) * size_of::<Value>())?;
    Ok(a.items.iter().chain(&b.items).cloned().collect())
}

/// What is repeated how often, if this is a repetition.
fn repeats<'v>(left: &'v Value, right: &'v Value) -> Option<(&'v Value, i128)> {
    let is_sequence =
        |value: &Value| matches!(value, Value::Text(_) | Value::List(_) | Value::Tuple(_));
    match (is_sequence(left), is_sequence(right)) {
        (true, false) => Some((left, right.as_int()?)),
        (false, true) => Some((right, left.as_int()?)),
        _ => None,
    }
}

fn repeat(meter: &Rc<Meter>, what: &Value, times: i128) -> Eval<Value> {
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    let list = |items: &Items| -> Eval<Vec<Value>> {
        let count = items.items.len().saturating_mul(times);
        meter.room(count.saturating_mul(size_of::<Value>()))?;
        let copies = std::iter::repeat_n(&items.items, if count == 0 { 0 } else { times });
        Ok(copies.flatten().cloned().collect())
    };
    match what {
        Value::Text(text) => {
            let bytes = text.text.len().saturating_mul(times);
            meter.room(bytes)?;
            meter.marked(text.text.repeat(if bytes == 0 { 0 } else { times }), text.safe)
        }
        Value::List(items) => meter.list(list(items)?),
        Value::Tuple(items) => meter.tuple(list(items)?),
        _ => Ok(Value::None),
    }
}

fn numbers(op: Math, left: &Value, right: &Value) -> Eval<Value> {
    let overflow = || Fault::new("a number is too large");
    if let (Some(a), Some(b)) = (left.as_int(), right.as_int()) {
        let whole = match op {
            Math::Add => a.checked_add(b),
            Math::Sub => a.checked_sub(b),
            Math::Mul => a.checked_mul(b),
            Math::Div if b == 0 => fail!("division by zero"),
            Math::Div => return Ok(Value::Float(a as f64 / b as f64)),
            Math::FloorDiv | Math::Mod if b == 0 => fail!("integer division or modulo by zero"),
            Math::FloorDiv => int_div_mod(a, b).map(|(quotient, _)| quotient),
            Math::Mod => int_div_mod(a, b).map(|(_, rest)| rest),
            Math::Pow if b < 0 && a == 0 => fail!("0.0 cannot be raised to a negative power"),
            Math::Pow if b < 0 => return Ok(Value::Float((a as f64).powf(b as f64))),
            Math::Pow if matches!(a, 0 | 1) => Some(if b == 0 { 1 } else { a }),
            Math::Pow if a == -1 => Some(if b % 2 == 0 { 1 } else { -1 }),
            Math::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        };
        return Ok(Value::Int(whole.ok_or_else(overflow)?));
    }
    let (Some(a), Some(b)) = (left.as_float(), right.as_float()) else {
        match (op, left, right) {
            (Math::Add, Value::Text(_) | Value::List(_) | Value::Tuple(_), _) => {
                fail!("can only concatenate {0} (not \"{1}\") to {0}", left.kind(), right.kind())
            }
            _ => fail!(
                "unsupported operand type(s) for {}: '{}' and '{}'",
                op.symbol(),
                left.kind(),
                right.kind()
            ),
        }
    };
    Ok(Value::Float(match op {
        Math::Add => a + b,
        Math::Sub => a - b,
        Math::Mul => a * b,
        Math::Div | Math::FloorDiv | Math::Mod if b == 0.0 => fail!("float division by zero"),
        Math::Div => a / b,
        Math::FloorDiv => float_div_mod(a, b).0,
        Math::Mod => float_div_mod(a, b).1,
        Math::Pow => match a.powf(b) {
            power if power.is_infinite() && a.is_finite() && b.is_finite() => {
                fail!("a number is too large")
            }
            power => power,
        },
    }))
}

/// `-value` and `+value`.
pub(super) fn signed(value: &Value, negative: bool) -> Eval<Value> {
    match value {
        Value::Undefined(message) => fail!("{message}"),
        Value::Float(float) => Ok(Value::Float(if negative { -float } else { *float })),
        other => match other.as_int() {
            Some(int) => Ok(Value::Int(if negative { -int } else { int })),
            None => fail!(
                "bad operand type for unary {}: '{}'",
                if negative { '-' } else { '+' },
                other.kind()
            ),
        },
    }
}

/// `a ~ b ~ c`: everything as it is printed.
pub(super) fn concat(meter: &Rc<Meter>, parts: &[Value]) -> Eval<Value> {
    let mut writer = Writer::new(meter);
    for part in parts {
        super::show::print(&mut writer, part)?;
    }
    writer.finish()
}
