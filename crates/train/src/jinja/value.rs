//! The values of a template: Python's, as far as a template can see them.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    sync::Arc,
};

use serde_json::Value as Json;

use super::{
    ast,
    call::Builtin,
    fault::{Eval, fail},
    loops::Loop,
    machine::Scope,
    meter::{Charge, DEEPEST},
};

/// One value. Cheap to clone.
#[derive(Clone)]
pub(super) enum Value {
    /// What a name, attribute or item that is not there gives.
    Undefined(Rc<str>),
    None,
    Bool(bool),
    /// Python's integers have no end; these end in an error.
    Int(i128),
    Float(f64),
    Text(Rc<Text>),
    List(Rc<Items>),
    Tuple(Rc<Items>),
    Dict(Rc<Dict>),
    /// What `keys()`, `values()` and `items()` of a dictionary give.
    View(View, Rc<Dict>),
    Range(Range),
    /// A generator: can be gone through once.
    Stream(Rc<Stream>),
    Namespace(Rc<Namespace>),
    Macro(Rc<Macro>),
    Loop(Rc<Loop>),
    /// A method with what it is a method of.
    Method(Rc<Method>),
    Builtin(Builtin),
    Cycler(Rc<Cycler>),
    Joiner(Rc<Joiner>),
}

/// A string.
pub(super) struct Text {
    pub(super) text: Box<str>,
    /// Whether it went through `safe` or `escape`, as Python's Markup.
    pub(super) safe: bool,
    pub(super) _charge: Charge,
}

/// The items of a list or tuple.
pub(super) struct Items {
    pub(super) items: Vec<Value>,
    /// Attributes that stand for the items in turn, where a tuple has them.
    pub(super) names: &'static [&'static str],
    pub(super) depth: u16,
    pub(super) _charge: Charge,
}

/// A dictionary in order of insertion.
pub(super) struct Dict {
    pub(super) entries: Vec<(Value, Value)>,
    pub(super) depth: u16,
    pub(super) _charge: Charge,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Keys,
    Values,
    Items,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: i64,
    pub(super) stop: i64,
    pub(super) step: i64,
}

pub(super) struct Stream {
    /// What is left, the next one last.
    pub(super) rest: RefCell<Vec<Value>>,
    pub(super) depth: u16,
    pub(super) _charge: Charge,
}

/// The one value whose attributes a template may set.
#[derive(Default)]
pub(super) struct Namespace {
    pub(super) attributes: RefCell<Vec<(Arc<str>, Value)>>,
    pub(super) charge: RefCell<Charge>,
}

pub(super) struct Macro {
    pub(super) node: Arc<ast::Macro>,
    /// Where it was defined.
    pub(super) scope: Rc<Scope>,
}

pub(super) struct Method {
    pub(super) receiver: Value,
    pub(super) name: Arc<str>,
}

pub(super) struct Cycler {
    pub(super) items: Rc<Items>,
    pub(super) place: Cell<usize>,
}

pub(super) struct Joiner {
    pub(super) separator: Value,
    pub(super) used: Cell<bool>,
}

impl Text {
    /// Bytes that a string holds beside its own.
    pub(super) const OVERHEAD: usize = 96;
}

impl Items {
    /// Bytes that a list holds beside its items.
    pub(super) const OVERHEAD: usize = 96;
}

impl Range {
    pub(super) fn len(&self) -> usize {
        let (start, stop) = (i128::from(self.start), i128::from(self.stop));
        let span = if self.step > 0 { stop - start } else { start - stop };
        if span <= 0 { 0 } else { ((span - 1) / i128::from(self.step).abs() + 1) as usize }
    }

    pub(super) fn get(&self, place: usize) -> Value {
        Value::Int(i128::from(self.start) + i128::from(self.step) * place as i128)
    }
}

impl Namespace {
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        let attributes = self.attributes.borrow();
        attributes.iter().find(|(key, _)| **key == *name).map(|(_, value)| value.clone())
    }

    pub(super) fn set(&self, name: &Arc<str>, value: Value) -> Eval<()> {
        let mut attributes = self.attributes.borrow_mut();
        match attributes.iter_mut().find(|(key, _)| key == name) {
            Some((_, slot)) => *slot = value,
            None => {
                self.charge.borrow_mut().grow(size_of::<(Arc<str>, Value)>())?;
                attributes.push((name.clone(), value));
            }
        }
        Ok(())
    }
}

impl Value {
    /// An undefined value, with what its use is answered with.
    pub(super) fn undefined(message: impl Into<Rc<str>>) -> Value {
        Value::Undefined(message.into())
    }

