//! Asking many things through a batch service.

use std::{
    collections::{HashMap, HashSet},
    time::{SystemTime, UNIX_EPOCH},
};

use futures::{FutureExt, StreamExt, future::BoxFuture, lock::Mutex, stream::FuturesUnordered};

use super::{
    BatchItem, BatchLimits, Batching,
    drive::{Ended, Engine, Flight, Held, key, name},
};
use crate::{
    Error, ModelErrorKind, Result,
    ask::{Answer, Ask, AskId, Failure, Query, Reply, Tally},
    journal::{Head, Journal, Key, Known, Slot},
    model::{Model, Usage},
    read::{Read, Unusable},
    watch::{Progress, Watch},
};

/// Asks a model many things through its provider's batch service, and gives the answers in the order of the
/// asks.
///
/// The promises are those of [`ask_all`](crate::ask_all), and so are the journal's keys: what one of them
/// has asked the other does not ask again. Before a batch is submitted, its tag and its requests are in the
/// journal. A program that is killed, or that drops the future, leaves its batches to the provider; the next
/// call with this model and journal adopts them, whatever it asks for, and keeps their answers. What an
/// earlier run may have submitted and the provider does not list is submitted again, and counted as
/// [`repaid`](crate::Progress::repaid).
///
/// Unusable answers are asked again as another batch, [`Ask::tries`] times. What came back without an answer
/// (expired, failed at the provider's) is submitted again as often as the terms say, then handed on as a
/// [`Failure`]. Scores are not to be had from a batch: such an ask fails, too.
///
/// ```
/// use ethos_core::{Ask, Batching, BatchLimits, Journal, Query, Reply, Request, Scripted, ask_batch};
/// use futures::executor::block_on;
///
/// let model = Scripted::echo().with_batches(BatchLimits::new(2, 1 << 20));
/// let journal = Journal::in_memory()?;
/// let asks = ["to be", "or not", "to be?"];
/// let asks = asks.map(|text| Ask::new("play", text, Query::Complete(Request::user(text))));
/// let read = |_: &_, reply: &Reply| Ok(reply.text()?.into_owned());
/// let answers = block_on(ask_batch(&model, &journal, asks, read, &Batching::default(), &()))?;
/// assert_eq!(answers[2].result.as_ref().ok().map(String::as_str), Some("to be?"));
/// # Ok::<(), ethos_core::Error>(())
/// ```
///
/// # Errors
///
/// When the journal fails, or the model has no batch service ([`ModelErrorKind::Unsupported`]).
pub async fn ask_batch<T, R>(
    model: &dyn Model,
    journal: &Journal,
    asks: impl IntoIterator<Item = Ask> + Send,
    read: R,
    terms: &Batching<'_>,
    watch: &dyn Watch,
) -> Result<Vec<Answer<T>>>
where
    T: Send,
    R: Fn(&AskId, &Reply) -> Read<T> + Send + Sync,
{
    let Some(service) = model.batch() else {
        let message = "has no batch service, or is not told to use it; ask it with `ask_all`";
        return Err(Error::model(&model.id().key, ModelErrorKind::Unsupported, message));
    };
    let mut asks: Vec<Asking<T>> = asks.into_iter().map(Asking::new).collect();
    let tally = Tally::new(Some(asks.len() as u64));
    let (id, terms, turn) = (model.id(), *terms, Mutex::new(()));
    let engine = Engine { service, model: id, journal, tally: &tally, watch, terms, turn };
    let mut limits = service.limits();
    if let Some(smaller) = terms.limits {
        limits.requests = limits.requests.min(smaller.requests);
        limits.bytes = limits.bytes.min(smaller.bytes);
    }

    // The asks that wait for a key that is being asked here.
    let mut waiting: HashMap<Key, Vec<usize>> = HashMap::new();
    // How often a key came back without an answer.
    let mut failures: HashMap<Key, u32> = HashMap::new();
    let mut events: FuturesUnordered<BoxFuture<'_, Event>> = FuturesUnordered::new();
    for flight in adopt(journal, &id.key)? {
        waiting.extend(flight.held.keys().map(|key| (*key, Vec::new())));
        events.push(engine.drive(flight, Vec::new()).map(Event::Batch).boxed());
    }
    let mut ready: Vec<usize> = (0..asks.len()).collect();
    loop {
        let mut fresh = Vec::new();
        for index in std::mem::take(&mut ready) {
            let ask = &mut asks[index];
            match ask.look(&engine, &read, &limits, &mut waiting)? {
                Step::Settled => watch.progress(&ask.settled(&tally)),
                Step::Here(key) => waiting.entry(key).or_default().push(index),
                Step::Elsewhere(woken) => {
                    events.push(woken.map(move |_| Event::Look(index)).boxed());
                }
                Step::Fresh(request) => {
                    waiting.insert(request.key, vec![index]);
                    fresh.push(*request);
                }
            }
        }
        for requests in split(fresh, &limits) {
            let (flight, items) = launch(journal, &id.key, requests);
            events.push(engine.drive(flight, items).map(Event::Batch).boxed());
        }
        match events.next().await {
            None => break,
            Some(Event::Look(index)) => ready.push(index),
            Some(Event::Batch(ended)) => {
                let Ended { keys, failures: mut errors, broken } = ended?;
                for key in keys {
                    let waiters = waiting.remove(&key).unwrap_or_default();
                    // Without one its reply is in the journal, or it was lost and is asked anew.
                    let Some(error) = errors.remove(&key) else {
                        ready.extend(waiters);
                        continue;
                    };
                    let count = failures.entry(key).or_default();
                    *count += 1;
                    let passing = !broken && !error.is_refusal() && !(terms.given_up)();
                    if passing && *count <= terms.again {
                        ready.extend(waiters);
                        continue;
                    }
                    for index in waiters {
                        asks[index].fail(error.again());
                        watch.progress(&asks[index].settled(&tally));
                    }
                }
                // The order of the asks, not of the keys, decides which batch they are in.
                ready.sort_unstable();
            }
        }
    }
    drop(events);
    Ok(asks.into_iter().filter_map(Asking::answer).collect())
}

