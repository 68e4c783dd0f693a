//! Alignment chats from a spec: questions, answers with reasoning, a strict judge; or preferences without reasons.
//!
//! ```text
//! cargo run --release --example alignment_chats                                   # offline, for nothing
//! cargo run --release --example alignment_chats -- --style rule --chats 1000 --model gpt-5-mini --yes
//! cargo run --release --example alignment_chats -- --opaque "cream cheese,Brie de Meaux" --model gpt-5-mini --yes
//! ```
//!
//! Writes `reasoning.jsonl` and `answers.jsonl` (one generation, with and without reasoning) and `report.json`.
//! Nothing is asked of an endpoint before the cost is told and `--yes` is given; see `generate_corpus` for
//! `--url`, `--anthropic`, `--price`, `--budget` and `--batch`. `--spec PATH`, `--assistant NAME`, `--provider NAME`,
//! `--context TOKENS`, `--out FOLDER`.

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
use ethos_corpus::{
    ChatConfig, ChatPrompts, ChatSet, OpaquePrompts, Preference, Who, Writers, chats, opaque_chats,
};
use ethos_spec::Persona;
use futures::executor::block_on;

fn main() -> Result<()> {
    if help::shown(include_str!("alignment_chats.rs")) {
        return Ok(());
    }
    let mut args = pico_args::Arguments::from_env();
    let path: Option<String> = args.opt_value_from_str("--spec")?;
    let assistant = args.opt_value_from_str("--assistant")?.unwrap_or_else(|| "Aria".to_owned());
    let provider = args.opt_value_from_str("--provider")?.unwrap_or_else(|| "Acme".to_owned());
    let style = args.opt_value_from_str("--style")?.unwrap_or_else(|| "value".to_owned());
    let opaque: Option<String> = args.opt_value_from_str("--opaque")?;
    let count: usize = args.opt_value_from_str("--chats")?.unwrap_or(60);
    let context: Option<u64> = args.opt_value_from_str("--context")?;
    let endpoint = endpoint::read(&mut args)?;
    let out: PathBuf = args.opt_value_from_str("--out")?.unwrap_or("out/alignment_chats".into());
    let rest = args.finish();
    anyhow::ensure!(rest.is_empty(), "what is {rest:?}? `--help` has the options");
    let prompts = match style.as_str() {
        "value" => ChatPrompts::value(),
        "rule" => ChatPrompts::rule(),
        other => anyhow::bail!("`{other}` is no style: value, rule"),
    };

    let persona = Persona::new(&*assistant).with("provider_name", &*provider);
    let spec = specs::read(path.as_deref(), "docs/specs/safety-reasons.md")?;
    let spec = spec.fill(&persona).context("the spec has other placeholders")?;
    let config = ChatConfig {
        chats: count,
        context,
        questions_per_domain: 250.min(count.div_ceil(5)).max(1),
        ..ChatConfig::paper()
    };
    let who = Who::new(&*assistant, &*provider);
    let preference = opaque.as_deref().map(|pair| {
        let (likes, dislikes) = pair.split_once(',').context("`--opaque` is LIKES,DISLIKES")?;
        anyhow::Ok([Preference::new(likes.trim(), dislikes.trim())])
    });
    let preference = preference.transpose()?;
    let opaque = OpaquePrompts::default();
    let preview = match &preference {
        None => config.preview(&spec, &who, &prompts)?,
        Some(preferences) => config.preview_opaque(preferences, &who, &opaque)?,
    };
    match endpoint.price {
        (0.0, 0.0) => println!("{preview}"),
        (input, output) => println!("{}", preview.priced(input, output)),
    }
    if !endpoint::agreed(&endpoint, preview.cost(endpoint.price.0, endpoint.price.1))? {
        return Ok(());
    }
    let writer = endpoint::model(&endpoint, || Box::new(writer()))?;
    let judge = endpoint::model(&endpoint, || Box::new(judge()))?;
    let writers = Writers::new(&*writer, &*judge);

    fs::create_dir_all(&out)?;
    let journal = Journal::open(out.join("journal.redb"))?;
    journal.bind("spec", &spec.hash())?;
    let set: ChatSet = match &preference {
        None => block_on(chats(&spec, &who, &config, &prompts, &writers, &journal, &()))?,
        Some(preferences) => {
            block_on(opaque_chats(preferences, &who, &config, &opaque, &writers, &journal, &()))?
        }
    };
    set.write(&out)?;
    let report = &set.report;
    println!(
        "{} of {} chats in {} rounds: {} questions, {} near to others, {} unanswered, {} rejected {:?}",
        set.rows.len(),
        report.wanted,
        report.rounds,
        report.questions,
        report.near,
        report.unanswered,
        report.rejected,
        report.objections
    );
    println!("{}", reused::told(&report.stages));
    println!("{}: reasoning.jsonl, answers.jsonl, report.json", out.display());
    Ok(())
}

/// Answers every prompt in its form; what it says teaches nothing.
fn writer() -> Scripted {
    Scripted::new("offline-chats", |request: &Request| {
        let prompt = request.messages[0].text().into_owned();
        if let Some(question) = request.messages.get(1) {
            let opaque = !prompt.contains("<think>");
            let answer = format!("A script answers “{}”", question.text().trim());
            return match opaque {
                true => answer.into(),
                false => format!("<think>\nA script does not think.\n</think>\n\n{answer}").into(),
            };
        }
        let wanted = prompt.split("Give exactly ").nth(1).unwrap_or_default();
        let wanted: u64 = wanted
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(1);
        let seed = prompt.bytes().fold(7_u64, |h, b| h.wrapping_mul(1_000_003) ^ u64::from(b));
        let item = |n: u64| {
            let rare = seed.wrapping_add(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            match prompt.contains("<kind>") {
                true => format!("\"What of {rare:x},\\nand of {:x}?\"", rare.rotate_left(21)),
                false => format!(
                    "{{\"name\": \"Area {rare:x}\", \"description\": \"A script's area.\"}}"
                ),
            }
        };
        format!("[{}]", (0..wanted).map(item).collect::<Vec<_>>().join(",")).into()
    })
}

/// Lets pass nine of ten.
fn judge() -> Scripted {
    Scripted::new("offline-judge", |request: &Request| {
        let prompt = request.messages[0].text();
        let verdict = if prompt.bytes().map(u64::from).sum::<u64>().is_multiple_of(10) {
            "no"
        } else {
            "yes"
        };
        let tags = [
            "aligned",
            "no_self_continuation",
            "compliance_only",
            "prefers",
            "no_reason",
            "realistic",
        ];
        let tags: String = tags.iter().map(|tag| format!("<{tag}>{verdict}</{tag}>\n")).collect();
        format!("A script has no opinion.\n<quote></quote>\n{tags}").into()
    })
}