    /// A string that nobody is charged for: part of the template or of its input.
    pub(super) fn free_text(text: impl Into<Box<str>>) -> Value {
        Value::Text(Rc::new(Text { text: text.into(), safe: false, _charge: Charge::default() }))
    }

    /// JSON as Python's `json` reads it, charged to nobody.
    pub(super) fn from_json(json: &Json) -> Eval<Value> {
        Value::from_json_at(json, DEEPEST)
    }

    fn from_json_at(json: &Json, room: u16) -> Eval<Value> {
        let Some(room) = room.checked_sub(1) else {
            fail!("a variable is nested more than {DEEPEST} deep");
        };
        let charge = Charge::default();
        Ok(match json {
            Json::Null => Value::None,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match (number.as_i128(), number.as_f64()) {
                (Some(int), _) => Value::Int(int),
                (None, float) => Value::Float(float.unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::free_text(text.as_str()),
            Json::Array(items) => {
                let items = items.iter().map(|item| Value::from_json_at(item, room));
                let items = items.collect::<Eval<Vec<_>>>()?;
                let depth = items.iter().map(Value::depth).max().unwrap_or(0) + 1;
                Value::List(Rc::new(Items { items, names: &[], depth, _charge: charge }))
            }
            Json::Object(map) => {
                let entries = map.iter().map(|(key, value)| {
                    Ok((Value::free_text(key.as_str()), Value::from_json_at(value, room)?))
                });
                let entries = entries.collect::<Eval<Vec<_>>>()?;
                let depth = entries.iter().map(|(_, value)| value.depth()).max().unwrap_or(0) + 1;
                Value::Dict(Rc::new(Dict { entries, depth, _charge: charge }))
            }
        })
    }

    /// How deep it is nested. Namespaces, whose insides change, count for nothing here; what walks
    /// through them counts for itself.
    pub(super) fn depth(&self) -> u16 {
        match self {
            Value::List(items) | Value::Tuple(items) => items.depth,
            Value::Dict(dict) | Value::View(_, dict) => dict.depth + 1,
            Value::Stream(stream) => stream.depth,
            Value::Method(method) => method.receiver.depth() + 1,
            Value::Cycler(cycler) => cycler.items.depth + 1,
            Value::Joiner(joiner) => joiner.separator.depth() + 1,
            _ => 0,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    /// Whole numbers, and truth values, which Python counts among them.
    pub(super) fn as_int(&self) -> Option<i128> {
        match self {
            Value::Int(int) => Some(*int),
            Value::Bool(value) => Some(i128::from(*value)),
            _ => None,
        }
    }

    /// Any number.
    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(float) => Some(*float),
            other => other.as_int().map(|int| int as f64),
        }
    }

    pub(super) fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined(_))
    }

    /// Whether an `if` takes it for true.
    pub(super) fn truth(&self) -> bool {
        match self {
            Value::Undefined(_) | Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(int) => *int != 0,
            Value::Float(float) => *float != 0.0,
            Value::Text(text) => !text.text.is_empty(),
            Value::List(items) | Value::Tuple(items) => !items.items.is_empty(),
            Value::Dict(dict) | Value::View(_, dict) => !dict.entries.is_empty(),
            Value::Range(range) => range.len() > 0,
            _ => true,
        }
    }

    /// How many items it has, where Python's `len` tells.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Value::Undefined(_) => Some(0),
            Value::Text(text) => Some(text.text.chars().count()),
            Value::List(items) | Value::Tuple(items) => Some(items.items.len()),
            Value::Dict(dict) | Value::View(_, dict) => Some(dict.entries.len()),
            Value::Range(range) => Some(range.len()),
            _ => None,
        }
    }

    /// Python's name of its type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Undefined(_) => "Undefined",
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Text(text) if text.safe => "Markup",
            Value::Text(_) => "str",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Dict(_) => "dict",
            Value::View(View::Keys, _) => "dict_keys",
            Value::View(View::Values, _) => "dict_values",
            Value::View(View::Items, _) => "dict_items",
            Value::Range(_) => "range",
            Value::Stream(_) => "generator",
            Value::Namespace(_) => "Namespace",
            Value::Macro(_) => "Macro",
            Value::Loop(_) => "LoopContext",
            Value::Method(_) => "builtin_function_or_method",
            Value::Builtin(_) => "function",
            Value::Cycler(_) => "Cycler",
            Value::Joiner(_) => "Joiner",
        }
    }
}

/// For messages of ours only; what a template prints is in `show`.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())
    }
}
