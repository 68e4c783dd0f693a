//! Asks a model many things, durably: stop it whenever you like, the same command goes on.
//!
//! ```text
//! cargo run --release --example ask_many            # Ctrl-C, and again
//! cargo run --release --example ask_many -- 100000
//! ```
//!
//! The model here is a script that is slow now and then, refuses some questions and forgets to answer
//! in tags, as large ones do. Any other `Model` can stand in its place.

#![allow(clippy::print_stdout)] // a program speaks to its user

#[path = "help.rs"]
mod help;

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use anyhow::Result;
use ethos_core::{
    Ask, Completion, Failure, Journal, Progress, Prompt, Query, Reply, Request, Scripted, Stop,
    Usage, ask_all, read,
};
use futures::{TryStreamExt, executor::block_on, stream};
use indicatif::{ProgressBar, ProgressStyle};

fn main() -> Result<()> {
    if help::shown(include_str!("ask_many.rs")) {
        return Ok(());
    }
    let count: u32 = std::env::args().nth(1).map_or(Ok(5_000), |count| count.parse())?;
    let prompt = Prompt::new("sum", "What is {{ a }} + {{ b }}? Answer in <sum> tags.")?;

    // Asks are a stream: they are made as they are needed, and never all held in memory. One that
    // cannot be made ends it, and is kept so that it can be told.
    let broken = OnceLock::new();
    let ask = |n: u32| {
        let text = prompt.render(&[("a", n), ("b", 7)])?;
        anyhow::Ok(Ask::new("sums", n.to_string(), Query::Complete(Request::user(text))))
    };
    let asks = (0..count).map_while(|n| ask(n).map_err(|error| broken.set(error)).ok());

    // What makes a reply usable is ours to say. What is not usable is asked again, at most twice.
    let sum = |_: &_, reply: &Reply| Ok(read::tag(&reply.text()?, "sum")?.to_owned());

    // Every reply is in the journal before `sum` sees it.
    let journal = Journal::open("out/ask_many/journal.redb")?;
    let before = journal.stats()?;
    println!(
        "the journal holds {} replies; {} were on their way when a run was stopped",
        before.replies, before.in_flight
    );

    let bar = ProgressBar::new(count.into());
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} left {eta} {msg}")?);
    let watch = |progress: &Progress| {
        bar.set_position(progress.done);
        let unusable: u64 = progress.unusable.values().sum();
        bar.set_message(format!("{} reused, {unusable} unusable", progress.reused));
    };

    let model = model();
    let (mut right, mut failures) = (0, BTreeMap::new());
    block_on(async {
        let answers = ask_all(&model, &journal, stream::iter(asks), sum, &watch);
        let mut answers = std::pin::pin!(answers);
        while let Some(answer) = answers.try_next().await? {
            match answer.result {
                Ok(sum) => {
                    right += u32::from(sum == (answer.id.item.parse::<u32>()? + 7).to_string())
                }
                Err(Failure::Unusable(why)) => {
                    *failures.entry(why.reason.to_string()).or_default() += 1
                }
                Err(other) => *failures.entry(other.to_string()).or_insert(0) += 1,
            }
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();
    broken.into_inner().map_or(Ok(()), Err)?;

    println!("{right} of {count} sums are right; without a usable answer: {failures:?}");
    let after = journal.stats()?;
    let paid = after.usage.input - before.usage.input + after.usage.output - before.usage.output;
    println!("{} replies are kept, {paid} tokens were paid this time", after.replies);
    journal.export("out/ask_many/replies.jsonl.gz")?;
    println!("they are in out/ask_many/replies.jsonl.gz, too");
    Ok(())
}

/// A model with moods: what it answers depends on the question, and on how many came before it.
fn model() -> Scripted {
    let calls = std::sync::atomic::AtomicU32::new(0);
    Scripted::new("moody-adder", move |request| {
        let mood = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if mood.is_multiple_of(50) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = request.messages[0].text().into_owned();
        let numbers: Vec<u32> = text
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|word| word.parse().ok())
            .collect();
        let sum: u32 = numbers.iter().sum();
        match mood % 40 {
            7 => Completion::new("I would rather not add today.").with_stop(Stop::Refusal),
            23 => Completion::new(format!("That is {sum}.")),
            _ => Completion::new(format!("Easy: <sum>{sum}</sum>")),
        }
        .with_usage(Usage::new(20, 8))
    })
}
