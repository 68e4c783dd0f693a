//! The durable record of what was asked and answered.
//!
//! One file, an embedded transactional store. Two tables matter: `replies`, keyed by a hash of all
//! that determines a reply, and `intents`, the keys that are being asked right now. An intent is
//! durable before its query is sent, a reply before it is handed on; so after a kill, the intents
//! without a reply are exactly the queries that may have been paid without being kept.
//!
//! `batches` says which intents are in the same batch of a provider, under what tag, and what the provider
//! calls it. A batch is there before it is submitted, and until its last reply is kept.

mod batches;
mod export;

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use futures::channel::oneshot;
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    TableDefinition,
};

pub(crate) use self::batches::{Head, Slot, Tag};
pub use self::export::{JournalStats, Record, StageStats};
use crate::{
    Error, ModelErrorKind, Result,
    ask::{Query, Reply},
    model::{ModelId, Sampling},
    partial::beside,
};

const FORMAT: u64 = 1;
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const BOUND: TableDefinition<'_, &str, &str> = TableDefinition::new("bound");
const REPLIES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("replies");
const INTENTS: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("intents");

/// Pages that the store may keep in memory, in bytes: a journal grows far beyond memory.
const CACHE: usize = 64 << 20;

/// What the journal keeps of every query to a model, so that no answer is paid twice.
///
/// The promise: no *committed* answer is ever asked again. What was in flight when the process died
/// (at most the model's concurrency, or a batch that the provider does not list) may be asked twice, and is
/// counted as [`repaid`](crate::Progress::repaid).
///
/// A journal belongs to one process at a time.
pub struct Journal {
    path: PathBuf,
    store: Arc<Database>,
    ops: Option<mpsc::Sender<Op>>,
    writer: Option<JoinHandle<()>>,
    asking: Arc<Asking>,
    live: batches::Live,
}

/// Keys being asked by this process, with those who wait for the same reply.
#[derive(Default)]
struct Asking(Mutex<HashMap<Key, Vec<oneshot::Sender<()>>>>);

/// Hash of all that determines a reply.
pub(crate) type Key = [u8; 32];

/// What is known of a key.
pub(crate) enum Known {
    /// It was answered: the reply.
    Replied(Reply),
    /// Somebody in this process is asking it; look again when this resolves.
    Asking(oneshot::Receiver<()>),
    /// It is ours to ask.
    Ours { claim: Claim, orphan: bool },
}

/// The right to ask a key; given back when dropped.
pub(crate) struct Claim {
    asking: Arc<Asking>,
    pub(crate) key: Key,
}

struct Op {
    write: Write,
    done: oneshot::Sender<Result<(), Arc<redb::Error>>>,
    /// The claims that this write settles. The writer gives them back, after the commit, even where the
    /// asker has been dropped: nobody else can ask a key while its reply is on its way to the disk.
    settles: Vec<Claim>,
}

enum Write {
    Intend(Key),
    Withdraw(Key),
    Reply(Key, Vec<u8>),
    Replies(Vec<(Key, Vec<u8>)>),
    Batch(batches::Change),
}

