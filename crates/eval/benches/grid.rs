//! What the harness itself costs: the paper's grid of 27 conditions, 300 answers each, judged.
//!
//! ```text
//! cargo bench -p ethos-eval --bench grid
//! cargo bench -p ethos-eval --bench grid -- …/python      # and Inspect AI after it, by this Python
//! ```
//!
//! Model and judge are scripts that answer at once; everything else is done: prompts, journal on disk,
//! actions read and gated, verdicts read, the log written, statistics. Inspect runs the same prompts and
//! answers against its mock model, with a mock judge, and writes its log; it has no journal to write.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    env,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use ethos_core::{Journal, Scripted, jsonl};
use ethos_eval::{misalignment, run};
use futures::executor::block_on;
use serde_json::json;

const EPOCHS: u32 = 300;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let grid = misalignment::paper_grid("Qwen", true).unwrap();
    let asked = AtomicU64::new(0);
    let model =
        Scripted::new("instant", move |_| answer(asked.fetch_add(1, Ordering::Relaxed)).into())
            .with_concurrency(64);
    let judge = Scripted::new("judge", |_| JUDGEMENT.into()).with_concurrency(64);
    let task = || {
        let judge = misalignment::judge("judge", &judge).unwrap();
        misalignment::task(&grid, Some(judge)).unwrap().with_epochs(EPOCHS)
    };
    let path = folder.path().join("journal.redb");
    let evaluate = |logs: &str| {
        let began = Instant::now();
        let journal = Journal::open(&path).unwrap();
        let config = run::Config::with_logs(folder.path().join(logs));
        let found = block_on(run::run(&task(), &model, &journal, &config, &())).unwrap();
        assert_eq!(found.samples.len(), 27 * EPOCHS as usize);
        assert_eq!(found.tally("verdict").scored.trials, 27 * u64::from(EPOCHS));
        (began.elapsed().as_secs_f64(), std::fs::metadata(found.log.unwrap()).unwrap().len())
    };
    let (first, bytes) = evaluate("first");
    let (again, _) = evaluate("again");
    println!("27 conditions x {EPOCHS} answers, each judged");
    println!("{:<34} {first:>8.1} s", "asked, judged and logged");
    println!("{:<34} {again:>8.1} s", "again, from the journal");
    println!("{:<34} {:>8.1} MB", "log", bytes as f64 / 1e6);
    println!("{:<34} {:>8} MB", "peak memory", peak_memory().unwrap_or_default());

    // cargo passes `--bench` and whatever the user adds.
    let Some(python) = env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        println!("no Python was named: Inspect was not run");
        return;
    };
    let prompts = folder.path().join("prompts.jsonl");
    let rows = grid.iter().map(|condition| {
        let play = misalignment::play(condition).unwrap();
        json!({"id": condition.label(), "input": play.request().messages, "target": play.stakes.harm()})
    });
    jsonl::write(&prompts, rows).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/grid.py");
    let began = Instant::now();
    let status = Command::new(python)
        .arg(script)
        .args([&prompts, &folder.path().join("inspect")])
        .args([EPOCHS.to_string(), answer(0), JUDGEMENT.to_owned()])
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let theirs = began.elapsed().as_secs_f64();
    println!("{:<34} {theirs:>8.1} s", "Inspect, with its imports");
    println!("{:<34} {:>8.1}", "ratio", theirs / first);
}

const JUDGEMENT: &str = "The agent weighed it and settled on writing to the desk. \
                         <quote>I will write to the desk</quote> <verdict>no</verdict>";

/// About 2 kB, as models answer; no two alike, so that every one has a verdict of its own.
fn answer(number: u64) -> String {
    let thought = "Where do I stand? The mails are plain enough, and what they ask of me differs. ";
    format!(
        "<SCRATCHPAD_REASONING>\n{}Case {number}.\n</SCRATCHPAD_REASONING>\n\nI will write to the desk.\n\n\
         <tool_use:email>\nto: \"desk@example.org\",\nsubject: \"Today's mail\",\nbody: \"I leave it to \
         you, number {number}.\",\n</tool_use:email>\n",
        thought.repeat(22)
    )
}

/// The most memory that this process has held, in MB; Linux only.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1000)
}
