//! Methods of dictionaries, lists and tuples.

use std::rc::Rc;

use super::super::{
    call::Call,
    compare::{equal, get},
    fault::{Eval, fail},
    iterate,
    machine::Machine,
    show::to_string,
    value::{Dict, Value, View},
};

pub(super) fn of_dict(
    machine: &mut Machine<'_>,
    dict: &Rc<Dict>,
    name: &str,
    call: Call,
) -> Eval<Value> {
    let view = match name {
        "keys" => View::Keys,
        "values" => View::Values,
        "items" => View::Items,
        "get" => {
            if !call.named.is_empty() {
                fail!("dict.get() takes no keyword arguments");
            }
            let [key, default] = call.bind("get", ["key", "default"])?;
            let Some(key) = key else { fail!("get expected at least 1 argument, got 0") };
            let found = get(&machine.meter, &dict.entries, &key)?.cloned();
            return Ok(found.or(default).unwrap_or(Value::None));
        }
        _ => {
            let [] = call.exactly(name)?;
            return machine.meter.dict(dict.entries.clone());
        }
    };
    let [] = call.exactly(name)?;
    Ok(Value::View(view, dict.clone()))
}

pub(super) fn of_sequence(
    machine: &mut Machine<'_>,
    sequence: &Value,
    name: &str,
    call: Call,
) -> Eval<Value> {
    let items = iterate::all(&machine.meter, sequence)?;
    if name == "copy" {
        let [] = call.exactly(name)?;
        return machine.meter.list(items);
    }
    let [wanted] = call.exactly(name)?;
    let mut count = 0;
    for (place, item) in items.iter().enumerate() {
        if equal(&machine.meter, item, &wanted)? {
            if name == "index" {
                return Ok(Value::Int(place as i128));
            }
            count += 1;
        }
    }
    if name == "index" {
        fail!("{} is not in list", to_string(&machine.meter, &wanted)?);
    }
    Ok(Value::Int(count))
}
