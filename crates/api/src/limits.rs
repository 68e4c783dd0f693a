//! Requests and tokens a minute: the caller's limits, and those that the server tells.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use reqwest::header::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{Error, Result};

/// How much is asked at once and in a minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests in flight at most. There are fewer while the server refuses for load: each time half,
    /// then one more for every round that succeeds.
    pub concurrency: usize,
    /// Requests a minute, sent evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute, in and out. What a request takes is not known before: it is guessed from its
    /// length and from the answers before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u32>,
    /// Whether limits are also taken from the headers of answers, where the caller gives none, and a
    /// limit that the server calls used up is waited for.
    pub learn: bool,
}

impl Limits {
    /// So many requests at once, and whatever the server tells.
    pub fn concurrent(concurrency: usize) -> Limits {
        Limits { concurrency, requests_per_minute: None, tokens_per_minute: None, learn: true }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let why = "it is at least 1";
        let wrong = |what| Err(Error::Setting { what, given: "0".into(), why });
        match (self.concurrency, self.requests_per_minute, self.tokens_per_minute) {
            (0, ..) => wrong("`Limits::concurrency`"),
            (_, Some(0), _) => wrong("`Limits::requests_per_minute`"),
            (.., Some(0)) => wrong("`Limits::tokens_per_minute`"),
            _ => Ok(()),
        }
    }
}

/// No server is waited for longer than this because of its headers alone.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Characters that a token has, by and large.
const CHARACTERS: usize = 4;

/// No answer is longer, whatever a server says of its tokens.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Tokens of an answer before any is known.
const ANSWER: f64 = 256.0;

/// The limits of one client.
#[derive(Debug)]
pub(crate) struct Rates {
    learn: bool,
    requests: Bucket,
    tokens: Bucket,
    /// Nothing is sent before this.
    rest: Mutex<Option<Instant>>,
    /// Tokens of an answer, a moving average.
    answer: Mutex<f64>,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Rates {
        Rates {
            learn: limits.learn,
            // Strictly one after the other up to 6,000 a minute; timers are no finer than that.
            requests: Bucket::new(limits.requests_per_minute, 6000),
            // A second's worth at once.
            tokens: Bucket::new(limits.tokens_per_minute, 60),
            rest: Mutex::default(),
            answer: Mutex::new(ANSWER),
        }
    }

