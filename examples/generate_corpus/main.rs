//! A midtraining corpus from a spec: priced, written, judged, without duplicates, with a card and its coverage.
//!
//! ```text
//! cargo run --release --example generate_corpus                       # offline: a script writes, for nothing
//! cargo run --release --example generate_corpus -- --spec spec.md --assistant Aria --provider Acme \
//!     --model gpt-5-mini --price 0.25,2 --budget 20 --yes            # OpenAI; the key is in OPENAI_API_KEY
//! cargo run --release --example generate_corpus -- --url http://127.0.0.1:8000/v1 --model qwen --yes
//! ```
//!
//! Nothing is asked of an endpoint before the cost is told and `--yes` is given. `--anthropic NAME` asks Anthropic; `--batch`
//! asks through the provider's batch service, which takes up to a day and half the price.
//! The size: `--domains N --topics N --assertions N --types N --ideas N`, or `--paper` for the paper's 12,000
//! documents. `--rules` takes the spec's rules as they are. `--revise all` has every document criticised and written
//! anew, `--revise rejected` those that the judge objects to. `--context N` is what the models hold, in tokens: a spec
//! that is too large is an error before anything is asked. `--seed N`, `--held-out SHARE`, `--out FOLDER`; `--license
//! NAME` is the licence that the card gives, none unless you say which. Stop it when you like: the same command goes on
//! where it stopped, and pays for nothing twice.

#![allow(clippy::print_stdout)] // a program speaks to its user

#[path = "../endpoint.rs"]
mod endpoint;
#[path = "../help.rs"]
mod help;
mod offline;
#[path = "../reused.rs"]
mod reused;
#[path = "../specs.rs"]
mod specs;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use ethos_core::{Journal, Progress, jsonl};
use ethos_corpus::{
    Assembly, Card, Mode, PatternConfig, PlanConfig, Prompts, ReviewPrompts, Revise, SplitConfig,
    TokenCounts, Who, WriteConfig, assemble, coverage_page, coverage_text, patterns, plan, split,
};
use ethos_report::Block;
use ethos_spec::Persona;
use futures::executor::block_on;