enum Event {
    Batch(Result<Ended>),
    /// A key that somebody else asked is settled.
    Look(usize),
}

/// An ask on its way.
struct Asking<T> {
    ask: Ask,
    unusable: Vec<Unusable>,
    reused: bool,
    usage: Usage,
    result: Option<Result<T, Failure>>,
}

/// What there is to do for an ask.
enum Step {
    Settled,
    /// Its key is being asked by this call.
    Here(Key),
    /// Somebody else in this process is asking it.
    Elsewhere(futures::channel::oneshot::Receiver<()>),
    Fresh(Box<Fresh>),
}

/// A request that must be submitted.
struct Fresh {
    key: Key,
    held: Held,
    item: BatchItem,
    size: u64,
}

impl<T> Asking<T> {
    fn new(ask: Ask) -> Self {
        let (unusable, usage) = (Vec::new(), Usage::default());
        Asking { ask, unusable, reused: true, usage, result: None }
    }

    fn look(
        &mut self,
        engine: &Engine<'_>,
        read: &impl Fn(&AskId, &Reply) -> Read<T>,
        limits: &BatchLimits,
        waiting: &mut HashMap<Key, Vec<usize>>,
    ) -> Result<Step> {
        loop {
            let attempt = self.unusable.len() as u32;
            let model = &engine.model.key;
            let Ask { id: ask, query, draw, .. } = &self.ask;
            let key = match Journal::key(&ask.stage, engine.model, query, *draw, attempt) {
                Ok(key) => key,
                Err(error) => return Ok(self.fail(error)),
            };
            if waiting.contains_key(&key) {
                self.reused = false;
                return Ok(Step::Here(key));
            }
            let (claim, orphan) = match engine.journal.look_up(key)? {
                Known::Asking(woken) => return Ok(Step::Elsewhere(woken)),
                Known::Ours { claim, orphan } => (claim, orphan),
                Known::Replied(reply) => {
                    if self.read(&reply, engine, read) {
                        return Ok(Step::Settled);
                    }
                    continue;
                }
            };
            let Query::Complete(request) = query.sent(*draw, attempt).into_owned() else {
                let message = "gives no scores in a batch; ask it with `ask_all`";
                let kind = ModelErrorKind::Unsupported;
                return Ok(self.fail(Error::model(model, kind, message)));
            };
            if (engine.terms.given_up)() {
                let error = "given up before it was asked";
                let kind = ModelErrorKind::TimeLimit;
                return Ok(self.fail(Error::model(model, kind, error)));
            }
            let item = BatchItem::new(name(&key), request);
            let size = match engine.service.size(&item) {
                Ok(size) if size <= limits.bytes => size,
                Ok(size) => {
                    let most = limits.bytes;
                    let message = format!("takes {size} bytes, and a batch at most {most}");
                    let error = Error::model(model, ModelErrorKind::BadRequest, message);
                    return Ok(self.fail(error));
                }
                Err(error) => return Ok(self.fail(error)),
            };
            let slot = Slot { key: item.id.clone(), id: ask.clone(), draw: *draw, attempt, orphan };
            self.reused = false;
            let held = Held { slot, claim };
            return Ok(Step::Fresh(Box::new(Fresh { key, held, item, size })));
        }
    }

