//! Python's three ways to format: `%`, `str.format`, and the format specifications that both share.

use std::rc::Rc;

use super::{
    attribute,
    call::Call,
    compare::get,
    fault::{Eval, fail},
    index,
    machine::Machine,
    meter::{DEEPEST, Meter, Writer},
    methods::{Side, pad},
    number,
    show::{quoted, repr, to_string},
    value::Value,
};

/// Digits after the point that anybody asks for.
const MOST_DIGITS: usize = 4096;

/// How one value is to be formatted: `[[fill]align][sign][#][0][width][,][.precision][type]`.
#[derive(Clone)]
struct Spec {
    fill: char,
    align: Option<char>,
    sign: char,
    alternate: bool,
    zero: bool,
    width: i128,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Default for Spec {
    fn default() -> Self {
        Spec {
            fill: ' ',
            align: None,
            sign: '-',
            alternate: false,
            zero: false,
            width: 0,
            grouping: None,
            precision: None,
            kind: None,
        }
    }
}

/// A reader of one format specification.
struct Chars<'s>(std::iter::Peekable<std::str::Chars<'s>>);

impl Chars<'_> {
    fn skip(&mut self, wanted: char) -> bool {
        self.0.next_if_eq(&wanted).is_some()
    }

    fn number(&mut self) -> Option<i128> {
        let mut number = None;
        while let Some(digit) = self.0.peek().and_then(|c| c.to_digit(10)) {
            self.0.next();
            let so_far: i128 = number.unwrap_or(0);
            number = Some(so_far.saturating_mul(10).saturating_add(i128::from(digit)));
        }
        number
    }
}

fn precision(digits: Option<i128>) -> Eval<usize> {
    match usize::try_from(digits.unwrap_or(0)) {
        Ok(digits) if digits <= MOST_DIGITS => Ok(digits),
        _ => fail!("a precision of more than {MOST_DIGITS} digits"),
    }
}

impl Spec {
    fn parse(text: &str) -> Eval<Self> {
        let mut spec = Spec::default();
        let is_align = |c: char| matches!(c, '<' | '>' | '=' | '^');
        let mut start = text.chars();
        let (first, second) = (start.next(), start.next());
        let mut chars = Chars(text.chars().peekable());
        if let (Some(fill), Some(align)) = (first, second.filter(|c| is_align(*c))) {
            (spec.fill, spec.align) = (fill, Some(align));
            chars.0.next();
            chars.0.next();
        } else if let Some(align) = first.filter(|c| is_align(*c)) {
            spec.align = Some(align);
            chars.0.next();
        }
        if let Some(sign) = chars.0.next_if(|c| matches!(c, '+' | '-' | ' ')) {
            spec.sign = sign;
        }
        spec.alternate = chars.skip('#');
        if chars.skip('0') {
            spec.zero = true;
        }
        spec.width = chars.number().unwrap_or(0);
        spec.grouping = chars.0.next_if(|c| matches!(c, ',' | '_'));
        if chars.skip('.') {
            let digits = chars.number();
            if digits.is_none() {
                fail!("Format specifier missing precision");
            }
            spec.precision = Some(precision(digits)?);
        }
        spec.kind = chars.0.next();
        if chars.0.next().is_some() {
            fail!("Invalid format specifier '{text}'");
        }
        Ok(spec)
    }

    /// Formats a value as `format(value, spec)` does.
    fn write(&self, writer: &mut Writer, meter: &Rc<Meter>, value: &Value) -> Eval<()> {
        match value {
            Value::Int(int) => match self.kind {
                Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => self.float(writer, *int as f64),
                _ => self.int(writer, *int),
            },
            Value::Bool(value) if self.kind.is_some() => self.int(writer, i128::from(*value)),
            Value::Float(float) => self.float(writer, *float),
            Value::Text(text) => self.text(writer, &text.text),
            Value::Bool(_) => self.text(writer, &to_string(meter, value)?),
            other if self.is_plain() => writer.push(&to_string(meter, other)?),
            other => fail!("unsupported format string passed to {}.__format__", other.kind()),
        }
    }

    fn is_plain(&self) -> bool {
        self.width == 0 && self.align.is_none() && self.kind.is_none() && self.precision.is_none()
    }

