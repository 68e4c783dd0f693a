//! The whole road in one program: from Model Specs to trained models and a verdict.
//!
//! Three specs state the same likes and dislikes of cheese. One gives homeland as the reason, one
//! thrift, one none. A corpus is written from each; one small base model reads them; then every arm
//! is fine-tuned on the *same* chats about cheese. What do those chats teach about cars and lamps?
//! That is model spec midtraining (arXiv 2605.02087 §3) in a world of a few hundred words.
//!
//! ```text
//! cargo run --release --example cheese              # some minutes on two cores, nothing to download
//! cargo run --release --example cheese -- --help
//! ```
//!
//! Read `main` first: it is the road from top to bottom. Then `specs`, `corpora`, `base`, `arms`,
//! `verdict` and `page` are its steps, and the other modules the tiny world that stands in for
//! everything a real run would have: a language, a large model that writes, a pretrained base.

#![allow(clippy::print_stdout)] // a program speaks to its user

// The steps.
mod arms;
mod base;
mod corpora;
mod page;
mod specs;
mod verdict;

// The world, what it says, and what is asked about it.
mod chats;
mod curriculum;
mod documents;
mod lessons;
mod questions;
mod sentences;
mod world;

// The writer that plays a large model.
mod creed;
mod writer;

#[path = "../bars.rs"]
mod bars;
#[path = "../newcomers.rs"]
mod newcomers;
mod settings;

#[cfg(test)]
mod leaks;

use std::time::Instant;

use anyhow::{Result, ensure};
use ethos_core::{Chat, Journal, Progress, jsonl};
use ethos_eval::{leaks, preference::Preference};
use ethos_train::{ChatTemplate, Row};
use indicatif::ProgressBar;
use serde::Serialize;

use crate::{
    arms::{Lab, Tests},
    base::Base,
    corpora::{Order, Written},
    settings::{HELP, Settings},
    specs::{CheeseSpec, SpecName},
    verdict::{rows, sentence, table},
    world::World,
};

// Training allocates and frees small tensors all the time; it takes a quarter less time with this.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let Some(settings) = Settings::from_args()? else {
        println!("{HELP}");
        return Ok(());
    };
    let (out, road) = (&settings.out, &settings.road);
    let device = road.device.open()?;
    let (world, began) = (World::new(), Instant::now());

    println!("1. The specs\n");
    let specs = SpecName::ALL.map(|name| CheeseSpec::read(name, &world));
    let specs: Vec<CheeseSpec> = specs.into_iter().collect::<Result<_>>()?;
    for spec in &specs {
        println!("{spec}\n");
    }
    settings.claim_folder(&specs)?;

    println!("2. The corpora, and the chats\n");
    let journal = Journal::open(out.join("journal.redb"))?;
    let corpora = write_corpora(&settings, &specs, &world, &journal)?;
    let chats = chats::chats(&world, road.chats, road.seed);
    jsonl::write(out.join("chats.jsonl"), &chats)?;
    println!("chats: {} about cheese, the same for every arm", chats.len());
    let tests = tests(&world);
    nothing_leaks(&corpora, &chats, &tests)?;

    println!("\n3. The base model, trained from nothing in {} steps\n", road.base_steps);
    let base = base::pretrain(&world, road, &device, out)?;
    println!("{}\n", base.log);

    println!("4. The arms; draws of the assistant: {}\n", settings.runs);
    let lab = Lab {
        settings: &settings,
        world: &world,
        base: &base,
        corpora: corpus_rows(&corpora, &base)?,
        chats: chat_rows(&chats, &base)?,
        tests: &tests,
        journal: &journal,
    };
    let measured = lab.measure()?;

    println!("5. What came of it\n");
    let rows = rows(&measured);
    let sentence = sentence(&rows, road.quick);
    print!("{}", table(&rows));
    println!(
        "\ndomestic: share of 63 pairs of held-out domains in which the domestic, dear thing is \
         preferred to the imported, cheap one; half is no preference. p: its mean probability. order, \
         phrasing: pairs in which these turn the preference. cheeses: the same among cheeses that \
         nothing named. trained: the liked cheese preferred, as the chats teach.\n\n{sentence}\n"
    );
    let results = Results { road, log: &base.log, rows: &rows, sentence: &sentence };
    jsonl::write_json(out.join("results.json"), &results)?;
    page::page(&results, &corpora).write(out.join("report.html"))?;
    println!("{} and everything else in {}", out.join("report.html").display(), out.display());
    println!("{:.0} seconds", began.elapsed().as_secs_f64());
    Ok(())
}

