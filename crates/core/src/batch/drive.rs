//! One batch, from its submission or its adoption to its last reply.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, future::BoxFuture, lock::Mutex};

use super::{Batch, BatchItem, BatchState, Batching, Listed};
use crate::{
    Error, ModelErrorKind, Result,
    ask::{Reply, Tally},
    journal::{Claim, Head, Journal, Key, Record, Slot, Tag},
    model::{Completion, ModelId},
    watch::Watch,
};

/// Failures in a row after which a provider is given up for this run. Its batches stay in the journal.
const MISSES: u32 = 5;

/// Replies of a commit: few enough to hold beside each other.
const GROUP: usize = 256;

/// Seconds that a provider's clock may be behind ours.
const SLACK: u64 = 3600;

/// What all batches of a call share.
pub(super) struct Engine<'a> {
    pub(super) service: &'a dyn Batch,
    pub(super) model: &'a ModelId,
    pub(super) journal: &'a Journal,
    pub(super) tally: &'a Tally,
    pub(super) watch: &'a dyn Watch,
    pub(super) terms: Batching<'a>,
    /// One submission at a time: each may be hundreds of megabytes.
    pub(super) turn: Mutex<()>,
}

/// A batch that is looked after.
pub(super) struct Flight {
    pub(super) tag: Tag,
    pub(super) head: Head,
    /// Keys of all its requests.
    pub(super) keys: HashSet<Key>,
    /// Those of them that wait for a reply.
    pub(super) held: HashMap<Key, Held>,
    /// Requests in all and those done, as they were last told to the watcher.
    pub(super) told: (u64, u64),
}

/// A request that waits for its reply.
pub(super) struct Held {
    pub(super) slot: Slot,
    pub(super) claim: Claim,
}

/// What is left of a batch when all replies that it gave are in the journal.
pub(super) struct Ended {
    /// All keys that waited for it.
    pub(super) keys: Vec<Key>,
    /// Why some have no reply.
    pub(super) failures: HashMap<Key, Error>,
    /// Whether none of these should be asked again in this run.
    pub(super) broken: bool,
}

/// Why a batch does not come to its end.
enum Halt {
    Journal(Error),
    /// The provider has it, or may have it, and cannot be reached: the next run looks for it.
    Broken(Error),
    /// The provider does not want it.
    Refused(Error),
    /// It never came to the provider, as far as its list shows.
    Lost,
    /// The provider no longer has it.
    Gone,
}