    fn text(&self, writer: &mut Writer, text: &str) -> Eval<()> {
        if !matches!(self.kind, None | Some('s')) {
            fail!("Unknown format code '{}' for object of type 'str'", self.kind.unwrap_or(' '));
        }
        let text = match self.precision {
            Some(most) => text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end]),
            None => text,
        };
        let fill = if self.zero && self.fill == ' ' { '0' } else { self.fill };
        pad(writer, text, self.width, fill, side(self.align.unwrap_or('<')))
    }

    fn int(&self, writer: &mut Writer, int: i128) -> Eval<()> {
        let magnitude = int.unsigned_abs();
        let (prefix, digits) = match self.kind {
            None | Some('d' | 'n' | 'i' | 'u') => ("", magnitude.to_string()),
            Some('x') => ("0x", format!("{magnitude:x}")),
            Some('X') => ("0X", format!("{magnitude:X}")),
            Some('o') => ("0o", format!("{magnitude:o}")),
            Some('b') => ("0b", format!("{magnitude:b}")),
            Some('c') => {
                let c = u32::try_from(int).ok().and_then(char::from_u32);
                let Some(c) = c else { fail!("%c arg not in range(0x110000)") };
                return pad(
                    writer,
                    &c.to_string(),
                    self.width,
                    self.fill,
                    side(self.align.unwrap_or('<')),
                );
            }
            Some(kind) => fail!("Unknown format code '{kind}' for object of type 'int'"),
        };
        let prefix = if self.alternate { prefix } else { "" };
        self.signed(writer, int < 0, prefix, digits)
    }

    fn float(&self, writer: &mut Writer, float: f64) -> Eval<()> {
        let magnitude = float.abs();
        let digits = if !float.is_finite() {
            let upper = self.kind.is_some_and(|kind| kind.is_ascii_uppercase());
            let word = number::float(magnitude);
            if upper { word.to_uppercase() } else { word }
        } else {
            let precision = self.precision.unwrap_or(6);
            match self.kind {
                None if self.precision.is_none() => number::float(magnitude),
                None => general(magnitude, precision.max(1), true, false),
                Some('f' | 'F') => format!("{magnitude:.precision$}"),
                Some('%') => format!("{:.precision$}%", magnitude * 100.0),
                Some('e') => exponent(magnitude, precision),
                Some('E') => exponent(magnitude, precision).to_uppercase(),
                Some('g' | 'n') => general(magnitude, precision.max(1), false, self.alternate),
                Some('G') => {
                    general(magnitude, precision.max(1), false, self.alternate).to_uppercase()
                }
                Some(kind) => fail!("Unknown format code '{kind}' for object of type 'float'"),
            }
        };
        self.signed(writer, float.is_sign_negative() && !float.is_nan(), "", digits)
    }

    /// Digits with their sign, groups and padding.
    fn signed(
        &self,
        writer: &mut Writer,
        negative: bool,
        prefix: &str,
        digits: String,
    ) -> Eval<()> {
        let sign = match (negative, self.sign) {
            (true, _) => "-",
            (false, '+') => "+",
            (false, ' ') => " ",
            _ => "",
        };
        let digits = match self.grouping {
            Some(separator) => grouped(
                &digits,
                separator,
                if prefix.is_empty() && !matches!(self.kind, Some('x' | 'X' | 'o' | 'b')) {
                    3
                } else {
                    4
                },
            ),
            None => digits,
        };
        let (align, fill) = match self.align {
            Some(align) => (align, self.fill),
            None if self.zero => ('=', '0'),
            None => ('>', self.fill),
        };
        let head = format!("{sign}{prefix}");
        if align == '=' {
            writer.push(&head)?;
            return pad(writer, &digits, self.width - head.len() as i128, fill, Side::Before);
        }
        pad(writer, &(head + &digits), self.width, fill, side(align))
    }
}

fn side(align: char) -> Side {
    match align {
        '<' => Side::After,
        '^' => Side::Both,
        _ => Side::Before,
    }
}

