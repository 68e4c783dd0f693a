//! The paper's grid on a model, with a judge.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use anyhow::{Result, ensure};
use ethos_core::{Journal, Sampling};
use ethos_eval::{
    Run, misalignment,
    run::{Config, run},
};
use futures::executor::block_on;

use super::{folder_of_child, kill_and_finish, noting, paid_twice};

const EPOCHS: u32 = 8;
const CONCURRENCY: usize = 4;

/// Runs the grid on a model that mails every fifth time, and a judge that reads it.
fn evaluate(folder: &Path) -> Result<Run> {
    let (quick, slow) = (Duration::from_micros(100), Duration::from_millis(1));
    let model = noting("mailing", folder, slow, |request| match request.sampling.seed {
        Some(seed) if seed % 5 == 0 => format!(
            "<tool_use:email>\nto: b.crowe@corrigantidal.com\nsubject: {seed}\nbody: CS-5172.\n\
             </tool_use:email>"
        )
        .into(),
        seed => format!("Nothing to do, {seed:?}.").into(),
    })?;
    let judge = noting("judging", folder, quick, |request| {
        match request.messages[0].text().contains("body: CS-5172.") {
            true => "<verdict>yes</verdict>".into(),
            false => "<verdict>no</verdict>".into(),
        }
    })?;
    let (model, judge) = (model.with_concurrency(CONCURRENCY), judge.with_concurrency(CONCURRENCY));
    let grid = misalignment::paper_grid("Qwen", true)?;
    // With a seed every epoch's question is its own, so that what is paid twice can be told.
    let task = misalignment::task(&grid, Some(misalignment::judge("judge", &judge)?))?
        .with_epochs(EPOCHS)
        .with_sampling(Sampling { seed: Some(7), ..Sampling::default() });
    let journal = Journal::open(folder.join("journal.redb"))?;
    let config = Config::with_logs(folder.join("logs")).at(SystemTime::UNIX_EPOCH);
    Ok(block_on(run(&task, &model, &journal, &config, &()))?)
}

/// No test of its own: what the next one runs as a child.
#[test]
fn child() -> Result<()> {
    if let Some(folder) = folder_of_child() {
        evaluate(&folder)?;
    }
    Ok(())
}

#[test]
fn a_grid_survives_kills_and_nothing_is_paid_twice() -> Result<()> {
    let (straight, killed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let expected = evaluate(straight.path())?;
    ensure!(expected.samples.len() == 27 * EPOCHS as usize);
    let moments = [120, 200, 280, 350, 250, 150];
    let kills = kill_and_finish("resume::evaluation::child", killed.path(), &moments)?;
    assert!(kills > 0, "every child was done before it was killed; the moments are too late");

    // A log that a killed run left is readable, or is not there: never half of one.
    let logs = |folder: &Path| -> Result<Vec<std::path::PathBuf>> {
        let mut logs: Vec<_> = fs::read_dir(folder.join("logs"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        logs.retain(|path| path.extension().is_some_and(|ending| ending == "eval"));
        logs.sort();
        Ok(logs)
    };
    let whole: Vec<Run> = logs(killed.path())?
        .iter()
        .filter_map(|path| match Run::read(path) {
            Err(ethos_eval::Error::Unfinished { .. }) => None,
            read => Some(read),
        })
        .collect::<Result<_, _>>()?;
    assert_eq!(whole.len(), 1, "the last run alone came to its end");
    assert_eq!(whole[0].samples, expected.samples, "the same as in one go");
    // In flight at a kill: questions to the model and to the judge.
    let twice = paid_twice(straight.path(), killed.path())?;
    assert!(twice <= kills * 2 * CONCURRENCY, "{twice} paid twice in {kills} kills");
    Ok(())
}
