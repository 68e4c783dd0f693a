//! Attributes, by the rules of Jinja's sandbox: methods first, then items; nothing that would change a
//! value.

use std::sync::Arc;

use super::{
    compare,
    fault::{Eval, fail},
    machine::Machine,
    methods,
    value::{Method, Value},
};

/// `value.name`; undefined where there is none.
pub(super) fn get(machine: &mut Machine<'_>, value: &Value, name: &Arc<str>) -> Eval<Value> {
    if let Value::Loop(over) = value
        && let Some(found) = machine.loop_attribute(over, name)?
    {
        return Ok(found);
    }
    if let (Value::Macro(called), "arguments") = (value, &**name) {
        let names = called.node.parameters.iter().map(|(name, _)| Value::free_text(&**name));
        return machine.meter.tuple(names.collect());
    }
    if let Some(found) = of(value, name)? {
        return Ok(found);
    }
    if let Value::Dict(dict) = value {
        let key = Value::free_text(&**name);
        if let Some(found) = compare::get(&machine.meter, &dict.entries, &key)? {
            return Ok(found.clone());
        }
    }
    Ok(missing(value, name))
}

/// What Python's `getattr` finds.
pub(super) fn of(value: &Value, name: &str) -> Eval<Option<Value>> {
    if let Value::Undefined(message) = value {
        fail!("{message}");
    }
    if methods::are_unsafe(value, name) {
        let message =
            format!("access to attribute '{name}' of '{}' object is unsafe.", value.kind());
        return Ok(Some(Value::undefined(message)));
    }
    if methods::exists(value, name) {
        let method = Method { receiver: value.clone(), name: name.into() };
        return Ok(Some(Value::Method(method.into())));
    }
    Ok(match value {
        Value::Tuple(items) => {
            let place = items.names.iter().position(|known| *known == name);
            place.map(|place| items.items[place].clone())
        }
        Value::Namespace(namespace) => namespace.get(name),
        Value::Range(range) => match name {
            "start" => Some(Value::Int(range.start.into())),
            "stop" => Some(Value::Int(range.stop.into())),
            "step" => Some(Value::Int(range.step.into())),
            _ => None,
        },
        Value::Macro(called) => match name {
            "name" => Some(Value::free_text(&*called.node.name)),
            "caller" => Some(Value::Bool(called.node.caller)),
            "catch_kwargs" => Some(Value::Bool(called.node.kwargs)),
            "catch_varargs" => Some(Value::Bool(called.node.varargs)),
            _ => None,
        },
        Value::Cycler(cycler) if name == "current" => {
            Some(cycler.items.items[cycler.place.get()].clone())
        }
        Value::Int(int) => match name {
            "real" | "numerator" => Some(Value::Int(*int)),
            "imag" => Some(Value::Int(0)),
            "denominator" => Some(Value::Int(1)),
            _ => None,
        },
        Value::Float(float) => match name {
            "real" => Some(Value::Float(*float)),
            "imag" => Some(Value::Float(0.0)),
            _ => None,
        },
        _ => None,
    })
}

/// The undefined value for an attribute that is not there.
pub(super) fn missing(value: &Value, name: &str) -> Value {
    let kind = kind(value);
    Value::undefined(format!("'{kind}' has no attribute '{name}'"))
}

/// How messages call a value.
pub(super) fn kind(value: &Value) -> String {
    match value {
        Value::None => "None".to_owned(),
        other => format!("{} object", other.kind()),
    }
}