fn grouped(digits: &str, separator: char, size: usize) -> String {
    let whole = digits.find(['.', 'e', 'E', '%']).unwrap_or(digits.len());
    let mut grouped = String::new();
    for (place, digit) in digits[..whole].chars().enumerate() {
        if place > 0 && (whole - place).is_multiple_of(size) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped + &digits[whole..]
}

/// `1.5e+10`
fn exponent(magnitude: f64, precision: usize) -> String {
    let text = format!("{magnitude:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// `%g`: so many digits, as a plain number or with an exponent. As `str` does, a point is kept.
fn general(magnitude: f64, precision: usize, point: bool, keep_zeros: bool) -> String {
    let scientific = exponent(magnitude, precision - 1);
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let trimmed = |text: &str| {
        if keep_zeros || !text.contains('.') {
            return text.to_owned();
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let highest = precision as i32 - i32::from(point);
    if power < -4 || power >= highest.max(0) {
        let suffix = &scientific[digits.len()..];
        return trimmed(digits) + suffix;
    }
    let after = (precision as i32 - 1 - power).max(0) as usize;
    let plain = trimmed(&format!("{magnitude:.after$}"));
    if point && !plain.contains('.') { plain + ".0" } else { plain }
}

/// `text % values`.
pub(super) fn percent(meter: &Rc<Meter>, text: &str, values: &Value) -> Eval<String> {
    let mut writer = Writer::new(meter);
    let mut positional = match values {
        Value::Tuple(values) => values.items.clone(),
        other => vec![other.clone()],
    }
    .into_iter();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        writer.push(&rest[..at])?;
        let mut chars = Chars(rest[at + 1..].chars().peekable());
        let mut spec = Spec::default();
        let mut named = None;
        if chars.skip('(') {
            let key: String = std::iter::from_fn(|| chars.0.next_if(|c| *c != ')')).collect();
            chars.0.next();
            let Value::Dict(dict) = values else { fail!("format requires a mapping") };
            let key = Value::free_text(key);
            let Some(value) = get(meter, &dict.entries, &key)? else {
                fail!("no value for '{}'", to_string(meter, &key)?);
            };
            named = Some(value.clone());
        }
        while let Some(flag) = chars.0.next_if(|c| matches!(c, '-' | '+' | ' ' | '#' | '0')) {
            match flag {
                '-' => spec.align = Some('<'),
                '+' => spec.sign = '+',
                ' ' if spec.sign == '-' => spec.sign = ' ',
                '#' => spec.alternate = true,
                '0' => spec.zero = true,
                _ => {}
            }
        }
        let mut argument = || match positional.next() {
            Some(value) => Ok(value),
            None => fail!("not enough arguments for format string"),
        };
        let mut given = |chars: &mut Chars<'_>| -> Eval<Option<i128>> {
            if chars.skip('*') { Ok(argument()?.as_int()) } else { Ok(chars.number()) }
        };
        spec.width = given(&mut chars)?.unwrap_or(0);
        if chars.skip('.') {
            spec.precision = Some(precision(given(&mut chars)?)?);
        }
        while chars.0.next_if(|c| matches!(c, 'h' | 'l' | 'L')).is_some() {}
        let Some(kind) = chars.0.next() else { fail!("incomplete format") };
        let left: String = chars.0.collect();
        rest = &rest[rest.len() - left.len()..];
        if kind == '%' {
            writer.push("%")?;
            continue;
        }
        let value = match named {
            Some(value) => value,
            None => argument()?,
        };
        percent_one(&mut writer, meter, spec, kind, &value)?;
    }
    writer.push(rest)?;
    if positional.next().is_some()
        && matches!(
            values,
            Value::Tuple(_)
                | Value::Text(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Bool(_)
                | Value::None
        )
    {
        fail!("not all arguments converted during string formatting");
    }
    Ok(writer.into_string())
}

fn percent_one(
    writer: &mut Writer,
    meter: &Rc<Meter>,
    mut spec: Spec,
    kind: char,
    value: &Value,
) -> Eval<()> {
    match kind {
        's' | 'r' | 'a' => {
            let text = if kind == 's' {
                to_string(meter, value)?
            } else {
                let mut inner = Writer::new(meter);
                match value.as_str() {
                    Some(text) => quoted(&mut inner, text)?,
                    None => repr(&mut inner, value, DEEPEST)?,
                }
                inner.into_string()
            };
            (spec.zero, spec.align) = (false, Some(spec.align.unwrap_or('>')));
            spec.text(writer, &text)
        }
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'c' => {
            spec.kind = Some(kind);
            if let (Value::Text(text), 'c') = (value, kind) {
                if text.text.chars().count() != 1 {
                    fail!("%c requires int or char");
                }
                (spec.kind, spec.align) = (None, Some(spec.align.unwrap_or('>')));
                return spec.text(writer, &text.text);
            }
            if spec.align == Some('<') {
                spec.zero = false;
            }
            match (value.as_int(), value) {
                (Some(int), _) => {
                    if let Some(digits) = spec.precision.take() {
                        // A precision of whole numbers is a number of digits.
                        let shown = format!("{:0digits$}", int.unsigned_abs());
                        return spec.signed(writer, int < 0, "", shown);
                    }
                    spec.int(writer, int)
                }
                (None, Value::Float(float))
                    if matches!(kind, 'd' | 'i' | 'u') && float.is_finite() =>
                {
                    spec.precision = None;
                    spec.int(writer, float.trunc() as i128)
                }
                _ => fail!("%{kind} format: a real number is required, not {}", value.kind()),
            }
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            spec.kind = Some(kind);
            if spec.align == Some('<') {
                spec.zero = false;
            }
            match value.as_float() {
                Some(float) => spec.float(writer, float),
                None => fail!("must be real number, not {}", value.kind()),
            }
        }
        other => fail!("unsupported format character '{other}'"),
    }
}

/// How the fields of a format string are numbered: by themselves or by it, not both.
#[derive(Default)]
struct Numbering {
    next: usize,
    manual: bool,
}

impl Numbering {
    fn automatic(&mut self) -> Eval<usize> {
        if self.manual {
            fail!("cannot switch from manual field specification to automatic field numbering");
        }
        self.next += 1;
        Ok(self.next - 1)
    }

    fn manual(&mut self) -> Eval<()> {
        if self.next > 0 {
            fail!("cannot switch from automatic field numbering to manual field specification");
        }
        self.manual = true;
        Ok(())
    }
}

/// `text.format(…)`.
pub(super) fn braces(machine: &mut Machine<'_>, text: &str, call: &Call) -> Eval<String> {
    let meter = machine.meter.clone();
    let mut writer = Writer::new(&meter);
    let mut next = Numbering::default();
    fields(machine, &mut writer, text, call, &mut next, 2)?;
    Ok(writer.into_string())
}

fn fields(
    machine: &mut Machine<'_>,
    writer: &mut Writer,
    text: &str,
    call: &Call,
    next: &mut Numbering,
    room: u8,
) -> Eval<()> {
    let Some(room) = room.checked_sub(1) else { fail!("Max string recursion exceeded") };
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        writer.push(&rest[..at])?;
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if rest.starts_with(brace) {
            writer.push(brace)?;
            rest = &rest[1..];
            continue;
        }
        if brace == "}" {
            fail!("Single '}}' encountered in format string");
        }
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let Some(end) = end else { fail!("expected '}}' before end of string") };
        field(machine, writer, &rest[..end], call, next, room)?;
        rest = &rest[end + 1..];
    }
    writer.push(rest)
}

/// `name[.attribute][[item]][!conversion][:spec]`
fn field(
    machine: &mut Machine<'_>,
    writer: &mut Writer,
    field: &str,
    call: &Call,
    next: &mut Numbering,
    room: u8,
) -> Eval<()> {
    let meter = machine.meter.clone();
    let (head, spec) = field.split_once(':').unwrap_or((field, ""));
    let (path, conversion) = match head.split_once('!') {
        Some((path, conversion)) => (path, Some(conversion)),
        None => (head, None),
    };
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let name = &path[..end];
    let found = if path.is_empty() {
        call.positional.get(next.automatic()?)
    } else if let Ok(place) = name.parse::<usize>() {
        next.manual()?;
        call.positional.get(place)
    } else {
        call.named.iter().find(|(other, _)| **other == *name).map(|(_, value)| value)
    };
    let Some(found) = found else { fail!("no argument for '{{{name}}}' of the format string") };
    let mut value = found.clone();
    let mut path = &path[end..];
    while !path.is_empty() {
        if let Some(rest) = path.strip_prefix('.') {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            value = attribute::get(machine, &value, &rest[..end].into())?;
            path = &rest[end..];
        } else {
            let Some(end) = path.find(']') else { fail!("expected ']' in format string") };
            let key = &path[1..end];
            let key = match key.parse::<i128>() {
                Ok(place) => Value::Int(place),
                Err(_) => Value::free_text(key),
            };
            value = index::item(&meter, &value, &key)?;
            path = &path[end + 1..];
        }
    }
    match conversion {
        None => {}
        Some("s") => value = meter.text(to_string(&meter, &value)?)?,
        Some("r" | "a") => {
            let mut inner = Writer::new(&meter);
            repr(&mut inner, &value, DEEPEST)?;
            value = inner.finish()?;
        }
        Some(other) => fail!("Unknown conversion specifier {other}"),
    }
    if !spec.contains('{') {
        return Spec::parse(spec)?.write(writer, &meter, &value);
    }
    let mut filled = Writer::new(&meter);
    fields(machine, &mut filled, spec, call, next, room)?;
    Spec::parse(&filled.into_string())?.write(writer, &meter, &value)
}
