//! What must survive a kill: this binary runs itself as a child and kills it, with SIGKILL and at
//! moments that it cannot foresee. Training has such a test of its own, in `crates/train`.

/// Asks over a journal: fifty kills.
mod asks;
/// A corpus that is being written.
mod corpus;
/// Asks over a journal whose disk is full.
mod disk;
/// The paper's grid on a model, with a judge.
mod evaluation;

use std::{
    collections::HashMap,
    fs,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use ethos_core::{Completion, Request, Scripted};

/// The folder of a child's work; a child is whoever has it.
const FOLDER: &str = "ETHOS_TESTS_CHILD";

/// Digits of what is noted of a question.
const NOTED: usize = 16;

/// Starts the test of this name as a child.
fn child(test: &str, folder: &Path, environment: &[(&str, String)]) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    Ok(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
}

/// Kills a child of this name after so long each time, then lets one finish. Gives how many were
/// killed before they were done.
fn kill_and_finish(test: &str, folder: &Path, after: &[u64]) -> Result<usize> {
    let mut killed = 0;
    for &millis in after {
        let mut child = child(test, folder, &[])?;
        thread::sleep(Duration::from_millis(millis));
        child.kill()?;
        killed += usize::from(!child.wait()?.success());
    }
    finish(child(test, folder, &[])?)?;
    Ok(killed)
}

fn finish(child: Child) -> Result<()> {
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// A model that notes every question in `paid.log` before it answers, and takes its time. What is noted is short and of
/// one length, since a kill can tear a long line.
fn noting(
    name: &str,
    folder: &Path,
    time: Duration,
    answer: impl Fn(&Request) -> Completion + Send + Sync + 'static,
) -> Result<Scripted> {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("paid.log"))?;
    let log = Mutex::new(log);
    Ok(Scripted::new(name, move |request| {
        let seed = request.sampling.seed;
        let prompt: String = request.messages.iter().map(|m| m.text().into_owned()).collect();
        let question = BuildHasherDefault::<DefaultHasher>::default().hash_one((seed, prompt));
        let line = format!("{question:0NOTED$x}\n");
        log.lock().expect("no thread died").write_all(line.as_bytes()).expect("the log is written");
        thread::sleep(time);
        answer(request)
    }))
}

/// How many questions were paid for that were paid for already, against a run that nobody killed.
fn paid_twice(straight: &Path, killed: &Path) -> Result<usize> {
    let count = |folder: &Path| -> Result<HashMap<String, usize>> {
        let mut asked = HashMap::new();
        for line in fs::read_to_string(folder.join("paid.log"))?.lines() {
            // Before a line may stand what a kill left of another, which was not asked yet.
            let whole = line.len().checked_sub(NOTED).and_then(|start| line.get(start..));
            *asked.entry(whole.context("a torn line")?.to_owned()).or_default() += 1;
        }
        Ok(asked)
    };
    let (needed, paid) = (count(straight)?, count(killed)?);
    ensure!(paid.keys().all(|question| needed.contains_key(question)), "another question");
    ensure!(needed.keys().all(|question| paid.contains_key(question)), "a question is missing");
    Ok(paid.iter().map(|(question, times)| times - needed[question]).sum())
}
