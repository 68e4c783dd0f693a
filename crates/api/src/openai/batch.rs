//! OpenAI's batch service: a file of requests, a batch, and files of answers and errors.

use std::time::Duration;

use ethos_core::{
    Batch, BatchItem, BatchLimits, BatchState, Completion, Listed, ModelErrorKind, Result, Usage,
};
use futures::future::BoxFuture;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::{OpenAi, extra, read, write};
use crate::{
    Structure,
    batches::{Errand, Outcome, PAGES, Results, together},
};

/// The path of a request, as a batch names it.
const ENDPOINT: &str = "/v1/chat/completions";

/// The field of the metadata with the tag.
const TAG: &str = "ethos";

impl OpenAi {
    /// The line of an item.
    fn line(&self, item: &BatchItem) -> Result<Vec<u8>> {
        let mut body = write::body(&item.request, &self.endpoint, &self.dialect)
            .map_err(|(kind, message)| self.client.error(kind, message))?;
        if let Some(fields) = body.as_object_mut() {
            fields.remove("stream");
        }
        let line = json!({"custom_id": item.id, "method": "POST", "url": ENDPOINT, "body": body});
        Ok((line.to_string() + "\n").into_bytes())
    }

    async fn upload(&self, tag: &str, items: &[BatchItem]) -> Result<String> {
        // No line of JSON holds a line's end, and so no boundary either.
        let boundary = format!("{tag}-boundary");
        let disposition = "Content-Disposition: form-data; name";
        let mut form = format!(
            "--{boundary}\r\n{disposition}=\"purpose\"\r\n\r\nbatch\r\n--{boundary}\r\n{disposition}=\"file\"; \
             filename=\"{tag}.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n"
        )
        .into_bytes();
        for item in items {
            form.extend(self.line(item)?);
        }
        form.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
        let kind = kind.map_err(|_| {
            self.client.error(ModelErrorKind::BadRequest, "a batch's tag is no word")
        })?;
        // A file that is sent twice costs nothing.
        let file = self.client.run_json(Errand::post(["files"], form).of_type(kind)).await?;
        self.id(&file)
    }

    fn id(&self, value: &Value) -> Result<String> {
        let id = value["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        let message = "answered without an id";
        id.ok_or_else(|| self.client.error(ModelErrorKind::Other, message))
    }

    async fn outcomes(&self, id: &str) -> Result<Vec<(String, Result<Completion>)>> {
        let batch = self.client.run_json(Errand::get(["batches", id])).await?;
        let (mut results, mut unreadable) = (Vec::new(), 0);
        for field in ["output_file_id", "error_file_id"] {
            if let Some(file) = batch[field].as_str().filter(|file| !file.is_empty()) {
                let lines = self.client.lines(|| Errand::get(["files", file, "content"])).await?;
                results.extend(lines.read.iter().filter_map(|line| self.outcome(line)));
                unreadable += lines.unreadable;
            }
        }
        Ok(self.client.settle(id, results, unreadable))
    }

    /// The most that a batch of these takes.
    fn worst(&self, items: &[BatchItem]) -> Result<Usage> {
        let mut worst = Usage::default();
        for item in items {
            let (most, extra) = (self.most(&item.request), extra(&item.request));
            worst += self.client.worst(self.line(item)?.len(), extra, most)?;
        }
        Ok(worst)
    }

    fn outcome(&self, line: &Value) -> Option<Outcome> {
        let id = line["custom_id"].as_str()?.to_owned();
        let response = &line["response"];
        let structured = self.dialect.structure == Structure::Tool;
        let outcome = match response["status_code"].as_u64() {
            Some(status) => {
                let status = u16::try_from(status).unwrap_or_default();
                let read = |body: &Value| read::completion(body, structured);
                self.client.item(status, &response["body"], read)
            }
            None => {
                let (code, words) = (line["error"]["code"].as_str(), &line["error"]["message"]);
                let kind = match code {
                    Some("batch_expired" | "batch_cancelled") => ModelErrorKind::TimeLimit,
                    _ => ModelErrorKind::Other,
                };
                let code = code.unwrap_or("no code");
                let words = words.as_str().unwrap_or_default();
                let said = format!("its batch has no answer ({code}): {words}");
                Err(self.client.error(kind, self.client.redactor.error(&said)))
            }
        };
        Some((id, outcome))
    }
}

impl Batch for OpenAi {
    fn limits(&self) -> BatchLimits {
        BatchLimits::new(50_000, 200_000_000)
    }

    fn size(&self, item: &BatchItem) -> Result<u64> {
        Ok(self.line(item)?.len() as u64)
    }

    fn submit<'a>(&'a self, tag: &'a str, items: &'a [BatchItem]) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let submit = async {
                let file = self.upload(tag, items).await?;
                let body = json!({"input_file_id": file, "endpoint": ENDPOINT, "completion_window": "24h",
                    "metadata": {TAG: tag}});
                let batch = Errand::post(["batches"], body.to_string()).once();
                self.id(&self.client.run_json(batch).await?)
            };
            self.client.submit(self.worst(items)?, submit).await
        })
    }

    fn list(&self, since: u64) -> BoxFuture<'_, Result<Vec<Listed>>> {
        Box::pin(async move {
            let (mut listed, mut after) = (Vec::new(), None);
            for _ in 0..PAGES {
                let ask = Errand::get(["batches"]).with("limit", Some("100".into()));
                let (batches, more) = self.client.page(ask.with("after", after.take())).await?;
                // The newest come first.
                let mut old = false;
                for batch in &batches {
                    let made = batch["created_at"].as_u64().unwrap_or(u64::MAX);
                    old |= made < since;
                    let Some(id) = batch["id"].as_str() else { continue };
                    let mut one = Listed::new(id, made);
                    one.tag = Some(batch["metadata"][TAG].as_str().unwrap_or_default().to_owned());
                    one.requests = batch["request_counts"]["total"].as_u64();
                    after = Some(id.to_owned());
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
            let batch = match self.client.run_json(Errand::get(["batches", id])).await {
                Ok(batch) => batch,
                Err(failed) if failed.status == Some(404) => return Ok(BatchState::Gone),
                Err(failed) => return Err(failed.error),
            };
            Ok(match batch["status"].as_str() {
                Some("completed" | "expired" | "cancelled") => BatchState::Ended,
                Some("failed") => {
                    let errors = batch["errors"]["data"].as_array().into_iter().flatten();
                    let words = errors.filter_map(|error| error["message"].as_str()).take(3);
                    let words = words.collect::<Vec<_>>().join("; ");
                    self.client.refused(id);
                    BatchState::Refused(self.client.redactor.error(&words))
                }
                _ => {
                    let count =
                        |field: &str| batch["request_counts"][field].as_u64().unwrap_or_default();
                    let done = count("completed").saturating_add(count("failed"));
                    BatchState::InProgress { done, total: count("total") }
                }
            })
        })
    }

    fn results<'a>(&'a self, id: &'a str) -> Results<'a> {
        together(self.outcomes(id))
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.client.run(Errand::post(["batches", id, "cancel"], "")).await?;
            Ok(())
        })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(self.client.sleep(time))
    }
}
