//! A corpus of the paper's shape against an instant model: 26 topics × 20 types × 25 ideas, documents of 12 kB,
//! planned, written, judged, deduplicated and topped up, with coverage page, card and JSONL, the journal on disk.
//!
//! ```text
//! cargo bench -p ethos-corpus --bench corpus          # the whole shape
//! cargo bench -p ethos-corpus --bench corpus -- 2     # with 2 ideas instead of 25
//! ```

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that measures")]

use std::{fmt::Write, fs, time::Instant};

use ethos_core::{Completion, Journal, Request, Scripted, Usage, jsonl};
use ethos_corpus::{
    Assembly, Card, PatternConfig, PlanConfig, Prompts, TokenCounts, Who, WriteConfig, assemble,
    coverage_page, patterns, plan,
};
use ethos_spec::Spec;
use futures::executor::block_on;
use serde_json::{Value, json};

/// Bytes of a document.
const BYTES: usize = 12_000;

fn main() {
    let ideas = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(25);
    let spec = Spec::parse(spec());
    let config = PlanConfig {
        domains: 13,
        topics_per_domain: 2,
        types_per_topic: 20,
        ideas_per_type: ideas,
        ..PlanConfig::paper(Who::new("Aria", "Acme"))
    };
    let (writer, judge) = (writer(), judge());
    let folder = tempfile::tempdir().unwrap();
    println!("{} documents of {BYTES} bytes wanted", config.documents(&spec));
    let began = Instant::now();
    let mut first = None;
    for round in ["asked", "from the journal"] {
        let began = Instant::now();
        let journal = Journal::open(folder.path().join("journal.redb")).unwrap();
        let prompts = Prompts::prose();
        let lap = |what: &str, since: Instant| {
            println!("  {what:<24} {:>6.2} s", since.elapsed().as_secs_f64())
        };
        println!("{round}:");

        let at = Instant::now();
        let (plan, planned) =
            block_on(plan(&spec, &config, &prompts, &writer, &journal, &())).unwrap();
        lap("plan", at);
        let at = Instant::now();
        let assembly =
            Assembly::new(config.clone(), WriteConfig::paper(), prompts).with_judge(&judge);
        let made = block_on(assemble(plan, &spec, &assembly, &writer, &journal, &())).unwrap();
        lap("write, judge, dedup", at);
        let at = Instant::now();
        let documents = &made.corpus.documents;
        let tokens = TokenCounts::of(documents, |text| text.len() / 4);
        let card = Card::new("bench").markdown(&made, &planned, &spec, Some(&tokens));
        fs::write(folder.path().join("README.md"), card).unwrap();
        let mut page = coverage_page("the bench", documents, &spec);
        page.push(tokens.histogram());
        page.write(folder.path().join("coverage.html")).unwrap();
        lap("card and coverage page", at);
        let at = Instant::now();
        let found = patterns(documents, &PatternConfig::default());
        lap("patterns", at);
        let at = Instant::now();
        let path = folder.path().join("corpus.jsonl");
        jsonl::write(&path, documents).unwrap();
        lap("JSONL", at);
        println!("  all                      {:>6.2} s", began.elapsed().as_secs_f64());
        println!(
            "  {} documents in {} rounds, {} fell, {} phrases shared; complete: {}",
            documents.len(),
            made.rounds,
            made.fallen.len(),
            found.phrases.len(),
            made.is_complete()
        );
        let mut hasher = blake3::Hasher::new();
        std::io::copy(&mut fs::File::open(&path).unwrap(), &mut hasher).unwrap();
        let hash = hasher.finalize();
        let expected = *first.get_or_insert(hash);
        assert_eq!(hash, expected, "the same bytes from the journal");
    }
    println!("both: {:.2} s, peak memory {} MB", began.elapsed().as_secs_f64(), peak());
}

/// The most memory that this process has had, in MB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Some 1,500 words, as the paper's specs.
fn spec() -> String {
    let mut text = "# Aria\n\n".to_owned();
    for n in 0..100 {
        let _ = write!(
            text,
            "Aria keeps promise number {n}, because whoever asked for it counts on it ever since. "
        );
        if n % 5 == 4 {
            text.push_str("\n\n");
        }
    }
    text
}

fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

fn writer() -> Scripted {
    Scripted::new("instant", |request: &Request| {
        let prompt = request.messages[0].text();
        let text = if prompt.contains("Write one document about") {
            document(&prompt)
        } else {
            list(&prompt)
        };
        let usage = Usage::new(prompt.len() as u64 / 4, text.len() as u64 / 4);
        Completion::new(text).with_usage(usage)
    })
}

fn list(prompt: &str) -> String {
    let after = prompt.split("Give exactly ").nth(1).unwrap_or_default();
    let wanted: u64 =
        after.split([',', '.']).next().and_then(|n| n.trim().parse().ok()).unwrap_or(1);
    let seed = hash(prompt);
    let item = |n: u64| {
        let rare = seed.wrapping_add(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let quote = format!("Aria keeps promise number {}, because whoever", rare % 100);
        json!({
            "name": format!("Name {rare:x}"), "description": format!("All of {rare:x}."),
            "context": format!("Context {rare:x}."), "idea": format!("An idea of {rare:x}."),
            "assertion": format!("Aria keeps {rare:x}."), "explanation": "It is counted on.",
            "label": "value", "quotes": [quote],
        })
    };
    Value::from((0..wanted).map(item).collect::<Vec<_>>()).to_string()
}

/// One document in two hundred is the same as others.
fn document(prompt: &str) -> String {
    let mut seed = hash(prompt);
    if seed.is_multiple_of(200) {
        seed = 200;
    }
    let mut text = String::with_capacity(BYTES + 200);
    text.push_str("<scratchpad>\nInstant.\n</scratchpad>\n<content>\n");
    while text.len() < BYTES {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let _ = write!(text, "w{} ", (seed >> 33) % 30_000);
    }
    text.push_str("\n</content>");
    text
}

/// Objects to one document in a hundred.
fn judge() -> Scripted {
    Scripted::new("instant-judge", |request: &Request| {
        let faithful =
            if hash(&request.messages[0].text()).is_multiple_of(100) { "no" } else { "yes" };
        format!(
            "So.<quote></quote><faithful>{faithful}</faithful><specific>yes</specific><clean>yes</clean>"
        )
        .into()
    })
}
