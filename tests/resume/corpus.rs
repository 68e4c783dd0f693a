//! A corpus that is being written.

use std::{fs, path::Path, time::Duration};

use anyhow::{Result, ensure};
use ethos_core::{Journal, Model, Scripted};
use ethos_corpus::{Assembly, WriteConfig, assemble, plan, write};
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

/// The same village's corpus, judged, without duplicates and topped up.
fn assemble_corpus(folder: &Path) -> Result<()> {
    let (writer, time) = (paid(folder)?, Duration::from_millis(1));
    let judge = noting("judge", folder, time, |request| {
        let text: usize = request.messages[0].text().bytes().map(usize::from).sum();
        let faithful = if text.is_multiple_of(9) { "no" } else { "yes" };
        format!(
            "So.<quote></quote><faithful>{faithful}</faithful><specific>yes</specific>\
             <clean>yes</clean>"
        )
        .into()
    })?;
    let judge = judge.with_concurrency(CONCURRENCY);
    let journal = Journal::open(folder.join("journal.redb"))?;
    let (spec, prompts) = (village::spec(), village::prompts());
    let config = village::config(IDEAS / 2);
    let (plan, _) = block_on(plan(&spec, &config, &prompts, &writer, &journal, &()))?;
    let assembly = Assembly::new(config, WriteConfig::paper(), prompts).with_judge(&judge);
    let made = block_on(assemble(plan, &spec, &assembly, &writer, &journal, &()))?;
    ensure!(!made.corpus.documents.is_empty());
    ethos_core::jsonl::write(folder.join("fallen.jsonl"), &made.fallen)?;
    Ok(made.corpus.write(folder.join("corpus.jsonl"))?)
}

/// No test of its own: what the next one runs as a child.
#[test]
fn child_assembling() -> Result<()> {
    match folder_of_child() {
        Some(folder) => assemble_corpus(&folder),
        None => Ok(()),
    }
}

#[test]
fn a_judged_corpus_survives_kills_and_nothing_is_paid_twice() -> Result<()> {
    let (straight, killed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    assemble_corpus(straight.path())?;
    let moments = [150, 240, 330, 410, 290];
    let kills = kill_and_finish("resume::corpus::child_assembling", killed.path(), &moments)?;
    assert!(kills > 0, "every child was done before it was killed; the moments are too late");
    for file in ["corpus.jsonl", "fallen.jsonl"] {
        let read = |folder: &Path| fs::read_to_string(folder.join(file));
        assert_eq!(read(killed.path())?, read(straight.path())?, "{file}");
    }
    let twice = paid_twice(straight.path(), killed.path())?;
    assert!(twice <= kills * 2 * CONCURRENCY, "{twice} paid twice in {kills} kills");
    Ok(())
}
