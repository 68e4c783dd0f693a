//! This binary runs itself as a child and kills it, with SIGKILL: at random moments from outside, and
//! between a provider's acceptance and the journal's commit from inside.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use ethos_core::{Batching, Journal, Progress, ask_batch};
use futures::executor::block_on;

use crate::{
    asks,
    provider::{Faults, Provider},
    sleep, text,
};

const ASKS: usize = 600;
const KILLS: u32 = 40;

/// The folder of a child's work; a child is whoever has it.
const FOLDER: &str = "ETHOS_TESTS_CHILD";
/// The step after which a child kills itself.
const DIE_AT: &str = "ETHOS_TESTS_DIE_AT";
/// Whether the provider keeps no tags.
const UNTAGGED: &str = "ETHOS_TESTS_UNTAGGED";

fn faults() -> Faults {
    let die_at = std::env::var(DIE_AT).ok().and_then(|n| n.parse().ok());
    Faults { untagged: std::env::var(UNTAGGED).is_ok(), die_at, ..Faults::default() }
}

/// No test of its own: what the others run as a child.
#[test]
fn child_asking() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let provider = Provider::new(&folder, faults());
    let results = run(&folder, &provider);
    fs::write(folder.join("results"), results).unwrap();
}

fn run(folder: &Path, provider: &Provider) -> String {
    let journal = Journal::open(folder.join("journal.redb")).unwrap();
    let repaid = AtomicU64::new(0);
    let watch = |progress: &Progress| repaid.store(progress.repaid, Ordering::SeqCst);
    let terms = Batching::new(&sleep);
    let answers = ask_batch(provider, &journal, asks(ASKS), text, &terms, &watch);
    let mut results = String::new();
    for answer in block_on(answers).unwrap() {
        results += &format!("{} {:?}\n", answer.id, answer.result.map_err(|e| e.to_string()));
    }
    fs::write(folder.join("repaid"), repaid.load(Ordering::SeqCst).to_string()).unwrap();
    results
}

fn child(folder: &Path, environment: &[(&str, String)]) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kills::child_asking", "--nocapture"]).env(FOLDER, folder);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The ids of what is committed, as batches name them.
fn committed(folder: &Path) -> BTreeSet<(String, u32)> {
    let journal = Journal::open(folder.join("journal.redb")).unwrap();
    let mut committed = BTreeSet::new();
    for record in journal.records() {
        let record = record.unwrap();
        assert!(committed.insert((record.id.item, record.attempt)), "two replies to one ask");
    }
    committed
}

fn killed_many_times(untagged: bool) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let provider = Provider::new(folder, Faults::default());
    let (mut before, mut moment, mut inside) = (BTreeSet::new(), 0x2545_f491_u32, 0);
    let mut environment = Vec::new();
    if untagged {
        environment.push((UNTAGGED, String::new()));
    }
    for kill in 0..KILLS {
        moment = moment.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let random = moment >> 16;
        if kill % 2 == 0 {
            let mut child = child(folder, &environment);
            thread::sleep(Duration::from_millis(u64::from(5 + random % 60)));
            child.kill().unwrap();
            child.wait().unwrap();
        } else {
            let mut environment = environment.clone();
            environment.push((DIE_AT, (1 + random % 60).to_string()));
            inside += u32::from(!child(folder, &environment).wait().unwrap().success());
        }
        let after = committed(folder);
        assert!(before.is_subset(&after), "kill {kill}: something committed is gone");
        before = after;
    }
    assert!(inside > 5, "{inside} children died between the provider and the journal");
    assert!(child(folder, &environment).wait().unwrap().success());

    // Each batch was there as soon as it was accepted, so all were found: nothing was asked twice at all.
    let mut asked = BTreeSet::new();
    for id in provider.batches().into_iter().flatten() {
        assert!(asked.insert(id), "something was asked twice");
    }
    assert_eq!(asked.len(), committed(folder).len());
    // The same as if nothing had happened.
    let calm = tempfile::tempdir().unwrap();
    let results = run(calm.path(), &Provider::new(calm.path(), Faults::default()));
    assert_eq!(fs::read_to_string(folder.join("results")).unwrap(), results);
    let journal = Journal::open(folder.join("journal.redb")).unwrap();
    let stats = journal.stats().unwrap();
    assert_eq!((stats.in_flight, stats.batches), (0, 0));
}

#[test]
fn nothing_is_asked_twice_in_forty_kills() {
    killed_many_times(false);
}

#[test]
fn nor_where_the_provider_keeps_no_tags() {
    killed_many_times(true);
}
