//! Names to be filled in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::span::Span;

/// A name in braces that a [`Persona`] fills: `{assistant_name}`.
///
/// A name is an ASCII letter and then letters, digits, `_` or `-`. In code, in comments and in front
/// matter braces are text. So they are after a backslash and inside other braces: JSON stays as it is,
/// and `{{name}}` is two pairs of braces, before filling and after (a diagnostic says so).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placeholder {
    /// The name without its braces.
    pub name: String,
    /// Where it stands, braces included.
    pub span: Span,
}

/// Who the assistant is: values for the placeholders of a spec.
///
/// ```
/// # use ethos_spec::{Persona, Spec};
/// let persona = Persona::new("Aria").with("provider_name", "Example Labs");
/// let spec = Spec::parse("{assistant_name} is made by {provider_name}.").fill(&persona)?;
/// assert_eq!(spec.text(), "Aria is made by Example Labs.");
/// # Ok::<(), ethos_spec::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Persona {
    /// Names, without braces, and what to write in their place.
    pub values: BTreeMap<String, String>,
}

impl Persona {
    /// An assistant of this name: the value of `{assistant_name}`.
    pub fn new(assistant_name: impl Into<String>) -> Self {
        Persona::default().with("assistant_name", assistant_name)
    }

    /// The same persona with one more value, which replaces an earlier one of that name.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// The value for a name without braces.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

/// What the braces of a text are.
pub(crate) struct Braces {
    pub(crate) names: Vec<Placeholder>,
    /// `{{name}}`, which is text here and a placeholder in many other places.
    pub(crate) doubled: Vec<Span>,
}

/// A brace that is open and no placeholder.
struct Open {
    at: usize,
    /// How many names were found before it. What it turns out to enclose goes.
    before: usize,
    /// A quote follows, as in JSON.
    json: bool,
}

/// The braces of `text` from `from` on, outside the `opaque` spans.
pub(crate) fn find(text: &str, from: usize, opaque: &[Span]) -> Braces {
    let bytes = text.as_bytes();
    let mut opaque = opaque.iter().peekable();
    let mut found: Vec<Placeholder> = Vec::new();
    let mut doubled = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut i = from;
    while i < bytes.len() {
        if matches!(bytes[i], b'{' | b'}') {
            while opaque.next_if(|span| span.end <= i).is_some() {}
            if let Some(span) = opaque.next_if(|span| span.start <= i) {
                i = span.end;
                continue;
            }
        }
        match bytes[i] {
            b'\\' if matches!(bytes.get(i + 1), Some(b'{' | b'}' | b'\\')) => {
                i += 1;
                if bytes[i] == b'{' {
                    // The brace that closes the name goes with the one that opens it.
                    i += name_len(&bytes[i + 1..]).map_or(0, |len| len + 1);
                }
            }
            b'{' => match name_len(&bytes[i + 1..]) {
                Some(len) => {
                    let span = Span::new(i, i + len + 2);
                    found.push(Placeholder { name: text[i + 1..i + 1 + len].to_owned(), span });
                    i += len + 1;
                }
                None => {
                    let json = text[i + 1..].trim_start().starts_with('"');
                    open.push(Open { at: i, before: found.len(), json });
                }
            },
            b'}' => {
                if let Some(Open { at, before, .. }) = open.pop() {
                    if let [only] = &found[before..]
                        && only.span == Span::new(at + 1, i)
                        && open.is_empty()
                    {
                        doubled.push(Span::new(at, i + 1));
                    }
                    found.truncate(before);
                }
            }
            // A brace that is still open at the end of its paragraph was just a brace, unless it
            // opens JSON.
            b'\n' if blank_line(&bytes[i + 1..]) => {
                while open.pop_if(|open| !open.json).is_some() {}
            }
            _ => {}
        }
        i += 1;
    }
    Braces { names: found, doubled }
}

fn name_len(bytes: &[u8]) -> Option<usize> {
    let len = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        .count();
    (bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(len) == Some(&b'}'))
        .then_some(len)
}

fn blank_line(bytes: &[u8]) -> bool {
    matches!(bytes.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')), Some(b'\n') | None)
}

/// `text` with every placeholder replaced that the persona has a value for.
pub(crate) fn fill(text: &str, placeholders: &[Placeholder], persona: &Persona) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut done = 0;
    for Placeholder { name, span } in placeholders {
        if let Some(value) = persona.get(name) {
            filled.push_str(&text[done..span.start]);
            filled.push_str(value);
            done = span.end;
        }
    }
    filled + &text[done..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;

    fn check(text: &str, names: &[&str]) {
        let spec = Spec::parse(text);
        let found: Vec<_> = spec.placeholders().iter().map(|p| &*p.name).collect();
        assert_eq!(found, names, "{text}");
    }

    #[test]
    fn where_braces_are_names() {
        check(
            "# {a} and **{b_2}**\n\n- {c-d}'s\n\n| {e} |\n|---|\n| {f} |\n",
            &["a", "b_2", "c-d", "e", "f"],
        );
        check("[{a}](https://{b}.example)", &["a", "b"]);
        check("{a}{b}", &["a", "b"]);
        check("a { lone brace, {b}", &["b"]);
        check("closed } and {b}", &["b"]);
        check("{\n\n{a}\n\n}", &["a"]);
        check("{ x\n\n{a}\n\n\"b\" }", &["a"]);
    }

    #[test]
    fn where_braces_are_text() {
        check("`{a}` and ``{b}``\n\n```\n{c}\n```\n\n    {d}\n", &[]);
        check(r#"{"key": {a}, "other": "{b}"}"#, &[]);
        check("{ a } {} {1} {a b} {é}", &[]);
        check("{\n  \"key\": {a},\n\n  \"more\": {\n\n\"b\": \"{b}\" } }\n", &[]);
        check(r"\{a}", &[]);
        check(r"{ x \{a} {b} } \{c\} {d}", &["d"]);
        check("{{a}}", &[]);
        check("<!-- {a} --> and <b>{b}</b>", &["b"]);
        check("---\nfor: {a}\n---\n{b}", &["b"]);
    }

    #[test]
    fn what_stays_unfilled_is_named_once_each() {
        let spec = Spec::parse("{b} {a} {b} {assistant_name}");
        let error = spec.fill(&Persona::new("Aria")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no value for `{b}`, `{a}`; give each one with `Persona::with`"
        );
        // A value that brings a placeholder would be filled by the next fill only.
        let persona = Persona::new("{b}");
        assert!(Spec::parse("{assistant_name}").fill(&persona).is_err());
    }

    #[test]
    fn doubled_braces_stay_doubled() {
        let spec = Spec::parse("{{a}} {assistant_name}").fill(&Persona::new("Aria")).unwrap();
        assert_eq!(spec.text(), "{{a}} Aria");
    }

    #[test]
    fn a_persona_is_a_map_in_json_terms() {
        let persona = Persona::new("Aria").with("assistant_name", "Bo").with("x", "y");
        assert_eq!(persona.values.len(), 2);
        assert_eq!(persona.get("assistant_name"), Some("Bo"));
    }
}
