//! A provider of batches in a folder: one file for each batch, there from the moment it is accepted.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ethos_core::{
    Batch, BatchItem, BatchLimits, BatchState, Completion, Error, Listed, Model, ModelErrorKind,
    ModelId, Request, Result, Stop, Usage,
};
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, ready},
    stream::{self, BoxStream},
};
use serde_json::{Value, json};

/// What goes wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// The provider keeps no tags.
    pub(crate) untagged: bool,
    /// Of so many submissions, the last is accepted but the connection breaks before that is heard.
    pub(crate) deaf: Option<u32>,
    /// Of so many batches, the last does not arrive when it is first submitted.
    pub(crate) mute: Option<usize>,
    /// No submission arrives.
    pub(crate) dead: bool,
    /// Every seventh item expires, every eleventh is missing and every thirteenth fails, the first time
    /// that it is in a batch.
    pub(crate) lacking: bool,
    /// Every fifth item is a bad request.
    pub(crate) bad: bool,
    /// Results end after so many with an error, the first time that they are read.
    pub(crate) breaks: Option<usize>,
    /// So often the provider says that it does not have the results.
    pub(crate) absent: u32,
    /// Batches end only when they are cancelled; half of each is answered by then.
    pub(crate) endless: bool,
    /// Whoever sleeps does not wake again.
    pub(crate) asleep: bool,
    /// At the so-manyth step of a submission or of reading results, the process is killed.
    pub(crate) die_at: Option<u32>,
}

/// The provider.
pub(crate) struct Provider {
    id: ModelId,
    folder: PathBuf,
    faults: Faults,
    submissions: AtomicU32,
    tags: Mutex<HashSet<String>>,
    reads: AtomicU32,
    absences: AtomicU32,
    steps: AtomicU32,
}

impl Provider {
    pub(crate) fn new(folder: &Path, faults: Faults) -> Provider {
        let folder = folder.join("provider");
        fs::create_dir_all(&folder).unwrap();
        let id = ModelId::new("provider");
        let (submissions, tags, reads, absences, steps) = Default::default();
        Provider { id, folder, faults, submissions, tags, reads, absences, steps }
    }

    /// The batches in the order of their submission: the ids of their items.
    pub(crate) fn batches(&self) -> Vec<Vec<String>> {
        let ids = |batch: (String, Value)| -> Vec<String> {
            let items = batch.1["items"].as_array().unwrap();
            items.iter().map(|item| item[0].as_str().unwrap().to_owned()).collect()
        };
        self.all().into_iter().map(ids).collect()
    }

    /// A batch of somebody else.
    pub(crate) fn foreign(&self, requests: usize) {
        let items: Vec<_> = (0..requests).map(|n| json!([format!("other-{n}"), "0"])).collect();
        self.write("foreign", json!({"tag": null, "made": seconds(), "items": items}));
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        fs::remove_dir_all(&self.folder).unwrap();
        fs::create_dir_all(&self.folder).unwrap();
    }

    fn all(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some(id) = name.strip_suffix(".json") {
                all.push((id.to_owned(), self.read(id).unwrap()));
            }
        }
        all.sort_by_key(|(_, batch)| batch["nanos"].as_u64());
        all
    }

    fn read(&self, id: &str) -> Option<Value> {
        let text = fs::read(self.folder.join(format!("{id}.json"))).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn write(&self, id: &str, batch: Value) {
        let path = self.folder.join(format!("{id}.json"));
        let partial = self.folder.join(format!("{id}.partial"));
        fs::write(&partial, batch.to_string()).unwrap();
        fs::rename(partial, path).unwrap();
    }

    fn step(&self) {
        if self.steps.fetch_add(1, Ordering::SeqCst) + 1 == self.faults.die_at.unwrap_or(0) {
            let me = std::process::id().to_string();
            std::process::Command::new("kill").args(["-KILL", &me]).status().unwrap();
            std::thread::sleep(Duration::from_secs(60));
        }
    }

    fn error<T>(&self, kind: ModelErrorKind, message: &str) -> Result<T> {
        Err(Error::model(&self.id.key, kind, message))
    }

    /// The result of an item; none when it is missing.
    fn result(&self, id: &str, text: &str, first: bool) -> Option<Result<Completion>> {
        let number: u64 = text.parse().unwrap();
        let nth = |n: u64| self.faults.lacking && first && number % n == n - 1;
        Some(match () {
            () if nth(11) => return None,
            () if nth(7) => self.error(ModelErrorKind::TimeLimit, "expired"),
            () if nth(13) => self.error(ModelErrorKind::Other, "failed"),
            () if self.faults.bad && number.is_multiple_of(5) => {
                self.error(ModelErrorKind::BadRequest, "too long")
            }
            () => Ok(answer(id, text)),
        })
    }
}

