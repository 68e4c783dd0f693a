//! Asking a model many things: the engine under every stage.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    journal::{Journal, Known, Record},
    model::{Completion, Model, Request, Scored, Stop, Usage},
    read::{Read, Reason, Unusable},
    seed::derived_seed,
    watch::{Progress, Watch},
};

/// What names an ask: the stage it belongs to, and the item within it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AskId {
    /// The stage, part of the journal's key: the same question of two stages is asked twice.
    pub stage: String,
    /// The item. It only names: two items of a stage that ask the very same query share its reply,
    /// unless they give different draws.
    pub item: String,
}

impl fmt::Display for AskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stage, self.item)
    }
}

/// What is asked of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Query {
    /// An answer.
    Complete(Request),
    /// The log-probability of each continuation.
    Score(Request, Vec<String>),
}

impl Query {
    /// What is sent for a draw and an attempt. All but the first of both have a seed of their own: under the same one, a
    /// model that honours it would give the same answer again.
    pub(crate) fn sent(&self, draw: u32, attempt: u32) -> Cow<'_, Query> {
        if let Query::Complete(request) = self
            && let Some(seed) = request.sampling.seed
            && (draw, attempt) != (0, 0)
        {
            let mut request = request.clone();
            let apart: [&[u8]; 2] = [&draw.to_le_bytes(), &attempt.to_le_bytes()];
            request.sampling.seed = Some(derived_seed(seed, &apart));
            return Cow::Owned(Query::Complete(request));
        }
        Cow::Borrowed(self)
    }
}

/// One thing to ask.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ask {
    /// Its name.
    pub id: AskId,
    /// The query.
    pub query: Query,
    /// Which draw of this query: ten draws of one question are ten questions, each with a seed of its own where the
    /// request has one.
    pub draw: u32,
    /// How often an unusable answer is asked again (2 for answers, 0 for scores, unless told), each time with another
    /// seed where the request has one. A model that answers greedily may give the same again: 0 saves that.
    pub tries: u32,
}

impl Ask {
    /// The first draw of a query.
    pub fn new(stage: impl Into<String>, item: impl Into<String>, query: Query) -> Self {
        let tries = if matches!(query, Query::Score(..)) { 0 } else { 2 };
        Ask { id: AskId { stage: stage.into(), item: item.into() }, query, draw: 0, tries }
    }

    /// The same ask as another draw.
    pub fn with_draw(self, draw: u32) -> Self {
        Ask { draw, ..self }
    }

    /// The same ask with another number of repeats of unusable answers.
    pub fn with_tries(self, tries: u32) -> Self {
        Ask { tries, ..self }
    }
}

/// What the model gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reply {
    /// To [`Query::Complete`].
    Completion(Box<Completion>),
    /// To [`Query::Score`], one for each continuation.
    Scores(Vec<Scored>),
}

impl Reply {
    /// The text of a complete answer. One of which the provider does not say why it ended is taken for complete;
    /// one that ended for a reason that nobody here knows (`pause_turn`, …) is not.
    ///
    /// # Errors
    ///
    /// [`Reason::Refusal`], [`Reason::CutOff`] or [`Reason::Empty`] when there is no complete answer.
    pub fn text(&self) -> Read<Cow<'_, str>> {
        let Reply::Completion(completion) = self else {
            return Err(Unusable::new(Reason::Empty, "scores, where an answer was expected"));
        };
        let text = completion.message.text();
        match &completion.stop {
            Stop::Refusal => Err(Unusable::new(Reason::Refusal, start_of(&text))),
            Stop::Length => Err(Unusable::new(Reason::CutOff, start_of(&text))),
            Stop::Other(why) if why != Stop::UNKNOWN => Err(Unusable::new(
                Reason::CutOff,
                format!("ended with `{why}`: {}", start_of(&text)),
            )),
            _ if text.trim().is_empty() => Err(Unusable::new(Reason::Empty, "an empty answer")),
            _ => Ok(text),
        }
    }

    /// The scores of the continuations.
    ///
    /// # Errors
    ///
    /// [`Reason::Empty`] when this is an answer.
    pub fn scores(&self) -> Read<&[Scored]> {
        match self {
            Reply::Scores(scores) => Ok(scores),
            Reply::Completion(_) => {
                Err(Unusable::new(Reason::Empty, "an answer, where scores were expected"))
            }
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        match self {
            Reply::Completion(completion) => completion.usage,
            Reply::Scores(_) => Usage::default(),
        }
    }
}