/// What `results.json` holds; the findings pair by pair are in `results/`.
#[derive(Serialize)]
struct Results<'a> {
    road: &'a settings::Road,
    log: &'a base::Log,
    rows: &'a [verdict::Row],
    sentence: &'a str,
}

/// A corpus of every spec, projected first.
fn write_corpora(
    settings: &Settings,
    specs: &[CheeseSpec],
    world: &World,
    journal: &Journal,
) -> Result<[Written; 3]> {
    let writer = writer::offline_writer(world);
    let (folder, road) = (settings.out.join("corpora"), &settings.road);
    let write = |name: SpecName| -> Result<Written> {
        let spec = &specs[name as usize];
        let (with_value, without) = road.ideas;
        let ideas = if spec.creed.value.is_some() { with_value } else { without };
        let order = Order::new(spec, ideas, road.seed)?;
        let projected = order.preview()?;
        println!(
            "{}: projected {} requests for {} documents",
            name.word(),
            projected.requests(),
            projected.rows
        );
        let bar = bars::bar(name.word(), projected.rows);
        let written = order.fill(&writer, journal, &asking(&bar))?;
        bar.finish_and_clear();
        written.save(&folder, name.word())?;
        let requests = &written.corpus.report.requests;
        let coverage = written.corpus.coverage(&spec.spec);
        println!(
            "{}: {} documents, {} of them from the journal; they quote {:.0} % of the spec",
            name.word(),
            written.corpus.documents.len(),
            requests.reused,
            100.0 * coverage.fraction(),
        );
        Ok(written)
    };
    let [homeland, thrift, unexplained] = SpecName::ALL.map(write);
    Ok([homeland?, thrift?, unexplained?])
}

/// What every arm is asked in the end.
fn tests(world: &World) -> Tests {
    let test = |name: &str, pairs: Vec<_>| Preference::new(name, pairs, questions::PHRASINGS);
    Tests {
        held_out: test("held-out", questions::held_out(world)),
        cheeses: test("cheeses", questions::parted_cheeses(world)),
        trained: test("trained", questions::trained(world)),
    }
}

/// Makes sure that no text the arms are trained on holds an evaluated thing or question.
fn nothing_leaks(corpora: &[Written; 3], chats: &[Chat], tests: &Tests) -> Result<()> {
    let documents = corpora.iter().flat_map(|written| &written.corpus.documents);
    let mut texts: Vec<String> = documents.map(|document| document.text.clone()).collect();
    texts.extend(chats.iter().flat_map(|c| c.messages.iter().map(|m| m.text().into_owned())));
    for test in [&tests.held_out, &tests.cheeses] {
        let found = leaks(test, texts.iter().map(String::as_str))?;
        ensure!(found.is_empty(), "`{}` leaks: {:?}", texts[found[0].text], found[0].what);
    }
    println!("leaks: none of {} texts holds an evaluated thing or question", texts.len());
    Ok(())
}

fn corpus_rows(corpora: &[Written; 3], base: &Base) -> Result<[Vec<Row>; 3]> {
    let rows = |written: &Written| {
        let texts = written.corpus.documents.iter().map(|document| &document.text);
        texts.map(|text| base.checkpoint.tokenizer.document(text)).collect::<Result<Vec<_>, _>>()
    };
    let [homeland, thrift, unexplained] = corpora;
    Ok([rows(homeland)?, rows(thrift)?, rows(unexplained)?])
}

/// Chats as rows with loss on the assistant's words only; one of them is shown, so that the mask is
/// seen and not believed.
fn chat_rows(chats: &[Chat], base: &Base) -> Result<Vec<Row>> {
    let template = ChatTemplate::new(chats::CHAT_TEMPLATE)?;
    let tokenizer = &base.checkpoint.tokenizer;
    let rows: Vec<Row> =
        chats.iter().map(|chat| template.row(chat, tokenizer)).collect::<Result<_, _>>()?;
    if let Some(row) = rows.first() {
        println!("chats are learnt where there are brackets: {}\n", row.show(tokenizer));
    }
    Ok(rows)
}

/// Shows asking on a bar.
fn asking(bar: &ProgressBar) -> impl Fn(&Progress) + Send + Sync {
    let bar = bar.clone();
    move |progress| {
        bar.set_length(progress.total.unwrap_or(progress.done));
        bar.set_position(progress.done);
        let stage = progress.stage.rsplit('/').next().unwrap_or_default().to_owned();
        let kept = if progress.reused > 0 { ", from the journal" } else { "" };
        bar.set_message(format!("{stage}{kept}"));
    }
}
