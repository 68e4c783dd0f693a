//! Any task on any model, into an Inspect log and a page.
//!
//! ```text
//! cargo run --release --example evaluate                      # a script plays the paper's grid, judged
//! cargo run --release --example evaluate -- --model MODEL --judge MODEL --epochs 300
//! cargo run --release --example evaluate -- --model MODEL --task questions.jsonl --score choice
//! ```
//!
//! `MODEL` is a folder of Llama, Mistral, Qwen2 or Qwen3 as it is published, or a repository of the Hugging Face hub
//! (`Qwen/Qwen2.5-0.5B-Instruct`), which is fetched. A task is `misalignment`,
//! `opinions`, `open_qa` (which needs a judge), or a JSONL or CSV file with the columns `input` and `target`
//! (and `choices`), scored by `whole`, `begin`, `end`, `anywhere` or `choice`. With `--reasons` the judge names
//! the reasons in every answer too. More: `--epochs N`, `--temperature T`, `--max-tokens N`, `--limit N`,
//! `--device NAME`, `--out FOLDER`. Stop it when you like: the same command goes on where it stopped.
//!
//! The log opens in Inspect's viewer (`pip install inspect_ai`, then `inspect view --log-dir out/evaluate/logs`),
//! the page in any browser.

#![allow(clippy::print_stdout)] // a program speaks to its user

#[path = "../help.rs"]
mod help;
#[path = "../published.rs"]
mod published;
mod script;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ethos_core::{Journal, Model, Sampling};
use ethos_eval::{
    Columns, Dataset, Judge, Run, Summary, Task, misalignment, open_qa,
    preference::{self, Asked, Normalisation},
    reasoning::{self, Codebook, Coded},
    run::{self, Config, Progress},
    scorer::{Choice, Match, Matching},
    solver::MultipleChoice,
};
use ethos_hub::Wanted;
use ethos_train::{Checkpoint, Device, DeviceSpec, LocalModel};
use futures::executor::block_on;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    if help::shown(include_str!("main.rs")) {
        return Ok(());
    }
    let mut args = pico_args::Arguments::from_env();
    let device = args.opt_value_from_str("--device")?.unwrap_or(DeviceSpec::Flex).open()?;
    let model: Option<PathBuf> = args.opt_value_from_str("--model")?;
    let judge: Option<PathBuf> = args.opt_value_from_str("--judge")?;
    let task = args.opt_value_from_str("--task")?.unwrap_or_else(|| "misalignment".to_owned());
    let score = args.opt_value_from_str("--score")?.unwrap_or_else(|| "whole".to_owned());
    let epochs = args.opt_value_from_str("--epochs")?.unwrap_or(10);
    let limit = args.opt_value_from_str("--limit")?.unwrap_or(usize::MAX);
    let sampling = Sampling {
        temperature: Some(args.opt_value_from_str("--temperature")?.unwrap_or(0.7)),
        max_tokens: Some(args.opt_value_from_str("--max-tokens")?.unwrap_or(1024)),
        seed: Some(args.opt_value_from_str("--seed")?.unwrap_or(0)),
        ..Sampling::default()
    };
    let out: PathBuf = args.opt_value_from_str("--out")?.unwrap_or("out/evaluate".into());
    let reasons = args.contains("--reasons");
    let rest = args.finish();
    anyhow::ensure!(rest.is_empty(), "what is {rest:?}? `--help` has the options");

    let scripted = model.is_none();
    anyhow::ensure!(!scripted || task == "misalignment", "the task `{task}` needs a `--model`");
    let model: Box<dyn Model> = match &model {
        Some(folder) => Box::new(local(folder, &device)?),
        None => Box::new(script::model()?),
    };
    let judge: Option<Box<dyn Model>> = match &judge {
        Some(folder) => Some(Box::new(local(folder, &device)?)),
        None if scripted => Some(Box::new(script::judge())),
        None => None,
    };

    let task = match task.as_str() {
        "misalignment" => grid(judge.as_deref(), limit)?,
        "opinions" => {
            let mut opinions = preference::opinions()?;
            opinions.pairs.truncate(limit);
            preference::task(&opinions, Asked::ByScore(Normalisation::Sum))?
        }
        "open_qa" => {
            let judge = judge.as_deref().context("`open_qa` needs a `--judge`")?;
            let mut dimensions = open_qa::dimensions()?;
            dimensions.iter_mut().for_each(|dimension| dimension.questions.truncate(limit));
            open_qa::task(&dimensions, [open_qa::judge("judge", judge)?])?
        }
        file => questions(Path::new(file), &score, limit)?,
    };
    let mut task = task.with_epochs(epochs).with_sampling(sampling);
    if reasons {
        let judge = judge.as_deref().context("`--reasons` needs a `--judge`")?;
        let judges = [reasoning::judge("judge", judge)?];
        task = task.with_scorer(Coded::new(Codebook::fixed()?, judges));
    }
    std::fs::create_dir_all(&out)?;
    let journal = Journal::open(out.join("journal.redb"))?;
    let watch = |at: &Progress| {
        if at.done == at.total || at.done.is_multiple_of(at.total.div_ceil(10).max(1)) {
            println!("{:>6} of {}, missing: {}", at.done, at.total, at.missing);
        }
    };
    let config = Config::with_logs(out.join("logs"));
    let found = block_on(run::run(&task, &model, &journal, &config, &watch))?;
    report(&found)?;

    let page = out.join("report.html");
    Summary::default().page(std::slice::from_ref(&found))?.write(&page)?;
    println!("\n{}", page.display());
    if let Some(log) = &found.log {
        println!("{}   (inspect view --log-dir {})", log.display(), out.join("logs").display());
    }
    Ok(())
}

