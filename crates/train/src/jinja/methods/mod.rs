//! The methods of Python's values.

mod containers;
mod text;

pub(super) use self::text::{Side, pad, replace, strip};

use super::{
    call::Call,
    fault::{Eval, fail},
    machine::Machine,
    value::{Method, Value},
};

const DICT: [&str; 5] = ["copy", "get", "items", "keys", "values"];
const LIST: [&str; 3] = ["copy", "count", "index"];
const TUPLE: [&str; 2] = ["count", "index"];

/// Methods that change what they are methods of: Jinja's sandbox does not give them.
const UNSAFE_DICT: [&str; 5] = ["clear", "pop", "popitem", "setdefault", "update"];
const UNSAFE_LIST: [&str; 8] =
    ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"];

pub(super) fn exists(value: &Value, name: &str) -> bool {
    match value {
        Value::Text(_) => text::NAMES.contains(&name),
        Value::Dict(_) => DICT.contains(&name),
        Value::List(_) => LIST.contains(&name),
        Value::Tuple(_) | Value::Range(_) => TUPLE.contains(&name),
        Value::Loop(_) => matches!(name, "cycle" | "changed"),
        Value::Cycler(_) => matches!(name, "next" | "reset"),
        Value::Int(_) | Value::Bool(_) => name == "bit_length",
        Value::Float(_) => name == "is_integer",
        _ => false,
    }
}

pub(super) fn are_unsafe(value: &Value, name: &str) -> bool {
    match value {
        Value::Dict(_) => {
            UNSAFE_DICT.contains(&name) || name.starts_with("__") && name.ends_with("__")
        }
        Value::List(_) => UNSAFE_LIST.contains(&name),
        _ => false,
    }
}

pub(super) fn call(machine: &mut Machine<'_>, method: &Method, call: Call) -> Eval<Value> {
    let name = &*method.name;
    match &method.receiver {
        Value::Text(text) => text::call(machine, text, name, call),
        Value::Dict(dict) => containers::of_dict(machine, dict, name, call),
        Value::List(_) | Value::Tuple(_) | Value::Range(_) => {
            containers::of_sequence(machine, &method.receiver, name, call)
        }
        Value::Loop(over) if name == "cycle" => Machine::cycle(over, &call.positional),
        Value::Loop(over) => Ok(Value::Bool(machine.changed(over, call.positional)?)),
        Value::Cycler(cycler) => {
            let [] = call.exactly(name)?;
            let place = cycler.place.get();
            let next = if name == "next" { (place + 1) % cycler.items.items.len() } else { 0 };
            cycler.place.set(next);
            Ok(if name == "next" { cycler.items.items[place].clone() } else { Value::None })
        }
        Value::Float(float) => Ok(Value::Bool(float.fract() == 0.0)),
        other => match other.as_int() {
            Some(int) => Ok(Value::Int(i128::from(128 - int.unsigned_abs().leading_zeros()))),
            None => fail!("'{}' object has no method '{name}'", other.kind()),
        },
    }
}
