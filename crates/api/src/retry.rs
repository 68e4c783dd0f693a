//! How long to wait, and how often to try.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, SystemTime},
};

use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How long an attempt may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// Until the connection stands, in seconds.
    pub connect: f64,
    /// Until the last byte of the answer is there, in seconds, the connection included.
    pub answer: f64,
}

impl Timeouts {
    /// Ten seconds to connect, ten minutes to answer: long answers of slow models fit.
    pub fn usual() -> Timeouts {
        Timeouts { connect: 10.0, answer: 600.0 }
    }
}

/// How often a failed attempt is repeated.
///
/// Repeated is what may pass: a connection that breaks, a time limit, an answer that is cut off or
/// unreadable, and the statuses 408, 409, 425, 429 and 5xx. The pause before the n-th repeat is drawn
/// uniformly from zero to `pause · 2ⁿ⁻¹`, at most `longest`. Where the server asks for a pause
/// (`Retry-After`, `retry-after-ms`), that one is kept, and where it says `x-should-retry`, it is
/// believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all, the first one counted; at least 1.
    pub tries: u32,
    /// The longest that the first pause can be, in seconds. It doubles with each.
    pub pause: f64,
    /// The longest pause, in seconds. One that the server asks for may be longer.
    pub longest: f64,
    /// Time for all attempts and the pauses between them, in seconds, from the first time that the
    /// request is sent. A pause that does not fit is not waited for: the error says how long it is.
    pub total: f64,
    /// Seed of the pauses; without one every client draws others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Retry {
    /// For long runs: eight attempts within twenty minutes, pauses of up to 1, 2, 4 … 60 seconds.
    pub fn usual() -> Retry {
        Retry { tries: 8, pause: 1.0, longest: 60.0, total: 1200.0, seed: None }
    }

    /// Every request is sent once.
    pub fn never() -> Retry {
        Retry { tries: 1, ..Retry::usual() }
    }

    pub(crate) fn check(&self) -> Result<()> {
        seconds("`Retry::pause`", self.pause)?;
        seconds("`Retry::longest`", self.longest)?;
        seconds("`Retry::total`", self.total).map(drop)
    }
}

/// A time that a setting gives.
pub(crate) fn seconds(what: &'static str, given: f64) -> Result<Duration> {
    let why = "it is a number of seconds, at least 0 and below a hundred years";
    let wrong = || Error::Setting { what, given: given.to_string(), why };
    let time = Duration::try_from_secs_f64(given).map_err(|_| wrong())?;
    if time > Duration::from_secs(100 * 366 * 86400) { Err(wrong()) } else { Ok(time) }
}

/// Pauses of one client.
#[derive(Debug)]
pub(crate) struct Pauses {
    first: f64,
    longest: f64,
    seed: u64,
}

impl Pauses {
    pub(crate) fn new(retry: &Retry) -> Pauses {
        let seed = retry.seed.unwrap_or_else(|| RandomState::new().hash_one(0));
        Pauses { first: retry.pause, longest: retry.longest, seed }
    }

    /// The pause after `failures` of the `request`-th request.
    pub(crate) fn draw(&self, request: u64, failures: u32) -> Duration {
        let most = self.first * 2f64.powi(failures.saturating_sub(1).min(32) as i32);
        let most = most.min(self.longest);
        Duration::try_from_secs_f64(most * self.unit(request, failures)).unwrap_or_default()
    }

    /// A pause that the server asked for, and up to a tenth of it or a second more: those who were
    /// refused together should not come back together.
    pub(crate) fn asked(&self, asked: Duration, request: u64, failures: u32) -> Duration {
        let more = asked.div_f64(10.0).min(Duration::from_secs(1));
        asked.saturating_add(more.mul_f64(self.unit(request, failures)))
    }

    /// A number in [0, 1).
    fn unit(&self, request: u64, failures: u32) -> f64 {
        let stream = self.seed ^ request.wrapping_mul(0xD134_2543_DE82_EF95);
        (mix(stream.wrapping_add(failures.into())) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// SplitMix64's step: neighbouring inputs give unrelated outputs.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

/// The pause that headers ask for.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name, unit: f64| {
        let number: f64 = text(name)?.parse().ok()?;
        Duration::try_from_secs_f64(number * unit).ok()
    };
    number("retry-after-ms", 1e-3).or_else(|| number("retry-after", 1.0)).or_else(|| {
        let text = text("retry-after")?;
        match httpdate::parse_http_date(text) {
            Ok(date) => Some(date.duration_since(now).unwrap_or_default()),
            // Not of the standard, and plain nevertheless: `20s`, `2026-11-13T10:00:05Z`.
            Err(_) => crate::limits::until(text, now),
        }
    })
}

/// What the server says about trying again, where it says something.
pub(crate) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.as_bytes() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_drawn_below_a_doubling_bound_and_by_seed() {
        let pauses = |seed| Pauses::new(&Retry { seed: Some(seed), ..Retry::usual() });
        let (one, other) = (pauses(1), pauses(2));
        for failures in 1..40 {
            let bound = f64::min(2f64.powi(failures as i32 - 1), 60.0);
            let pause = one.draw(7, failures).as_secs_f64();
            assert!(pause <= bound, "{pause} after {failures}");
            assert_eq!(one.draw(7, failures), pauses(1).draw(7, failures));
        }
        assert_ne!(one.draw(7, 3), other.draw(7, 3));
        assert_ne!(one.draw(7, 3), one.draw(8, 3));
        let mean = (0..1000).map(|n| one.draw(n, 1).as_secs_f64()).sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        let asked = one.asked(Duration::from_secs(3), 1, 1).as_secs_f64();
        assert!((3.0..3.3).contains(&asked), "{asked}");
    }

    #[test]
    fn what_headers_ask_for() {
        let now = httpdate::parse_http_date("Fri, 13 Nov 2026 10:00:00 GMT").unwrap();
        let of = |name: &'static str, value: &'static str| {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            retry_after(&headers, now).map(|time| time.as_secs_f64())
        };
        assert_eq!(of("retry-after", "2"), Some(2.0));
        assert_eq!(of("retry-after", " 0.5 "), Some(0.5));
        assert_eq!(of("retry-after-ms", "20"), Some(0.02));
        assert_eq!(of("retry-after", "Fri, 13 Nov 2026 10:00:09 GMT"), Some(9.0));
        assert_eq!(of("retry-after", "Fri, 13 Nov 2026 09:00:00 GMT"), Some(0.0));
        assert_eq!(of("retry-after", "1.5s"), Some(1.5));
        assert_eq!(of("retry-after", "2026-11-13T10:00:09Z"), Some(9.0));
        assert_eq!(of("retry-after", "9000000000000000000"), Some(9e18));
        for nonsense in ["", "soon", "-1", "NaN", "inf", "1e300"] {
            assert_eq!(of("retry-after", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn times_are_checked() {
        assert!(Retry::usual().check().is_ok());
        for wrong in [-1.0, f64::NAN, f64::INFINITY, 1e12] {
            assert!(Retry { total: wrong, ..Retry::usual() }.check().is_err());
        }
    }
}
