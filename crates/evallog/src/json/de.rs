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

use super::JsonError;

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

struct Parser<'de> {
    bytes: &'de [u8],
    at: usize,
    /// How much deeper it may go.
    depth: u8,
}

impl<'de> Parser<'de> {
    fn wrong(&self, message: &str) -> JsonError {
        JsonError { message: message.to_owned(), at: self.at as u64 }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, message: &str) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(message));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.wrong("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn text(&mut self) -> Result<Cow<'de, str>> {
        self.expect(b'"', "expected a string")?;
        let mut built = String::new();
        loop {
            let from = self.at;
            let rest = &self.bytes[from..];
            let stop = rest.iter().position(|&byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            let Some(length) = stop else {
                self.at = self.bytes.len();
                return Err(self.wrong("a string does not end"));
            };
            self.at += length;
            let Ok(plain) = str::from_utf8(&rest[..length]) else {
                return Err(self.wrong("a string is not UTF-8"));
            };
            match rest[length] {
                b'"' => {
                    self.at += 1;
                    if built.is_empty() {
                        return Ok(Cow::Borrowed(plain));
                    }
                    built.push_str(plain);
                    return Ok(Cow::Owned(built));
                }
                b'\\' => {
                    built.push_str(plain);
                    self.at += 1;
                    built.push(self.escape()?);
                }
                _ => return Err(self.wrong("a control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let escaped = self.bytes.get(self.at).copied();
        self.at += 1;
        Ok(match escaped {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                let after = self.at;
                if self.bytes[after..].starts_with(b"\\u") {
                    self.at += 2;
                    let low = self.unit()?;
                    if (0xdc00..0xe000).contains(&low) {
                        let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    self.at = after;
                }
                char::REPLACEMENT_CHARACTER
            }
            _ => return Err(self.wrong("an unknown escape in a string")),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32> {
        let digits = self.bytes.get(self.at..self.at + 4);
        let value = digits.and_then(|digits| {
            digits
                .iter()
                .try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
        });
        self.at += 4;
        value.ok_or_else(|| self.wrong("expected four hexadecimal digits"))
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let from = self.at;
        let digits = |parser: &mut Self| {
            let start = parser.at;
            while parser.bytes.get(parser.at).is_some_and(u8::is_ascii_digit) {
                parser.at += 1;
            }
            match parser.at > start {
                true => Ok(()),
                false => Err(parser.wrong("expected a digit")),
            }
        };
        if self.bytes[from] == b'-' {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'I') {
            self.word("Infinity")?;
            let sign = if self.bytes[from] == b'-' { -1.0 } else { 1.0 };
            return visitor.visit_f64(f64::INFINITY * sign);
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => digits(self)?,
        }
        let mut whole = true;
        if self.bytes.get(self.at) == Some(&b'.') {
            whole = false;
            self.at += 1;
            digits(self)?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            whole = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            digits(self)?;
        }
        let text = str::from_utf8(&self.bytes[from..self.at]).unwrap_or_default();
        match (whole, text.parse::<i64>(), text.parse::<u64>()) {
            (true, Ok(value), _) => visitor.visit_i64(value),
            (true, _, Ok(value)) => visitor.visit_u64(value),
            _ => match text.parse() {
                Ok(value) => visitor.visit_f64(value),
                Err(_) => Err(self.wrong("a number that is none")),
            },
        }
    }

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
            Some(b'-' | b'I' | b'0'..=b'9') => self.number(visitor),
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
    use super::super::{Number, Value, to_writer};
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
