//! A JSON value that can be `NaN`.

use std::{fmt, str::FromStr};

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{from_slice, to_writer, visit::AnyValue};
use crate::{Error, Result};

/// A JSON object, in its order.
pub type Map<V = Value> = IndexMap<String, V>;

/// Any JSON value: what a log holds beyond its typed fields.
///
/// Unlike `serde_json::Value` it can be `NaN` or infinite, as in Python. It is made from and becomes
/// a `serde_json::Value`; only there do numbers that are not finite become null.
///
/// Integers beyond 64 bits are read as floats.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, which may not be one.
    Number(Number),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// An object.
    Object(Map),
}

/// A number, kept as an integer where it was one.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// An integer.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A float: finite, infinite or `NaN`.
    Float(f64),
}

impl Number {
    /// What Inspect writes for a score that could not be had.
    pub const NAN: Number = Number::Float(f64::NAN);

    /// The number as a float, rounded where it has to be.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Uint(value) => value as f64,
            Number::Float(value) => value,
        }
    }
}

/// `NaN` equals `NaN` here, so that a log equals itself; `1` and `1.0` differ.
impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        match (self, other) {
            (Number::Int(a), Number::Int(b)) => a == b,
            (Number::Uint(a), Number::Uint(b)) => a == b,
            (Number::Float(a), Number::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            _ => false,
        }
    }
}

impl Value {
    /// Any data as a value.
    ///
    /// # Errors
    ///
    /// [`Error::Value`] for maps whose keys are not texts, and for what is nested more than 255 deep.
    pub fn of(data: &(impl Serialize + ?Sized)) -> Result<Value> {
        let mut bytes = Vec::new();
        let wrong = |why: String| Error::Value { why };
        to_writer(&mut bytes, data).map_err(|error| wrong(error.to_string()))?;
        from_slice(&bytes, u8::MAX).map_err(|error| wrong(error.to_string()))
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number as a float, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(number.as_f64()),
            _ => None,
        }
    }

    /// The flag, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// A field of an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }
}

/// Reads JSON, with numbers that are none, at most 255 deep.
impl FromStr for Value {
    type Err = Error;

    fn from_str(text: &str) -> Result<Value> {
        let read = from_slice(text.as_bytes(), u8::MAX);
        read.map_err(|error| Error::Value { why: error.to_string() })
    }
}

/// Writes compact JSON, with numbers that are none.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::new();
        to_writer(&mut bytes, self).map_err(|_| fmt::Error)?;
        f.write_str(str::from_utf8(&bytes).map_err(|_| fmt::Error)?)
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $into:expr),+ $(,)?) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Value {
                $into
            }
        }
    )+};
}

from! {
    bool => |value| Value::Bool(value),
    i32 => |value| Value::Number(Number::from(i64::from(value))),
    i64 => |value| Value::Number(Number::from(value)),
    u64 => |value| Value::Number(Number::from(value)),
    usize => |value| Value::Number(Number::from(value as u64)),
    f64 => |value| Value::Number(Number::Float(value)),
    Number => |value| Value::Number(value),
    &str => |value| Value::String(value.to_owned()),
    String => |value| Value::String(value),
    Map => |value| Value::Object(value),
    Vec<Value> => |value| Value::Array(value),
}

impl From<i64> for Number {
    fn from(value: i64) -> Number {
        Number::Int(value)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Number {
        i64::try_from(value).map_or(Number::Uint(value), Number::Int)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Number {
        Number::Float(value)
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Value {
        use serde_json::Value as Json;
        match value {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(flag),
            Json::Number(number) => Value::Number(match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Number::Int(value),
                (None, Some(value)) => Number::Uint(value),
                (None, None) => Number::Float(number.as_f64().unwrap_or(f64::NAN)),
            }),
            Json::String(text) => Value::String(text),
            Json::Array(items) => Value::Array(items.into_iter().map(Value::from).collect()),
            Json::Object(map) => {
                Value::Object(map.into_iter().map(|(key, value)| (key, value.into())).collect())
            }
        }
    }
}

impl From<Value> for serde_json::Value {
    fn from(value: Value) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => flag.into(),
            Value::Number(Number::Int(value)) => value.into(),
            Value::Number(Number::Uint(value)) => value.into(),
            Value::Number(Number::Float(value)) => value.into(),
            Value::String(text) => text.into(),
            Value::Array(items) => items.into_iter().map(serde_json::Value::from).collect(),
            Value::Object(map) => {
                map.into_iter().map(|(key, value)| (key, serde_json::Value::from(value))).collect()
            }
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match *self {
            Number::Int(value) => serializer.serialize_i64(value),
            Number::Uint(value) => serializer.serialize_u64(value),
            Number::Float(value) => serializer.serialize_f64(value),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            Value::Number(number) => number.serialize(serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(items) => items.serialize(serializer),
            Value::Object(map) => map.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) => Ok(number),
            _ => Err(serde::de::Error::custom("expected a number")),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}
