//! From template text to tokens, with Jinja's whitespace control: `trim_blocks`, `lstrip_blocks`, one
//! newline at the end dropped, `-` and `+` at the tags.

use std::sync::Arc;

use super::{
    fault::{Eval, Fault, fail},
    text::is_space,
};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Text outside tags.
    Data(Arc<str>),
    /// `{{`
    VariableBegin,
    /// `}}`
    VariableEnd,
    /// `{%`
    BlockBegin,
    /// `%}`
    BlockEnd,
    Name(Arc<str>),
    Text(String),
    Int(i128),
    Float(f64),
    Op(&'static str),
    End,
}

const OPERATORS: [&str; 26] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";",
];

/// The tokens of a template, each with its line; the last is [`Token::End`].
pub(super) fn lex(source: &str) -> Eval<Vec<(Token, u32)>> {
    let mut source = source.replace("\r\n", "\n").replace('\r', "\n");
    if source.ends_with('\n') {
        source.pop();
    }
    let mut lexer =
        Lexer { source: &source, at: 0, line: 1, line_starts: true, tokens: Vec::new() };
    lexer.run().map_err(|fault| fault.at(lexer.line))?;
    lexer.push(Token::End);
    Ok(lexer.tokens)
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    line: u32,
    /// Whether the tag before ended with a newline.
    line_starts: bool,
    tokens: Vec<(Token, u32)>,
}

/// Where a tag begins, what its sign is.
struct Opening {
    start: usize,
    kind: Kind,
    sign: Option<u8>,
    /// After the delimiter and its sign.
    end: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Variable,
    Block,
    Comment,
    /// `{% raw %}`, whose opening is all of it.
    Raw,
}

impl<'s> Lexer<'s> {
    fn run(&mut self) -> Eval<()> {
        while let Some(opening) = self.opening() {
            self.data(opening.start, opening.kind != Kind::Variable, opening.sign);
            self.advance(opening.end);
            match opening.kind {
                Kind::Comment => self.comment()?,
                Kind::Raw => self.raw()?,
                Kind::Variable => self.tag((Token::VariableBegin, Token::VariableEnd), "}}")?,
                Kind::Block => self.tag((Token::BlockBegin, Token::BlockEnd), "%}")?,
            }
        }
        let rest = &self.source[self.at..];
        if !rest.is_empty() {
            self.push(Token::Data(rest.into()));
        }
        Ok(())
    }