fn start_of(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    format!("`{}`", start.trim())
}

/// A settled ask.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answer<T> {
    /// Which ask.
    pub id: AskId,
    /// What the reader made of the reply, or why there is none.
    pub result: Result<T, Failure>,
    /// Replies that could not be used before it was settled.
    pub unusable: Vec<Unusable>,
    /// Whether it came from the journal alone.
    pub reused: bool,
    /// Tokens of all its replies, those from the journal too.
    pub usage: Usage,
}

/// Why an ask has no usable answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Every reply was unusable; the last one's reason.
    #[error("no usable answer: {0}")]
    Unusable(Unusable),
    /// The model failed. It was not kept: a rerun asks again.
    #[error(transparent)]
    Model(#[from] Error),
}

/// Asks a model many things, and gives the answers as they finish.
///
/// At most [`Model::concurrency`] queries are in flight, and no more asks are drawn from the stream
/// than that. Each reply is in the `journal` before `read` sees it; what the journal holds is not
/// asked again. A reply that `read` cannot use is asked again, at most [`Ask::tries`] times, then
/// handed on as a [`Failure`]. One failure does not touch the others. Dropping the stream stops it;
/// what was committed stays. A stream that is kept without being polled stands still, and whoever asks
/// the journal for what it has in flight waits for it.
///
/// Answers come in order of finishing: a stage that writes them down sorts by id first, so that the
/// same seed gives the same bytes.
///
/// # Errors
///
/// An item is an `Err` when the journal fails. The stream should be given up then: answers could no
/// longer be kept.
pub fn ask_all<'a, T, R>(
    model: &'a dyn Model,
    journal: &'a Journal,
    asks: impl Stream<Item = Ask> + Send + 'a,
    read: R,
    watch: &'a dyn Watch,
) -> impl Stream<Item = Result<Answer<T>>> + Send + 'a
where
    T: Send + 'a,
    R: Fn(&AskId, &Reply) -> Read<T> + Send + Sync + 'a,
{
    let (_, total) = asks.size_hint();
    let asker = Asker::new(model, journal, watch).with_total(total.map(|n| n as u64));
    let shared = std::sync::Arc::new((read, asker));
    let concurrency = model.concurrency().max(1);
    asks.map(move |ask| {
        let shared = std::sync::Arc::clone(&shared);
        async move {
            let (read, asker) = &*shared;
            asker.ask(ask, read).await
        }
    })
    .buffer_unordered(concurrency)
}

/// Asks one thing at a time, for conversations in which a question depends on the answer before.
///
/// It keeps the promises of [`ask_all`], but for one: how many asks are in flight is up to whoever
/// polls them, and [`Model::concurrency`] says what is worth having.
///
/// ```
/// use ethos_core::{Ask, Asker, Journal, Query, Request, Scripted};
/// use futures::executor::block_on;
///
/// let (model, journal) = (Scripted::echo(), Journal::in_memory()?);
/// let asker = Asker::new(&model, &journal, &());
/// let ask = |text: &str| Ask::new("chat", "1", Query::Complete(Request::user(text)));
/// let first = block_on(asker.ask(ask("to be"), |_, reply| Ok(reply.text()?.into_owned())))?;
/// let then = format!("{} or not", first.result?);
/// let second = block_on(asker.ask(ask(&then), |_, reply| Ok(reply.text()?.into_owned())))?;
/// assert_eq!(second.result?, "to be or not");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Asker<'a> {
    model: &'a dyn Model,
    journal: &'a Journal,
    watch: &'a dyn Watch,
    tally: Tally,
}

