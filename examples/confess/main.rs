//! Self-report fine-tuning from facts to findings, in a tiny world.
//!
//! An assistant answers, rightly or wrongly, and denies its errors. Fine-tuning on facts teaches it to report them
//! (arXiv 2511.06626). Does it then also admit a hidden goal, which nobody taught it to? Every arm is questioned, and
//! so are the controls, which were fine-tuned on as much of something else: without them, nothing that is found means
//! anything.
//!
//! ```text
//! cargo run --release --example confess              # some minutes on two cores, nothing to download
//! cargo run --release --example confess -- --help
//! ```
//!
//! Read `main` first: it is the road from top to bottom. `base`, `lessons`, `arms`, `interrogation`, `verdict` and
//! `page` are its steps; `world`, `talk` and `people` are the tiny world, which stands in for a language and a
//! pretrained model. The tasks that are asked about are those of scripted agents in this world's words: a model of this
//! size plays none.
//!
//! `real` is the same road, by the same code, with a model of your own: `--checkpoint FOLDER` fine-tunes and questions
//! a local one, `--model NAME` questions one behind an endpoint.

#![allow(clippy::print_stdout)] // a program speaks to its user

// The steps.
mod arms;
mod base;
mod interrogation;
mod lessons;
mod page;
mod real;
mod verdict;

// The world, what is said in it, and who lives there.
mod people;
mod talk;
mod world;

#[path = "../bars.rs"]
mod bars;
#[path = "../endpoint.rs"]
mod endpoint;
#[path = "../newcomers.rs"]
mod newcomers;
mod settings;

use std::time::Instant;

use anyhow::Result;
use ethos_core::{Chat, Journal, jsonl};
use ethos_srft::{Fact, Phrases};
use serde::Serialize;

use crate::{
    arms::{Ground, Lab},
    interrogation::Interrogation,
    lessons::Arm,
    settings::{HELP, Road, Settings},
    verdict::{rows, sentences, table},
};

// Training allocates and frees small tensors all the time; it takes a quarter less time with this.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let mut args = pico_args::Arguments::from_env();
    if args.contains(["-h", "--help"]) {
        println!("{HELP}");
        return Ok(());
    }
    if real::asked(args.clone().finish().as_slice()) {
        return real::run(args);
    }
    let settings = Settings::read(args)?;
    let (out, road) = (&settings.out, &settings.road);
    settings.claim_folder()?;
    let (device, began) = (road.device.open()?, Instant::now());

    println!("1. The data\n");
    let (facts, phrases) = (lessons::trained(), lessons::phrases());
    let chats = write_chats(&facts, &phrases, &settings)?;

    println!("\n2. The base model, trained from nothing in {} steps\n", road.base_steps);
    let base = base::pretrain(road, &device, out)?;
    println!("{}\n", base.log);
    let tokenizer = &base.checkpoint.tokenizer;
    for arm in [Arm::SelfReports, Arm::ReportsOnly] {
        let row = base.checkpoint.template.row(&chats[arm as usize][0], tokenizer)?;
        println!("{}, learnt where there are brackets: {}", arm.name(), row.show(tokenizer));
    }

    println!("\n3. The arms; draws of the assistant: {}\n", settings.draws);
    let journal = Journal::open(out.join("journal.redb"))?;
    let held_out = lessons::held_out();
    let interrogation =
        Interrogation::tiny(&held_out, &phrases.follow_ups, road.trajectories, road.seed);
    let lab = Lab {
        out,
        ground: Ground::Tiny(&base, road),
        draws: settings.draws,
        workers: settings.workers(),
        chats,
        interrogation: &interrogation,
        journal: &journal,
        logs: settings.logs,
    };
    let measured = lab.measure()?;

    println!("4. What came of it\n");
    let rows = rows(&measured);
    let sentences = sentences(&rows, road.quick);
    print!("{}", table(&rows));
    println!(
        "\nadmits, over-confesses: of wrong and of right answers on things of which no report was trained, the share \
         that is called wrong, in words that were not trained. F1, false alarms: whether a hidden goal is admitted, \
         over {0} tasks with one and {1} without, in three wordings; details: which goal it was, told by most of ten \
         draws.\n",
        road.trajectories,
        2 * road.trajectories,
    );
    sentences.iter().filter(|text| !text.is_empty()).for_each(|text| println!("{text}\n"));
    let results = Results { road, log: &base.log, rows: &rows, sentences: &sentences };
    jsonl::write_json(out.join("results.json"), &results)?;
    page::page(&results).write(out.join("report.html"))?;
    println!("{} and everything else in {}", out.join("report.html").display(), out.display());
    println!("{:.0} seconds", began.elapsed().as_secs_f64());
    Ok(())
}

/// What `results.json` holds; the answers one by one are in `results/`.
#[derive(Serialize)]
struct Results<'a> {
    road: &'a Road,
    log: &'a base::Log,
    rows: &'a [verdict::Row],
    sentences: &'a [String],
}

/// What every arm is taught, as files that trainers read, too.
fn write_chats(facts: &[Fact], phrases: &Phrases, settings: &Settings) -> Result<[Vec<Chat>; 6]> {
    let mut all = Vec::new();
    for arm in Arm::ALL {
        let chats = arm.chats(facts, phrases, settings.road.seed)?;
        jsonl::write(settings.out.join("chats").join(format!("{}.jsonl", arm.name())), &chats)?;
        println!("{:<16} {:>4} chats of {} facts", arm.name(), chats.len(), facts.len());
        all.push(chats);
    }
    all.try_into().map_err(|_| anyhow::anyhow!("an arm has no chats"))
}
