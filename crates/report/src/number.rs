//! How numbers are written: a true minus sign, commas between thousands, never `1e-5`.

/// `value` with `digits` decimals; in powers of ten from 10¹⁵ on. What is not finite is a dash.
pub(crate) fn decimal(value: f64, digits: usize) -> String {
    let digits = digits.min(15);
    if !value.is_finite() {
        return MISSING.into();
    }
    if value.abs() >= 1e15 {
        return scientific(value, digits.min(3));
    }
    let plain = format!("{:.digits$}", value.abs());
    let (whole, fraction) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let negative = value < 0.0 && plain.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let mut out = String::from(if negative { "−" } else { "" });
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

/// `value` as a percentage with `digits` decimals: 0.25 is `25%`.
pub(crate) fn percent(value: f64, digits: usize) -> String {
    let hundredfold = value * 100.0;
    if hundredfold.is_finite() { decimal(hundredfold, digits) + "%" } else { MISSING.into() }
}

/// `value` as a mantissa with `digits` decimals and a power of ten: `3×10⁻⁵`.
pub(crate) fn scientific(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return MISSING.into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{value:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: String = exponent.chars().map(superscript).collect();
    format!("{}×10{exponent}", mantissa.replace('-', "−"))
}

fn superscript(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' | '4'..='9' => char::from_u32(0x2070 + c as u32 - '0' as u32).unwrap_or(c),
        other => other,
    }
}

/// `3 runs`, `1 run`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", decimal(n as f64, 0), if n == 1 { one } else { many })
}

/// The mark of a value that is not there.
pub(crate) const MISSING: &str = "—";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_print() {
        assert_eq!(decimal(1234567.891, 2), "1,234,567.89");
        assert_eq!(decimal(-0.5, 1), "−0.5");
        assert_eq!(decimal(-0.001, 2), "0.00");
        assert_eq!(decimal(999.0, 0), "999");
        assert_eq!(decimal(1e300, 2), "1.00×10³⁰⁰");
        assert_eq!(decimal(f64::NAN, 2), MISSING);
        assert_eq!(percent(0.256, 0), "26%");
        assert_eq!(percent(1e308, 0), MISSING);
        assert_eq!(scientific(-3.2e-5, 0), "−3×10⁻⁵");
        assert_eq!(count(1, "run", "runs"), "1 run");
        assert_eq!(count(2000, "run", "runs"), "2,000 runs");
    }
}