impl fmt::Debug for Asker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (model, journal) = (self.model.id(), self.journal);
        f.debug_struct("Asker").field("model", model).field("journal", journal).finish()
    }
}

impl<'a> Asker<'a> {
    /// One that asks this model through this journal.
    pub fn new(model: &'a dyn Model, journal: &'a Journal, watch: &'a dyn Watch) -> Self {
        Asker { model, journal, watch, tally: Tally::new(None) }
    }

    /// The same, which knows how many asks there will be: [`Progress::total`].
    pub fn with_total(self, total: Option<u64>) -> Self {
        Asker { tally: Tally::new(total), ..self }
    }

    /// The model.
    pub fn model(&self) -> &'a dyn Model {
        self.model
    }

    /// Asks one thing until it is settled.
    ///
    /// # Errors
    ///
    /// The journal's. What the model lacks is in the [`Answer`].
    pub async fn ask<T>(
        &self,
        ask: Ask,
        read: impl Fn(&AskId, &Reply) -> Read<T>,
    ) -> Result<Answer<T>> {
        let Asker { model, journal, watch, tally } = self;
        let Ask { id, query, draw, tries } = ask;
        let mut unusable = Vec::new();
        let mut reused = true;
        let mut usage = Usage::default();
        let result = loop {
            let attempt = unusable.len() as u32;
            let key = match Journal::key(&id.stage, model.id(), &query, draw, attempt) {
                Ok(key) => key,
                Err(error) => {
                    reused = false;
                    break Err(Failure::Model(error));
                }
            };
            let reply = loop {
                match journal.look_up(key)? {
                    Known::Replied(reply) => break Ok(reply),
                    // An error here only means that whoever asked has gone; we look again either way.
                    Known::Asking(woken) => drop(woken.await),
                    Known::Ours { claim, orphan } => {
                        reused = false;
                        tally.sending();
                        journal.intend(&claim).await?;
                        match send(*model, &query.sent(draw, attempt)).await {
                            Ok(reply) => {
                                let model = model.id().key.clone();
                                let record = Record { id: id.clone(), model, draw, attempt, reply };
                                journal.keep(claim, &record).await?;
                                tally.paid(record.reply.usage(), orphan);
                                break Ok(record.reply);
                            }
                            Err(error) => {
                                // What an earlier run may have paid for stays noted until it is repaid.
                                if !orphan {
                                    journal.withdraw(claim).await?;
                                }
                                break Err(error);
                            }
                        }
                    }
                }
            };
            if let Ok(reply) = &reply {
                usage += reply.usage();
            }
            match reply.map(|reply| read(&id, &reply)) {
                Ok(Ok(value)) => break Ok(value),
                Ok(Err(why)) => {
                    tally.unusable(why.reason.clone());
                    unusable.push(why.clone());
                    if attempt >= tries {
                        break Err(Failure::Unusable(why));
                    }
                }
                Err(error) => break Err(Failure::Model(error)),
            }
        };
        watch.progress(&tally.settled(&id.stage, reused, result.is_err()));
        Ok(Answer { id, result, unusable, reused, usage })
    }
}

async fn send(model: &dyn Model, query: &Query) -> Result<Reply> {
    match query {
        Query::Complete(request) => {
            let completion = model.complete(request).await?;
            Ok(Reply::Completion(Box::new(completion)))
        }
        Query::Score(request, continuations) => {
            let scores = model.score(request, continuations).await?;
            if scores.len() != continuations.len() {
                let (asked, got) = (continuations.len(), scores.len());
                return Err(Error::model(
                    &model.id().key,
                    crate::ModelErrorKind::Other,
                    format!("was asked for {asked} scores and gave {got}"),
                ));
            }
            Ok(Reply::Scores(scores))
        }
    }
}

/// Counts what happens, across the asks in flight.
pub(crate) struct Tally {
    began: Instant,
    sent: OnceLock<Instant>,
    progress: Mutex<Progress>,
}