    fn push(&mut self, token: Token) {
        self.tokens.push((token, self.line));
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    /// Moves on, counting lines.
    fn advance(&mut self, to: usize) {
        self.line += self.source[self.at..to].matches('\n').count() as u32;
        self.line_starts = self.source[..to].ends_with('\n');
        self.at = to;
    }

    /// The next tag.
    fn opening(&self) -> Option<Opening> {
        let bytes = self.source.as_bytes();
        let starts = self.rest().match_indices('{').map(|(start, _)| self.at + start);
        for start in starts {
            let kind = match bytes.get(start + 1) {
                Some(b'{') => Kind::Variable,
                Some(b'%') => Kind::Block,
                Some(b'#') => Kind::Comment,
                _ => continue,
            };
            let sign = bytes.get(start + 2).copied().filter(|sign| matches!(sign, b'-' | b'+'));
            let end = start + 2 + usize::from(sign.is_some());
            if kind == Kind::Block
                && let Some(end) = self.raw_opening(end)
            {
                return Some(Opening { start, kind: Kind::Raw, sign, end });
            }
            return Some(Opening { start, kind, sign, end });
        }
        None
    }

    /// Where `raw %}` ends, if that is what stands here.
    fn raw_opening(&self, at: usize) -> Option<usize> {
        let rest = self.source[at..].trim_start_matches(is_space).strip_prefix("raw")?;
        let rest = rest.trim_start_matches(is_space);
        let rest = match rest.strip_prefix("-%}") {
            Some(rest) => rest.trim_start_matches(is_space),
            None => rest.strip_prefix("%}")?,
        };
        Some(self.source.len() - rest.len())
    }

    /// Text up to a tag, with the whitespace taken off that the tag takes.
    fn data(&mut self, end: usize, strips_line: bool, sign: Option<u8>) {
        let whole = &self.source[self.at..end];
        let mut text = whole;
        if sign == Some(b'-') {
            text = text.trim_end_matches(is_space);
        } else if sign.is_none() && strips_line {
            let line = text.rfind('\n').map_or(0, |newline| newline + 1);
            let blank = line < text.len() && text[line..].chars().all(is_space);
            if (line > 0 || self.line_starts) && blank {
                text = &text[..line];
            }
        }
        if !text.is_empty() {
            self.push(Token::Data(text.into()));
        }
        self.advance(end);
    }

    /// Where a tag's end (`-%}`, `+%}`, `%}`) that stands here ends, with the whitespace it takes.
    fn closing(&self, at: usize, delimiter: &str) -> Option<usize> {
        let rest = &self.source[at..];
        let after = |rest: &str| self.source.len() - rest.len();
        if let Some(rest) = rest.strip_prefix('-').and_then(|rest| rest.strip_prefix(delimiter)) {
            return Some(after(rest.trim_start_matches(is_space)));
        }
        let variable = delimiter == "}}";
        if !variable
            && let Some(rest) = rest.strip_prefix('+').and_then(|rest| rest.strip_prefix(delimiter))
        {
            return Some(after(rest));
        }
        let rest = rest.strip_prefix(delimiter)?;
        Some(after(if variable { rest } else { rest.strip_prefix('\n').unwrap_or(rest) }))
    }

    fn comment(&mut self) -> Eval<()> {
        // A sign before `#}` belongs to it, so the earliest end is the right one.
        let ends = self.rest().match_indices("#}").map(|(end, _)| self.at + end);
        for end in ends {
            let signed = (end > self.at && matches!(self.source.as_bytes()[end - 1], b'-' | b'+'))
                .then_some(end - 1);
            if let Some(end) = self.closing(signed.unwrap_or(end), "#}") {
                self.advance(end);
                return Ok(());
            }
        }
        fail!("a comment is never closed")
    }

    fn raw(&mut self) -> Eval<()> {
        let starts = self.rest().match_indices("{%").map(|(start, _)| self.at + start);
        for start in starts {
            let tag = &self.source[start + 2..];
            let sign = tag.bytes().next().filter(|sign| matches!(sign, b'-' | b'+'));
            let tag = &tag[usize::from(sign.is_some())..];
            let Some(tag) = tag.trim_start_matches(is_space).strip_prefix("endraw") else {
                continue;
            };
            let tag = tag.trim_start_matches(is_space);
            if let Some(end) = self.closing(self.source.len() - tag.len(), "%}") {
                self.data(start, true, sign);
                self.advance(end);
                return Ok(());
            }
        }
        fail!("a raw block is never closed")
    }

    /// The inside of `{{ … }}` or `{% … %}`.
    fn tag(&mut self, (begin, end): (Token, Token), delimiter: &str) -> Eval<()> {
        self.push(begin);
        let mut open: Vec<&str> = Vec::new();
        loop {
            let spaces = self.rest().len() - self.rest().trim_start_matches(is_space).len();
            // An end that takes whitespace stands behind whitespace too.
            self.advance(self.at + spaces);
            if open.is_empty()
                && let Some(after) = self.closing(self.at, delimiter)
            {
                self.push(end);
                self.advance(after);
                return Ok(());
            }
            let rest = self.rest();
            let Some(first) = rest.chars().next() else { fail!("a tag is never closed") };
            if first.is_ascii_digit() {
                self.number()?;
            } else if first.is_alphanumeric() || first == '_' {
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                self.push(Token::Name(rest[..length].into()));
                self.advance(self.at + length);
            } else if first == '\'' || first == '"' {
                self.string(first)?;
            } else {
                let Some(operator) = OPERATORS.into_iter().find(|op| rest.starts_with(op)) else {
                    fail!("unexpected character `{first}`");
                };
                match operator {
                    "(" => open.push(")"),
                    "[" => open.push("]"),
                    "{" => open.push("}"),
                    ")" | "]" | "}" if open.pop() != Some(operator) => {
                        fail!("unexpected `{operator}`");
                    }
                    _ => {}
                }
                self.push(Token::Op(operator));
                self.advance(self.at + operator.len());
            }
        }
    }

    fn number(&mut self) -> Eval<()> {
        let rest = self.rest();
        let radix = match rest.as_bytes().get(..2) {
            Some(b"0x" | b"0X") => 16,
            Some(b"0o" | b"0O") => 8,
            Some(b"0b" | b"0B") => 2,
            _ => 10,
        };
        let digits = |text: &str| {
            let is_part = |c: char| c == '_' || c.is_digit(radix);
            text.find(|c| !is_part(c)).unwrap_or(text.len())
        };
        let start = if radix == 10 { 0 } else { 2 };
        let mut length = start + digits(&rest[start..]);
        // `a.0.1` is two items, not the item 0.1.
        let after_dot = matches!(self.tokens.last(), Some((Token::Op("."), _)));
        let mut float = false;
        if radix == 10 && !after_dot {
            if rest[length..].starts_with('.') && digits(&rest[length + 1..]) > 0 {
                length += 1 + digits(&rest[length + 1..]);
                float = true;
            }
            if rest[length..].starts_with(['e', 'E']) {
                let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
                let exponent = digits(&rest[length + 1 + sign..]);
                if exponent > 0 {
                    length += 1 + sign + exponent;
                    float = true;
                }
            }
        }
        let text = rest[start..length].replace('_', "");
        let wrong = || Fault::new(format!("`{}` is not a number", &rest[..length]));
        let zeros = !float && radix == 10 && text.starts_with('0') && text.contains(|c| c != '0');
        if zeros || rest[..length].contains("__") || rest[..length].ends_with('_') {
            return Err(wrong());
        }
        self.push(if float {
            Token::Float(text.parse().map_err(|_| wrong())?)
        } else {
            Token::Int(i128::from_str_radix(&text, radix).map_err(|_| wrong())?)
        });
        self.advance(self.at + length);
        Ok(())
    }

    fn string(&mut self, quote: char) -> Eval<()> {
        let inside = &self.source[self.at + 1..];
        let mut escaped = false;
        let end = inside.find(|c| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let Some(end) = end else { fail!("a string is never closed") };
        self.push(Token::Text(unescape(&inside[..end])?));
        self.advance(self.at + 1 + end + 1);
        Ok(())
    }
}

/// A character as Python spells it in ASCII, without the backslash.
fn spelled(c: char) -> Vec<char> {
    let code = c as u32;
    let spelled = match code {
        0..0x100 => format!("x{code:02x}"),
        0x100..0x10000 => format!("u{code:04x}"),
        _ => format!("U{code:08x}"),
    };
    spelled.chars().collect()
}

/// What a string literal means, by the rules of Python's `unicode-escape`.
fn unescape(literal: &str) -> Eval<String> {
    let mut text = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some(backslash) = rest.find('\\') {
        text.push_str(&rest[..backslash]);
        let mut chars = rest[backslash + 1..].chars();
        let Some(escape) = chars.next() else { fail!("a string ends in a lone backslash") };
        rest = chars.as_str();
        let mut code = |digits: std::ops::RangeInclusive<usize>, radix: u32| -> Eval<char> {
            let length = rest.chars().take(*digits.end()).take_while(|c| c.is_digit(radix)).count();
            let number = u32::from_str_radix(&rest[..length], radix).ok();
            let found = number.filter(|_| length >= *digits.start()).and_then(char::from_u32);
            rest = &rest[length..];
            found.ok_or_else(|| Fault::new(format!("`\\{escape}` is cut short or no character")))
        };
        match escape {
            '\n' => {}
            '\\' | '\'' | '"' => text.push(escape),
            'a' => text.push('\x07'),
            'b' => text.push('\x08'),
            'f' => text.push('\x0c'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'v' => text.push('\x0b'),
            'x' => text.push(code(2..=2, 16)?),
            'u' => text.push(code(4..=4, 16)?),
            'U' => text.push(code(8..=8, 16)?),
            '0'..='7' => {
                rest = &literal[literal.len() - rest.len() - 1..];
                let length = rest.chars().take(3).take_while(|c| c.is_digit(8)).count();
                let number = u32::from_str_radix(&rest[..length], 8).ok().and_then(char::from_u32);
                text.extend(number);
                rest = &rest[length..];
            }
            'N' => fail!("`\\N` escapes are not supported; write the character itself"),
            // Jinja writes these as an escape first, which the backslash then takes apart.
            other if !other.is_ascii() => text.extend(['\\'].into_iter().chain(spelled(other))),
            other => text.extend(['\\', other]),
        }
    }
    text.push_str(rest);
    Ok(text)
}
