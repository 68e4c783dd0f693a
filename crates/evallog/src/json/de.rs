//! From bytes to values.

use std::borrow::Cow;

use serde::{
    Deserialize,
    de::{
        DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{BorrowedStrDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{JsonError, Number, token::Parser};

type Result<T, E = JsonError> = std::result::Result<T, E>;

/// Reads one value that takes up all of `bytes`, at most so many lists and objects deep.
///
/// Half a surrogate pair, which Python lets through, becomes U+FFFD.
pub(crate) fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8], depth: u8) -> Result<T> {
    let mut parser = Parser { bytes, at: 0, depth };
    let value = T::deserialize(&mut parser).and_then(|value| match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.wrong("something after the end of the value")),
    });
    // Errors of types do not know where they are; near the end of what was read is near enough.
    value.map_err(|error| JsonError { at: error.at.max(parser.at as u64), ..error })
}

impl<'de> Parser<'de> {
    /// What `read` reads, one level deeper.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(self.wrong("lists and objects are nested too deeply (`Limits::depth`)"));
        };
        self.at += 1;
        self.depth = depth;
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Parser<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek() {
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_unit()),
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            Some(b'N') => self.word("NaN").and_then(|()| visitor.visit_f64(f64::NAN)),
            Some(b'"') => match self.text()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'[') => self.nested(|parser| {
                let mut items = Items { parser, first: true };
                let value = visitor.visit_seq(&mut items)?;
                items.parser.expect(b']', "expected the end of a list")?;
                Ok(value)
            }),
            Some(b'{') => self.nested(|parser| {
                let mut items = Items { parser, first: true };
                let value = visitor.visit_map(&mut items)?;
                items.parser.expect(b'}', "expected the end of an object")?;
                Ok(value)
            }),
            Some(b'-' | b'I' | b'0'..=b'9') => match self.number()? {
                Number::Int(value) => visitor.visit_i64(value),
                Number::Uint(value) => visitor.visit_u64(value),
                Number::Float(value) => visitor.visit_f64(value),
            },
            Some(_) => Err(self.wrong("expected a value")),
            None => Err(self.wrong("it ends where a value should stand")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek() == Some(b'n') {
            self.word("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self.text()?.into_owned().into_deserializer())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// What stands between two brackets.
struct Items<'a, 'de> {
    parser: &'a mut Parser<'de>,
    first: bool,
}

impl Items<'_, '_> {
    /// Whether there is another one, past the comma.
    fn another(&mut self, end: u8) -> Result<bool> {
        match self.parser.peek() {
            Some(byte) if byte == end => return Ok(false),
            Some(_) if self.first => self.first = false,
            _ => self.parser.expect(b',', "expected a comma or the end of a list or object")?,
        }
        Ok(true)
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = JsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if !self.another(b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.parser).map(Some)
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = JsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if !self.another(b'}')? {
            return Ok(None);
        }
        let key = match self.parser.text()? {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::<JsonError>::new(key)),
            Cow::Owned(key) => seed.deserialize(StringDeserializer::<JsonError>::new(key)),
        };
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.parser.expect(b':', "expected a colon")?;
        seed.deserialize(&mut *self.parser)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Value, to_writer};
    use super::*;

    fn read(text: &str) -> Result<Value> {
        from_slice(text.as_bytes(), 8)
    }

    #[test]
    fn numbers_that_are_none_stand_where_numbers_may() {
        let text = "[NaN,Infinity,-Infinity,\"NaN\",{\"a\":NaN}]";
        let value = read(text).unwrap();
        let items = value.as_array().unwrap();
        assert!(items[0].as_f64().unwrap().is_nan());
        assert_eq!(items[2], Value::from(f64::NEG_INFINITY));
        assert_eq!(items[3], Value::from("NaN"));
        let mut written = Vec::new();
        to_writer(&mut written, &value).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), text);
    }

    #[test]
    fn integers_stay_integers() {
        let value = read("[1, 1.0, -0.0, 18446744073709551615, 1e400]").unwrap();
        let numbers = [
            Number::Int(1),
            Number::Float(1.0),
            Number::Float(-0.0),
            Number::Uint(u64::MAX),
            Number::Float(f64::INFINITY),
        ];
        assert_eq!(value, Value::Array(numbers.map(Value::Number).to_vec()));
    }

    #[test]
    fn escapes_are_read_and_halves_replaced() {
        let value = read(r#""a\u00e9\ud83d\ude00\n\/\ud83dx\udc00\ud83d\u0041""#).unwrap();
        assert_eq!(value.as_str().unwrap(), "aé😀\n/\u{fffd}x\u{fffd}\u{fffd}A");
    }

    #[test]
    fn all_else_is_strict() {
        for wrong in [
            "",
            "nan",
            "Nan",
            "+1",
            "01",
            "1.",
            ".5",
            "1e",
            "-",
            "-NaN",
            "[1,]",
            "[,1]",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "[1 2]",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\n\"",
            "tru",
            "1 2",
            "[1}",
            "{\"a\":1]",
            "'a'",
            "Inf",
            "\"\\",
        ] {
            assert!(read(wrong).is_err(), "{wrong:?} was read");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(read("[[[[[[[[]]]]]]]]").is_ok());
        let error = read("[[[[[[[[[]]]]]]]]]").unwrap_err();
        assert!(error.to_string().contains("Limits::depth"), "{error}");
        let deep = "[".repeat(1_000_000);
        assert!(from_slice::<Value>(deep.as_bytes(), u8::MAX).is_err());
    }
}
