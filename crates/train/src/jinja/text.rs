//! Python's notions of characters, where they differ from Rust's.

use super::{
    fault::Eval,
    meter::Meter,
    value::{Text, Value},
};

/// Fails unless so many strings fit.
pub(super) fn room_for(meter: &Meter, strings: usize) -> Eval<()> {
    meter.spend(1 + strings as u64)?;
    meter.room(strings.saturating_mul(Text::OVERHEAD + size_of::<Value>()))
}

/// What `str.strip`, `str.split` and `\s` take for whitespace.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// What `str.splitlines` takes for the end of a line.
pub(super) fn ends_line(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// `str.splitlines`.
pub(super) fn lines<'t>(meter: &Meter, text: &'t str, keep_ends: bool) -> Eval<Vec<&'t str>> {
    room_for(meter, text.matches(ends_line).count())?;
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(ends_line).unwrap_or(rest.len());
        let newline = match rest[end..].chars().next() {
            Some('\r') if rest[end..].starts_with("\r\n") => 2,
            Some(c) => c.len_utf8(),
            None => 0,
        };
        lines.push(&rest[..if keep_ends { end + newline } else { end }]);
        rest = &rest[end + newline..];
    }
    Ok(lines)
}

/// `str.capitalize`.
pub(super) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let mut upper = first.to_uppercase();
    let head: String = upper.by_ref().take(1).collect();
    // Title case of a ligature: only its first letter is large.
    let tail: String = upper.flat_map(char::to_lowercase).collect();
    head + &tail + &chars.as_str().to_lowercase()
}

/// Byte range of the characters from one place to another.
pub(super) fn char_range(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let mut places = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
    let start_byte = places.nth(start).unwrap_or(text.len());
    let end_byte = match end.checked_sub(start + 1) {
        Some(more) => places.nth(more).unwrap_or(text.len()),
        None => start_byte,
    };
    start_byte..end_byte
}

/// Whether `repr` writes it as it is.
pub(super) fn is_printable(c: char) -> bool {
    // Rust escapes, for debugging, what Python does; only at the start of a string more than that.
    c == ' '
        || !c.is_whitespace()
            && ['a', c].iter().collect::<String>().escape_debug().nth(1) == Some(c)
}
