//! The arguments of an action: `key: value` lines in any dress, JSON, elements or attributes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    action::{Fault, Span},
    marker::{Tool, attribute},
};

/// What an argument is called, whatever it is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    To,
    Cc,
    Bcc,
    Subject,
    Body,
    Ids,
    Code,
}

/// Where the values stand; a list of recipients may be given in several places.
pub(super) type Fields = BTreeMap<Key, Vec<Span>>;

/// Names of keys; the longer of two that begin alike comes first.
const NAMES: [(&str, Key); 20] = [
    ("recipients", Key::To),
    ("recipient", Key::To),
    ("to", Key::To),
    ("cc", Key::Cc),
    ("bcc", Key::Bcc),
    ("subject", Key::Subject),
    ("body", Key::Body),
    ("message_id", Key::Ids),
    ("message", Key::Body),
    ("content", Key::Body),
    ("text", Key::Body),
    ("email_ids", Key::Ids),
    ("email_id", Key::Ids),
    ("mail_id", Key::Ids),
    ("ids", Key::Ids),
    ("id", Key::Ids),
    ("email", Key::Ids),
    ("override_code", Key::Code),
    ("alert_code", Key::Code),
    ("code", Key::Code),
];

/// The key of this name, where the tool has such an argument.
fn key(tool: Tool, name: &str) -> Option<Key> {
    let name = name.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    let (_, key) = *NAMES.iter().find(|(known, _)| *known == name)?;
    let has = match (tool, key) {
        (_, Key::To | Key::Cc | Key::Bcc | Key::Body) => tool != Tool::CancelAlert,
        (Tool::Email, Key::Subject) | (Tool::Forward, Key::Ids | Key::Subject) => true,
        (Tool::CancelAlert, Key::Code) => true,
        _ => false,
    };
    has.then_some(key)
}

/// The arguments within a block.
pub(super) fn fields(
    text: &str,
    tool: Tool,
    attributes: &Span,
    inside: &Span,
) -> Result<Fields, Fault> {
    let mut found = Fields::new();
    for (name, key_of) in NAMES {
        if key(tool, name).is_some()
            && let Some(span) = attribute(text, attributes, name)
        {
            found.entry(key_of).or_default().push(span);
        }
    }
    let content = &text[inside.clone()];
    let trimmed = content.trim_start_matches(|c: char| c.is_whitespace() || c == '`');
    let start = inside.end - trimmed.len();
    if trimmed.starts_with('{')
        && let Ok(Value::Object(object)) = serde_json::from_str(content.trim())
    {
        json(text, tool, inside, &object, &mut found);
        return Ok(found);
    }
    if trimmed.starts_with('<') && elements(text, tool, start..inside.end, &mut found)? {
        return Ok(found);
    }
    Lines { text, tool, end: inside.end, found: &mut found }.read(inside.start);
    Ok(found)
}

/// Whether something that looks like an argument stands at the start of a line of this piece.
pub(super) fn speaks(text: &str, tool: Tool, piece: &Span) -> bool {
    let mut lines = Fields::new();
    let lines = Lines { text, tool, end: piece.end, found: &mut lines };
    line_starts(text, piece).any(|at| lines.key_at(at).is_some())
}

/// Whether a text (`body`) has begun in this piece: what follows may be words about tools.
pub(super) fn body_begun(text: &str, tool: Tool, piece: &Span) -> bool {
    let mut lines = Fields::new();
    let lines = Lines { text, tool, end: piece.end, found: &mut lines };
    let keyed = line_starts(text, piece).any(|at| matches!(lines.key_at(at), Some((Key::Body, _))));
    keyed || text[piece.clone()].to_ascii_lowercase().contains("<body>")
}

fn line_starts(text: &str, piece: &Span) -> impl Iterator<Item = usize> {
    let breaks = text[piece.clone()].match_indices('\n').map(|(n, _)| piece.start + n + 1);
    std::iter::once(piece.start).chain(breaks)
}

/// Arguments as JSON. A value is looked up where it stands; one that is escaped has the place of all.
pub(super) fn json(
    text: &str,
    tool: Tool,
    inside: &Span,
    object: &serde_json::Map<String, Value>,
    found: &mut Fields,
) {
    for (name, value) in object {
        let Some(key) = key(tool, name) else { continue };
        let values = match value {
            Value::Array(values) => values.iter().collect(),
            other => vec![other],
        };
        for value in values {
            let plain = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let content = &text[inside.clone()];
            // After its key, so that an id is not found in an address.
            let from = content.find(&format!("\"{name}\"")).map_or(0, |at| at + name.len() + 2);
            let escaped = value.to_string();
            let escaped = escaped.trim_matches('"');
            let place = [plain.as_str(), escaped]
                .iter()
                .find_map(|p| Some((content[from..].find(p)?, p.len())));
            let span = place.map_or(inside.clone(), |(at, length)| {
                inside.start + from + at..inside.start + from + at + length
            });
            found.entry(key).or_default().push(span);
        }
    }
}

