//! Takes JSON apart as it streams by, so that a log larger than memory can be read value by value.

use std::io::{self, BufRead};

/// Where the next value begins and ends, and no more: what is taken out is read by [`super::de`].
pub(crate) struct Scanner<R> {
    input: R,
    /// Bytes taken so far.
    at: u64,
}

#[derive(Debug)]
pub(crate) enum ScanError {
    Io(io::Error),
    /// What is wrong, and at which byte.
    Syntax(&'static str, u64),
    /// A value is larger than allowed.
    TooLarge(u64),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> ScanError {
        ScanError::Io(error)
    }
}

/// For JSON of one's own, of which nothing but reading can fail.
impl From<ScanError> for io::Error {
    fn from(error: ScanError) -> io::Error {
        match error {
            ScanError::Io(error) => error,
            ScanError::Syntax(why, _) => io::Error::new(io::ErrorKind::InvalidData, why),
            ScanError::TooLarge(_) => io::ErrorKind::FileTooLarge.into(),
        }
    }
}

type Result<T, E = ScanError> = std::result::Result<T, E>;

impl<R: BufRead> Scanner<R> {
    pub(crate) fn new(input: R) -> Self {
        Scanner { input, at: 0 }
    }

    fn wrong<T>(&self, message: &'static str) -> Result<T> {
        Err(ScanError::Syntax(message, self.at))
    }

    fn take(&mut self, bytes: usize) {
        self.input.consume(bytes);
        self.at += bytes as u64;
    }

    /// The next byte that is not white space, left where it is.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            match buffer.iter().position(|byte| !byte.is_ascii_whitespace()) {
                Some(spaces) => {
                    let found = buffer[spaces];
                    self.take(spaces);
                    return Ok(Some(found));
                }
                None => {
                    let spaces = buffer.len();
                    self.take(spaces);
                }
            }
        }
    }

    /// Takes a byte that has to stand here.
    pub(crate) fn expect(&mut self, byte: u8, message: &'static str) -> Result<()> {
        if self.peek()? != Some(byte) {
            return self.wrong(message);
        }
        self.take(1);
        Ok(())
    }

    /// Goes to the next item of a list or object whose bracket was taken; false past its end.
    pub(crate) fn item(&mut self, first: bool, end: u8) -> Result<bool> {
        if self.peek()? == Some(end) {
            self.take(1);
            return Ok(false);
        }
        if !first {
            self.expect(b',', "expected a comma or the end of a list or object")?;
        }
        Ok(true)
    }

    /// Takes one value and appends its bytes, at most `limit` of them.
    pub(crate) fn value(&mut self, into: &mut Vec<u8>, limit: u64) -> Result<()> {
        let room = limit.saturating_add(into.len() as u64);
        self.walk(|piece| {
            if (into.len() as u64).saturating_add(piece.len() as u64) > room {
                return Err(ScanError::TooLarge(limit));
            }
            into.extend_from_slice(piece);
            Ok(())
        })
    }

    /// Takes one value, whatever its size, and drops it.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.walk(|_| Ok(()))
    }

    fn walk(&mut self, mut keep: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let Some(first) = self.peek()? else {
            return self.wrong("it ends where a value should stand");
        };
        if matches!(first, b',' | b':' | b']' | b'}') {
            return self.wrong("expected a value");
        }
        let scalar = !matches!(first, b'{' | b'[' | b'"');
        let (mut depth, mut text, mut escaped) = (0_u64, false, false);
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return if scalar { Ok(()) } else { self.wrong("it is cut off within a value") };
            }
            let mut end = None;
            for (index, &byte) in buffer.iter().enumerate() {
                if scalar {
                    if byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}') {
                        end = Some(index);
                        break;
                    }
                    continue;
                }
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if text => escaped = true,
                    b'"' => text = !text,
                    _ if text => {}
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth == 0 && !text && !escaped {
                    end = Some(index + 1);
                    break;
                }
            }
            let taken = end.unwrap_or(buffer.len());
            keep(&buffer[..taken])?;
            self.take(taken);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// Cuts the text at every possible place of the buffer.
    fn items(text: &str) -> Vec<String> {
        let runs = (1..=text.len()).map(|size| {
            let mut scanner = Scanner::new(BufReader::with_capacity(size, text.as_bytes()));
            scanner.expect(b'[', "no list").unwrap();
            let mut found = Vec::new();
            while scanner.item(found.is_empty(), b']').unwrap() {
                let mut bytes = Vec::new();
                scanner.value(&mut bytes, 100).unwrap();
                found.push(String::from_utf8(bytes).unwrap());
            }
            found
        });
        let runs: Vec<_> = runs.collect();
        assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
        runs[0].clone()
    }

    #[test]
    fn values_are_taken_whole() {
        let found = items(r#" [ 1 , "a,]\"\\" ,{"x":[1,{"y":"}"}]}, [] , NaN,null ] "#);
        let wanted = ["1", r#""a,]\"\\""#, r#"{"x":[1,{"y":"}"}]}"#, "[]", "NaN", "null"];
        assert_eq!(found, wanted);
    }

    #[test]
    fn what_is_cut_off_or_too_large_is_an_error() {
        let value = |text: &str| Scanner::new(text.as_bytes()).value(&mut Vec::new(), 4);
        assert!(matches!(value("[1,"), Err(ScanError::Syntax(..))));
        assert!(matches!(value("\"a\\"), Err(ScanError::Syntax(..))));
        assert!(matches!(value(""), Err(ScanError::Syntax(..))));
        assert!(matches!(value("]"), Err(ScanError::Syntax(..))));
        assert!(matches!(value("\"abc\""), Err(ScanError::TooLarge(4))));
        assert!(value("\"ab\"").is_ok());
    }
}
