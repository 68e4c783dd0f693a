//! Sending a request until it is answered, within limits and budget.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use ethos_core::{Completion, Error, ModelErrorKind, ModelId, Result, Usage};
use reqwest::Url;
use serde_json::Value;

use crate::{
    Retry, Runtime,
    batches::Bills,
    budget::{Hold, Meter},
    fault::{Fault, Unreadable, declined, is_error, named_status},
    http::{Answer, Http},
    limits::Rates,
    pace::Pace,
    price::Cached,
    retry::Pauses,
    secret::Redactor,
};

/// What both services stand on.
pub(crate) struct Client {
    pub(crate) id: ModelId,
    pub(crate) url: Url,
    /// What of its path stands below the base URL.
    pub(crate) path: String,
    /// The same as errors show it.
    pub(crate) shown: String,
    pub(crate) http: Http,
    pub(crate) retry: Retry,
    pub(crate) pauses: Pauses,
    pub(crate) rates: Rates,
    pub(crate) pace: Pace,
    pub(crate) most: usize,
    pub(crate) meter: Arc<Meter>,
    pub(crate) bills: Bills,
    pub(crate) redactor: Redactor,
    pub(crate) runtime: Runtime,
    pub(crate) count: AtomicU64,
    /// Whether it was told that there is no connection, since the last answer.
    pub(crate) lost: AtomicBool,
}

/// A request.
pub(crate) struct Call {
    pub(crate) body: Value,
    /// Tokens that the answer has at most, where that is known.
    pub(crate) most: Option<u32>,
    /// Tokens that the server may add to what the body's bytes bound.
    pub(crate) extra_input: u64,
}

/// What a reader makes of a body.
#[derive(Debug, PartialEq)]
pub(crate) struct Billed<T> {
    pub(crate) value: T,
    /// Where the server says.
    pub(crate) usage: Option<Usage>,
    pub(crate) cached: Cached,
}

/// What a service answered to a [`Call`].
pub(crate) enum Outcome<T> {
    Answered(T),
    /// The provider's filters declined, with these words.
    Declined(String),
}

impl Outcome<Completion> {
    /// A declined request is an answer, too.
    pub(crate) fn completion(self) -> Completion {
        match self {
            Outcome::Answered(completion) => completion,
            Outcome::Declined(words) => Completion::new(words).with_stop(ethos_core::Stop::Refusal),
        }
    }
}

/// A reader of bodies.
pub(crate) type Reads<T> = Box<dyn Fn(&Value) -> Result<Billed<T>, Unreadable> + Send + Sync>;

impl Client {
    /// An error of this model.
    pub(crate) fn error(&self, kind: ModelErrorKind, message: impl Into<String>) -> Error {
        Error::model(&self.id.key, kind, message)
    }

