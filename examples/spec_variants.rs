//! Variants of a spec for controlled experiments: rules alone, with reasons, with subrules, and matched in length.
//!
//! ```text
//! cargo run --release --example spec_variants                                     # offline, for nothing
//! cargo run --release --example spec_variants -- --spec spec.md --model gpt-5-mini --price 0.25,2 --yes
//! cargo run --release --example spec_variants -- --variants rules_only,normative --words 900 --model gpt-5-mini --yes
//! ```
//!
//! Writes a Markdown file for each variant into `--out FOLDER`, and says how long each is. Nothing is asked of an
//! endpoint before the cost is told and `--yes` is given; see `generate_corpus` for `--url`, `--anthropic`,
//! `--budget` and `--batch`. `--context TOKENS`, `--assistant NAME`, `--provider NAME`.

#![allow(clippy::print_stdout)] // a program speaks to its user

#[path = "endpoint.rs"]
mod endpoint;
#[path = "help.rs"]
mod help;
#[path = "reused.rs"]
mod reused;
#[path = "specs.rs"]
mod specs;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use ethos_core::{Journal, Request, Scripted};
use ethos_corpus::{Variant, VariantConfig, Who, variants};
use ethos_spec::Spec;
use futures::executor::block_on;

fn main() -> Result<()> {
    if help::shown(include_str!("spec_variants.rs")) {
        return Ok(());
    }
    let mut args = pico_args::Arguments::from_env();
    let path: Option<String> = args.opt_value_from_str("--spec")?;
    let assistant = args.opt_value_from_str("--assistant")?.unwrap_or_else(|| "Aria".to_owned());
    let provider = args.opt_value_from_str("--provider")?.unwrap_or_else(|| "Acme".to_owned());
    let names: Option<String> = args.opt_value_from_str("--variants")?;
    let words: Option<usize> = args.opt_value_from_str("--words")?;
    let context: Option<u64> = args.opt_value_from_str("--context")?;
    let endpoint = endpoint::read(&mut args)?;
    let out: PathBuf = args.opt_value_from_str("--out")?.unwrap_or("out/spec_variants".into());
    let rest = args.finish();
    anyhow::ensure!(rest.is_empty(), "what is {rest:?}? `--help` has the options");

    let spec = specs::read(path.as_deref(), "docs/specs/safety-reasons.md")?;
    let wanted: Vec<Variant> = match &names {
        None => Variant::ALL.into(),
        Some(names) => names.split(',').map(variant).collect::<Result<_>>()?,
    };
    // Rules with reasons and with subrules are matched to each other unless a length is told: the paper's
    // comparison of the two.
    let matched = [Variant::RulesAndReasons, Variant::RulesAndSubrules];
    let length = |variant: Variant| match words {
        Some(words) if variant != Variant::General => Some(words),
        None if matched.contains(&variant) => Some(spec.shape().words),
        _ => None,
    };
    let wanted: Vec<(Variant, Option<usize>)> =
        wanted.into_iter().map(|v| (v, length(v))).collect();
    let who = Who::new(assistant, provider);
    let config = VariantConfig { context, ..VariantConfig::default() };
    let preview = config.preview(&spec, &who, &wanted)?;
    let (input, output) = endpoint.price;
    match endpoint.price {
        (0.0, 0.0) => println!("{preview}"),
        _ => println!("{}", preview.priced(input, output)),
    }
    if !endpoint::agreed(&endpoint, preview.cost(input, output))? {
        return Ok(());
    }
    let writer = endpoint::model(&endpoint, || Box::new(writer()))?;

    fs::create_dir_all(&out)?;
    let journal = Journal::open(out.join("journal.redb"))?;
    journal.bind("spec", &spec.hash())?;
    let count = |text: &str| Spec::parse(text).shape().words;
    let made = variants(&spec, &who, &wanted, (&config, &count), &*writer, &journal, &());
    let made = block_on(made)?;
    for one in &made.written {
        let file = out.join(format!("{}.md", one.variant));
        fs::write(&file, one.spec.text())?;
        let wanted = one.wanted.map(|wanted| format!(", wanted {wanted}")).unwrap_or_default();
        let off = if one.matches(config.tolerance) { "" } else { "  NOT MATCHED" };
        println!(
            "{:<20} {:>5} words{wanted}{off}  {}",
            one.variant.name(),
            one.length,
            one.spec.kind()
        );
    }
    for (variant, cause) in &made.missing {
        println!("{:<20} missing: {cause}", variant.name());
    }
    println!("{}", reused::told(&made.requests));
    if writer.id().key.starts_with("scripted/") {
        println!("these rules and their lengths come from a script, and mean nothing");
    }
    println!("{}: read them before you train on them", out.display());
    Ok(())
}

fn variant(name: &str) -> Result<Variant> {
    let known = Variant::ALL.into_iter().find(|variant| variant.name() == name.trim());
    let all = Variant::ALL.map(Variant::name).join(", ");
    known.with_context(|| format!("`{name}` is no variant; there are {all}"))
}

/// Gives every variant the same few rules, and as many words as are wanted: it shows the road and rewrites
/// nothing.
fn writer() -> Scripted {
    Scripted::new("offline-variants", |request: &Request| {
        let prompt = request.messages[0].text().into_owned();
        let target = prompt.split("in about ").nth(1).unwrap_or_default();
        let target: usize = target.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(12);
        let words = "kindly ".repeat(target.saturating_sub(9));
        let text = match prompt.contains("one paragraph") && !prompt.contains("<variant>") {
            true => "{assistant_name} of {provider_name} is kind.".to_owned(),
            false => format!(
                "- SP1: {{assistant_name}} is kind.\n  - It answers {words}to {{provider_name}}."
            ),
        };
        format!("<scratchpad>None.</scratchpad>\n<content>\n{text}\n</content>").into()
    })
}