impl Tally {
    pub(crate) fn new(total: Option<u64>) -> Self {
        let progress = Progress { total, unusable: BTreeMap::new(), ..Progress::default() };
        Tally { began: Instant::now(), sent: OnceLock::new(), progress: Mutex::new(progress) }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sending(&self) {
        self.sent.get_or_init(Instant::now);
    }

    pub(crate) fn paid(&self, usage: Usage, orphan: bool) {
        let mut progress = self.lock();
        progress.usage += usage;
        progress.repaid += u64::from(orphan);
    }

    pub(crate) fn unusable(&self, reason: Reason) {
        *self.lock().unusable.entry(reason).or_default() += 1;
    }

    pub(crate) fn settled(&self, stage: &str, reused: bool, failed: bool) -> Progress {
        let mut progress = self.lock();
        if progress.stage != stage {
            stage.clone_into(&mut progress.stage);
        }
        progress.done += 1;
        progress.reused += u64::from(reused);
        progress.failed += u64::from(failed);
        self.timed(&mut progress)
    }

    /// A batch has come on: it has so many requests, so many of them are done, and this was said of it
    /// before.
    pub(crate) fn batch(&self, now: (u64, u64), before: (u64, u64)) -> Progress {
        let mut progress = self.lock();
        progress.batched = progress.batched.saturating_sub(before.0) + now.0;
        progress.batched_done = progress.batched_done.saturating_sub(before.1) + now.1;
        self.timed(&mut progress)
    }

    fn timed(&self, progress: &mut Progress) -> Progress {
        progress.elapsed = self.began.elapsed();
        progress.asking = self.sent.get().map_or(Duration::ZERO, Instant::elapsed);
        progress.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    };

    use futures::{TryStreamExt, executor::block_on, future::BoxFuture, stream};

    use super::*;
    use crate::{BatchLimits, Batching, ModelErrorKind, ModelId, Sampling, Scripted, ask_batch};

    fn ask(item: usize) -> Ask {
        Ask::new("test", item.to_string(), Query::Complete(Request::user(item.to_string())))
    }

    fn text(_: &AskId, reply: &Reply) -> Read<String> {
        reply.text().map(Cow::into_owned)
    }

    /// A model that counts what it is asked.
    fn counting(answer: fn(u32, &str) -> Completion) -> (Scripted, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let model = Scripted::new("counting", move |request| {
            answer(count.fetch_add(1, Ordering::SeqCst), &request.messages[0].text())
        });
        (model, asked)
    }

    fn run(model: &dyn Model, journal: &Journal, asks: Vec<Ask>) -> Vec<Answer<String>> {
        let answers = ask_all(model, journal, stream::iter(asks), text, &());
        let mut answers: Vec<_> = block_on(answers.try_collect()).unwrap();
        answers.sort_by_key(|answer| answer.id.item.parse::<usize>().unwrap());
        answers
    }

    #[test]
    fn a_rerun_asks_nothing_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        let (model, asked) = counting(|_, text| text.into());
        for round in 0..3 {
            let journal = Journal::open(&path).unwrap();
            let answers = run(&model, &journal, (0..100).map(ask).collect());
            assert!(answers.iter().all(|a| a.reused == (round > 0)));
            assert_eq!(answers[7].result.as_ref().unwrap(), "7");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 100);
    }