impl Journal {
    /// Opens a journal, making the file and its folders where they are missing.
    ///
    /// # Errors
    ///
    /// [`Error::JournalBusy`] when it is open elsewhere, [`Error::JournalFormat`] when a newer ethos
    /// wrote it, [`Error::Journal`] when the file is damaged or cannot be written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| Error::Io {
                doing: "create",
                path: folder.to_owned(),
                source,
            })?;
        }
        if !path.exists() {
            create(&path).map_err(|error| failed(&path, "making the file", error))?;
        }
        let opened = Database::builder().set_cache_size(CACHE).create(&path);
        let store = opened.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Error::JournalBusy { path: path.clone() },
            other => failed(&path, "opening", redb::Error::from(other)),
        })?;
        Journal::start(path, store)
    }

    /// A journal that is gone with the value: for tests and dry runs.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`], which is not to be expected.
    pub fn in_memory() -> Result<Self> {
        let path = PathBuf::from("in memory");
        let backend = redb::backends::InMemoryBackend::new();
        let store = Database::builder()
            .create_with_backend(backend)
            .map_err(|error| failed(&path, "opening", redb::Error::from(error)))?;
        Journal::start(path, store)
    }

    fn start(path: PathBuf, store: Database) -> Result<Self> {
        let found = prepare(&store).map_err(|error| failed(&path, "opening", error))?;
        if found > FORMAT {
            return Err(Error::JournalFormat { path, found, known: FORMAT });
        }
        let store = Arc::new(store);
        let (ops, inbox) = mpsc::channel();
        let writer = std::thread::Builder::new()
            .name("ethos journal".to_owned())
            .spawn({
                let store = Arc::clone(&store);
                move || write_all(&store, &inbox)
            })
            .map_err(|source| Error::Io {
                doing: "start a writer for",
                path: path.clone(),
                source,
            })?;
        let (asking, live) = (Arc::default(), Arc::default());
        Ok(Journal { path, store, ops: Some(ops), writer: Some(writer), asking, live })
    }

    /// The journal's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Binds the journal to something by name, such as a spec by its hash: it is an error from then on to bind it
    /// to another value. A program that would otherwise pay for everything anew, since its spec has changed, is
    /// told so.
    ///
    /// ```
    /// use ethos_core::Journal;
    ///
    /// let journal = Journal::in_memory()?;
    /// journal.bind("spec", "ab12")?;
    /// journal.bind("spec", "ab12")?;
    /// assert!(journal.bind("spec", "cd34").is_err());
    /// # Ok::<(), ethos_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::JournalBelongs`] when it is bound to another value, [`Error::Journal`] when the store fails.
    pub fn bind(&self, what: &str, value: &str) -> Result<()> {
        let bound = || -> Result<Option<String>, redb::Error> {
            let change = self.store.begin_write()?;
            let found = {
                let mut table = change.open_table(BOUND)?;
                let found = table.get(what)?.map(|found| found.value().to_owned());
                if found.is_none() {
                    table.insert(what, value)?;
                }
                found
            };
            change.commit()?;
            Ok(found)
        };
        match bound().map_err(|error| failed(&self.path, "binding it", error))? {
            Some(found) if found != value => Err(Error::JournalBelongs {
                path: self.path.clone(),
                what: what.to_owned(),
                found,
                given: value.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// How many replies it holds.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] when the store fails.
    pub fn replies(&self) -> Result<u64> {
        let count = || -> Result<u64, redb::Error> {
            let table = self.store.begin_read()?.open_table(REPLIES)?;
            Ok(table.len()?)
        };
        count().map_err(|error| failed(&self.path, "counting replies", error))
    }

    /// Everything that determines a reply, hashed. Retries of an unusable answer are told from other
    /// draws of the same question by `attempt`.
    ///
    /// # Errors
    ///
    /// [`ModelErrorKind::BadRequest`] for sampling that is not finite: JSON, and so the key, would
    /// not tell one such number from another.
    pub(crate) fn key(
        stage: &str,
        model: &ModelId,
        query: &Query,
        draw: u32,
        attempt: u32,
    ) -> Result<Key> {
        let bad = |message: String| Error::model(&model.key, ModelErrorKind::BadRequest, message);
        let (Query::Complete(request) | Query::Score(request, _)) = query;
        let Sampling { temperature, top_p, .. } = request.sampling;
        if let Some(number) = [temperature, top_p].into_iter().flatten().find(|n| !n.is_finite()) {
            return Err(bad(format!("temperature and top_p must be finite, one is {number}")));
        }
        let mut hasher = blake3::Hasher::new();
        serde_json::to_writer(&mut hasher, &(FORMAT, stage, &model.key, query, draw, attempt))
            .map_err(|error| bad(error.to_string()))?;
        Ok(*hasher.finalize().as_bytes())
    }

    /// Looks a key up, and claims it when nobody has asked it.
    pub(crate) fn look_up(&self, key: Key) -> Result<Known> {
        // Held over the look into the store: a key is committed first and its claim given back after,
        // so we see the reply, the claim, or neither.
        let mut asking = self.asking.lock();
        if let Some(waiting) = asking.get_mut(&key) {
            let (wake, woken) = oneshot::channel();
            waiting.push(wake);
            return Ok(Known::Asking(woken));
        }
        let read = || -> Result<_, redb::Error> {
            let store = self.store.begin_read()?;
            let bytes = store.open_table(REPLIES)?.get(&key)?.map(|value| value.value().to_vec());
            let orphan = bytes.is_none() && store.open_table(INTENTS)?.get(&key)?.is_some();
            Ok((bytes, orphan))
        };
        match read().map_err(|error| failed(&self.path, "looking up a reply", error))? {
            (Some(bytes), _) => {
                let record: Record = serde_json::from_slice(&bytes)
                    .map_err(|error| failed(&self.path, "reading a reply", error))?;
                Ok(Known::Replied(record.reply))
            }
            (None, orphan) => {
                asking.insert(key, Vec::new());
                Ok(Known::Ours { claim: Claim { asking: Arc::clone(&self.asking), key }, orphan })
            }
        }
    }

    /// Records durably that the query is about to be sent.
    pub(crate) async fn intend(&self, claim: &Claim) -> Result<()> {
        self.write("recording an intent", Write::Intend(claim.key), Vec::new()).await
    }

    /// Takes the intent back: the query failed, there is nothing to keep.
    pub(crate) async fn withdraw(&self, claim: Claim) -> Result<()> {
        self.write("withdrawing an intent", Write::Withdraw(claim.key), vec![claim]).await
    }

    /// Keeps the reply; it is durable when this returns, and will be when this is dropped.
    pub(crate) async fn keep(&self, claim: Claim, record: &Record) -> Result<()> {
        let bytes = serde_json::to_vec(record)
            .map_err(|error| failed(&self.path, "writing a reply", error))?;
        self.write("keeping a reply", Write::Reply(claim.key, bytes), vec![claim]).await
    }

    async fn write(&self, doing: &'static str, write: Write, settles: Vec<Claim>) -> Result<()> {
        let (done, settled) = oneshot::channel();
        let sent = self.ops.as_ref().map(|ops| ops.send(Op { write, done, settles }).is_ok());
        let gone = || failed(&self.path, doing, "the journal's writer is gone");
        if sent != Some(true) {
            return Err(gone());
        }
        let settled = settled.await.map_err(|_| gone())?;
        settled.map_err(|error| failed(&self.path, doing, error))
    }
}

impl Asking {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<oneshot::Sender<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        for waiting in self.asking.lock().remove(&self.key).into_iter().flatten() {
            // Whoever stopped waiting does not mind.
            let _ = waiting.send(());
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Closing the channel ends the writer once it has written what it was given.
        self.ops = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Makes an empty journal, whole or not at all: beside its place, and then linked to it. A store that
/// is killed while it makes its file leaves one that nobody can open.
fn create(path: &Path) -> Result<(), redb::Error> {
    let partial = beside(path);
    let linked = Database::create(&partial).map_err(redb::Error::from).and_then(|store| {
        prepare(&store)?;
        store.close()?;
        match fs::hard_link(&partial, path) {
            // Another process was quicker.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // A file system without links.
            Err(_) => fs::rename(&partial, path)?,
            Ok(()) => {}
        }
        sync_name(path);
        Ok(())
    });
    let _ = fs::remove_file(&partial);
    linked
}

/// Asks that the file's name outlives a loss of power, as its bytes do. Not every system can.
fn sync_name(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let _ = fs::File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
}

/// Makes the tables, and gives the format of the file.
fn prepare(store: &Database) -> Result<u64, redb::Error> {
    let change = store.begin_write()?;
    let found = {
        let mut meta = change.open_table(META)?;
        let found = meta.get("format")?.map(|value| value.value());
        if found.is_none() {
            meta.insert("format", FORMAT)?;
        }
        found.unwrap_or(FORMAT)
    };
    // What tables a newer format has is not for us to say.
    if found <= FORMAT {
        change.open_table(REPLIES)?;
        change.open_table(INTENTS)?;
        batches::prepare(&change)?;
        change.commit()?;
    }
    Ok(found)
}

/// How long the writer waits for company of a write: far less than a commit takes, and enough for
/// what one reply sets going (its reader, the next ask, its intent) to arrive.
const COMPANY: Duration = Duration::from_micros(100);

/// The most writes of a commit.
const GROUP: usize = 1024;

/// The writer: what arrives together, or gathers while the last commit is on its way to the disk,
/// becomes one commit, so that a thousand replies cost a handful of syncs.
fn write_all(store: &Database, inbox: &mpsc::Receiver<Op>) {
    let mut cause: Option<Arc<redb::Error>> = None;
    while let Ok(first) = inbox.recv() {
        let company = std::iter::from_fn(|| inbox.recv_timeout(COMPANY).ok());
        let ops: Vec<Op> = std::iter::once(first).chain(company.take(GROUP - 1)).collect();
        let outcome = commit(store, &ops).map_err(|error| match (error, &cause) {
            // After a failure of the disk the store only says that there was one.
            (redb::Error::PreviousIo, Some(cause)) => Arc::clone(cause),
            (error, _) => Arc::clone(cause.insert(Arc::new(error))),
        });
        for Op { done, settles, .. } in ops {
            drop(settles);
            // Whoever gave up waiting does not mind.
            let _ = done.send(outcome.clone());
        }
    }
}

fn commit(store: &Database, ops: &[Op]) -> Result<(), redb::Error> {
    let change = store.begin_write()?;
    {
        let mut replies = change.open_table(REPLIES)?;
        let mut intents = change.open_table(INTENTS)?;
        for op in ops {
            match &op.write {
                Write::Intend(key) => {
                    intents.insert(key, ())?;
                }
                Write::Withdraw(key) => {
                    intents.remove(key)?;
                }
                Write::Reply(key, bytes) => {
                    replies.insert(key, bytes.as_slice())?;
                    intents.remove(key)?;
                }
                Write::Replies(rows) => {
                    for (key, bytes) in rows {
                        replies.insert(key, bytes.as_slice())?;
                        intents.remove(key)?;
                    }
                }
                Write::Batch(batch) => batches::apply(&change, &mut intents, batch)?,
            }
        }
    }
    change.commit()?;
    Ok(())
}

fn failed(
    path: &Path,
    doing: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Journal { path: path.to_owned(), doing, source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, Request};
    use proptest::prelude::*;

    #[test]
    fn a_second_journal_on_the_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/journal.redb");
        let _first = Journal::open(&path).unwrap();
        assert!(matches!(Journal::open(&path), Err(Error::JournalBusy { .. })));
    }

    #[test]
    fn a_newer_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        drop(Journal::open(&path).unwrap());
        let store = Database::create(&path).unwrap();
        let change = store.begin_write().unwrap();
        change.open_table(META).unwrap().insert("format", FORMAT + 1).unwrap();
        change.delete_table(REPLIES).unwrap();
        change.open_table(TableDefinition::<u64, u64>::new("replies")).unwrap();
        change.commit().unwrap();
        drop(store);
        assert!(matches!(Journal::open(&path), Err(Error::JournalFormat { found: 2, .. })));
    }

    #[test]
    fn a_file_that_is_no_journal_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        fs::write(&path, "not a journal").unwrap();
        assert!(matches!(Journal::open(&path), Err(Error::Journal { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"not a journal");
    }

    #[test]
    fn two_that_make_one_file_at_once_make_one_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.redb");
        create(&path).unwrap();
        let first = Journal::open(&path).unwrap();
        create(&path).unwrap();
        assert!(matches!(Journal::open(&path), Err(Error::JournalBusy { .. })));
        drop(first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn sampling_that_is_not_finite_has_no_key() {
        for number in [f64::NAN, f64::INFINITY] {
            let error = Journal::key("s", &ModelId::new("m"), &query(number), 0, 0);
            assert!(error.unwrap_err().to_string().contains("must be finite"));
        }
    }

    fn query(temperature: f64) -> Query {
        let sampling = Sampling { temperature: Some(temperature), ..Sampling::default() };
        Query::Complete(Request::user("hi").with_sampling(sampling))
    }

    fn samplings() -> impl Strategy<Value = Sampling> {
        let number = || prop::option::of(0u8..2);
        let stop = prop::collection::vec("[ab]{0,1}", 0..3);
        (number(), number(), number(), number(), stop, number()).prop_map(
            |(t, k, p, max, stop, seed)| Sampling {
                temperature: t.map(f64::from),
                top_k: k.map(u32::from),
                top_p: p.map(f64::from),
                max_tokens: max.map(u32::from),
                stop,
                seed: seed.map(u64::from),
            },
        )
    }

    fn queries() -> impl Strategy<Value = Query> {
        let text = || "[ab\"]{0,2}";
        let continuations = prop::option::of(prop::collection::vec(text(), 0..3));
        (text(), prop::option::of(text()), samplings(), continuations).prop_map(
            |(text, prefill, sampling, continuations)| {
                let mut request = Request::new([Message::user(text)]).with_sampling(sampling);
                request.prefill = prefill;
                match continuations {
                    Some(continuations) => Query::Score(request, continuations),
                    None => Query::Complete(request),
                }
            },
        )
    }

    #[test]
    fn what_is_not_set_is_not_in_a_key() {
        // A new setting must leave the keys of old journals as they are: a rerun would pay again.
        let text = serde_json::to_string(&query(0.5)).unwrap();
        let old = r#"{"complete":{"messages":[{"role":"user","content":"hi"}],"sampling":{"temperature":0.5}}}"#;
        assert_eq!(text, old);
    }

    proptest! {
        /// Each part is the one's or the other's, so that they often differ in a single one.
        #[test]
        fn keys_differ_whenever_a_part_differs(
            stages in ("[ab\"]{0,2}", "[ab\"]{0,2}"),
            models in ("[ab\"]{0,2}", "[ab\"]{0,2}"),
            queries in (queries(), queries()),
            samplings in (samplings(), samplings()),
            draws in (0u32..3, 0u32..3),
            attempts in (0u32..3, 0u32..3),
            other in prop::array::uniform6(any::<bool>()),
        ) {
            let pick = |other: [bool; 6]| {
                fn of<T: Clone>((one, another): &(T, T), other: bool) -> T {
                    if other { another.clone() } else { one.clone() }
                }
                let mut query = of(&queries, other[2]);
                let (Query::Complete(request) | Query::Score(request, _)) = &mut query;
                request.sampling = of(&samplings, other[3]);
                let (stage, model) = (of(&stages, other[0]), of(&models, other[1]));
                (stage, ModelId::new(model), query, of(&draws, other[4]), of(&attempts, other[5]))
            };
            let key = |(stage, model, query, draw, attempt): &(String, _, _, _, _)| {
                Journal::key(stage, model, query, *draw, *attempt).unwrap()
            };
            let (a, b) = (pick([false; 6]), pick(other));
            prop_assert_eq!(key(&a) == key(&b), a == b);
        }
    }
}
