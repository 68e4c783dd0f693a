//! Masks, seen: what carries loss stands in brackets, or in colour.

use std::fmt::{self, Write};

use super::mask::Masked;
use crate::{Tokenizer, tokens::Row};

/// Pieces of text with the weights of their loss.
struct Shown {
    pieces: Vec<(String, f32)>,
    /// Whether the pieces are words, which nothing else keeps apart.
    words: bool,
}

impl Row {
    /// The row token by token, to see its mask.
    ///
    /// As it is, tokens that carry loss stand in `[brackets]`, with their weight where it is not 1.
    /// With `{:#}` tokens are coloured, for terminals: those without loss are dim, those with loss have
    /// a ground of green, paler for weights under 1 and yellow to red above, in two shades by turns
    /// that show where a token ends. Spaces at the edge of a token are shown as `·`, newlines as `↵`.
    ///
    /// ```
    /// use ethos_train::{Row, Tokenizer};
    ///
    /// let tokenizer = Tokenizer::word_level(["a", "b"].map(str::to_owned))?;
    /// let row = Row { ids: vec![2, 3, 0], weights: vec![0.0, 1.0, 0.5] };
    /// assert_eq!(row.show(&tokenizer).to_string(), "a [b] [<eos>×0.5]");
    /// println!("{:#}", row.show(&tokenizer));
    /// # Ok::<(), ethos_train::Error>(())
    /// ```
    pub fn show(&self, tokenizer: &Tokenizer) -> impl fmt::Display + use<> {
        let mut pieces: Vec<(String, f32)> = Vec::new();
        for (text, places) in tokenizer.pieces(&self.ids) {
            let weights = places.filter_map(|place| self.weights.get(place).copied());
            let weight = weights.max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
            pieces.push((text, weight));
        }
        Shown { pieces, words: tokenizer.is_of_words() }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (text, weight)) in self.pieces.iter().enumerate() {
            if f.alternate() {
                if self.words && place > 0 {
                    f.write_char(' ')?;
                }
                coloured(f, &visible(text), *weight, place % 2 == 1)?;
            } else {
                if place > 0 {
                    f.write_char(' ')?;
                }
                bracketed(f, &visible(text).replace('\n', ""), *weight)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = 0;
        for span in &self.spans {
            let (before, inside) =
                (&self.text[at..span.range.start], &self.text[span.range.clone()]);
            at = span.range.end;
            if f.alternate() {
                coloured(f, before, 0.0, false)?;
                coloured(f, inside, span.weight, false)?;
            } else {
                f.write_str(before)?;
                bracketed(f, inside, span.weight)?;
            }
        }
        let rest = &self.text[at..];
        if f.alternate() { coloured(f, rest, 0.0, false) } else { f.write_str(rest) }
    }
}

fn bracketed(f: &mut fmt::Formatter<'_>, text: &str, weight: f32) -> fmt::Result {
    match weight {
        0.0 => f.write_str(text),
        1.0 => write!(f, "[{text}]"),
        other => write!(f, "[{text}×{other}]"),
    }
}

/// In the terminal's colours, line by line so that no ground runs on to the edge of the screen.
fn coloured(f: &mut fmt::Formatter<'_>, text: &str, weight: f32, odd: bool) -> fmt::Result {
    for line in text.split_inclusive('\n') {
        let (line, newline) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        match ground(weight, odd) {
            _ if line.is_empty() => {}
            None => write!(f, "\x1b[2m{line}\x1b[0m")?,
            Some(ground) => write!(f, "\x1b[38;5;16;48;5;{ground}m{line}\x1b[0m")?,
        }
        f.write_str(newline)?;
    }
    Ok(())
}

/// The colour that stands for a weight, of the 256 that terminals have.
fn ground(weight: f32, odd: bool) -> Option<u8> {
    let [even_ground, odd_ground] = match weight {
        0.0 => return None,
        weight if weight < 0.0 => [153, 117],
        weight if weight <= 0.34 => [194, 193],
        weight if weight <= 0.67 => [157, 156],
        weight if weight <= 1.0 => [114, 78],
        weight if weight <= 2.0 => [221, 220],
        _ => [209, 208],
    };
    Some(if odd { odd_ground } else { even_ground })
}

/// The text of a token with whitespace at its edges that can be seen.
fn visible(text: &str) -> String {
    let inner = text.trim_matches(' ');
    let before = if inner.is_empty() { 0 } else { text.len() - text.trim_start_matches(' ').len() };
    let after = text.len() - inner.len() - before;
    let mut visible = "·".repeat(before);
    for c in inner.chars() {
        match c {
            '\n' => visible.push_str("↵\n"),
            '\t' => visible.push('→'),
            // A token may be a control character, which a terminal would obey.
            c if c.is_control() => visible.extend(c.escape_default()),
            c => visible.push(c),
        }
    }
    visible + &"·".repeat(after)
}
