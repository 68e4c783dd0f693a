//! Filters on sequences.

use std::{cmp::Ordering, rc::Rc};

use super::{
    super::{
        ast::{Comparison, Math},
        call::Call,
        compare::{equal, hashable, order},
        fault::{Eval, fail},
        iterate,
        machine::Machine,
        math,
        meter::{Meter, Writer},
        show::print,
        sort::sorted,
        text::room_for,
        value::Value,
    },
    at_path,
};

pub(super) fn apply(
    machine: &mut Machine<'_>,
    name: &str,
    value: Value,
    call: Call,
) -> Eval<Value> {
    let meter = &machine.meter.clone();
    match name {
        "list" => {
            let [] = call.exactly(name)?;
            meter.list(iterate::all(meter, &value)?)
        }
        "join" => {
            let [separator, attribute] = call.bind(name, ["d", "attribute"])?;
            let mut writer = Writer::new(meter);
            for (place, item) in iterate::all(meter, &value)?.iter().enumerate() {
                if let (Some(separator), true) = (&separator, place > 0) {
                    print(&mut writer, separator)?;
                }
                match &attribute {
                    None | Some(Value::None) => print(&mut writer, item)?,
                    Some(attribute) => {
                        print(&mut writer, &at_path(machine, item, attribute)?)?;
                    }
                }
            }
            writer.finish()
        }
        "first" => {
            let [] = call.exactly(name)?;
            if let Value::Stream(stream) = &value {
                let next = stream.rest.borrow_mut().pop();
                return Ok(next.unwrap_or_else(|| empty("first")));
            }
            let items = iterate::all(meter, &value)?;
            Ok(items.into_iter().next().unwrap_or_else(|| empty("first")))
        }
        "last" => {
            let [] = call.exactly(name)?;
            if matches!(value, Value::Stream(_)) {
                fail!("'generator' object is not reversible");
            }
            Ok(iterate::all(meter, &value)?.pop().unwrap_or_else(|| empty("last")))
        }
        "reverse" => {
            let [] = call.exactly(name)?;
            if let Value::Text(text) = &value {
                meter.read(text.text.len())?;
                return meter.marked(text.text.chars().rev().collect::<String>(), text.safe);
            }
            let mut items = iterate::all(meter, &value)?;
            items.reverse();
            match value {
                Value::Stream(_) => meter.list(items),
                _ => iterate::stream(meter, items),
            }
        }
        "sort" => {
            let [reverse, case, attribute] =
                call.bind(name, ["reverse", "case_sensitive", "attribute"])?;
            let items = iterate::all(meter, &value)?;
            let attributes = attributes(meter, attribute)?;
            let keyed = keyed(machine, items, &attributes, is_true(case))?;
            let sorted = sorted(meter, keyed, |(key, _)| key, is_true(reverse))?;
            meter.list(sorted.into_iter().map(|(_, item)| item).collect())
        }
        "unique" => {
            let [case, attribute] = call.bind(name, ["case_sensitive", "attribute"])?;
            let case = is_true(case);
            let (mut seen, mut kept): (Vec<Value>, _) = (Vec::new(), Vec::new());
            for item in iterate::all(meter, &value)? {
                let key = key_of(machine, &item, attribute.as_ref(), case)?;
                hashable(&key)?;
                let mut is_new = true;
                for other in &seen {
                    is_new = is_new && !equal(meter, other, &key)?;
                }
                if is_new {
                    seen.push(key);
                    kept.push(item);
                }
            }
            iterate::stream(meter, kept)
        }
        "min" | "max" => {
            let [case, attribute] = call.bind(name, ["case_sensitive", "attribute"])?;
            let case = is_true(case);
            let mut best: Option<(Value, Value)> = None;
            for item in iterate::all(meter, &value)? {
                let key = key_of(machine, &item, attribute.as_ref(), case)?;
                let better = match &best {
                    None => true,
                    Some((other, _)) if name == "min" => {
                        order(meter, &key, other, Comparison::Lt)? == Some(Ordering::Less)
                    }
                    Some((other, _)) => {
                        order(meter, &key, other, Comparison::Gt)? == Some(Ordering::Greater)
                    }
                };
                if better {
                    best = Some((key, item));
                }
            }
            let none = || Value::undefined("No aggregated item, sequence was empty.");
            Ok(best.map_or_else(none, |(_, item)| item))
        }
        "sum" => {
            let [attribute, start] = call.bind(name, ["attribute", "start"])?;
            let mut sum = start.unwrap_or(Value::Int(0));
            if matches!(sum, Value::Text(_)) {
                fail!("sum() can't sum strings [use ''.join(seq) instead]");
            }
            for item in iterate::all(meter, &value)? {
                let item = match &attribute {
                    None | Some(Value::None) => item,
                    Some(attribute) => at_path(machine, &item, attribute)?,
                };
                sum = math::apply(meter, Math::Add, &sum, &item)?;
            }
            Ok(sum)
        }
        "batch" => {
            let [size, fill] = call.bind(name, ["linecount", "fill_with"])?;
            let size = count(size.as_ref())?;
            let fill = fill.filter(|fill| !matches!(fill, Value::None));
            let items = iterate::all(meter, &value)?;
            let mut batches = Vec::new();
            if size == 0 && !items.is_empty() {
                // As in Jinja: the first batch is full before it has anything, and then none ever is.
                batches.push(meter.list(Vec::new())?);
            }
            let mut rest = &items[..];
            while !rest.is_empty() {
                let (batch, after) =
                    rest.split_at(if size == 0 { rest.len() } else { size.min(rest.len()) });
                let mut batch = batch.to_vec();
                rest = after;
                if let (Some(fill), true) = (&fill, rest.is_empty() && batch.len() < size) {
                    meter.room(size.saturating_mul(size_of::<Value>()))?;
                    batch.resize(size, fill.clone());
                }
                batches.push(meter.list(batch)?);
            }
            iterate::stream(meter, batches)
        }
        "slice" => {
            let [slices, fill] = call.bind(name, ["slices", "fill_with"])?;
            let slices = count(slices.as_ref())?;
            let fill = fill.filter(|fill| !matches!(fill, Value::None));
            let items = iterate::all(meter, &value)?;
            if slices == 0 {
                fail!("integer division or modulo by zero");
            }
            room_for(meter, slices)?;
            let (each, longer) = (items.len() / slices, items.len() % slices);
            let mut rest = items.into_iter();
            let mut made = Vec::new();
            for slice in 0..slices {
                let mut part: Vec<Value> =
                    rest.by_ref().take(each + usize::from(slice < longer)).collect();
                if slice >= longer {
                    part.extend(fill.clone());
                }
                made.push(meter.list(part)?);
            }
            iterate::stream(meter, made)
        }
        "groupby" => groupby(machine, &value, call),
        _ => dictsort(machine, &value, call),
    }
}

