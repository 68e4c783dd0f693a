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

use ethos_core::{Batching, Journal, Progress, Reply, ask_batch};
use futures::executor::block_on;

use crate::{
    asks,
    provider::{Faults, Provider},
    text,
};

const ASKS: usize = 1000;
const KILLS: u32 = 40;

/// The folder of a child's work; a child is whoever has it.
const FOLDER: &str = "ETHOS_TESTS_CHILD";
/// The step after which a child kills itself.
const DIE_AT: &str = "ETHOS_TESTS_DIE_AT";
/// What provider it is.
const KIND: &str = "ETHOS_TESTS_KIND";

/// Providers that are killed at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Tagged,
    Untagged,
    Faulty,
}

fn faults() -> Faults {
    let die_at = std::env::var(DIE_AT).ok().and_then(|n| n.parse().ok());
    let faults = Faults { die_at, ..Faults::default() };
    match std::env::var(KIND).unwrap().as_str() {
        "Tagged" => faults,
        "Untagged" => Faults { untagged: true, ..faults },
        _ => Faults { deaf: Some(3), mute: Some(5), lacking: true, breaks: Some(7), ..faults },
    }
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
    let terms = Batching::default();
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

/// The beginnings of the ids of what is committed, which the answers end with.
fn committed(folder: &Path) -> BTreeSet<String> {
    let journal = Journal::open(folder.join("journal.redb")).unwrap();
    let mut committed = BTreeSet::new();
    for record in journal.records() {
        let Reply::Completion(answer) = record.unwrap().reply else { panic!("it is a score") };
        let text = answer.message.text().into_owned();
        let id = text.rsplit(' ').next().unwrap().to_owned();
        assert!(committed.insert(id), "two replies to one ask");
    }
    committed
}

fn killed_many_times(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let provider = Provider::new(folder, Faults::default());
    let (mut before, mut moment, mut inside) = (BTreeSet::new(), 0x2545_f491_u32, 0);
    let environment = [(KIND, format!("{kind:?}"))];
    let mut batches = 0;
    // What was committed before the last kill is in no batch since.
    let mut look = |before: &BTreeSet<String>| {
        for id in provider.batches().split_off(batches).into_iter().flatten() {
            assert!(!before.contains(&id[..8]), "committed and asked again");
        }
        batches = provider.batches().len();
    };
    for kill in 0..KILLS {
        moment = moment.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let random = moment >> 16;
        if kill % 2 == 0 {
            let mut child = child(folder, &environment);
            thread::sleep(Duration::from_millis(u64::from(10 + random % 90)));
            child.kill().unwrap();
            child.wait().unwrap();
        } else {
            let die_at = (DIE_AT, (1 + random % 60).to_string());
            let environment = [environment[0].clone(), die_at];
            inside += u32::from(!child(folder, &environment).wait().unwrap().success());
        }
        look(&before);
        let after = committed(folder);
        assert!(before.is_subset(&after), "kill {kill}: something committed is gone");
        before = after;
    }
    assert!(inside > KILLS / 4, "{inside} children died between the provider and the journal");
    // A submission that is lost three times has failed, and is made by the next run.
    for run in 0..5 {
        assert!(child(folder, &environment).wait().unwrap().success());
        look(&before);
        before = committed(folder);
        if !fs::read_to_string(folder.join("results")).unwrap().contains("Err(\"model") {
            break;
        }
        assert!(run < 4 && kind == Kind::Faulty, "some asks fail for ever");
    }

    // Each batch is in the list as soon as it is accepted, so all are found: nothing is asked twice at all,
    // where the provider loses nothing.
    let mut asked = BTreeSet::new();
    for id in provider.batches().into_iter().flatten() {
        assert!(asked.insert(id) || kind == Kind::Faulty, "something was asked twice");
    }
    assert_eq!(asked.len(), committed(folder).len());
    // The same as if nothing had happened.
    let calm = tempfile::tempdir().unwrap();
    let results = run(calm.path(), &Provider::new(calm.path(), Faults::default()));
    assert_eq!(fs::read_to_string(folder.join("results")).unwrap(), results);
    let stats = Journal::open(folder.join("journal.redb")).unwrap().stats().unwrap();
    assert_eq!((stats.in_flight, stats.batches), (0, 0));
}

#[test]
fn nothing_is_asked_twice_in_forty_kills() {
    killed_many_times(Kind::Tagged);
}

#[test]
fn nor_where_the_provider_keeps_no_tags() {
    killed_many_times(Kind::Untagged);
}

#[test]
fn nothing_committed_is_asked_again_whatever_the_provider_loses() {
    killed_many_times(Kind::Faulty);
}