/// What the provider answers: one of sixteen is a refusal, and another attempt has another id.
pub(crate) fn answer(id: &str, text: &str) -> Completion {
    let stop = if id.starts_with('f') { Stop::Refusal } else { Stop::End };
    let answer = Completion::new(format!("{text} {}", &id[..8]));
    answer.with_stop(stop).with_usage(Usage::new(1, 1))
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn seconds() -> u64 {
    now().as_secs()
}

impl Model for Provider {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn complete<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Completion>> {
        ready(Ok(Completion::new(format!("{} at once", request.messages[0].text())))).boxed()
    }

    fn batch(&self) -> Option<&dyn Batch> {
        Some(self)
    }
}

impl Batch for Provider {
    fn limits(&self) -> BatchLimits {
        BatchLimits::new(20, 100_000)
    }

    fn size(&self, item: &BatchItem) -> Result<u64> {
        Ok(item.request.messages[0].text().len() as u64 + 100)
    }

    fn submit<'a>(&'a self, tag: &'a str, items: &'a [BatchItem]) -> BoxFuture<'a, Result<String>> {
        let count = self.submissions.fetch_add(1, Ordering::SeqCst) + 1;
        let hit = |every: Option<u32>| every.is_some_and(|every| count.is_multiple_of(every));
        self.step();
        // Counted by tags, since the order in which batches are submitted again is a matter of time.
        let mut tags = self.tags.lock().unwrap();
        let first = tags.insert(tag.to_owned());
        let lost = self.faults.mute.is_some_and(|every| first && tags.len().is_multiple_of(every));
        drop(tags);
        if lost || self.faults.dead {
            return ready(self.error(ModelErrorKind::TimeLimit, "nobody knows")).boxed();
        }
        let id = format!("b{}", now().as_nanos());
        let written: Vec<_> =
            items.iter().map(|i| json!([i.id, i.request.messages[0].text()])).collect();
        let tag = (!self.faults.untagged).then_some(tag);
        let nanos = now().as_nanos() as u64;
        self.write(&id, json!({"tag": tag, "made": seconds(), "nanos": nanos, "items": written}));
        self.step();
        if hit(self.faults.deaf) {
            return ready(self.error(ModelErrorKind::Connection, "it broke")).boxed();
        }
        ready(Ok(id)).boxed()
    }

    fn list(&self, since: u64) -> BoxFuture<'_, Result<Vec<Listed>>> {
        let all = self.all().into_iter().map(|(id, batch)| {
            let mut listed = Listed::new(id, batch["made"].as_u64().unwrap());
            let none = (!self.faults.untagged).then(String::new);
            listed.tag = batch["tag"].as_str().map(str::to_owned).or(none);
            listed.requests = Some(batch["items"].as_array().unwrap().len() as u64);
            listed
        });
        let all = all.filter(|batch| batch.made >= since).collect();
        ready(Ok(all)).boxed()
    }

    fn poll<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<BatchState>> {
        let Some(batch) = self.read(id) else { return ready(Ok(BatchState::Gone)).boxed() };
        let age = now().as_nanos() as u64 - batch["nanos"].as_u64().unwrap_or_default();
        let ended = batch["cancelled"] == true || (age > 5_000_000 && !self.faults.endless);
        let total = batch["items"].as_array().unwrap().len() as u64;
        let going = BatchState::InProgress { done: total / 2, total };
        ready(Ok(if ended { BatchState::Ended } else { going })).boxed()
    }

    fn results<'a>(&'a self, id: &'a str) -> BoxStream<'a, Result<(String, Result<Completion>)>> {
        let all = self.all();
        let mut earlier: HashMap<&str, ()> = HashMap::new();
        let items = |batch: &'_ Value| -> Vec<(String, String)> {
            serde_json::from_value(batch["items"].clone()).unwrap()
        };
        for (_, batch) in all.iter().take_while(|(other, _)| other != id) {
            let items = batch["items"].as_array().unwrap();
            earlier.extend(items.iter().map(|item| (item[0].as_str().unwrap(), ())));
        }
        let absent = self.faults.absent > self.absences.load(Ordering::SeqCst);
        let Some(batch) = self.read(id).filter(|_| !absent) else {
            self.absences.fetch_add(1, Ordering::SeqCst);
            return stream::iter([self.error(ModelErrorKind::BadRequest, "gone")]).boxed();
        };
        let mut results = Vec::new();
        for (n, (id, text)) in items(&batch).into_iter().enumerate() {
            let first = !earlier.contains_key(id.as_str());
            let result = match batch["cancelled"] == true && n % 2 == 1 {
                true => Some(self.error(ModelErrorKind::TimeLimit, "cancelled")),
                false if id.starts_with("other") => Some(Ok(Completion::new("?"))),
                false => self.result(&id, &text, first),
            };
            results.extend(result.map(|result| Ok((id, result))));
        }
        results.reverse();
        if let Some(most) = self.faults.breaks
            && self.reads.fetch_add(1, Ordering::SeqCst) == 0
        {
            results.truncate(most);
            results.push(self.error(ModelErrorKind::Connection, "it broke"));
        }
        stream::iter(results).inspect(|_| self.step()).boxed()
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        let mut batch = self.read(id).unwrap();
        batch["cancelled"] = true.into();
        self.write(id, batch);
        ready(Ok(())).boxed()
    }

    /// Sleeps on this thread, ten thousand times faster than it is told to, and then lets others go on.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let mut slept = false;
        let asleep = self.faults.asleep;
        Box::pin(std::future::poll_fn(move |context| {
            if asleep {
                return Poll::Pending;
            }
            if std::mem::replace(&mut slept, true) {
                return Poll::Ready(());
            }
            std::thread::sleep(time / 10_000);
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }
}
