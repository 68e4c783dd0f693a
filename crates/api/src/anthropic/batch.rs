//! Anthropic's Message Batches.

use std::time::{Duration, UNIX_EPOCH};

use ethos_core::{
    Batch, BatchItem, BatchLimits, BatchState, Completion, Listed, ModelErrorKind, Result, Usage,
};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Anthropic, read, write};
use crate::{
    Structure,
    batches::{Errand, Outcome, PAGES, Results, together},
    fault::status_of,
    limits::rfc3339,
    openai::extra,
};

const PATH: [&str; 3] = ["v1", "messages", "batches"];

fn path<'a>(more: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    PATH.into_iter().chain(more)
}

impl Anthropic {
    fn item(&self, item: &BatchItem) -> Result<String> {
        let most = self.most(&item.request);
        let params = write::body(&item.request, &self.endpoint, most, self.structure)
            .map_err(|(kind, message)| self.client.error(kind, message))?;
        Ok(json!({"custom_id": item.id, "params": params}).to_string())
    }

    async fn outcomes(&self, id: &str) -> Result<Vec<(String, Result<Completion>)>> {
        // Not at the address that the batch says: a key goes nowhere but to the endpoint.
        let lines = self.client.lines(|| Errand::get(path([id, "results"]))).await?;
        let outcomes = lines.read.iter().filter_map(|line| self.outcome(line)).collect();
        Ok(self.client.settle(id, outcomes, lines.unreadable))
    }

    fn outcome(&self, line: &Value) -> Option<Outcome> {
        let id = line["custom_id"].as_str()?.to_owned();
        let result = &line["result"];
        let lacks = |why: &str| {
            let message = format!("its batch {why} before it was answered");
            Err(self.client.error(ModelErrorKind::TimeLimit, message))
        };
        let outcome = match result["type"].as_str() {
            Some("succeeded") => {
                let structured = self.structure == Structure::Tool;
                let read = |body: &Value| read::completion(body, structured);
                self.client.item(200, &result["message"], read)
            }
            Some("canceled") => lacks("was cancelled"),
            Some("expired") => lacks("expired"),
            _ => {
                let kind = result["error"]["error"]["type"].as_str();
                let kind = kind.or_else(|| result["error"]["type"].as_str());
                let status = kind.and_then(status_of).unwrap_or(500);
                let read = |body: &Value| read::completion(body, false);
                self.client.item(status, &result["error"], read)
            }
        };
        Some((id, outcome))
    }
}

/// Seconds since 1970; the far future where it is no time.
fn seconds(time: &Value) -> u64 {
    let time = time.as_str().and_then(rfc3339);
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(u64::MAX, |time| time.as_secs())
}

fn counts(batch: &Value) -> (u64, u64) {
    let count = |field: &str| batch["request_counts"][field].as_u64().unwrap_or_default();
    let done = ["succeeded", "errored", "canceled", "expired"].map(count);
    let done = done.into_iter().fold(0, u64::saturating_add);
    (done, done.saturating_add(count("processing")))
}

impl Batch for Anthropic {
    fn limits(&self) -> BatchLimits {
        BatchLimits::new(100_000, 250_000_000)
    }

    fn size(&self, item: &BatchItem) -> Result<u64> {
        Ok(self.item(item)?.len() as u64 + 1)
    }

    fn submit<'a>(
        &'a self,
        _tag: &'a str,
        items: &'a [BatchItem],
    ) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let (mut body, mut worst) = (String::from("{\"requests\":["), Usage::default());
            for (n, item) in items.iter().enumerate() {
                body += if n == 0 { "" } else { "," };
                let written = self.item(item)?;
                let (most, extra) = (self.most(&item.request), extra(&item.request));
                worst += self.client.worst(written.len(), extra, Some(most))?;
                body += &written;
            }
            body += "]}";
            let submit = async {
                let batch = self.client.run_json(Errand::post(PATH, body).once()).await?;
                let message = "took a batch and gave no id";
                let id = batch["id"].as_str().map(str::to_owned);
                id.ok_or_else(|| self.client.error(ModelErrorKind::Other, message))
            };
            self.client.submit(worst, submit).await
        })
    }

    fn list(&self, since: u64) -> BoxFuture<'_, Result<Vec<Listed>>> {
        Box::pin(async move {
            let (mut listed, mut after) = (Vec::new(), None);
            for _ in 0..PAGES {
                let ask = Errand::get(PATH).with("limit", Some("100".into()));
                let (batches, more) = self.client.page(ask.with("after_id", after.take())).await?;
                // The newest come first.
                let mut old = false;
                for batch in &batches {
                    let made = seconds(&batch["created_at"]);
                    old |= made < since;
                    let Some(id) = batch["id"].as_str() else { continue };
                    after = Some(id.to_owned());
                    let mut one = Listed::new(id, made);
                    one.requests = Some(counts(batch).1).filter(|&requests| requests > 0);
                    one.ended = batch["processing_status"] == "ended";
                    if made >= since {
                        listed.push(one);
                    }
                }
                if old || after.is_none() || !more {
                    break;
                }
            }
            Ok(listed)
        })
    }

    fn poll<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<BatchState>> {
        Box::pin(async move {
            let batch = match self.client.run_json(Errand::get(path([id]))).await {
                Ok(batch) => batch,
                Err(failed) if failed.status == Some(404) => return Ok(BatchState::Gone),
                Err(failed) => return Err(failed.error),
            };
            let (done, total) = counts(&batch);
            Ok(match batch["processing_status"].as_str() {
                Some("ended") if batch["archived_at"].is_string() => BatchState::Gone,
                Some("ended") => BatchState::Ended,
                _ => BatchState::InProgress { done, total },
            })
        })
    }

    fn results<'a>(&'a self, id: &'a str) -> Results<'a> {
        together(self.outcomes(id))
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.client.run(Errand::post(path([id, "cancel"]), "")).await?;
            Ok(())
        })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.client.sleep(time))
    }
}