fn local(model: &Path, device: &Device) -> Result<LocalModel> {
    let folder = published::folder(model, &Wanted::model())?;
    let checkpoint = Checkpoint::load(folder, device).context("not a model's folder")?;
    Ok(LocalModel::new(checkpoint)?)
}

/// The paper's grid, and the twins of its three scenarios, in which acting is right.
fn grid(judge: Option<&dyn Model>, limit: usize) -> Result<Task<'_>> {
    use ethos_eval::misalignment::{Case, Choice, Condition, GoalType};

    let mut grid = misalignment::paper_grid("Qwen", true)?;
    for condition in grid.clone() {
        if condition.choice().goal_type == GoalType::None {
            grid.push(Condition::new(Choice { case: Case::Twin, ..condition.choice().clone() })?);
        }
    }
    grid.truncate(limit);
    let judge: Option<Judge<'_>> =
        judge.map(|model| misalignment::judge("judge", model)).transpose()?;
    Ok(misalignment::task(&grid, judge)?.with_coverage(0.5))
}

fn questions(path: &Path, score: &str, limit: usize) -> Result<Task<'static>> {
    let columns = Columns::default();
    let data = match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => Dataset::csv(path, &columns)?,
        _ => Dataset::jsonl(path, &columns)?,
    };
    let task = Task::new(data.name.clone(), data.limited(limit));
    let matching = match score {
        "whole" => Matching::Whole,
        "begin" => Matching::Begin,
        "end" => Matching::End,
        "anywhere" => Matching::Anywhere,
        "choice" => return Ok(task.with_solver(MultipleChoice).with_scorer(Choice::default())),
        other => bail!("`{other}` is no way to score: whole, begin, end, anywhere, choice"),
    };
    Ok(task.with_scorer(Match::new("match", matching)))
}

fn report(found: &Run) -> Result<()> {
    println!("\n{:<12} {:>7} {:>17} {:>7}  missing", "measure", "mean", "95 % interval", "scores");
    for measure in &found.measures {
        let tally = found.tally(&measure.name);
        if tally.total() == 0 {
            continue;
        }
        let (name, missing) = (&measure.name, &tally.missing);
        match found.estimate(name, 0.95) {
            Err(why) => println!("{name:<12} {:>7} {:>17} {:>7}  {missing} ({why})", "", "", 0),
            Ok(at) => {
                let interval = at.interval.map(|i| format!("{:.3} to {:.3}", i.low, i.high));
                let (mean, interval) = (at.mean, interval.unwrap_or_default());
                println!("{name:<12} {mean:>7.3} {interval:>17} {:>7}  {missing}", at.observations);
            }
        }
    }
    Ok(())
}
