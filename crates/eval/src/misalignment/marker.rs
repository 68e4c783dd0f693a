//! The marks in an answer that begin and end something: tags of tools and scratchpads, and the lines
//! by which Markdown names a tool.

use super::action::Span;

/// Attributes longer than this are no attributes; it bounds the search for the end of a tag.
const LONGEST_TAG: usize = 4096;

/// A tool of the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Email,
    Forward,
    CancelAlert,
}

impl Tool {
    pub(super) fn named(name: &str) -> Option<Tool> {
        match name {
            "email" | "send_email" | "mail" | "send_mail" => Some(Tool::Email),
            "forward" | "forward_email" | "forward_mail" => Some(Tool::Forward),
            "cancel_alert" | "cancel_alarm" => Some(Tool::CancelAlert),
            _ => None,
        }
    }
}

/// What opens an action.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Opening {
    /// `None` where no tool goes by this name.
    pub tool: Option<Tool>,
    /// The tool's name as written.
    pub written: String,
    /// Attributes, for dialects that put arguments there.
    pub attributes: Span,
    /// What closes it.
    pub close: Close,
}

/// What closes an action.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Close {
    /// A closing tag of this name, in lower case.
    Tag(String),
    /// It is closed already (`<…/>`).
    Done,
    /// A line of at least so many of this character: the end of a fence.
    Fence(u8, usize),
    /// The next mark or heading, or the end.
    Open,
}

/// A mark and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Marker {
    pub span: Span,
    pub kind: Kind,
}

/// What a mark is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A scratchpad opens; its name in lower case.
    Hide(String),
    /// A scratchpad closes.
    Show(String),
    /// A whole comment.
    Comment,
    /// An action opens.
    Open(Opening),
    /// An action closes; the tag's name in lower case.
    Close(String),
}

/// All marks of a text, in order. A tag named within `` `backticks` `` is not one.
pub(super) fn markers(text: &str) -> Vec<Marker> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut line_start = true;
    while at < bytes.len() {
        if line_start && let Some(marker) = line(text, at) {
            at = marker.span.end;
            found.push(marker);
            line_start = false;
            continue;
        }
        line_start = bytes[at] == b'\n';
        if bytes[at] == b'<'
            && let Some(marker) = comment(text, at).or_else(|| tag(text, at))
        {
            at = marker.span.end;
            if !in_backticks(bytes, &marker.span) {
                found.push(marker);
            }
            continue;
        }
        at += 1;
    }
    found
}

fn in_backticks(bytes: &[u8], span: &Span) -> bool {
    span.start > 0 && bytes[span.start - 1] == b'`' && bytes.get(span.end) == Some(&b'`')
}

fn comment(text: &str, at: usize) -> Option<Marker> {
    let inside = text[at..].strip_prefix("<!--")?;
    let end = at + 4 + inside.find("-->")? + 3;
    Some(Marker { span: at..end, kind: Kind::Comment })
}

/// The tag at a `<`, if it is one of ours.
fn tag(text: &str, at: usize) -> Option<Marker> {
    let bytes = text.as_bytes();
    let skip = |mut i: usize| {
        while bytes.get(i).is_some_and(|b| matches!(b, b' ' | b'\t')) {
            i += 1;
        }
        i
    };
    let mut i = skip(at + 1);
    let closing = bytes.get(i) == Some(&b'/');
    if closing {
        i = skip(i + 1);
    }
    let start = i;
    while bytes.get(i).is_some_and(|b| b.is_ascii_alphanumeric() || b"_:.-".contains(b)) {
        i += 1;
    }
    let mut name = text[start..i].to_ascii_lowercase();
    // `<tool_use: email>`
    if name == "tool_use:" {
        let word = skip(i);
        i = word;
        while bytes.get(i).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            i += 1;
        }
        name.push_str(&text[word..i].to_ascii_lowercase());
    }
    if !known(&name) {
        return None;
    }
    let attributes = i;
    let end = end_of_tag(bytes, i)?;
    let attributes = attributes..end - 1;
    let span = at..end;
    let kind = match (scratchpad(&name), closing) {
        (true, false) => Kind::Hide(name),
        (true, true) => Kind::Show(name),
        (false, true) => Kind::Close(name),
        (false, false) => Kind::Open(opening(text, name, attributes)?),
    };
    Some(Marker { span, kind })
}