    /// Reads a reply of the journal; whether that settles the ask.
    fn read(
        &mut self,
        reply: &Reply,
        engine: &Engine<'_>,
        read: &impl Fn(&AskId, &Reply) -> Read<T>,
    ) -> bool {
        self.usage += reply.usage();
        match read(&self.ask.id, reply) {
            Ok(value) => self.result = Some(Ok(value)),
            Err(why) => {
                engine.tally.unusable(why.reason.clone());
                self.unusable.push(why.clone());
                if self.unusable.len() as u32 > self.ask.tries {
                    self.result = Some(Err(Failure::Unusable(why)));
                }
            }
        }
        self.result.is_some()
    }

    fn fail(&mut self, error: Error) -> Step {
        self.reused = false;
        self.result = Some(Err(Failure::Model(error)));
        Step::Settled
    }

    fn settled(&self, tally: &Tally) -> Progress {
        let failed = !matches!(self.result, Some(Ok(_)));
        tally.settled(&self.ask.id.stage, self.reused, failed)
    }

    fn answer(self) -> Option<Answer<T>> {
        let Asking { ask, unusable, reused, usage, result } = self;
        Some(Answer { id: ask.id, result: result?, unusable, reused, usage })
    }
}

/// The batches that earlier runs left, with those of their keys that have no reply yet.
fn adopt(journal: &Journal, model: &str) -> Result<Vec<Flight>> {
    let mut flights = Vec::new();
    for (tag, head, slots) in journal.orphans(model)? {
        let (mut keys, mut held) = (HashSet::new(), HashMap::new());
        for slot in slots {
            let Some(key) = key(&slot.key) else { continue };
            keys.insert(key);
            if let Known::Ours { claim, .. } = journal.look_up(key)? {
                held.insert(key, Held { slot, claim });
            }
        }
        flights.push(Flight { tag, head, keys, held, told: (0, 0) });
    }
    Ok(flights)
}

/// A new batch of these requests.
fn launch(journal: &Journal, model: &str, requests: Vec<Fresh>) -> (Flight, Vec<BatchItem>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&now.as_nanos().to_le_bytes()).update(&std::process::id().to_le_bytes());
    let (mut held, mut items) = (HashMap::new(), Vec::with_capacity(requests.len()));
    for request in requests {
        hasher.update(&request.key);
        held.insert(request.key, request.held);
        items.push(request.item);
    }
    let tag = format!("ethos-{}", &hasher.finalize().to_hex()[..32]);
    let (model, requests) = (model.to_owned(), items.len() as u64);
    let head = Head { model, made: now.as_secs(), requests, id: None };
    let keys = held.keys().copied().collect();
    (Flight { tag: journal.tag(tag), head, keys, held, told: (0, 0) }, items)
}

/// Batches within the limits, in order.
fn split(requests: Vec<Fresh>, limits: &BatchLimits) -> Vec<Vec<Fresh>> {
    let (mut batches, mut bytes): (Vec<Vec<Fresh>>, u64) = (Vec::new(), 0);
    for request in requests {
        bytes += request.size;
        match batches.last_mut() {
            Some(last) if last.len() < limits.requests && bytes <= limits.bytes => {
                last.push(request);
            }
            _ => {
                bytes = request.size;
                batches.push(vec![request]);
            }
        }
    }
    batches
}