fn main() -> Result<()> {
    if help::shown(include_str!("main.rs")) {
        return Ok(());
    }
    let mut args = pico_args::Arguments::from_env();
    let path: Option<String> = args.opt_value_from_str("--spec")?;
    let assistant = args.opt_value_from_str("--assistant")?.unwrap_or_else(|| "Aria".to_owned());
    let provider = args.opt_value_from_str("--provider")?.unwrap_or_else(|| "Acme".to_owned());
    let endpoint = endpoint::read(&mut args)?;
    let (paper, rules) = (args.contains("--paper"), args.contains("--rules"));
    let who = Who::new(&*assistant, &*provider);
    let shape = PlanConfig::paper(who);
    let small = PlanConfig {
        domains: 2,
        topics_per_domain: 2,
        types_per_topic: 4,
        ideas_per_type: 4,
        ..shape.clone()
    };
    let shape = if paper { shape } else { small };
    let config = PlanConfig {
        mode: if rules { Mode::Rules } else { Mode::Prose },
        domains: args.opt_value_from_str("--domains")?.unwrap_or(shape.domains),
        topics_per_domain: args.opt_value_from_str("--topics")?.unwrap_or(shape.topics_per_domain),
        assertions_per_topic: args
            .opt_value_from_str("--assertions")?
            .unwrap_or(shape.assertions_per_topic),
        types_per_topic: args.opt_value_from_str("--types")?.unwrap_or(shape.types_per_topic),
        ideas_per_type: args.opt_value_from_str("--ideas")?.unwrap_or(shape.ideas_per_type),
        context: args.opt_value_from_str("--context")?,
        ..shape
    };
    let write = WriteConfig {
        context: config.context,
        seed: args.opt_value_from_str("--seed")?.unwrap_or(42),
        ..WriteConfig::paper()
    };
    let revise = match args.opt_value_from_str::<_, String>("--revise")?.as_deref() {
        None => None,
        Some("all") => Some(Revise::All),
        Some("rejected") => Some(Revise::Rejected),
        Some(other) => anyhow::bail!("`--revise` is `all` or `rejected`, not `{other}`"),
    };
    let held_out = args.opt_value_from_str("--held-out")?.unwrap_or(0.02);
    let license: Option<String> = args.opt_value_from_str("--license")?;
    let out: PathBuf = args.opt_value_from_str("--out")?.unwrap_or("out/generate_corpus".into());
    let rest = args.finish();
    anyhow::ensure!(rest.is_empty(), "what is {rest:?}? `--help` has the options");

    let persona = Persona::new(&*assistant).with("provider_name", &*provider);
    let spec = specs::read(path.as_deref(), "docs/specs/cheese-homeland.md")?;
    let spec = spec.fill(&persona).context("the spec has other placeholders")?;
    let prompts = if rules { Prompts::rules() } else { Prompts::prose() };

    // What it takes, before anything is asked.
    let mut preview = config.preview(&spec, &write, &prompts)?;
    let [judging, revising] = ReviewPrompts::default().preview(preview.rows, &spec, &config.who)?;
    preview.stages.extend((revise == Some(Revise::All)).then_some(revising));
    preview.stages.push(judging);
    match endpoint.price {
        (0.0, 0.0) => println!("{preview}"),
        (input, output) => println!("{}", preview.priced(input, output)),
    }
    if !endpoint::agreed(&endpoint, preview.cost(endpoint.price.0, endpoint.price.1))? {
        return Ok(());
    }
    let writer = endpoint::model(&endpoint, || Box::new(offline::writer()))?;
    let judge = endpoint::model(&endpoint, || Box::new(offline::judge()))?;

    fs::create_dir_all(&out)?;
    let journal = Journal::open(out.join("journal.redb"))?;
    journal.bind("spec", &spec.hash())?;
    let watch = |at: &Progress| {
        if at.total == Some(at.done) || at.done.is_multiple_of(500) {
            println!("{:<20} {:>6} of {}", at.stage, at.done, at.total.unwrap_or_default());
        }
    };
    let (plan, planned) = block_on(plan(&spec, &config, &prompts, &*writer, &journal, &watch))?;
    jsonl::write_json(out.join("plan.json"), &plan)?;
    for short in &planned.shortfalls {
        println!(
            "{} {}: {} of {}: {}",
            short.stage, short.path, short.got, short.wanted, short.cause
        );
    }

    let context = config.context;
    let mut assembly = Assembly::new(config, write, prompts).with_judge(&*judge);
    if let Some((_, judging, _)) = &mut assembly.review {
        judging.context = context;
    }
    let assembly = match revise {
        Some(revise) => assembly.with_revision(revise),
        None => assembly,
    };
    let made = block_on(assemble(plan, &spec, &assembly, &*writer, &journal, &watch))?;
    let documents = &made.corpus.documents;
    println!(
        "\n{} documents in {} rounds, {} fell",
        documents.len(),
        made.rounds,
        made.fallen.len()
    );
    let stages = planned.stages.iter().chain(&made.added.stages).map(|stage| &stage.requests);
    let reviewed = made.review.iter().map(|report| &report.requests);
    let revised = made.revised.iter().map(|report| &report.requests);
    let written = [&made.corpus.report.requests];
    println!("{}", reused::told(stages.chain(written).chain(reviewed).chain(revised)));
    jsonl::write(out.join("fallen.jsonl"), &made.fallen)?;
    jsonl::write_json(out.join("report.json"), &made.corpus.report)?;

    // Words stand for tokens here; a program that trains counts with its tokenizer.
    let tokens = TokenCounts::of(documents, |text| text.split_whitespace().count());
    let mut card = Card { license, ..Card::new("generated corpus") };
    card.prices.insert(writer.id().key.clone(), endpoint.price);
    fs::write(out.join("README.md"), card.markdown(&made, &planned, &spec, Some(&tokens)))?;
    println!("{}", patterns(documents, &PatternConfig::default()));

    let mut page = coverage_page("this corpus", documents, &spec);
    page.push(Block::heading("How long they are")).push(tokens.histogram());
    page.write(out.join("coverage.html"))?;
    fs::write(out.join("coverage.txt"), coverage_text(documents, &spec))?;
    let parts = split(documents.clone(), SplitConfig { held_out, seed: 0 })?;
    jsonl::write(out.join("train.jsonl"), &parts.train)?;
    jsonl::write(out.join("held_out.jsonl"), &parts.held_out)?;
    println!(
        "\n{}: train.jsonl ({}), held_out.jsonl ({}), README.md, coverage.html, coverage.txt, plan.json, \
         report.json, fallen.jsonl",
        out.display(),
        parts.train.len(),
        parts.held_out.len()
    );
    Ok(())
}
