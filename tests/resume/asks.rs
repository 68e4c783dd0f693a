//! Asks over a journal, killed fifty times: half of the kills come from outside at random moments,
//! half strike between an answer and its commit.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use ethos_core::{
    Ask, Completion, Error, Journal, Model, ModelId, Progress, Query, Reply, Request, ask_all,
};
use futures::{StreamExt, executor::block_on, future::BoxFuture, stream};

use super::{child, finish, folder_of_child};

const ASKS: u32 = 3000;
const CONCURRENCY: usize = 16;
const KILLS: u32 = 50;

/// The answer after which a child kills itself, before the answer is handed to the journal.
const DIE_AT: &str = "ETHOS_TESTS_DIE_AT";

/// A model with many answers under way, which notes every question that reaches it.
struct Paid {
    id: ModelId,
    log: Mutex<File>,
    answers: AtomicU32,
    die_at: Option<u32>,
}

impl Paid {
    fn new(folder: &Path) -> Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(folder.join("sent.log"))?;
        let die_at = std::env::var(DIE_AT).ok().and_then(|n| n.parse().ok());
        Ok(Paid { id: ModelId::new("paid"), log: log.into(), answers: 0.into(), die_at })
    }
}

impl Model for Paid {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn complete<'a>(
        &'a self,
        request: &'a Request,
    ) -> BoxFuture<'a, ethos_core::Result<Completion>> {
        Box::pin(async move {
            let item = request.messages[0].text().into_owned();
            let sent =
                self.log.lock().expect("no thread died").write_all(format!("{item}\n").as_bytes());
            sent.expect("the log is written");
            // Others overtake some of them.
            for _ in 0..item.len() % 3 {
                yield_now().await;
            }
            thread::sleep(Duration::from_millis(1));
            if self.answers.fetch_add(1, Ordering::SeqCst) + 1 == self.die_at.unwrap_or(0) {
                let me = std::process::id().to_string();
                Command::new("kill").args(["-KILL", &me]).status().expect("kill is there");
                thread::sleep(Duration::from_secs(60));
            }
            Ok(Completion::new(format!("answer {item}")))
        })
    }

    fn concurrency(&self) -> usize {
        CONCURRENCY
    }
}

/// Lets the others go on first.
async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// No test of its own: what the next one runs as a child.
#[test]
fn child_asking() -> Result<()> {
    let Some(folder) = folder_of_child() else { return Ok(()) };
    let journal = Journal::open(folder.join("journal.redb"))?;
    let asks = (0..ASKS)
        .map(|n| Ask::new("asks", n.to_string(), Query::Complete(Request::user(n.to_string()))));
    let read = |_: &_, reply: &Reply| Ok(reply.text()?.into_owned());
    let model = Paid::new(&folder)?;
    let repaid = AtomicU64::new(0);
    let watch = |progress: &Progress| repaid.store(progress.repaid, Ordering::SeqCst);
    let mut answers = std::pin::pin!(ask_all(&model, &journal, stream::iter(asks), read, &watch));
    let mut results = String::new();
    block_on(async {
        while let Some(answer) = answers.next().await {
            let answer = answer?;
            results += &format!("{} {}\n", answer.id.item, answer.result?);
        }
        anyhow::Ok(())
    })?;
    fs::write(folder.join("repaid"), repaid.load(Ordering::SeqCst).to_string())?;
    Ok(fs::write(folder.join("results"), results)?)
}

/// What was sent since the last look.
fn sent(folder: &Path) -> Result<Vec<u32>> {
    let path = folder.join("sent.log");
    let text = if path.exists() { fs::read_to_string(&path)? } else { String::new() };
    fs::write(path, "")?;
    Ok(text.lines().map(str::parse).collect::<Result<_, _>>()?)
}

