//! Keys, which are never shown.

use std::fmt::{self, Write};

use reqwest::header::HeaderValue;
use serde_json::Value;

use crate::{Error, Result};

/// A key, a token, or anything else that must not be seen.
///
/// `Debug` hides it, it is neither `Display` nor `Serialize`, and what a server says is searched for it
/// before it reaches an error or a journal.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text, without the white space around it.
    pub fn new(text: impl AsRef<str>) -> Self {
        Secret(text.as_ref().trim().to_owned())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The header's value `{before}{secret}`.
    pub(crate) fn header(&self, what: &str, before: &str) -> Result<HeaderValue> {
        let wrong = || Error::Secret { what: what.into() };
        if self.0.is_empty() {
            return Err(wrong());
        }
        let mut value = HeaderValue::from_bytes(format!("{before}{}", self.0).as_bytes())
            .map_err(|_| wrong())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Secret::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret::new(text)
    }
}

const HIDDEN: &str = "(hidden)";

/// A secret this short is a word, and hiding it would only garble.
const SHORTEST: usize = 4;

/// In answers, which are data, only what looks like a real key is hidden: local servers are given
/// `EMPTY`, `ollama` or `not-needed`.
const SHORTEST_IN_ANSWERS: usize = 12;

/// Takes secrets out of what a server said, however it spelled them.
#[derive(Default)]
pub(crate) struct Redactor {
    /// Longest first, so that no spelling leaves the rest of another.
    errors: Vec<String>,
    answers: Vec<String>,
}

impl Redactor {
    /// Of secrets, and whether each is surely one: what may be a title or a version is hidden in errors
    /// only.
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = (&'a str, bool)>) -> Redactor {
        let (mut errors, mut answers) = (Vec::new(), Vec::new());
        for (secret, sure) in secrets {
            let (characters, spellings) = (secret.chars().count(), spellings(secret));
            if sure && characters >= SHORTEST_IN_ANSWERS {
                answers.extend(spellings.clone());
            }
            if characters >= SHORTEST {
                errors.extend(spellings);
            }
        }
        for list in [&mut errors, &mut answers] {
            list.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
            list.dedup();
        }
        Redactor { errors, answers }
    }

    /// What may be shown of it.
    pub(crate) fn error(&self, text: &str) -> String {
        hide(&self.errors, text).unwrap_or_else(|| text.to_owned())
    }

    /// Takes keys out of an answer, once its escapes are read: they would hide one.
    pub(crate) fn clean(&self, answer: &mut Value) {
        match answer {
            Value::String(text) => {
                if let Some(clean) = hide(&self.answers, text) {
                    *text = clean;
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|value| self.clean(value)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.clean(value));
                if fields.keys().any(|name| hide(&self.answers, name).is_some()) {
                    let clean = |name: String| hide(&self.answers, &name).unwrap_or(name);
                    let all = std::mem::take(fields);
                    *fields = all.into_iter().map(|(name, value)| (clean(name), value)).collect();
                }
            }
            _ => {}
        }
    }
}

fn hide(spellings: &[String], text: &str) -> Option<String> {
    let mut hidden: Option<String> = None;
    for spelling in spellings {
        let now = hidden.as_deref().unwrap_or(text);
        if now.contains(spelling.as_str()) {
            hidden = Some(now.replace(spelling.as_str(), HIDDEN));
        }
    }
    hidden
}

/// The secret as JSON, HTML, addresses and `Debug` spell it, and as it looks to a server that takes
/// headers for Latin-1.
fn spellings(secret: &str) -> Vec<String> {
    let latin: String = secret.bytes().map(char::from).collect();
    let mut all = Vec::new();
    for secret in [secret, &latin] {
        let json = Value::from(secret).to_string();
        let json = json[1..json.len() - 1].to_owned();
        let debug = format!("{secret:?}");
        let (mut ascii, mut upper, mut lower) = (String::new(), String::new(), String::new());
        let mut html = String::new();
        for c in json.chars() {
            match c {
                c if c.is_ascii() => ascii.push(c),
                c => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(ascii, "\\u{unit:04x}");
                    }
                }
            }
        }
        for byte in secret.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                upper.push(byte.into());
                lower.push(byte.into());
            } else {
                let _ = write!(upper, "%{byte:02X}");
                let _ = write!(lower, "%{byte:02x}");
            }
        }
        for c in secret.chars() {
            match c {
                '&' => html += "&amp;",
                '<' => html += "&lt;",
                '>' => html += "&gt;",
                '"' => html += "&quot;",
                '\'' => html += "&#39;",
                c => html.push(c),
            }
        }
        let hex = html.replace("&#39;", "&#x27;").replace("&quot;", "&#34;");
        let half = html.replace("&#39;", "'").replace("&quot;", "\"");
        all.extend([json.replace('/', "\\/"), ascii.replace('/', "\\/"), json, ascii]);
        all.extend([debug[1..debug.len() - 1].to_owned(), upper, lower, html, hex, half]);
        all.push(secret.to_owned());
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_trimmed_checked_and_hidden() {
        let secret = Secret::new(" sk-secret\n");
        let header = secret.header("key", "Bearer ").unwrap();
        assert_eq!(header, "Bearer sk-secret");
        assert!(!format!("{secret:?} {header:?}").contains("secret"));
        for bad in ["", "sk-a\r\nX-Evil: 1", "sk-a\0"] {
            let error = Secret::new(bad).header("key", "").unwrap_err();
            assert!(!format!("{error} {error:?}").contains("sk-"), "{error}");
        }
    }

    #[test]
    fn only_long_secrets_are_hidden_in_answers() {
        let redactor = Redactor::new(
            [("EMPTY", true), ("sk-0123456789abcdef", true), ("a very long title", false)]
                .into_iter(),
        );
        let clean = |text: &str| {
            let mut value = serde_json::from_str(text).unwrap();
            redactor.clean(&mut value);
            value.to_string()
        };
        let harmless = r#"["an EMPTY hall","a very long title"]"#;
        assert_eq!(clean(harmless), harmless);
        assert_eq!(redactor.error("an EMPTY hall"), "an (hidden) hall");
        assert_eq!(clean(r#"["it is sk-0123456789abcdef"]"#), r#"["it is (hidden)"]"#);
        // As no two servers escape alike.
        let escaped = r#"{"a\u0073k-0123456789abcdef":["\u0073\u006b\u002d0123456789abcdef",1]}"#;
        assert_eq!(clean(escaped), r#"{"a(hidden)":["(hidden)",1]}"#);
    }

    proptest! {
        #[test]
        fn no_spelling_gets_through(key in "[ -~äöé日]{4,40}") {
            let key = key.trim();
            prop_assume!(key.chars().count() >= 4 && !HIDDEN.contains(key));
            let redactor = Redactor::new([(key, true)].into_iter());
            let said = serde_json::json!({"error": {"message": format!("bad key {key}!")}});
            for text in [format!("no {key}"), said.to_string(), format!("{key:?}")] {
                let shown = redactor.error(&text);
                prop_assert!(!shown.replace(HIDDEN, "").contains(key), "{}", shown);
            }
        }
    }
}
