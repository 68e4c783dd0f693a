//! Strings, numbers and words, one by one.

use std::borrow::Cow;

use super::{JsonError, Number};

type Result<T, E = JsonError> = std::result::Result<T, E>;

/// The bytes of a value, and how far they are read.
pub(super) struct Parser<'de> {
    pub(super) bytes: &'de [u8],
    pub(super) at: usize,
    /// How much deeper it may go.
    pub(super) depth: u8,
}

impl<'de> Parser<'de> {
    pub(super) fn wrong(&self, message: &str) -> JsonError {
        JsonError { message: message.to_owned(), at: self.at as u64 }
    }

    /// The next byte that is not white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    pub(super) fn expect(&mut self, byte: u8, message: &str) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(message));
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn word(&mut self, word: &str) -> Result<()> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.wrong("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    pub(super) fn text(&mut self) -> Result<Cow<'de, str>> {
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

    /// A number, or a word that stands for one.
    pub(super) fn number(&mut self) -> Result<Number> {
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
            return Ok(Number::Float(f64::INFINITY * sign));
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
            (true, Ok(value), _) => Ok(Number::Int(value)),
            (true, _, Ok(value)) => Ok(Number::Uint(value)),
            _ => match text.parse() {
                Ok(value) => Ok(Number::Float(value)),
                Err(_) => Err(self.wrong("a number that is none")),
            },
        }
    }
}