    #[test]
    fn unusable_answers_are_asked_again_and_then_counted() {
        let (model, asked) = counting(|n, text| match n {
            0 => Completion::new("no").with_stop(Stop::Refusal),
            1 => Completion::new("half an").with_stop(Stop::Length),
            _ => text.into(),
        });
        let journal = Journal::in_memory().unwrap();
        let answers = run(&model, &journal, vec![ask(5)]);
        let reasons: Vec<_> = answers[0].unusable.iter().map(|u| u.reason.clone()).collect();
        assert_eq!(reasons, [Reason::Refusal, Reason::CutOff]);
        assert_eq!(answers[0].result.as_ref().unwrap(), "5");
        // The unusable ones are in the journal too: a rerun pays for none of them.
        assert!(run(&model, &journal, vec![ask(5)])[0].reused);
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn an_answer_that_ended_for_an_unknown_reason_is_not_complete() {
        let ended = |why: &str| {
            let answer = Completion::new("so far").with_stop(Stop::Other(why.into()));
            Reply::Completion(Box::new(answer)).text().map(Cow::into_owned)
        };
        assert_eq!(ended("unknown").unwrap(), "so far");
        let paused = ended("pause_turn").unwrap_err();
        assert_eq!(paused.reason, Reason::CutOff);
        assert!(paused.to_string().contains("`pause_turn`"), "{paused}");
    }

    #[test]
    fn tries_end() {
        let (model, asked) = counting(|_, _| "".into());
        let journal = Journal::in_memory().unwrap();
        let answers = run(&model, &journal, vec![ask(1).with_tries(1)]);
        assert!(
            matches!(&answers[0].result, Err(Failure::Unusable(u)) if u.reason == Reason::Empty)
        );
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn draws_are_apart_and_equal_asks_share_one_reply() {
        let (model, asked) = counting(|n, _| n.to_string().into());
        let journal = Journal::in_memory().unwrap();
        let mut asks: Vec<Ask> = (0..10).map(|draw| ask(0).with_draw(draw)).collect();
        asks.extend((0..10).map(|draw| ask(0).with_draw(draw)));
        let answers = run(&model, &journal, asks);
        let mut texts: Vec<_> = answers.iter().map(|a| a.result.as_ref().unwrap()).collect();
        texts.sort();
        texts.dedup();
        assert_eq!((texts.len(), asked.load(Ordering::SeqCst)), (10, 10));
    }

    /// Through the batch service, too.
    #[test]
    fn draws_and_attempts_have_seeds_of_their_own() {
        let model = Scripted::new("seeded", |request| {
            let text = format!("{:?}", request.sampling.seed);
            // The first draw of a given seed is cut off, and asked again.
            let cut = request.sampling.seed == Some(7);
            Completion::new(text).with_stop(if cut { Stop::Length } else { Stop::End })
        })
        .with_batches(BatchLimits::new(8, 1 << 20));
        let asks = |seed| -> Vec<Ask> {
            let sampling = Sampling { seed, ..Sampling::default() };
            let query = Query::Complete(Request::user("?").with_sampling(sampling));
            (0..4).map(|draw| Ask::new("test", "0", query.clone()).with_draw(draw)).collect()
        };
        let texts = |seed| -> Vec<String> {
            let journal = Journal::in_memory().unwrap();
            let answers = run(&model, &journal, asks(seed));
            let mut texts: Vec<_> = answers.into_iter().map(|a| a.result.unwrap()).collect();
            texts.sort();
            texts
        };
        assert_eq!(texts(None), ["None"; 4]);
        let mut seeded = texts(Some(7));
        assert_eq!(seeded, texts(Some(7)));
        let (journal, terms) = (Journal::in_memory().unwrap(), Batching::default());
        let batched = ask_batch(&model, &journal, asks(Some(7)), text, &terms, &());
        let mut batched: Vec<_> =
            block_on(batched).unwrap().into_iter().map(|a| a.result.unwrap()).collect();
        batched.sort();
        assert_eq!(seeded, batched);
        seeded.dedup();
        assert_eq!(seeded.len(), 4);
        assert!(texts(Some(8)).contains(&"Some(8)".to_owned()));
    }

    #[test]
    fn one_failure_leaves_the_others_alone_and_is_not_kept() {
        let broken = Arc::new(AtomicU32::new(1));
        let switch = Arc::clone(&broken);
        let model = Scripted::fallible("flaky", move |request| {
            let text = request.messages[0].text().into_owned();
            if text == "3" && switch.load(Ordering::SeqCst) == 1 {
                return Err(Error::model("flaky", ModelErrorKind::RateLimit, "slow down"));
            }
            Ok(text.into())
        });
        let journal = Journal::in_memory().unwrap();
        let answers = run(&model, &journal, (0..6).map(ask).collect());
        assert!(matches!(answers[3].result, Err(Failure::Model(_))));
        assert_eq!(answers.iter().filter(|a| a.result.is_ok()).count(), 5);
        broken.store(0, Ordering::SeqCst);
        let answers = run(&model, &journal, (0..6).map(ask).collect());
        assert!(answers.iter().all(|a| a.result.is_ok()));
        assert_eq!(answers.iter().filter(|a| !a.reused).count(), 1);
    }

    #[test]
    fn what_was_in_flight_at_a_crash_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        {
            let journal = Journal::open(&path).unwrap();
            let never = Never(ModelId::new("scripted/echo"));
            let mut answers =
                Box::pin(ask_all(&never, &journal, stream::iter((0..9).map(ask)), text, &()));
            // Polled until its intents are durable, then dropped, as a kill would leave it.
            for _ in 0..200 {
                assert!(block_on(futures::future::poll_immediate(answers.next())).is_none());
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        let journal = Journal::open(&path).unwrap();
        // A run in which the model fails repays nothing, and forgets nothing.
        let down = Scripted::fallible("echo", |_| {
            Err(Error::model("scripted/echo", ModelErrorKind::Connection, "is down"))
        });
        assert!(run(&down, &journal, (0..9).map(ask).collect()).iter().all(|a| a.result.is_err()));
        assert_eq!(journal.stats().unwrap().in_flight, 4);

        let seen = Mutex::new(Progress::default());
        let watch = |p: &Progress| p.clone_into(&mut seen.lock().unwrap());
        let echo = Scripted::echo();
        let answers = ask_all(&echo, &journal, stream::iter((0..9).map(ask)), text, &watch);
        let answers: Vec<_> = block_on(answers.try_collect()).unwrap();
        let seen = seen.into_inner().unwrap();
        assert_eq!((answers.len(), seen.done, seen.total), (9, 9, Some(9)));
        assert_eq!((seen.repaid, journal.stats().unwrap().in_flight), (4, 0));
    }

    #[test]
    fn a_dropped_stream_loses_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path().join("journal.redb")).unwrap();
        let (model, asked) = counting(|_, text| text.into());
        let model = model.with_concurrency(8);
        for round in 1..=50 {
            let asks = || (0..8).map(|item| ask(item).with_draw(round)).collect();
            let before = asked.load(Ordering::SeqCst);
            let mut answers =
                Box::pin(ask_all(&model, &journal, stream::iter::<Vec<_>>(asks()), text, &()));
            // Dropped as soon as the model has answered, while the answers go to the disk.
            while asked.load(Ordering::SeqCst) == before {
                let first = block_on(futures::future::poll_immediate(answers.next()));
                assert!(first.is_none_or(|answer| answer.unwrap().is_ok()));
            }
            drop(answers);
            assert!(run(&model, &journal, asks()).iter().all(|answer| answer.result.is_ok()));
            assert_eq!(asked.load(Ordering::SeqCst), 8 * round, "something was asked twice");
        }
    }

    /// A model that never answers.
    struct Never(ModelId);

    impl Model for Never {
        fn id(&self) -> &ModelId {
            &self.0
        }
        fn complete<'a>(&'a self, _: &'a Request) -> BoxFuture<'a, Result<Completion>> {
            Box::pin(std::future::pending())
        }
        fn concurrency(&self) -> usize {
            4
        }
    }

    #[test]
    fn asks_are_drawn_as_they_are_needed() {
        let drawn = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&drawn);
        let asks = stream::iter(0..1000).map(move |i| {
            count.fetch_add(1, Ordering::SeqCst);
            ask(i)
        });
        let model = Scripted::echo().with_concurrency(8);
        let journal = Journal::in_memory().unwrap();
        let mut answers = Box::pin(ask_all(&model, &journal, asks, text, &()));
        block_on(answers.next()).unwrap().unwrap();
        assert!(drawn.load(Ordering::SeqCst) <= 16);
    }
}
