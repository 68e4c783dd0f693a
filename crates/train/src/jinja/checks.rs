//! Jinja's tests: what stands after `is`.

use super::{
    ast::Comparison,
    call::Call,
    compare,
    fault::{Eval, fail},
    filters, iterate,
    machine::Machine,
    show::to_string,
    value::Value,
};

const NAMES: [&str; 40] = [
    "!=",
    "<",
    "<=",
    "==",
    ">",
    ">=",
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
    "number",
];

/// `value is name(…)`.
pub(super) fn test(machine: &mut Machine<'_>, name: &str, value: &Value, call: Call) -> Eval<bool> {
    let meter = machine.meter.clone();
    meter.spend(1)?;
    let comparison = match name {
        "==" | "eq" | "equalto" => Some(Comparison::Eq),
        "!=" | "ne" => Some(Comparison::Ne),
        "<" | "lt" | "lessthan" => Some(Comparison::Lt),
        "<=" | "le" => Some(Comparison::Le),
        ">" | "gt" | "greaterthan" => Some(Comparison::Gt),
        ">=" | "ge" => Some(Comparison::Ge),
        "in" => Some(Comparison::In),
        _ => None,
    };
    if let Some(comparison) = comparison {
        let [other] = call.exactly(name)?;
        return compare::holds(&meter, comparison, value, &other);
    }
    match name {
        "divisibleby" => {
            let [by] = call.exactly(name)?;
            return Ok(remainder(value, by.as_int())? == 0.0);
        }
        "sameas" => {
            let [other] = call.exactly(name)?;
            return Ok(compare::same(value, &other));
        }
        _ => {}
    }
    let [] = call.exactly(name)?;
    Ok(match name {
        "defined" => !value.is_undefined(),
        "undefined" => value.is_undefined(),
        "none" => matches!(value, Value::None),
        "boolean" => matches!(value, Value::Bool(_)),
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "integer" => matches!(value, Value::Int(_)),
        "float" => matches!(value, Value::Float(_)),
        "number" => matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_)),
        "string" => matches!(value, Value::Text(_)),
        "mapping" => matches!(value, Value::Dict(_)),
        "sequence" => matches!(
            value,
            Value::Text(_)
                | Value::List(_)
                | Value::Tuple(_)
                | Value::Dict(_)
                | Value::Range(_)
                | Value::Undefined(_)
        ),
        "iterable" => iterate::can(value),
        "callable" => matches!(
            value,
            Value::Macro(_)
                | Value::Loop(_)
                | Value::Method(_)
                | Value::Builtin(_)
                | Value::Joiner(_)
                | Value::Undefined(_)
        ),
        "escaped" => matches!(value, Value::Text(text) if text.safe),
        "odd" => remainder(value, Some(2))? == 1.0,
        "even" => remainder(value, Some(2))? == 0.0,
        "lower" | "upper" => {
            let text = to_string(&meter, value)?;
            meter.read(text.len())?;
            let (lower, upper) =
                (text.contains(char::is_lowercase), text.contains(char::is_uppercase));
            lower != upper && lower == (name == "lower")
        }
        "filter" => value.as_str().is_some_and(filters::exists),
        "test" => value.as_str().is_some_and(|name| NAMES.contains(&name)),
        _ => fail!("No test named '{name}'."),
    })
}

fn remainder(value: &Value, by: Option<i128>) -> Eval<f64> {
    let Some(by) = by else { fail!("divisibleby needs a whole number") };
    if by == 0 {
        fail!("integer division or modulo by zero");
    }
    match (value, value.as_int()) {
        (Value::Undefined(message), _) => fail!("{message}"),
        (_, Some(int)) => {
            Ok(super::number::int_div_mod(int, by).map_or(0.0, |(_, rest)| rest as f64))
        }
        (Value::Float(float), _) => Ok(super::number::float_div_mod(*float, by as f64).1),
        _ => fail!("unsupported operand type(s) for %: '{}' and 'int'", value.kind()),
    }
}