fn empty(which: &str) -> Value {
    Value::undefined(format!("No {which} item, sequence was empty."))
}

fn is_true(value: Option<Value>) -> bool {
    value.is_some_and(|value| value.truth())
}

fn count(value: Option<&Value>) -> Eval<usize> {
    match value.and_then(Value::as_int) {
        Some(int) => Ok(usize::try_from(int.max(0)).unwrap_or(usize::MAX)),
        None => fail!("a whole number is needed"),
    }
}

/// What an item is sorted or told apart by.
fn key_of(
    machine: &mut Machine<'_>,
    item: &Value,
    attribute: Option<&Value>,
    case_sensitive: bool,
) -> Eval<Value> {
    let key = match attribute {
        None => item.clone(),
        Some(attribute) => at_path(machine, item, attribute)?,
    };
    match &key {
        Value::Text(text) if !case_sensitive => machine.meter.text(text.text.to_lowercase()),
        _ => Ok(key),
    }
}

/// The attributes of `sort`, which may name several.
fn attributes(meter: &Rc<Meter>, attribute: Option<Value>) -> Eval<Vec<Value>> {
    match attribute {
        None => Ok(vec![Value::None]),
        Some(Value::Text(names)) => names.text.split(',').map(|name| meter.text(name)).collect(),
        Some(other) => Ok(vec![other]),
    }
}

/// Items with what they are sorted by.
fn keyed(
    machine: &mut Machine<'_>,
    items: Vec<Value>,
    attributes: &[Value],
    case_sensitive: bool,
) -> Eval<Vec<(Value, Value)>> {
    let meter = machine.meter.clone();
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let mut keys = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            keys.push(key_of(machine, &item, Some(attribute), case_sensitive)?);
        }
        keyed.push((meter.list(keys)?, item));
    }
    Ok(keyed)
}

fn groupby(machine: &mut Machine<'_>, value: &Value, call: Call) -> Eval<Value> {
    let meter = machine.meter.clone();
    let [attribute, default, case] =
        call.bind("groupby", ["attribute", "default", "case_sensitive"])?;
    let Some(attribute) = attribute else { fail!("groupby needs an attribute") };
    let default = default.filter(|default| !matches!(default, Value::None));
    let case = is_true(case);
    let mut keyed = Vec::new();
    for item in iterate::all(&meter, value)? {
        let mut key = at_path(machine, &item, &attribute)?;
        if let (true, Some(default)) = (key.is_undefined(), &default) {
            key = default.clone();
        }
        keyed.push((key_of(machine, &key, None, case)?, key, item));
    }
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for (folded, key, item) in sorted(&meter, keyed, |(folded, ..)| folded, false)? {
        match groups.last_mut() {
            Some((last, _, items)) if equal(&meter, last, &folded)? => items.push(item),
            _ => groups.push((folded, key, vec![item])),
        }
    }
    let mut made = Vec::new();
    for (_, key, items) in groups {
        let mut group = meter.items(vec![key, meter.list(items)?])?;
        group.names = &["grouper", "list"];
        made.push(Value::Tuple(Rc::new(group)));
    }
    meter.list(made)
}

fn dictsort(machine: &mut Machine<'_>, value: &Value, call: Call) -> Eval<Value> {
    let meter = machine.meter.clone();
    let [case, by, reverse] = call.bind("dictsort", ["case_sensitive", "by", "reverse"])?;
    let Value::Dict(dict) = value else { fail!("dictsort needs a mapping, not {}", value.kind()) };
    let by_value = match by.as_ref().map_or(Some("key"), Value::as_str) {
        Some("key") => false,
        Some("value") => true,
        _ => fail!("You can only sort by either \"key\" or \"value\""),
    };
    let case = is_true(case);
    let mut keyed = Vec::new();
    for (key, value) in &dict.entries {
        let by = key_of(machine, if by_value { value } else { key }, None, case)?;
        keyed.push((by, meter.tuple(vec![key.clone(), value.clone()])?));
    }
    let sorted = sorted(&meter, keyed, |(by, _)| by, is_true(reverse))?;
    meter.list(sorted.into_iter().map(|(_, pair)| pair).collect())
}
