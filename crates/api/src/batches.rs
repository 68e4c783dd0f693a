//! What both batch services have in common: calls that are not requests of a model, and a bill for many answers.

mod bill;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use ethos_core::{Completion, Error, ModelErrorKind, Result, Usage};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use reqwest::{Method, Url, header::HeaderValue};
use serde_json::Value;

pub(crate) use self::bill::Bills;
use crate::{
    client::{Billed, Client},
    fault::{Fault, Unreadable, declined},
    http::{Answer, Sent},
    price::Cached,
};

/// Results longer than this are none: 2 GiB.
const LONGEST: usize = 2 << 30;

/// Pages of a list that are read at most.
pub(crate) const PAGES: usize = 1000;

/// How often results are fetched at most, when some of them cannot be read.
const READS: u32 = 3;

/// The results of a batch.
pub(crate) struct Lines {
    pub(crate) read: Vec<Value>,
    /// How many lines are no JSON.
    pub(crate) unreadable: usize,
}

/// A call of a batch service.
pub(crate) struct Errand {
    method: Method,
    /// Below the base URL.
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    kind: Option<HeaderValue>,
    body: Bytes,
    /// Whether it does no harm to do it twice.
    harmless: bool,
}

/// Why there is no answer, and the status of the last one.
pub(crate) struct Failed {
    pub(crate) error: Error,
    pub(crate) status: Option<u16>,
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Error {
        failed.error
    }
}

impl Errand {
    /// Reads what stands at this path.
    pub(crate) fn get<'a>(path: impl IntoIterator<Item = &'a str>) -> Errand {
        let path = path.into_iter().map(str::to_owned).collect();
        let (method, body) = (Method::GET, Bytes::new());
        Errand { method, path, query: Vec::new(), kind: None, body, harmless: true }
    }

    /// Sends JSON there.
    pub(crate) fn post<'a>(
        path: impl IntoIterator<Item = &'a str>,
        body: impl Into<Bytes>,
    ) -> Errand {
        Errand { method: Method::POST, body: body.into(), ..Errand::get(path) }
    }

    /// The same with a body of another type.
    pub(crate) fn of_type(self, kind: HeaderValue) -> Errand {
        Errand { kind: Some(kind), ..self }
    }

    /// The same with something in its query.
    pub(crate) fn with(mut self, name: &'static str, value: Option<String>) -> Errand {
        self.query.extend(value.map(|value| (name, value)));
        self
    }

    /// The same, which must not be done twice: it is repeated only where the server surely did not do it.
    pub(crate) fn once(self) -> Errand {
        Errand { harmless: false, ..self }
    }
}

impl Client {
    /// Does it, and gives what the server said.
    pub(crate) async fn run(self: &Arc<Self>, errand: Errand) -> Result<Vec<u8>, Failed> {
        let client = Arc::clone(self);
        let answer = self.runtime.run(async move { client.errand(errand).await }).await;
        answer.unwrap_or_else(|| Err(Failed { error: self.stopped(), status: None }))
    }

    /// Does it, and gives the JSON that the server said.
    pub(crate) async fn run_json(self: &Arc<Self>, errand: Errand) -> Result<Value, Failed> {
        let body = self.run(errand).await?;
        let mut value = serde_json::from_slice(&body).map_err(|_| {
            let message = format!("{} answered a batch with what is no JSON", self.base());
            Failed { error: self.error(ModelErrorKind::Other, message), status: None }
        })?;
        self.redactor.clean(&mut value);
        Ok(value)
    }

    /// The base URL as errors show it.
    fn base(&self) -> &str {
        self.shown.strip_suffix(&self.path).unwrap_or(&self.shown)
    }