/// What the journal has committed, and how many queries it believes to be on their way.
fn committed(folder: &Path) -> Result<(BTreeSet<u32>, u64)> {
    let journal = Journal::open(folder.join("journal.redb"))?;
    let mut items = BTreeSet::new();
    for record in journal.records() {
        ensure!(items.insert(record?.id.item.parse()?), "two replies to one ask");
    }
    Ok((items, journal.stats()?.in_flight))
}

#[test]
fn nothing_committed_is_asked_again_in_fifty_kills() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let (mut before, mut unpaid) = (BTreeSet::new(), 0);
    let (mut moment, mut inside) = (0x2545_f491_u32, 0);
    for kill in 0..KILLS {
        moment = moment.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let random = moment >> 16;
        if kill % 2 == 0 {
            let mut child = child("resume::asks::child_asking", folder, &[])?;
            thread::sleep(Duration::from_millis(u64::from(10 + random % 130)));
            child.kill()?;
            child.wait()?;
        } else {
            let die_at = (1 + random % 40).to_string();
            let status =
                child("resume::asks::child_asking", folder, &[(DIE_AT, die_at)])?.wait()?;
            inside += u32::from(!status.success());
        }
        let sent = sent(folder)?;
        let (after, in_flight) = committed(folder)?;
        let twice: Vec<_> = sent.iter().filter(|n| before.contains(*n)).collect();
        assert!(twice.is_empty(), "kill {kill}: committed and asked again: {twice:?}");
        assert!(before.is_subset(&after), "kill {kill}: something committed is gone");
        let lost = sent.iter().filter(|n| !after.contains(*n)).count();
        assert!(lost <= CONCURRENCY, "kill {kill}: {lost} were paid for nothing");
        assert!(lost as u64 <= in_flight && in_flight <= CONCURRENCY as u64, "{lost} {in_flight}");
        (before, unpaid) = (after, in_flight);
    }
    assert_eq!(inside, KILLS / 2, "children that died between an answer and its commit");
    assert!(before.len() < ASKS as usize, "they were done before they were killed");

    finish(child("resume::asks::child_asking", folder, &[])?)?;
    assert!(sent(folder)?.iter().all(|n| !before.contains(n)));
    assert_eq!(fs::read_to_string(folder.join("repaid"))?, unpaid.to_string(), "it is counted");
    let (all, in_flight) = committed(folder)?;
    assert_eq!((all.len(), in_flight), (ASKS as usize, 0));
    let results = fs::read_to_string(folder.join("results"))?;
    let mut lines: Vec<&str> = results.lines().collect();
    lines.sort_unstable();
    let mut expected: Vec<String> = (0..ASKS).map(|n| format!("{n} answer {n}")).collect();
    expected.sort_unstable();
    assert_eq!(lines, expected, "every result exactly once");
    Ok(())
}

/// Waits until there is something in the file or folder at `path`.
fn wait_for(path: &Path) {
    let began = Instant::now();
    let something = || match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => path.metadata().is_ok_and(|file| file.len() > 0),
    };
    while !something() {
        assert!(began.elapsed() < Duration::from_secs(60), "{} stays empty", path.display());
        std::hint::spin_loop();
    }
}

#[test]
fn a_journal_that_was_killed_while_it_was_made_can_be_opened() -> Result<()> {
    for step in 0..25 {
        let folder = tempfile::tempdir()?;
        let mut child = child("resume::asks::child_asking", folder.path(), &[])?;
        wait_for(folder.path());
        thread::sleep(Duration::from_micros(400 * step));
        child.kill()?;
        child.wait()?;
        committed(folder.path())?;
    }
    Ok(())
}

#[test]
fn a_journal_belongs_to_one_process_at_a_time() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut child = child("resume::asks::child_asking", folder.path(), &[])?;
    wait_for(&folder.path().join("sent.log"));
    let second = Journal::open(folder.path().join("journal.redb"));
    child.kill()?;
    child.wait()?;
    assert!(matches!(second, Err(Error::JournalBusy { .. })), "{second:?}");
    committed(folder.path())?;
    Ok(())
}
