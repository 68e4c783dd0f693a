//! Jinja's filters, and the `tojson` of `transformers`.

pub(super) mod escape;
mod layout;
mod lists;
mod numbers;
mod pick;
mod words;

use super::{
    attribute,
    call::Call,
    fault::{Eval, fail},
    index, iterate, json,
    machine::Machine,
    show,
    value::{Value, View},
};

const NAMES: [&str; 52] = [
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "wordcount",
    "wordwrap",
    "xmlattr",
];

pub(super) fn exists(name: &str) -> bool {
    NAMES.contains(&name)
}

/// `value|name(…)`.
pub(super) fn apply(
    machine: &mut Machine<'_>,
    name: &str,
    value: Value,
    call: Call,
) -> Eval<Value> {
    machine.meter.spend(1)?;
    let meter = &machine.meter.clone();
    match name {
        "default" | "d" => {
            let [default, boolean] = call.bind(name, ["default_value", "boolean"])?;
            let falsy = boolean.is_some_and(|boolean| boolean.truth()) && !value.truth();
            if value.is_undefined() || falsy {
                return Ok(default.unwrap_or_else(|| Value::free_text("")));
            }
            Ok(value)
        }
        "length" | "count" => {
            let [] = call.exactly(name)?;
            match length(machine, &value)? {
                Some(length) => Ok(Value::Int(length as i128)),
                None => fail!("object of type '{}' has no len()", value.kind()),
            }
        }
        "string" => {
            let [] = call.exactly(name)?;
            match value {
                // As in Jinja, what is safe stays it.
                Value::Text(_) => Ok(value),
                value => show::to_text(meter, &value),
            }
        }
        "tojson" => json::filter(meter, &value, call),
        "items" => {
            let [] = call.exactly(name)?;
            match &value {
                Value::Undefined(_) => iterate::stream(meter, Vec::new()),
                Value::Dict(dict) => {
                    let pairs = iterate::all(meter, &Value::View(View::Items, dict.clone()))?;
                    iterate::stream(meter, pairs)
                }
                _ => fail!("Can only get item pairs from a mapping."),
            }
        }
        "attr" => {
            let [name] = call.exactly(name)?;
            let Value::Text(name) = &name else { fail!("attribute name must be string") };
            if value.is_undefined() {
                return Ok(attribute::missing(&value, &name.text));
            }
            match attribute::of(&value, &name.text)? {
                Some(found) => Ok(found),
                None => match &value {
                    Value::Loop(_) => attribute::get(machine, &value, &(&*name.text).into()),
                    _ => Ok(attribute::missing(&value, &name.text)),
                },
            }
        }
        "join" | "list" | "first" | "last" | "reverse" | "sort" | "unique" | "min" | "max"
        | "sum" | "batch" | "slice" | "groupby" | "dictsort" => {
            lists::apply(machine, name, value, call)
        }
        "map" | "select" | "reject" | "selectattr" | "rejectattr" => {
            pick::apply(machine, name, &value, call)
        }
        "abs" | "int" | "float" | "round" | "filesizeformat" => {
            numbers::apply(meter, name, &value, call)
        }
        "escape" | "e" | "forceescape" | "safe" | "striptags" | "urlencode" | "xmlattr" => {
            escape::apply(meter, name, &value, call)
        }
        "indent" | "wordwrap" | "truncate" | "pprint" => layout::apply(meter, name, &value, call),
        "capitalize" | "center" | "format" | "lower" | "replace" | "title" | "trim" | "upper"
        | "wordcount" => words::apply(machine, name, &value, call),
        _ => fail!("No filter named '{name}'."),
    }
}

/// Python's `len`, which a loop has too.
fn length(machine: &mut Machine<'_>, value: &Value) -> Eval<Option<usize>> {
    if let Value::Loop(over) = value {
        let length = machine.loop_attribute(over, "length")?;
        return Ok(length.and_then(|length| length.as_int()).map(|length| length as usize));
    }
    machine.meter.walk(value.as_str().map_or(0, str::len))?;
    Ok(value.len())
}

/// What stands at a dotted path (`"a.b.0"`) in a value, as `attribute=` arguments name it.
fn at_path(machine: &mut Machine<'_>, value: &Value, path: &Value) -> Eval<Value> {
    match path {
        Value::None => Ok(value.clone()),
        Value::Text(path) => {
            let mut found = value.clone();
            for part in path.text.split('.') {
                let is_place = !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
                let place = if is_place { part.parse().ok() } else { None };
                let key = place.map_or_else(|| Value::free_text(part), Value::Int);
                found = item_of(machine, &found, &key)?;
            }
            Ok(found)
        }
        place => item_of(machine, value, place),
    }
}

fn item_of(machine: &mut Machine<'_>, value: &Value, key: &Value) -> Eval<Value> {
    if let (Value::Loop(_), Some(name)) = (value, key.as_str()) {
        return attribute::get(machine, value, &name.into());
    }
    index::item(&machine.meter, value, key)
}