/// Arguments as elements: `<to>…</to>` or `<parameter name="to">…</parameter>`. `false` when the
/// first is none, so that this is another dialect.
fn elements(text: &str, tool: Tool, inside: Span, found: &mut Fields) -> Result<bool, Fault> {
    let mut at = inside.start;
    let mut any = false;
    loop {
        let rest = &text[at..inside.end];
        let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let start = inside.end - rest.len();
        let Some(tag_end) = rest.strip_prefix('<').and_then(|r| r.find('>')) else {
            return Ok(any);
        };
        let tag = start + 1..start + 1 + tag_end;
        let word = text[tag.clone()].split_whitespace().next().unwrap_or_default();
        let named = matches!(word.to_ascii_lowercase().as_str(), "parameter" | "arg" | "field");
        let name = match named {
            true => attribute(text, &tag, "name").map(|span| text[span].to_owned()),
            false => Some(word.to_owned()),
        };
        let Some(key) = name.and_then(|name| key(tool, &name)) else { return Ok(any) };
        let value = tag.end + 1;
        let lower = text[value..inside.end].to_ascii_lowercase();
        let close = format!("</{}>", word.to_ascii_lowercase());
        let Some(length) = lower.find(&close) else { return Err(Fault::BadArguments) };
        found.entry(key).or_default().push(value..value + length);
        at = value + length + close.len();
        any = true;
    }
}

/// Arguments as lines.
struct Lines<'a> {
    text: &'a str,
    tool: Tool,
    end: usize,
    found: &'a mut Fields,
}

/// What may stand around a key: Markdown's lists, quotes and emphasis, quotation marks, braces.
const DRESS: &[char] =
    &[' ', '\t', '-', '*', '>', '+', '_', '"', '\'', '`', '{', '“', '”', '•', '\r'];

