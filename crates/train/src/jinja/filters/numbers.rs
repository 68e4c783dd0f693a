//! Filters on numbers.

use std::rc::Rc;

use super::super::{
    call::Call,
    fault::{Eval, fail},
    meter::Meter,
    number::{float_of, int_of, round, round_int},
    value::Value,
};

pub(super) fn apply(meter: &Rc<Meter>, name: &str, value: &Value, call: Call) -> Eval<Value> {
    match name {
        "abs" => {
            let [] = call.exactly(name)?;
            match (value, value.as_int()) {
                (Value::Float(float), _) => Ok(Value::Float(float.abs())),
                (_, Some(int)) => Ok(Value::Int(int.abs())),
                _ => fail!("bad operand type for abs(): '{}'", value.kind()),
            }
        }
        "int" => {
            let [default, base] = call.bind(name, ["default", "base"])?;
            let base = base.and_then(|base| base.as_int()).unwrap_or(10);
            let base = u32::try_from(base).unwrap_or(1);
            let found = match value {
                Value::Undefined(message) => fail!("{message}"),
                Value::Text(text) => {
                    int_of(&text.text, base).or_else(|| float_of(&text.text).and_then(whole))
                }
                Value::Float(float) => whole(*float),
                other => other.as_int(),
            };
            Ok(found.map_or(default.unwrap_or(Value::Int(0)), Value::Int))
        }
        "float" => {
            let [default] = call.bind(name, ["default"])?;
            let found = match value {
                Value::Undefined(message) => fail!("{message}"),
                Value::Text(text) => float_of(&text.text),
                other => other.as_float(),
            };
            Ok(found.map_or(default.unwrap_or(Value::Float(0.0)), Value::Float))
        }
        "round" => {
            let [precision, method] = call.bind(name, ["precision", "method"])?;
            let precision = precision.map_or(Some(0), |precision| precision.as_int());
            let Some(precision) = precision else { fail!("the precision must be a whole number") };
            let method = method.as_ref().map_or(Some("common"), Value::as_str);
            let upwards = match method {
                Some("common") => {
                    return match (value, value.as_int()) {
                        (Value::Float(float), _) => Ok(Value::Float(round(*float, precision))),
                        (_, Some(int)) => Ok(Value::Int(round_int(int, precision))),
                        _ => fail!("type {} doesn't define __round__ method", value.kind()),
                    };
                }
                Some("ceil") => true,
                Some("floor") => false,
                _ => fail!("method must be common, ceil or floor"),
            };
            let Some(float) = value.as_float() else {
                fail!("must be real number, not {}", value.kind())
            };
            let unit = 10f64.powi(precision.clamp(-400, 400) as i32);
            let scaled = float * unit;
            Ok(Value::Float((if upwards { scaled.ceil() } else { scaled.floor() }) / unit))
        }
        _ => {
            let [binary] = call.bind(name, ["binary"])?;
            let bytes = match value {
                Value::Text(text) => float_of(&text.text),
                other => other.as_float(),
            };
            let Some(bytes) = bytes else { fail!("could not convert to float: {}", value.kind()) };
            meter.text(size(bytes, binary.is_some_and(|binary| binary.truth())))
        }
    }
}

fn whole(float: f64) -> Option<i128> {
    float.is_finite().then_some(float.trunc() as i128)
}

fn size(bytes: f64, binary: bool) -> String {
    let (base, suffix) = if binary { (1024f64, "iB") } else { (1000f64, "B") };
    if bytes == 1.0 {
        return "1 Byte".to_owned();
    }
    if bytes < base {
        return format!("{} Bytes", bytes.trunc());
    }
    let prefixes = if binary { "KMGTPEZY" } else { "kMGTPEZY" };
    let mut unit = base;
    let mut shown = String::new();
    for prefix in prefixes.chars() {
        unit *= base;
        shown = format!("{:.1} {prefix}{suffix}", base * bytes / unit);
        if bytes < unit {
            break;
        }
    }
    shown
}