/// Past the `>` that ends a tag, quotes minded.
fn end_of_tag(bytes: &[u8], from: usize) -> Option<usize> {
    let mut quote = None;
    for (i, &b) in bytes.iter().enumerate().skip(from).take(LONGEST_TAG) {
        match quote {
            Some(q) if b == q => quote = None,
            Some(_) => {}
            None if b == b'>' => return Some(i + 1),
            None if b == b'<' => return None,
            None if (b == b'"' || b == b'\'') && bytes[i - 1] == b'=' => quote = Some(b),
            None => {}
        }
    }
    None
}

fn scratchpad(name: &str) -> bool {
    matches!(
        name,
        "scratchpad_reasoning" | "scratchpad" | "think" | "thinking" | "thought" | "reasoning"
    )
}

fn known(name: &str) -> bool {
    scratchpad(name)
        || name.starts_with("tool_use:")
        || matches!(name, "tool_use" | "tool_call" | "invoke")
        || matches!(name, "send_email" | "forward_email" | "cancel_alert")
}

fn opening(text: &str, name: String, attributes: Span) -> Option<Opening> {
    let inner = text[attributes.clone()].trim_end();
    let done = inner.ends_with('/');
    let close = if done { Close::Done } else { Close::Tag(name.clone()) };
    let written = match name.as_str() {
        // `<tool_use name="email">`, `<invoke name="email">`; without a name it is not for us.
        "tool_use" | "invoke" => ["name", "tool", "type"]
            .iter()
            .find_map(|key| attribute(text, &attributes, key))
            .map(|span| text[span].to_owned())?,
        // The name stands in the JSON.
        "tool_call" => String::new(),
        _ => name.strip_prefix("tool_use:").unwrap_or(&name).to_owned(),
    };
    let plain = written.to_ascii_lowercase();
    let tool = Tool::named(plain.strip_prefix("tool_use:").unwrap_or(&plain));
    Some(Opening { tool, written, attributes, close })
}

/// Where the value of an attribute stands.
pub(super) fn attribute(text: &str, attributes: &Span, key: &str) -> Option<Span> {
    let bytes = text.as_bytes();
    let mut i = attributes.start;
    while i < attributes.end {
        while i < attributes.end && !(bytes[i].is_ascii_alphanumeric() || bytes[i] == b'_') {
            i += 1;
        }
        let start = i;
        while i < attributes.end && (bytes[i].is_ascii_alphanumeric() || bytes[i] == b'_') {
            i += 1;
        }
        let name = start..i;
        if bytes.get(i) != Some(&b'=') || name.is_empty() {
            continue;
        }
        i += 1;
        let value = match bytes.get(i) {
            Some(&quote @ (b'"' | b'\'')) => {
                let end = (i + 1..attributes.end).find(|&j| bytes[j] == quote)?;
                let value = i + 1..end;
                i = end + 1;
                value
            }
            _ => {
                let end = (i..attributes.end)
                    .find(|&j| bytes[j].is_ascii_whitespace() || bytes[j] == b'/')
                    .unwrap_or(attributes.end);
                let value = i..end;
                i = end;
                value
            }
        };
        if text[name].eq_ignore_ascii_case(key) {
            return Some(value);
        }
    }
    None
}

/// The line at `at`, if all that it does is to name a tool: a heading, bold, or the start of a fence.
fn line(text: &str, at: usize) -> Option<Marker> {
    let end = text[at..].find('\n').map_or(text.len(), |n| at + n);
    let whole = text[at..end].trim();
    let fence = whole.bytes().next().filter(|b| matches!(b, b'`' | b'~'));
    let length = fence.map_or(0, |f| whole.bytes().take_while(|&b| b == f).count());
    let plain = whole.trim_matches(|c: char| c.is_whitespace() || "#*_`~>:[]-".contains(c));
    let prefix = plain.get(..8).filter(|p| p.eq_ignore_ascii_case("tool_use"))?;
    let name = plain[prefix.len()..].trim_start_matches([':', ' ', '_']).trim();
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None;
    }
    let close = match fence {
        Some(f) if length >= 3 => Close::Fence(f, length),
        _ => Close::Open,
    };
    let tool = Tool::named(&name.to_ascii_lowercase());
    let opening = Opening { tool, written: name.to_owned(), attributes: end..end, close };
    Some(Marker { span: at..end, kind: Kind::Open(opening) })
}
