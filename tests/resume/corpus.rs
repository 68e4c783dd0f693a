//! A corpus that is being written.

use std::{fs, path::Path, time::Duration};

use anyhow::{Result, ensure};
use ethos_core::{Journal, Model, Scripted};
use ethos_corpus::{WriteConfig, plan, write};
use futures::executor::block_on;

use super::{folder_of_child, kill_and_finish, noting, paid_twice};
use crate::village;

const IDEAS: usize = 40;
const CONCURRENCY: usize = 4;

fn write_corpus(model: &dyn Model, folder: &Path) -> Result<()> {
    let journal = Journal::open(folder.join("journal.redb"))?;
    let (spec, prompts) = (village::spec(), village::prompts());
    let config = village::config(IDEAS);
    let (plan, _) = block_on(plan(&spec, &config, &prompts, model, &journal, &()))?;
    let config = WriteConfig::paper();
    let corpus = block_on(write(&plan, &spec, &config, &prompts, model, &journal, &()))?;
    ensure!(corpus.report.is_complete(), "{:?}", corpus.report.missing);
    Ok(corpus.write(folder.join("corpus.jsonl"))?)
}

fn paid(folder: &Path) -> Result<Scripted> {
    let time = Duration::from_millis(5);
    let model = noting("village", folder, time, |request| village::answer(request).into())?;
    Ok(model.with_concurrency(CONCURRENCY))
}

/// No test of its own: what the next one runs as a child.
#[test]
fn child() -> Result<()> {
    match folder_of_child() {
        Some(folder) => write_corpus(&paid(&folder)?, &folder),
        None => Ok(()),
    }
}

#[test]
fn a_corpus_survives_kills_and_nothing_is_paid_twice() -> Result<()> {
    let (straight, killed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    write_corpus(&paid(straight.path())?, straight.path())?;
    let moments = [150, 260, 330, 410, 490, 370, 280];
    let kills = kill_and_finish("resume::corpus::child", killed.path(), &moments)?;
    assert!(kills > 0, "every child was done before it was killed; the moments are too late");

    let file = |folder: &Path, name: &str| fs::read_to_string(folder.join(name));
    let (expected, found) =
        (file(straight.path(), "corpus.jsonl")?, file(killed.path(), "corpus.jsonl")?);
    assert_eq!(found, expected, "the same bytes as in one go");
    assert_eq!(found.lines().count(), 6 * IDEAS);
    let twice = paid_twice(straight.path(), killed.path())?;
    assert!(twice <= kills * CONCURRENCY, "{twice} paid twice in {kills} kills");
    Ok(())
}
