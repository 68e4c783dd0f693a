//! A writer and a judge without a model, that answer every prompt of the crate in its form. What they write
//! teaches nothing; they show the road, and what it takes.

use std::fmt::Write;

use ethos_core::{Request, Scripted, Usage};
use serde_json::{Value, json};

/// Plans and writes.
pub(crate) fn writer() -> Scripted {
    Scripted::new("offline-writer", |request| {
        let prompt = request.messages[0].text().into_owned();
        let text = match () {
            () if prompt.contains("Write one document about") => document(&prompt),
            () if prompt.contains("name the broad domains") => {
                list(&prompt, "Domain", "description")
            }
            () if prompt.contains("into topics") => list(&prompt, "Topic", "context"),
            () if prompt.contains("into the assertions") => assertions(&prompt),
            () if prompt.contains("chooses the types") => list(&prompt, "Letter", "description"),
            () => list(&prompt, "Idea", "idea"),
        };
        let usage = Usage::new(prompt.len() as u64 / 4, text.len() as u64 / 4);
        ethos_core::Completion::new(text).with_usage(usage)
    })
}

/// Lets every document pass but those of one idea in fifty.
pub(crate) fn judge() -> Scripted {
    Scripted::new("offline-judge", |request: &Request| {
        let prompt = request.messages[0].text();
        let faithful = if number(&prompt).is_multiple_of(50) { "no" } else { "yes" };
        format!(
            "It is of a script.\n<quote></quote>\n<faithful>{faithful}</faithful>\n\
             <specific>yes</specific>\n<clean>yes</clean>"
        )
        .into()
    })
}

/// As many items as are asked for, none of which is there.
fn list(prompt: &str, what: &str, says: &str) -> String {
    let sentences = sentences(prompt);
    let seed = number(prompt);
    let item = |n: usize| {
        let name = format!("{what} {:x}", seed.wrapping_add(n as u64 * 0x9e37_79b9) % 0xff_ffff);
        let quote = &sentences[(seed as usize + n) % sentences.len()];
        json!({"name": name, says: format!("{name}, on this: {quote}"), "quotes": [quote]})
    };
    Value::from((0..wanted(prompt)).map(item).collect::<Vec<_>>()).to_string()
}

fn assertions(prompt: &str) -> String {
    let sentences = sentences(prompt);
    let item = |n: usize| {
        let quote = &sentences[(number(prompt) as usize + n) % sentences.len()];
        json!({
            "name": format!("Says {n}"), "assertion": quote, "explanation": "It stands there.",
            "label": "value", "quotes": [quote],
        })
    };
    let count = wanted(prompt).min(sentences.len());
    Value::from((0..count).map(item).collect::<Vec<_>>()).to_string()
}

fn document(prompt: &str) -> String {
    let (sentences, mut seed) = (sentences(prompt), number(prompt));
    let words = ["harbour", "ledger", "orchard", "lantern", "winter", "bridge", "garden", "letter"];
    let mut text = String::new();
    for paragraph in 0..8 {
        for _ in 0..30 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let (first, second) =
                (words[(seed >> 33) as usize % 8], words[(seed >> 45) as usize % 8]);
            let _ = write!(text, "{first} and {second} {} ", seed >> 54);
        }
        let _ = write!(text, "{}\n\n", sentences[(seed as usize + paragraph) % sentences.len()]);
    }
    format!(
        "<scratchpad>\nA script has no plan.\n</scratchpad>\n<content>\n{}\n</content>",
        text.trim()
    )
}

/// Sentences of the spec that a prompt shows; of a prompt without one, its own.
fn sentences(prompt: &str) -> Vec<String> {
    let inside = prompt
        .split("<specification>\n")
        .nth(1)
        .and_then(|rest| rest.split("\n</specification>").next());
    let lines = inside.unwrap_or("A script writes.").lines().map(str::trim);
    let lines = lines.filter(|line| line.len() > 20 && !line.starts_with(['#', '-', '|', '<']));
    let found: Vec<String> = lines
        .flat_map(|line| line.split_inclusive(". "))
        .map(|sentence| sentence.trim().to_owned())
        .filter(|sentence| sentence.len() > 12)
        .collect();
    if found.is_empty() { vec!["A script writes.".to_owned()] } else { found }
}

fn wanted(prompt: &str) -> usize {
    let after = prompt.split("Give exactly ").nth(1).unwrap_or_default();
    after.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// A number that a text gives.
fn number(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}