impl Engine<'_> {
    /// Looks after the batch until it is settled. Without items it is one that an earlier run left.
    pub(super) async fn drive(&self, mut flight: Flight, items: Vec<BatchItem>) -> Result<Ended> {
        let keys = flight.held.keys().copied().collect();
        let mut failures = HashMap::new();
        let outcome = self.run(&mut flight, items, &mut failures).await;
        self.tell(&mut flight, (0, 0));
        let mut ended = Ended { keys, failures, broken: false };
        let Flight { tag, head, held, .. } = flight;
        let fail = |failures: &mut HashMap<Key, Error>, error: Error| {
            for key in held.keys() {
                failures.entry(*key).or_insert_with(|| error.again());
            }
        };
        let other = |why: &str| Error::model(&self.model.key, ModelErrorKind::Other, why);
        let known = |key: &&Key| held.get(*key).is_some_and(|held| !held.slot.orphan);
        let withdrawn: Vec<Key> = match outcome {
            Err(Halt::Journal(error)) => return Err(error),
            Err(Halt::Broken(error)) => {
                ended.broken = true;
                fail(&mut ended.failures, error);
                return Ok(ended);
            }
            Ok(()) => {
                let withdrawn = ended.failures.keys().filter(known).copied().collect();
                // The others may have been paid: their intents stay until they are repaid.
                fail(&mut ended.failures, other("the batch has ended without a result for it"));
                withdrawn
            }
            Err(Halt::Refused(error)) => {
                ended.broken = true;
                fail(&mut ended.failures, error);
                held.keys().filter(known).copied().collect()
            }
            Err(Halt::Lost) => Vec::new(),
            Err(Halt::Gone) => {
                ended.failures.clear();
                fail(&mut ended.failures, other("the provider no longer has the batch"));
                Vec::new()
            }
        };
        let claims = held.into_values().map(|held| held.claim).collect();
        self.journal.end_batch(&tag, head.id, withdrawn, claims).await?;
        Ok(ended)
    }

    async fn run(
        &self,
        flight: &mut Flight,
        items: Vec<BatchItem>,
        failures: &mut HashMap<Key, Error>,
    ) -> Result<(), Halt> {
        if flight.held.is_empty() {
            return Ok(());
        }
        let id = match flight.head.id.clone() {
            Some(id) => id,
            None if items.is_empty() => {
                let id = self.find(flight).await?.ok_or(Halt::Lost)?;
                self.known(flight, &id).await?;
                id
            }
            None => self.submit(flight, items).await?,
        };
        self.wait(flight, &id).await?;
        self.take(flight, &id, failures).await
    }

    /// The provider calls it so.
    async fn known(&self, flight: &mut Flight, id: &str) -> Result<(), Halt> {
        flight.head.id = Some(id.to_owned());
        self.tell(flight, (flight.head.requests, 0));
        self.journal.submitted_batch(&flight.tag, &flight.head).await.map_err(Halt::Journal)
    }

    async fn submit(&self, flight: &mut Flight, items: Vec<BatchItem>) -> Result<String, Halt> {
        let slots: Vec<_> = flight.held.values().map(|held| &held.slot).collect();
        let keys = flight.held.keys().copied().collect();
        let begun = self.journal.begin_batch(&flight.tag, &flight.head, &slots, keys);
        begun.await.map_err(Halt::Journal)?;
        let mut failures = 0;
        loop {
            let submitted = {
                let _turn = self.turn.lock().await;
                self.tally.sending();
                let submitted = self.service.submit(&flight.tag.name, &items).await;
                if let Ok(id) = &submitted {
                    self.known(flight, id).await?;
                }
                submitted
            };
            let error = match submitted {
                Ok(id) => return Ok(id),
                Err(error) if error.is_refusal() => return Err(Halt::Refused(error)),
                Err(error) => error,
            };
            tracing::debug!(model = self.model.key, %error, "a batch may not have been submitted");
            failures += 1;
            // It may have arrived nevertheless.
            if let Some(id) = self.find(flight).await? {
                self.known(flight, &id).await?;
                return Ok(id);
            }
            if failures > self.terms.again || (self.terms.given_up)() {
                return Err(Halt::Broken(error));
            }
            if error.kind() != Some(ModelErrorKind::RateLimit) {
                flight.held.values_mut().for_each(|held| held.slot.orphan = true);
            }
        }
    }

    /// Looks for the batch in the provider's list, twice: a list may lag behind.
    async fn find(&self, flight: &Flight) -> Result<Option<String>, Halt> {
        let since = flight.head.made.saturating_sub(SLACK);
        for look in 0..2 {
            if look > 0 {
                self.service.sleep(self.terms.every).await;
            }
            let mut listed = self.patiently(|| self.service.list(since)).await?;
            let tagged = |batch: &&Listed| batch.tag.as_ref() == Some(&flight.tag.name);
            if let Some(batch) = listed.iter().find(tagged) {
                return Ok(Some(batch.id.clone()));
            }
            listed.retain(|batch| {
                let requests = batch.requests.is_none_or(|n| n == flight.head.requests);
                batch.tag.is_none() && batch.made >= since && requests
            });
            listed.sort_by_key(|batch| (!batch.ended, batch.made));
            for batch in listed {
                if self.is(flight, &batch.id).await? {
                    return Ok(Some(batch.id));
                }
            }
        }
        Ok(None)
    }

    /// Whether a batch without a tag is this one: nobody can tell before it has ended.
    async fn is(&self, flight: &Flight, id: &str) -> Result<bool, Halt> {
        loop {
            if self.journal.knows_batch(id).map_err(Halt::Journal)? {
                return Ok(false);
            }
            match self.patiently(|| self.service.poll(id)).await? {
                BatchState::Ended => break,
                BatchState::Gone | BatchState::Refused(_) => return Ok(false),
                BatchState::InProgress { .. } if (self.terms.given_up)() => {
                    let message = format!("given up before it was clear whose batch `{id}` is");
                    let error = Error::model(&self.model.key, ModelErrorKind::TimeLimit, message);
                    return Err(Halt::Broken(error));
                }
                BatchState::InProgress { .. } => self.service.sleep(self.terms.every).await,
            }
        }
        let first = self
            .patiently(|| Box::pin(async { self.service.results(id).next().await.transpose() }));
        let key = first.await?.and_then(|(name, _)| key(&name));
        Ok(key.is_some_and(|key| flight.keys.contains(&key)))
    }

    async fn wait(&self, flight: &mut Flight, id: &str) -> Result<(), Halt> {
        let (mut cancelled, mut failures, mut gone) = (false, 0, false);
        loop {
            match self.patiently(|| self.service.poll(id)).await? {
                BatchState::Ended => return Ok(()),
                // All of it would be paid again: once may be an error of whoever answered.
                BatchState::Gone if !gone => gone = true,
                BatchState::Gone => return Err(Halt::Gone),
                BatchState::Refused(words) => {
                    let message = format!("refused the batch: {words}");
                    let kind = ModelErrorKind::BadRequest;
                    return Err(Halt::Refused(Error::model(&self.model.key, kind, message)));
                }
                BatchState::InProgress { done, total } => {
                    gone = false;
                    let total = if total == 0 { flight.head.requests } else { total };
                    self.tell(flight, (total, done));
                }
            }
            if !cancelled && (self.terms.given_up)() {
                match self.service.cancel(id).await {
                    Ok(()) => cancelled = true,
                    // It may have ended meanwhile.
                    Err(_) if failures < MISSES => failures += 1,
                    Err(error) => return Err(Halt::Broken(error)),
                }
            }
            self.service.sleep(self.terms.every).await;
        }
    }

    /// Keeps the results. Those that are no answers are noted.
    async fn take(
        &self,
        flight: &mut Flight,
        id: &str,
        failures: &mut HashMap<Key, Error>,
    ) -> Result<(), Halt> {
        let (mut misses, mut gone) = (0, false);
        loop {
            let mut results = self.service.results(id);
            let broken = loop {
                let (group, broken) = group(&mut results).await;
                let full = group.len() == GROUP;
                let mut replies = Vec::new();
                for (name, outcome) in group {
                    // What nobody waits for is somebody else's, or was kept before.
                    let Some(key) = key(&name) else { continue };
                    match outcome {
                        Ok(answer) => {
                            failures.remove(&key);
                            let held = flight.held.remove(&key);
                            replies.extend(held.map(|held| (held, answer)));
                        }
                        Err(error) if flight.held.contains_key(&key) => {
                            failures.insert(key, error);
                        }
                        Err(_) => {}
                    }
                }
                self.keep(replies).await.map_err(Halt::Journal)?;
                if broken.is_some() || !full {
                    break broken;
                }
            };
            match broken {
                None => return Ok(()),
                Some(error) if error.kind() == Some(ModelErrorKind::BadRequest) => {
                    if std::mem::replace(&mut gone, true) {
                        return Err(Halt::Gone);
                    }
                }
                Some(error) if error.is_refusal() || misses == MISSES => {
                    return Err(Halt::Broken(error));
                }
                Some(_) => misses += 1,
            }
            self.service.sleep(self.terms.every).await;
        }
    }

    async fn keep(&self, replies: Vec<(Held, Completion)>) -> Result<()> {
        let mut paid = Vec::with_capacity(replies.len());
        let mut records = Vec::with_capacity(replies.len());
        for (Held { slot, claim }, answer) in replies {
            let Slot { id, draw, attempt, orphan, .. } = slot;
            paid.push((answer.usage, orphan));
            let (model, reply) = (self.model.key.clone(), Reply::Completion(Box::new(answer)));
            records.push((claim, Record { id, model, draw, attempt, reply }));
        }
        if records.is_empty() {
            return Ok(());
        }
        self.journal.keep_all(records).await?;
        for (usage, orphan) in paid {
            self.tally.paid(usage, orphan);
        }
        Ok(())
    }

    /// Asks again what may pass.
    async fn patiently<'c, T>(
        &self,
        mut call: impl FnMut() -> BoxFuture<'c, Result<T>>,
    ) -> Result<T, Halt> {
        let mut misses = 0;
        loop {
            match call().await {
                Ok(value) => return Ok(value),
                Err(error) if error.is_refusal() || misses == MISSES => {
                    return Err(Halt::Broken(error));
                }
                Err(_) => misses += 1,
            }
            self.service.sleep(self.terms.every).await;
        }
    }

    fn tell(&self, flight: &mut Flight, now: (u64, u64)) {
        let before = std::mem::replace(&mut flight.told, now);
        if before != now {
            self.watch.progress(&self.tally.batch(now, before));
        }
    }
}

type Results<'a> = futures::stream::BoxStream<'a, Result<(String, Result<Completion>)>>;

/// The next results, and the error that ends them.
async fn group(results: &mut Results<'_>) -> (Vec<(String, Result<Completion>)>, Option<Error>) {
    let mut group = Vec::new();
    while group.len() < GROUP {
        match results.next().await {
            Some(Ok(result)) => group.push(result),
            Some(Err(error)) => return (group, Some(error)),
            None => break,
        }
    }
    (group, None)
}

/// What a key is called in a batch.
pub(super) fn name(key: &Key) -> String {
    blake3::Hash::from_bytes(*key).to_hex().as_str().to_owned()
}

/// The key of this name.
pub(super) fn key(name: &str) -> Option<Key> {
    blake3::Hash::from_hex(name).ok().map(|hash| *hash.as_bytes())
}