    /// Waits until a request of `bytes` may be sent, whose answer has at most `answer` tokens.
    pub(crate) async fn wait(&self, bytes: usize, answer: Option<u32>) {
        if self.tokens.limited() {
            let usual = *lock(&self.answer);
            let answer = answer.map_or(usual, |most| usual.min(most.into()));
            let tokens = (bytes / CHARACTERS) as u64 + answer as u64;
            self.tokens.take(tokens.max(1)).await;
        }
        self.requests.take(1).await;
        loop {
            let until = *lock(&self.rest);
            match until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// An answer had so many tokens.
    pub(crate) fn answered(&self, tokens: u64) {
        let mut answer = lock(&self.answer);
        *answer += (tokens.min(LONGEST_ANSWER) as f64 - *answer) / 16.0;
    }

    /// Nothing is sent for a while.
    pub(crate) fn rest(&self, pause: Duration) {
        let Some(until) = Instant::now().checked_add(pause) else { return };
        let mut rest = lock(&self.rest);
        *rest = Some(rest.map_or(until, |known| known.max(until)));
    }

    /// Learns from the headers of an answer.
    pub(crate) fn learn(&self, headers: &HeaderMap, now: SystemTime) {
        if !self.learn {
            return;
        }
        for (kind, limit, remaining, reset) in HEADERS {
            let bucket = match kind {
                Kind::Requests => Some(&self.requests),
                Kind::Tokens => Some(&self.tokens),
                Kind::Part => None,
            };
            let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
            let number = |name| text(name)?.parse::<u64>().ok();
            if let (Some(bucket), Some(limit)) = (bucket, number(limit)) {
                bucket.learn(limit);
            }
            if number(remaining) == Some(0)
                && let Some(pause) = text(reset).and_then(|text| until(text, now))
            {
                self.rest(pause.min(LONGEST_REST));
            }
        }
    }
}

/// What a limit is of.
#[derive(Clone, Copy)]
enum Kind {
    Requests,
    Tokens,
    /// Some of the tokens, or nobody knows what and in which time: it is waited for when it is used up.
    Part,
}

/// Limits, what remains of them, and when they are whole again, as OpenAI's and Anthropic's headers say, and
/// those of routers and gateways, which do not say what a limit is of.
const HEADERS: [(Kind, &str, &str, &str); 8] = [
    (
        Kind::Requests,
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ),
    (
        Kind::Tokens,
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
    ),
    (
        Kind::Requests,
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    (
        Kind::Tokens,
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
    (
        Kind::Part,
        "anthropic-ratelimit-input-tokens-limit",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ),
    (
        Kind::Part,
        "anthropic-ratelimit-output-tokens-limit",
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ),
    (Kind::Part, "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    (Kind::Part, "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
];

/// Seconds of September 2001: a number larger than this is a moment in seconds since 1970.
const MOMENT: f64 = 1e9;

/// A number larger than this is one in milliseconds.
const FINE_MOMENT: f64 = 1e12;

/// Time until a reset: `1s`, `6m0s`, `12ms`, `2m59.56s`, a number of seconds, or a moment.
pub(crate) fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let moment = |moment: SystemTime| Some(moment.duration_since(now).unwrap_or_default());
    if let Ok(number) = text.parse::<f64>() {
        let seconds = if number >= FINE_MOMENT { number / 1000.0 } else { number };
        let time = Duration::try_from_secs_f64(seconds).ok()?;
        return if number >= MOMENT { moment(UNIX_EPOCH.checked_add(time)?) } else { Some(time) };
    }
    if text.contains('T') {
        return moment(rfc3339(text)?);
    }
    if text.is_empty() {
        return None;
    }
    let (mut time, mut rest) = (Duration::ZERO, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return None,
        };
        rest = &rest[letters..];
        time = time.checked_add(Duration::try_from_secs_f64(number * unit).ok()?)?;
    }
    Some(time)
}

/// A moment as `2026-11-13T10:00:05Z`, or with an offset like `+01:00`.
pub(crate) fn rfc3339(text: &str) -> Option<SystemTime> {
    let read = |text: &str| humantime::parse_rfc3339_weak(text).ok();
    let sign = text.find('T').and_then(|at| Some(at + text[at..].find(['+', '-'])?));
    let Some(sign) = sign else { return read(text) };
    let (hours, minutes) = text[sign + 1..].split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let offset = Duration::from_secs(3600 * u64::from(hours) + 60 * u64::from(minutes));
    let local = read(&text[..sign])?;
    let east = text[sign..].starts_with('+');
    if east { local.checked_sub(offset) } else { local.checked_add(offset) }
}

/// A limit per minute, first come first served.
#[derive(Debug)]
struct Bucket {
    /// Given by the caller, so nothing is learnt.
    fixed: bool,
    /// How many bursts a minute has.
    bursts: u32,
    turn: tokio::sync::Mutex<()>,
    limiter: Mutex<Option<Limiter>>,
}

#[derive(Clone, Debug)]
struct Limiter {
    per_minute: NonZeroU32,
    burst: NonZeroU32,
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl Bucket {
    fn new(per_minute: Option<u32>, bursts: u32) -> Bucket {
        let bucket = Bucket {
            fixed: per_minute.is_some(),
            bursts,
            turn: tokio::sync::Mutex::default(),
            limiter: Mutex::default(),
        };
        bucket.set(per_minute.unwrap_or_default());
        bucket
    }

    fn limited(&self) -> bool {
        lock(&self.limiter).is_some()
    }

    fn set(&self, per_minute: u32) {
        let Some(per_minute) = NonZeroU32::new(per_minute) else { return };
        let mut limiter = lock(&self.limiter);
        if limiter.as_ref().is_some_and(|known| known.per_minute == per_minute) {
            return;
        }
        let burst = NonZeroU32::new(per_minute.get() / self.bursts).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(per_minute).allow_burst(burst);
        let new = Arc::new(RateLimiter::direct(quota));
        *limiter = Some(Limiter { per_minute, burst, limiter: new });
    }

    fn learn(&self, per_minute: u64) {
        if !self.fixed {
            self.set(u32::try_from(per_minute).unwrap_or(u32::MAX));
        }
    }

    /// Waits for `n`, in pieces no larger than a burst.
    async fn take(&self, n: u64) {
        if !self.limited() {
            return;
        }
        let _turn = self.turn.lock().await;
        let clock = DefaultClock::default();
        let mut left = n;
        while let Some(more) = NonZeroU32::new(u32::try_from(left).unwrap_or(u32::MAX)) {
            let Some(Limiter { burst, limiter, .. }) = lock(&self.limiter).clone() else { return };
            let piece = more.min(burst);
            let pause = match limiter.check_n(piece) {
                Ok(Ok(())) => {
                    left -= u64::from(piece.get());
                    continue;
                }
                Ok(Err(later)) => later.wait_time_from(clock.now()),
                // A piece never is more than a burst.
                Err(_) => return,
            };
            tokio::time::sleep(pause).await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> (T, f64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let began = std::time::Instant::now();
        let result = runtime.block_on(future);
        (result, began.elapsed().as_secs_f64())
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn requests_are_sent_evenly() {
        let limits = Limits { requests_per_minute: Some(3000), ..Limits::concurrent(8) };
        let rates = Rates::new(&limits);
        let (_, took) = run(async {
            for _ in 0..11 {
                rates.wait(10, None).await;
            }
        });
        assert!((0.2..1.0).contains(&took), "{took}");
    }

    #[test]
    fn tokens_of_long_requests_are_waited_for() {
        let limits = Limits { tokens_per_minute: Some(60_000), ..Limits::concurrent(8) };
        let rates = Rates::new(&limits);
        let (_, took) = run(rates.wait(4 * 1200, Some(1)));
        assert!((0.2..1.0).contains(&took), "{took}");
    }

    #[test]
    fn limits_are_learnt_unless_they_are_given() {
        let told = headers(&[
            ("x-ratelimit-limit-requests", "3000"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "200ms"),
        ]);
        let rates = Rates::new(&Limits::concurrent(8));
        rates.learn(&told, SystemTime::now());
        assert!(rates.requests.limited() && !rates.tokens.limited());
        assert!((0.19..1.0).contains(&run(rates.wait(1, None)).1));
        let given = Limits { requests_per_minute: Some(7), ..Limits::concurrent(8) };
        let rates = Rates::new(&given);
        rates.learn(&told, SystemTime::now());
        assert_eq!(lock(&rates.requests.limiter).as_ref().unwrap().per_minute.get(), 7);
        let rates = Rates::new(&Limits { learn: false, ..Limits::concurrent(8) });
        rates.learn(&told, SystemTime::now());
        assert!(!rates.requests.limited());
    }

    #[test]
    fn resets_as_servers_write_them() {
        let now = humantime::parse_rfc3339("2026-11-13T10:00:00Z").unwrap();
        let of = |text| until(text, now).map(|time| time.as_secs_f64());
        for (text, seconds) in [
            ("1s", 1.0),
            ("6m0s", 360.0),
            ("12ms", 0.012),
            ("1h2m3.5s", 3723.5),
            ("7", 7.0),
            ("2026-11-13T10:00:05Z", 5.0),
            ("2026-11-13T09:00:05Z", 0.0),
            ("2026-11-13T10:00:05+00:00", 5.0),
            ("2026-11-13T11:00:05.5+01:00", 5.5),
            ("2026-11-13T04:30:05-05:30", 5.0),
            ("1.5s", 1.5),
            ("500ms", 0.5),
            ("250µs", 0.00025),
            // 5 seconds after `now`, since 1970.
            ("1794564005", 5.0),
            ("1794564005000", 5.0),
            ("1794563000", 0.0),
        ] {
            assert_eq!(of(text), Some(seconds), "{text}");
        }
        for nonsense in [
            "s", "1x", "-1s", "1..s", "Tomorrow", "1m2", "T", "T+", "T+:", "T-1:x", "NaN", "inf",
            "-3",
        ] {
            assert_eq!(of(nonsense), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_survived(text in "[0-9smhT:.ZeE+-]{0,20}") {
            let _ = until(&text, SystemTime::now());
        }
    }
}
