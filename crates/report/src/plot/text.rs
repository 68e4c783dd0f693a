//! Text in a plot. The reader's font is unknown, so its width is estimated, on the wide side.

/// The estimated width of `text` set at `size`.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

/// The width of a character in units of the font size, as in the wider of the usual sans serifs.
fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' | '.' | ',' | ':' | ';' | '!' => 0.31,
        ' ' | 'f' | 't' | 'I' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' => 0.4,
        'm' | 'M' | 'W' | '%' | '@' | '—' | '…' | '→' | '←' => 0.97,
        'A'..='Z' | 'w' | '&' => 0.74,
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0.0,
        '\u{1100}'..='\u{11ff}' | '\u{2600}'..='\u{27bf}' | '\u{2e80}'.. => 1.05,
        _ => 0.62,
    }
}

/// `text` on at most `lines` lines of `room` width; what does not fit ends in an ellipsis.
pub(super) fn wrap(text: &str, size: f64, room: f64, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for (piece, joined) in pieces(text, size, room) {
        let gap = if joined { "" } else { " " };
        let full = out.len() == lines;
        match out.last_mut() {
            Some(line) if width(line, size) + width(gap, size) + width(&piece, size) <= room => {
                line.push_str(gap);
                line.push_str(&piece);
            }
            Some(line) if full => {
                line.push_str(gap);
                line.push_str(&piece);
                *line = shorten(line, size, room);
                return out;
            }
            _ => out.push(piece),
        }
    }
    out
}

/// `text` on one line of `room` width, cut with an ellipsis where it is too long.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if width(&text, size) <= room { text } else { shorten(&text, size, room) }
}

fn shorten(text: &str, size: f64, room: f64) -> String {
    head(text, size, room - width("…", size)).trim_end().to_owned() + "…"
}

/// As much of the start of `text` as has room.
fn head(text: &str, size: f64, room: f64) -> &str {
    let mut used = 0.0;
    let end = text.char_indices().find(|&(_, c)| {
        used += em(c) * size;
        used > room
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// The words of `text`. One wider than a line is cut, and its further pieces are marked as joined.
/// A label longer than any plot can hold is not read to its end.
fn pieces(text: &str, size: f64, room: f64) -> Vec<(String, bool)> {
    const ENOUGH: usize = 1000;
    let text: String = text.chars().take(ENOUGH).collect();
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while !rest.is_empty() {
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let cut = head(rest, size, room).len().max(first);
            out.push((rest[..cut].to_owned(), rest.len() < word.len()));
            rest = &rest[cut..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_labels_wrap_and_then_end_in_an_ellipsis() {
        assert_eq!(wrap("picks  the\ncheap one", 10.0, 60.0, 3), ["picks the", "cheap one"]);
        assert_eq!(wrap("one two three four five", 10.0, 50.0, 2), ["one two", "three f…"]);
        assert_eq!(wrap("Donaudampfschiff", 10.0, 60.0, 2), ["Donaudam", "pfschiff"]);
        assert_eq!(wrap("チーズの好みは国産か", 10.0, 45.0, 2), ["チーズの", "好みは…"]);
        assert_eq!(wrap("a", 10.0, 0.0, 1), ["a"]);
        assert!(wrap(" \n", 10.0, 60.0, 2).is_empty());
    }

    #[test]
    fn no_line_is_wider_than_its_room() {
        for room in [30.0, 77.0, 300.0] {
            for line in wrap(&"łonger and Longer wörds, 字字字字字 ".repeat(9), 13.0, room, 3)
            {
                assert!(width(&line, 13.0) <= room, "{line} in {room}");
            }
        }
    }
}
