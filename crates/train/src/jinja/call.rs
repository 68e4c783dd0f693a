//! Calling: arguments, macros, and the functions that a template finds there.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use super::{
    ast::Args,
    clock,
    compare::hashable,
    fault::{Eval, Fault, fail},
    iterate,
    loops::Loop,
    machine::{Machine, Scope},
    meter::nested,
    methods, show,
    value::{Cycler, Joiner, Macro, Namespace, Range, Value},
};

/// Items that a `range` may have, as in Jinja's sandbox.
const LONGEST_RANGE: usize = 100_000;

/// The arguments of a call.
#[derive(Default)]
pub(super) struct Call {
    pub(super) positional: Vec<Value>,
    pub(super) named: Vec<(Arc<str>, Value)>,
}

impl Call {
    /// The arguments by the names of the parameters.
    pub(super) fn bind<const N: usize>(
        self,
        what: &str,
        names: [&str; N],
    ) -> Eval<[Option<Value>; N]> {
        let mut bound = [const { None }; N];
        if self.positional.len() > N {
            fail!("{what} takes at most {N} arguments, not {}", self.positional.len());
        }
        for (slot, value) in bound.iter_mut().zip(self.positional) {
            *slot = Some(value);
        }
        for (name, value) in self.named {
            match names.iter().position(|known| **known == *name) {
                Some(place) if bound[place].is_none() => bound[place] = Some(value),
                Some(_) => fail!("{what} got multiple values for argument '{name}'"),
                None => fail!("{what} got an unexpected keyword argument '{name}'"),
            }
        }
        Ok(bound)
    }

    /// The arguments of something that takes just so many, none by name.
    pub(super) fn exactly<const N: usize>(self, what: &str) -> Eval<[Value; N]> {
        if let Some((name, _)) = self.named.first() {
            fail!("{what} got an unexpected keyword argument '{name}'");
        }
        let given = self.positional.len();
        let wrong = |_| Fault::new(format!("{what} takes {N} arguments, not {given}"));
        self.positional.try_into().map_err(wrong)
    }
}

/// A function that templates find there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    Range,
    Dict,
    Namespace,
    Cycler,
    Joiner,
    RaiseException,
    StrftimeNow,
}

impl Builtin {
    pub(super) fn named(name: &str) -> Option<Value> {
        Some(Value::Builtin(match name {
            "range" => Builtin::Range,
            "dict" => Builtin::Dict,
            "namespace" => Builtin::Namespace,
            "cycler" => Builtin::Cycler,
            "joiner" => Builtin::Joiner,
            "raise_exception" => Builtin::RaiseException,
            "strftime_now" => Builtin::StrftimeNow,
            _ => return None,
        }))
    }
}

