//! The token, which is never shown.

use std::fmt;

use ureq::http::HeaderValue;

use crate::{Error, Result};

/// A token, as the header that carries it.
#[derive(Clone)]
pub(crate) struct Token(HeaderValue);

impl Token {
    pub(crate) fn new(token: &str) -> Result<Token> {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::Token);
        }
        let mut header =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Error::Token)?;
        header.set_sensitive(true);
        Ok(Token(header))
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_trimmed_checked_and_hidden() {
        let token = Token::new(" hf_secret\n").unwrap();
        assert_eq!(token.header(), "Bearer hf_secret");
        assert!(!format!("{token:?} {:?}", token.header()).contains("secret"));
        for bad in ["", "hf_a\r\nX-Evil: 1", "hf_ä"] {
            let error = Token::new(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hf_"), "{error}");
        }
    }
}
