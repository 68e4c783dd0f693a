//! `map`, `select` and their kin.

use super::{
    super::{
        call::Call,
        checks,
        fault::{Eval, fail},
        iterate,
        machine::Machine,
        value::Value,
    },
    apply as filter, at_path,
};

pub(super) fn apply(
    machine: &mut Machine<'_>,
    name: &str,
    value: &Value,
    call: Call,
) -> Eval<Value> {
    let meter = machine.meter.clone();
    if !value.truth() {
        return iterate::stream(&meter, Vec::new());
    }
    let items = iterate::all(&meter, value)?;
    let picked = if name == "map" {
        map(machine, items, call)?
    } else {
        select(machine, name, items, call)?
    };
    iterate::stream(&meter, picked)
}

fn map(machine: &mut Machine<'_>, items: Vec<Value>, mut call: Call) -> Eval<Vec<Value>> {
    if call.positional.is_empty() {
        let [attribute, default] = call.bind("map", ["attribute", "default"])?;
        let Some(attribute) = attribute else { fail!("map requires a filter argument") };
        return items
            .iter()
            .map(|item| {
                let found = at_path(machine, item, &attribute)?;
                match &default {
                    Some(default) if found.is_undefined() && !matches!(default, Value::None) => {
                        Ok(default.clone())
                    }
                    _ => Ok(found),
                }
            })
            .collect();
    }
    let Value::Text(name) = call.positional.remove(0) else { fail!("map needs a filter's name") };
    let each = |item| {
        let call = Call { positional: call.positional.clone(), named: call.named.clone() };
        filter(machine, &name.text, item, call)
    };
    items.into_iter().map(each).collect()
}

fn select(
    machine: &mut Machine<'_>,
    name: &str,
    items: Vec<Value>,
    mut call: Call,
) -> Eval<Vec<Value>> {
    let attribute = if name.ends_with("attr") {
        if call.positional.is_empty() {
            fail!("Missing parameter for attribute name");
        }
        Some(call.positional.remove(0))
    } else {
        None
    };
    let test = match call.positional.is_empty() {
        true => None,
        false => match call.positional.remove(0) {
            Value::Text(name) => Some(name),
            other => fail!("{name} needs a test's name, not {}", other.kind()),
        },
    };
    let wanted = name.starts_with("select");
    let mut picked = Vec::new();
    for item in items {
        let tested = match &attribute {
            Some(attribute) => at_path(machine, &item, attribute)?,
            None => item.clone(),
        };
        let holds = match &test {
            Some(test) => {
                let call = Call { positional: call.positional.clone(), named: call.named.clone() };
                checks::test(machine, &test.text, &tested, call)?
            }
            None => tested.truth(),
        };
        if holds == wanted {
            picked.push(item);
        }
    }
    Ok(picked)
}