    /// Sends the call on the runtime, whoever polls.
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        call: Call,
        read: Reads<T>,
    ) -> Result<Outcome<T>> {
        let client = Arc::clone(self);
        let answer = self.runtime.run(async move { client.tries(call, read).await }).await;
        answer.unwrap_or_else(|| Err(self.stopped()))
    }

    /// The runtime has stopped.
    pub(crate) fn stopped(&self) -> Error {
        let message = "its runtime has stopped, or has no drivers for input, output and time";
        self.error(ModelErrorKind::Other, message)
    }

    async fn tries<T>(&self, call: Call, read: Reads<T>) -> Result<Outcome<T>> {
        let body = serde_json::to_vec(&call.body)
            .map_err(|_| self.error(ModelErrorKind::BadRequest, "the request is no JSON"))?;
        let worst = self.worst(body.len(), call.extra_input, call.most)?;
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let total = Duration::try_from_secs_f64(self.retry.total).unwrap_or(Duration::MAX);
        let mut began = None;
        let mut failures = 0;
        let mut last = None;
        loop {
            let hold = self.meter.reserve(worst).await;
            let hold = hold.map_err(|source| self.budget(ModelErrorKind::Other, source))?;
            let permit = self.pace.permit().await;
            self.rates.wait(body.len(), call.most).await;
            let began = *began.get_or_insert_with(Instant::now);
            let left = total.saturating_sub(began.elapsed());
            // The others may have been let go first for so long that there is no time left.
            if left.is_zero()
                && let Some(fault) = last
            {
                return Err(self.failed(fault, failures));
            }
            let fault = match self.attempt(body.clone(), left, hold, &read).await {
                Ok(outcome) => {
                    permit.succeeded();
                    self.lost.store(false, Ordering::Relaxed);
                    return Ok(outcome);
                }
                Err(fault) => fault,
            };
            if fault.load {
                permit.refused();
            }
            drop(permit);
            failures += 1;
            let pause = match fault.retry_after {
                Some(asked) if !asked.is_zero() => self.pauses.asked(asked, number, failures),
                _ => self.pauses.draw(number, failures),
            };
            let left = total.saturating_sub(began.elapsed());
            if !fault.passing || failures >= self.retry.tries.max(1) || pause >= left {
                return Err(self.failed(fault, failures));
            }
            self.tell(&fault, failures, pause);
            if let Some(asked) = fault.rest() {
                self.rates.rest(asked);
            }
            last = Some(fault);
            tokio::time::sleep(pause).await;
        }
    }

    /// Once of a connection that is lost, since whoever waits should know, and those in flight all lose it.
    fn tell(&self, fault: &Fault, failures: u32, pause: Duration) {
        let (model, message, pause) = (&self.id.key, &fault.message, pause.as_secs_f64());
        let lost = fault.kind == ModelErrorKind::Connection;
        if lost && !self.lost.swap(true, Ordering::Relaxed) {
            let (address, tries) = (&self.shown, self.retry.tries);
            tracing::warn!(model, "{address} {message}; it is tried up to {tries} times");
        } else {
            tracing::debug!(model, message, failures, pause, "again");
        }
    }

    /// The most tokens that a request takes: no tokeniser makes more of its bytes.
    pub(crate) fn worst(&self, bytes: usize, extra: u64, most: Option<u32>) -> Result<Usage> {
        if self.meter.budgeted() && most.is_none() {
            let message =
                "a budget needs a bound: set `max_tokens`, of the request or the endpoint";
            return Err(self.error(ModelErrorKind::BadRequest, message));
        }
        Ok(Usage::new(bytes as u64 + extra, most.unwrap_or_default().into()))
    }

    /// Sends it once.
    async fn attempt<T>(
        &self,
        body: Vec<u8>,
        left: Duration,
        mut hold: Hold,
        read: &Reads<T>,
    ) -> Result<Outcome<T>, Fault> {
        hold.sent();
        let mut answer = match self.http.post(self.url.clone(), body, left).await {
            Ok(answer) => answer,
            Err(broken) => {
                let fault = Fault::broken(broken, &self.redactor);
                if !fault.billed {
                    hold.free();
                }
                return Err(fault);
            }
        };
        self.rates.learn(&answer.headers, SystemTime::now());
        if !answer.succeeded() {
            // A gateway that lost patience says nothing of the server behind it.
            if !matches!(answer.status, 504 | 524) {
                hold.free();
            }
            return match declined(&answer, &self.redactor) {
                Some(words) => Ok(Outcome::Declined(words)),
                None => Err(Fault::status(&answer, &self.redactor)),
            };
        }
        let mut value = match parse(&answer) {
            Ok(value) => value,
            Err(why) => return Err(Fault::unreadable(&why, &answer, &self.redactor)),
        };
        if is_error(&value) {
            // Some routers answer 200 and put the status in the error.
            let status = named_status(&value);
            let outer = std::mem::replace(&mut answer.status, status.unwrap_or(400));
            if let Some(words) = declined(&answer, &self.redactor) {
                return Ok(Outcome::Declined(words));
            }
            answer.status = outer;
            return Err(Fault::hidden(status, &answer, &self.redactor));
        }
        self.redactor.clean(&mut value);
        match read(&value) {
            Ok(Billed { value, usage, cached }) => {
                if let Some(usage) = usage {
                    self.rates.answered(usage.output);
                    hold.paid(usage, cached);
                }
                Ok(Outcome::Answered(value))
            }
            Err(why) => Err(Fault::unreadable(&why, &answer, &self.redactor)),
        }
    }

    /// The error of a budget that has too little left.
    pub(crate) fn budget(&self, kind: ModelErrorKind, source: crate::Error) -> Error {
        let mut error = self.error(kind, "the budget stops it");
        if let Error::Model { source: place, .. } = &mut error {
            *place = Some(Box::new(source));
        }
        error
    }

    fn failed(&self, fault: Fault, failures: u32) -> Error {
        self.failed_at(&self.shown, fault, failures)
    }

    /// The error of a fault of what stands at this address.
    pub(crate) fn failed_at(&self, shown: &str, fault: Fault, failures: u32) -> Error {
        let tried = if failures > 1 { format!("; tried {failures} times") } else { String::new() };
        let message = format!("{shown} {}{tried}", fault.message);
        Error::Model {
            model: self.id.key.clone(),
            kind: fault.kind,
            message,
            retry_after: fault.retry_after,
            source: fault.source.map(|cause| Box::new(cause) as _),
        }
    }
}

fn parse(answer: &Answer) -> Result<Value, Unreadable> {
    // A mark of the order of bytes, which JSON must not have and some servers send.
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(Unreadable::Lacks("object")),
        Err(error) if error.is_eof() && body.trim_ascii_start().starts_with(b"{") => {
            Err(Unreadable::Ended)
        }
        Err(_) => Err(Unreadable::NoJson),
    }
}
