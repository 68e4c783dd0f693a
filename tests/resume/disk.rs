//! A journal whose disk is full: the error says so, no more is paid for, and what was answered is
//! kept.

use std::{
    collections::BTreeSet,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Result, ensure};
use ethos_core::{
    Ask, Completion, Error, Journal, Query, Reply, Request, Scripted, ask_all, jsonl,
};
use futures::{StreamExt, executor::block_on, stream};

use super::{FOLDER, folder_of_child};

const CONCURRENCY: usize = 8;

/// What came of asking until the journal fails or all is done: the items answered, how often the
/// model was asked, and the error.
fn ask_until_full(journal: &Journal) -> (BTreeSet<u32>, u32, Option<Error>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let model = Scripted::new("long", move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Completion::new("much to say ".repeat(1000))
    });
    let model = model.with_concurrency(CONCURRENCY);
    let asks = (0..2000).map(|n: u32| {
        Ask::new("asks", n.to_string(), Query::Complete(Request::user(n.to_string())))
    });
    let read = |_: &_, reply: &Reply| Ok(reply.text()?.len());
    let mut answers = Box::pin(ask_all(&model, journal, stream::iter(asks), read, &()));
    let mut answered = BTreeSet::new();
    let failed = block_on(async {
        let mut failed = None;
        // A caller who does not give up gets the same error again and pays for nothing more.
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(answer) => drop(answered.insert(answer.id.item.parse().expect("a number"))),
                Err(error) => failed = Some(error),
            }
        }
        failed
    });
    (answered, asked.load(Ordering::SeqCst), failed)
}

/// No test of its own: what the next one runs as a child whose files may not grow.
#[test]
fn child() -> Result<()> {
    let Some(folder) = folder_of_child() else { return Ok(()) };
    let journal = Journal::open(folder.join("journal.redb"))?;
    let (answered, asked, failed) = ask_until_full(&journal);
    let failed = failed.map(anyhow::Error::from).map(|error| format!("{error:#}"));
    Ok(jsonl::write_json(folder.join("outcome.json"), &(answered, asked, failed))?)
}

/// Runs [`child`] with files of at most 6 MiB; a longer write fails, as on a full disk.
fn run_on_a_small_disk(folder: &Path) -> Result<(BTreeSet<u32>, u32, Option<String>)> {
    // `ulimit -f` counts blocks of 512 bytes. The signal that comes with it would kill.
    let limited = "trap '' XFSZ; ulimit -f 12288; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe()?)
        .args(["--exact", "resume::disk::child"])
        .env(FOLDER, folder)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(jsonl::read_json(folder.join("outcome.json"))?)
}

#[test]
#[cfg(unix)]
fn a_full_disk_is_a_clear_error_and_loses_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (answered, asked, failed) = run_on_a_small_disk(folder.path())?;
    let failed = failed.expect("the disk was full");
    assert!(failed.contains("journal.redb") && failed.contains("is safe"), "{failed}");
    assert!(failed.contains("File too large"), "the system's own words: {failed}");
    assert!(answered.len() > 10 && answered.len() < 1000, "{}", answered.len());
    let lost = asked as usize - answered.len();
    assert!(lost <= CONCURRENCY, "{lost} were paid for and not handed on");

    let journal = Journal::open(folder.path().join("journal.redb"))?;
    let kept: BTreeSet<u32> =
        journal.records().map(|r| Ok(r?.id.item.parse()?)).collect::<Result<_>>()?;
    assert!(answered.is_subset(&kept), "what was handed on was durable");
    let (all, asked_now, failed) = ask_until_full(&journal);
    assert!(failed.is_none(), "{failed:?}");
    assert_eq!((all.len(), asked_now as usize), (2000, 2000 - kept.len()));
    Ok(())
}