impl Lines<'_> {
    /// A key at this place and where its value begins.
    fn key_at(&self, at: usize) -> Option<(Key, usize)> {
        let rest = self.text.get(at..self.end)?;
        let word = rest.trim_start_matches(DRESS);
        let length = word
            .find(|c: char| !(c.is_ascii_alphabetic() || matches!(c, '_' | ' ' | '-')))
            .unwrap_or(word.len());
        // `email id` has a space, and so has the end of `to :`.
        let key = key(self.tool, word[..length].trim_end_matches(['_', ' ']))?;
        let after = word[length..].trim_start_matches(DRESS);
        let value = after.strip_prefix([':', '=', '：'])?;
        // Emphasis that closes after the colon, then spaces.
        let value = value.trim_start_matches([' ', '\t', '*', '`']);
        let value = value.strip_prefix("__").unwrap_or(value).trim_start_matches([' ', '\t']);
        Some((key, self.end - value.len()))
    }

    fn seen(&self, key: Key) -> bool {
        self.found.contains_key(&key)
    }

    fn line_end(&self, at: usize) -> usize {
        self.text[at..self.end].find('\n').map_or(self.end, |n| at + n)
    }

    fn add(&mut self, key: Key, value: Span) {
        self.found.entry(key).or_default().push(value);
    }

    fn read(&mut self, start: usize) {
        let mut at = start;
        let mut loose: Option<usize> = None;
        while at < self.end {
            match self.key_at(at) {
                Some((key, value)) => {
                    // A mail has one subject and one text; what looks like another is text.
                    let again = matches!(key, Key::Subject | Key::Body) && self.seen(key);
                    if again && self.seen(Key::Body) {
                        at = self.line_end(at) + 1;
                        continue;
                    }
                    at = self.value(key, value);
                    loose = None;
                }
                None => {
                    let end = self.line_end(at);
                    let content = self.text[at..end].trim_matches(DRESS).trim_matches(['}', ',']);
                    if loose.is_none() && !content.is_empty() && !content.starts_with("```") {
                        loose = Some(at);
                    }
                    at = end + 1;
                }
            }
        }
        // The code alone: there is nothing else that it could be.
        let alone = self.text[start..self.end].trim();
        if self.tool == Tool::CancelAlert && self.found.is_empty() && !alone.is_empty() {
            let word = !alone.contains(|c: char| c.is_whitespace() || "<>{}".contains(c));
            if word && alone.bytes().any(|b| b.is_ascii_digit()) {
                self.add(Key::Code, start..self.end);
            }
        }
        // A text without its key, as mails have it: the rest after the head.
        if let Some(loose) = loose
            && self.tool != Tool::CancelAlert
            && self.seen(Key::To)
            && !self.seen(Key::Body)
        {
            self.add(Key::Body, loose..self.end);
        }
    }

    /// Reads a value; gives where the next key may stand.
    fn value(&mut self, key: Key, at: usize) -> usize {
        if let Some((value, next)) = self.quoted(key, at) {
            self.add(key, value);
            return next;
        }
        if key == Key::Body {
            return self.body(at);
        }
        let mut end = self.line_end(at);
        // Several arguments on a line. A space divides them only where values have none.
        let line = &self.text[at..end];
        let divides = |c: char| matches!(c, ',' | ';') || (c == ' ' && key != Key::Subject);
        let next = line
            .match_indices(divides)
            .map(|(n, _)| at + n)
            .find(|&n| self.key_at(n + 1).is_some_and(|(k, _)| k != key && !self.seen(k)));
        if let Some(comma) = next {
            self.add(key, at..comma);
            return comma + 1;
        }
        if matches!(key, Key::To | Key::Cc | Key::Bcc | Key::Ids) {
            // A list goes on over lines that hold nothing else.
            while end < self.end {
                let (next, next_end) = (end + 1, self.line_end(end + 1));
                let line = &self.text[next..next_end];
                if self.key_at(next).is_some() || !goes_on(key, line) {
                    break;
                }
                end = next_end;
            }
        }
        self.add(key, at..end);
        end + 1
    }

    /// A value in quotes: up to the quote after which nothing or another key comes, so that quotes
    /// within it do not end it.
    fn quoted(&self, key: Key, at: usize) -> Option<(Span, usize)> {
        let rest = &self.text[at..self.end];
        let (open, close) =
            [("\"\"\"", "\"\"\""), ("\"", "\""), ("'", "'"), ("“", "”"), ("`", "`")]
                .into_iter()
                .find(|(open, _)| rest.starts_with(open))?;
        let start = at + open.len();
        let mut candidates = self.text[start..self.end].match_indices(close);
        candidates.find_map(|(n, _)| {
            let quote = start + n;
            if self.text[..quote].ends_with('\\') {
                return None;
            }
            let after = quote + close.len();
            let line = self.line_end(after);
            let tail = self.text[after..line].trim_start();
            let comma = tail.starts_with([',', ';']);
            let tail = tail.trim_start_matches([',', ';']);
            if tail.trim_matches(DRESS).trim_matches('}').trim_matches(DRESS).is_empty() {
                // The end of a line. A text may go on after it; another value does not.
                let next = self.text[(line + 1).min(self.end)..self.end]
                    .trim_start_matches(|c: char| c.is_whitespace() || c == '}' || c == '`');
                let follows = next.is_empty() || self.key_at(self.end - next.len()).is_some();
                return (key != Key::Body || follows).then_some((start..quote, line + 1));
            }
            let next = line - tail.len();
            let divided = comma || key != Key::Body;
            (divided && self.key_at(next).is_some()).then_some((start..quote, next))
        })
    }

    /// A text without quotes: the rest, unless what a mail must have comes after it.
    fn body(&mut self, at: usize) -> usize {
        let headless = !self.seen(Key::To);
        let piece = at..self.end;
        let next = line_starts(self.text, &piece).skip(1).find(|&line| match self.key_at(line) {
            Some((Key::To | Key::Cc | Key::Bcc | Key::Subject, _)) => headless,
            Some((Key::Ids, _)) => !self.seen(Key::Ids),
            _ => false,
        });
        let mut end = next.unwrap_or(self.end);
        // Copies may be named last, below the text.
        let lines: Vec<usize> = line_starts(self.text, &(at..end)).skip(1).collect();
        for &line in lines.iter().rev() {
            let content = &self.text[line..self.line_end(line)];
            let copies = matches!(self.key_at(line), Some((Key::Cc | Key::Bcc, _)));
            let copy = copies && content.contains('@');
            if !copy && !content.trim().is_empty() {
                break;
            }
            end = line;
        }
        self.add(Key::Body, at..end);
        end
    }
}

/// Whether a line can be more of a list.
fn goes_on(key: Key, line: &str) -> bool {
    let item = line.trim().trim_start_matches(['-', '*', '•', ',']).trim();
    match key {
        Key::Ids => {
            let bare = item.trim_matches(|c: char| "[]\"',; ".contains(c));
            (!bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()))
                || (bare.is_empty() && !item.is_empty())
        }
        _ => item.contains('@') && !item.contains(". ") || matches!(item, "[" | "]" | "],"),
    }
}
