//! Numbers as Python writes, reads and rounds them.

/// `repr` of a float: the shortest digits that read back as the same number.
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let shortest = format!("{value:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// What `int(text, base)` makes of a string; `None` where Python raises.
pub(super) fn int_of(text: &str, base: u32) -> Option<i128> {
    if base != 0 && !(2..=36).contains(&base) {
        return None;
    }
    let text = text.trim_matches(super::text::is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find_map(|(prefix, radix)| {
        let rest = lower.strip_prefix(prefix).filter(|_| base == radix || base == 0)?;
        Some((rest.strip_prefix('_').unwrap_or(rest), radix))
    });
    let (digits, radix) = prefixed.unwrap_or((&lower, if base == 0 { 10 } else { base }));
    let digits = without_underscores(digits)?;
    let magnitude = i128::from_str_radix(&digits, radix).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// What `float(text)` makes of a string.
pub(super) fn float_of(text: &str) -> Option<f64> {
    let text = text.trim_matches(super::text::is_space);
    let digits = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let named = matches!(&*digits, "inf" | "infinity" | "nan");
    if !named && !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    without_underscores(text)?.parse().ok()
}

/// Digits with single underscores between them, which Python allows, taken out.
fn without_underscores(digits: &str) -> Option<String> {
    let parts: Vec<&str> = digits.split('_').collect();
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let sound = parts.len() == 1
        || parts.iter().all(|part| edge(part.chars().next_back()) && !part.is_empty());
    // A sign inside would be read by Rust, not by Python.
    (sound && !digits.is_empty() && !digits[1..].starts_with(['+', '-'])).then(|| parts.concat())
}

/// `round(value, places)` of a float, halves to even on the exact decimal value.
pub(super) fn round(value: f64, places: i128) -> f64 {
    if !value.is_finite() || places > 323 {
        return value;
    }
    if places >= 0 {
        return format!("{value:.*}", places as usize).parse().unwrap_or(value);
    }
    if places < -308 {
        return 0.0 * value;
    }
    // Rounded as a whole number of units.
    let unit = 10f64.powi(-places as i32);
    (value / unit).round_ties_even() * unit
}

/// `round(value, places)` of a whole number, halves to even.
pub(super) fn round_int(value: i128, places: i128) -> i128 {
    if places >= 0 {
        return value;
    }
    let Some(unit) = u32::try_from(-places).ok().and_then(|n| 10i128.checked_pow(n)) else {
        return 0;
    };
    let (below, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
    let up = rest * 2 > unit || rest * 2 == unit && below % 2 != 0;
    (below + i128::from(up)).saturating_mul(unit)
}

/// Python's `//` and `%` of floats.
pub(super) fn float_div_mod(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    if rest != 0.0 && (rest < 0.0) != (b < 0.0) {
        rest += b;
    } else if rest == 0.0 {
        rest = 0f64.copysign(b);
    }
    let exact = (a - rest) / b;
    let mut floor = exact.floor();
    if exact - floor > 0.5 {
        floor += 1.0;
    }
    if exact == 0.0 {
        floor = 0f64.copysign(a / b);
    }
    (floor, rest)
}

/// Python's `//` and `%` of whole numbers; `None` on overflow.
pub(super) fn int_div_mod(a: i128, b: i128) -> Option<(i128, i128)> {
    let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    Some(if rest != 0 && (rest < 0) != (b < 0) {
        (quotient - 1, rest + b)
    } else {
        (quotient, rest)
    })
}