impl Machine<'_> {
    pub(super) fn args(&mut self, args: &Args, scope: &Rc<Scope>) -> Eval<Call> {
        let mut call = Call::default();
        for value in &args.positional {
            call.positional.push(self.eval(value, scope)?);
        }
        for (name, value) in &args.named {
            call.named.push((name.clone(), self.eval(value, scope)?));
        }
        if let Some(rest) = &args.rest {
            let rest = self.eval(rest, scope)?;
            call.positional.extend(iterate::all(&self.meter, &rest)?);
        }
        if let Some(rest) = &args.rest_named {
            let Value::Dict(rest) = self.eval(rest, scope)? else {
                fail!("what follows ** in a call must be a mapping");
            };
            for (name, value) in &rest.entries {
                let Some(name) = name.as_str() else { fail!("keywords must be strings") };
                if call.named.iter().any(|(other, _)| **other == *name) {
                    fail!("got multiple values for keyword argument '{name}'");
                }
                call.named.push((name.into(), value.clone()));
            }
        }
        Ok(call)
    }

    pub(super) fn call(&mut self, called: &Value, call: Call) -> Eval<Value> {
        self.meter.spend(1)?;
        match called {
            Value::Undefined(message) => fail!("{message}"),
            Value::Macro(called) => self.call_macro(called, call),
            Value::Method(method) => methods::call(self, method, call),
            Value::Builtin(builtin) => self.call_builtin(*builtin, call),
            Value::Loop(outer) => {
                let [items] = call.exactly("loop()")?;
                self.recurse(outer, &items)
            }
            Value::Joiner(joiner) => Ok(if joiner.used.replace(true) {
                joiner.separator.clone()
            } else {
                Value::free_text("")
            }),
            other => fail!("'{}' object is not callable", other.kind()),
        }
    }

    fn recurse(&mut self, outer: &Rc<Loop>, items: &Value) -> Eval<Value> {
        let Some((node, scope)) = outer.recursion.clone() else {
            fail!("the loop must have the 'recursive' marker to be called recursively");
        };
        let depth = outer.depth + 1;
        let text =
            self.capture(|machine| machine.run_loop(&node, &scope, items, depth).map(drop))?;
        self.meter.text(text)
    }

    pub(super) fn call_macro(&mut self, called: &Rc<Macro>, mut call: Call) -> Eval<Value> {
        let node = called.node.clone();
        let scope = Scope::within(&called.scope);
        let name = &node.name;
        let mut positional = call.positional.into_iter();
        let mut missing = Vec::new();
        for (parameter, default) in &node.parameters {
            let named = call.named.iter().position(|(other, _)| other == parameter);
            let given = positional.next().or_else(|| Some(call.named.remove(named?).1));
            match given {
                Some(value) => scope.set(parameter, value),
                None => missing.push((parameter, default)),
            }
        }
        for (parameter, default) in missing {
            let value = match default {
                Some(default) => self.eval(default, &scope)?,
                None => Value::undefined(format!("parameter '{parameter}' was not provided")),
            };
            scope.set(parameter, value);
        }
        let is_parameter =
            |name: &str| node.parameters.iter().any(|(parameter, _)| **parameter == *name);
        if node.caller && !is_parameter("caller") {
            let given = call.named.iter().position(|(name, _)| &**name == "caller");
            let caller = match given {
                Some(place) => call.named.remove(place).1,
                None => Value::undefined("No caller defined"),
            };
            scope.set(&"caller".into(), caller);
        }
        if node.kwargs && !is_parameter("kwargs") {
            let entries =
                call.named.drain(..).map(|(name, value)| (Value::free_text(&*name), value));
            scope.set(&"kwargs".into(), self.meter.dict(entries.collect())?);
        } else if let Some((argument, _)) = call.named.first() {
            fail!("macro '{name}' takes no keyword argument '{argument}'");
        }
        let rest: Vec<Value> = positional.collect();
        if node.varargs && !is_parameter("varargs") {
            scope.set(&"varargs".into(), self.meter.tuple(rest)?);
        } else if !rest.is_empty() {
            let most = node.parameters.len();
            fail!("macro '{name}' takes not more than {most} argument(s)");
        }
        let text = self.capture(|machine| machine.block(&node.body, &scope).map(drop))?;
        self.meter.text(text)
    }

    fn call_builtin(&mut self, builtin: Builtin, call: Call) -> Eval<Value> {
        match builtin {
            Builtin::Range => range(call),
            Builtin::Dict => self.dict_of(call),
            Builtin::Namespace => {
                let Value::Dict(initial) = self.dict_of(call)? else { return Ok(Value::None) };
                let charge = RefCell::new(self.meter.hold(256)?);
                let namespace = Rc::new(Namespace { charge, ..Namespace::default() });
                for (name, value) in &initial.entries {
                    let Some(name) = name.as_str() else { continue };
                    namespace.set(&name.into(), value.clone())?;
                }
                self.keep_namespace(&namespace);
                Ok(Value::Namespace(namespace))
            }
            Builtin::Cycler => {
                if call.positional.is_empty() {
                    fail!("at least one item has to be provided");
                }
                let items = Rc::new(self.meter.items(call.positional)?);
                Ok(Value::Cycler(Rc::new(Cycler { items, place: Cell::new(0) })))
            }
            Builtin::Joiner => {
                let [separator] = call.bind("joiner", ["sep"])?;
                let separator = separator.unwrap_or_else(|| Value::free_text(", "));
                nested([&separator].into_iter())?;
                Ok(Value::Joiner(Rc::new(Joiner { separator, used: Cell::new(false) })))
            }
            Builtin::RaiseException => {
                let [message] = call.bind("raise_exception", ["message"])?;
                let Some(message) = message else { fail!("raise_exception needs a message") };
                fail!("{}", show::to_string(&self.meter, &message)?)
            }
            Builtin::StrftimeNow => {
                let [format] = call.bind("strftime_now", ["format"])?;
                let Some(Value::Text(format)) = format else {
                    fail!("strftime_now needs a format");
                };
                self.meter.text(clock::strftime(&self.meter, &format.text, self.now)?)
            }
        }
    }

    /// `dict(mapping or pairs, name=value)`.
    fn dict_of(&mut self, call: Call) -> Eval<Value> {
        let mut entries = Vec::new();
        match &call.positional[..] {
            [] => {}
            [Value::Dict(dict)] => entries.clone_from(&dict.entries),
            [Value::Namespace(_)] => fail!("'Namespace' object is not iterable"),
            [pairs] => {
                for pair in iterate::all(&self.meter, pairs)? {
                    let pair = iterate::all(&self.meter, &pair)?;
                    let Ok([key, value]) = <[Value; 2]>::try_from(pair) else {
                        fail!("a dictionary is made of pairs");
                    };
                    self.insert(&mut entries, key, value)?;
                }
            }
            _ => fail!("dict expected at most 1 argument, got {}", call.positional.len()),
        }
        for (name, value) in call.named {
            self.insert(&mut entries, Value::free_text(&*name), value)?;
        }
        self.meter.dict(entries)
    }

    /// Sets a key of a dictionary in the making.
    pub(super) fn insert(
        &mut self,
        entries: &mut Vec<(Value, Value)>,
        key: Value,
        value: Value,
    ) -> Eval<()> {
        hashable(&key)?;
        self.meter.spend(1 + entries.len() as u64 / 4)?;
        for (other, slot) in entries.iter_mut() {
            if super::compare::equal(&self.meter, other, &key)? {
                *slot = value;
                return Ok(());
            }
        }
        entries.push((key, value));
        Ok(())
    }
}

fn range(call: Call) -> Eval<Value> {
    let mut numbers = Vec::new();
    for value in &call.positional {
        match value {
            Value::Undefined(message) => fail!("{message}"),
            other => match other.as_int() {
                Some(int) => numbers.push(i64::try_from(int).map_err(|_| too_long())?),
                None => {
                    fail!("'{}' object cannot be interpreted as an integer", other.kind())
                }
            },
        }
    }
    let range = match (&numbers[..], call.named.is_empty()) {
        (&[stop], true) => Range { start: 0, stop, step: 1 },
        (&[start, stop], true) => Range { start, stop, step: 1 },
        (&[_, _, 0], true) => fail!("range() arg 3 must not be zero"),
        (&[start, stop, step], true) => Range { start, stop, step },
        _ => fail!("range takes one to three numbers"),
    };
    if range.len() > LONGEST_RANGE {
        return Err(too_long());
    }
    Ok(Value::Range(range))
}

fn too_long() -> Box<Fault> {
    Fault::new(format!(
        "Range too big. The sandbox blocks ranges larger than MAX_RANGE ({LONGEST_RANGE})."
    ))
}