    fn place(&self, errand: &Errand) -> (Url, String) {
        let mut url = self.url.clone();
        let base = url.path().strip_suffix(&self.path).unwrap_or_default().to_owned();
        url.set_path(&base);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&errand.path);
        }
        if !errand.query.is_empty() {
            let pairs = errand.query.iter().map(|(name, value)| (*name, value.as_str()));
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let shown = self.redactor.error(&format!("{}/{}", self.base(), errand.path.join("/")));
        (url, shown)
    }

    async fn errand(&self, errand: Errand) -> Result<Vec<u8>, Failed> {
        let (url, shown) = self.place(&errand);
        let Errand { method, kind, body, harmless, .. } = errand;
        let sent = Sent { method, url, kind, body };
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let total = Duration::try_from_secs_f64(self.retry.total).unwrap_or(Duration::MAX);
        let (began, mut failures) = (Instant::now(), 0);
        loop {
            let permit = self.pace.permit().await;
            let left = total.saturating_sub(began.elapsed());
            let (fault, status) = match self.http.send(sent.clone(), left, LONGEST).await {
                Ok(answer) => {
                    self.rates.learn(&answer.headers, SystemTime::now());
                    if answer.succeeded() {
                        permit.succeeded();
                        return Ok(answer.body);
                    }
                    (Fault::status(&answer, &self.redactor), Some(answer.status))
                }
                Err(broken) => (Fault::broken(broken, &self.redactor), None),
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
            let undone = match status {
                Some(status) => matches!(status, 429 | 529),
                None => !fault.billed,
            };
            let again = fault.passing && (harmless || undone);
            let left = total.saturating_sub(began.elapsed());
            if !again || failures >= self.retry.tries.max(1) || pause >= left {
                return Err(Failed { error: self.failed_at(&shown, fault, failures), status });
            }
            if let Some(asked) = fault.rest() {
                self.rates.rest(asked);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Lets time pass on the runtime, whoever polls.
    pub(crate) async fn sleep(&self, time: Duration) {
        if self.runtime.run(async move { tokio::time::sleep(time).await }).await.is_none() {
            // A runtime that has stopped has no clock; the next call says so.
            tracing::debug!(model = self.id.key, "its runtime has stopped");
        }
    }

    /// A page of a list, and whether there are more.
    pub(crate) async fn page(self: &Arc<Self>, errand: Errand) -> Result<(Vec<Value>, bool)> {
        let mut page = self.run_json(errand).await?;
        let more = page["has_more"] == true;
        match page["data"].take() {
            Value::Array(batches) => Ok((batches, more)),
            // Whoever took it for an empty list would submit again what is there.
            _ => {
                let message = format!("{} answered with no list of batches", self.base());
                Err(self.error(ModelErrorKind::Other, message))
            }
        }
    }

    /// The lines of results, each without keys. Where some cannot be read, they are fetched again, since they may
    /// have been cut off; what still cannot be read then is no reason to lose the others.
    pub(crate) async fn lines(self: &Arc<Self>, errand: impl Fn() -> Errand) -> Result<Lines> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let mut failures = 0;
        loop {
            let lines = self.parse(&self.run(errand()).await?);
            failures += 1;
            if lines.unreadable == 0 || failures >= self.retry.tries.clamp(1, READS) {
                return Ok(lines);
            }
            let (model, unreadable) = (&self.id.key, lines.unreadable);
            tracing::debug!(model, unreadable, "lines of results are no JSON");
            self.sleep(self.pauses.draw(number, failures)).await;
        }
    }

    fn parse(&self, body: &[u8]) -> Lines {
        let mut lines = Lines { read: Vec::new(), unreadable: 0 };
        for line in body.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            match serde_json::from_slice(line) {
                Ok(mut value) => {
                    self.redactor.clean(&mut value);
                    lines.read.push(value);
                }
                Err(_) => lines.unreadable += 1,
            }
        }
        lines
    }

    /// The answer of an item that has a status of its own.
    pub(crate) fn item(
        &self,
        status: u16,
        body: &Value,
        read: impl FnOnce(&Value) -> Result<Billed<Completion>, Unreadable>,
    ) -> Result<Billed<Completion>> {
        let written =
            || Answer { status, headers: Default::default(), body: body.to_string().into_bytes() };
        if !(200..300).contains(&status) {
            let answer = written();
            if let Some(words) = declined(&answer, &self.redactor) {
                let value = Completion::new(words).with_stop(ethos_core::Stop::Refusal);
                let usage = Some(Usage::default());
                return Ok(Billed { value, usage, cached: Cached::default() });
            }
            return Err(self.failed_at(&self.shown, Fault::status(&answer, &self.redactor), 1));
        }
        read(body).map_err(|why| {
            let fault = Fault::unreadable(&why, &written(), &self.redactor);
            self.failed_at(&self.shown, fault, 1)
        })
    }
}

/// The result of an item, by its id.
pub(crate) type Outcome = (String, Result<Billed<Completion>>);

/// The results of a batch, or why they cannot be had.
pub(crate) type Results<'a> = BoxStream<'a, Result<(String, Result<Completion>)>>;

/// Results that come together.
pub(crate) fn together<'a>(
    results: impl Future<Output = Result<Vec<(String, Result<Completion>)>>> + Send + 'a,
) -> Results<'a> {
    let each = |results: Result<Vec<_>>| match results {
        Ok(results) => stream::iter(results).map(Ok).boxed(),
        Err(error) => stream::iter([Err(error)]).boxed(),
    };
    stream::once(results).flat_map(each).boxed()
}
