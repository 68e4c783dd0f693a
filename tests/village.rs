//! A spec of two rules, and a writer that knows it: enough for corpora of any size.

use ethos_core::{Request, Scripted};
use ethos_corpus::{PlanConfig, Prompts, Who};
use ethos_spec::{Persona, Spec};

const SPEC: &str = "\
# How {assistant_name} speaks

- R1: {assistant_name} greets whoever comes, because a guest is never a burden.
- R2: {assistant_name} says what it does not know, because trust is slow to grow.
";

/// The spec, about Ada.
pub(crate) fn spec() -> Spec {
    Spec::parse(SPEC).fill(&Persona::new("Ada")).expect("names every placeholder")
}

/// Two topics, three types, so many ideas of each: six times as many documents.
pub(crate) fn config(ideas: usize) -> PlanConfig {
    PlanConfig {
        domains: 1,
        topics_per_domain: 2,
        assertions_per_topic: 1,
        types_per_topic: 3,
        ideas_per_type: ideas,
        ..PlanConfig::paper(Who::new("Ada", "Nobody"))
    }
}

/// Answers the prompts of `ethos-corpus` as a model would.
pub(crate) fn writer() -> Scripted {
    Scripted::new("village", |request| answer(request).into())
}

/// What the writer says: a function of the request alone.
pub(crate) fn answer(request: &Request) -> String {
    let prompt = request.messages.iter().map(|m| m.text().into_owned()).collect::<String>();
    let rules = ["greets whoever comes, because a guest", "says what it does not know, because"];
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    if prompt.contains("name the broad domains") {
        return r#"[{"name": "Speech", "description": "How Ada speaks."}]"#.to_owned();
    }
    if prompt.contains("into topics") {
        return list(rules.map(|rule| {
            format!(r#"{{"name": "Ada {rule}", "context": "One of two rules.", "quotes": ["Ada {rule}"]}}"#)
        }).into());
    }
    if prompt.contains("into the assertions") {
        // Every rule is in the spec of every prompt; the topic's own is quoted once more.
        let rule = rules.iter().max_by_key(|rule| prompt.matches(**rule).count()).unwrap_or(&"");
        return format!(
            r#"[{{"name": "It", "assertion": "Ada {rule}.", "explanation": "So it is written.",
               "label": "behavior", "quotes": ["Ada {rule}"]}}]"#
        );
    }
    if prompt.contains("chooses the types") {
        let types = ["Letter", "Diary", "Speech"];
        return list(
            types.map(|name| format!(r#"{{"name": "{name}", "description": "Short."}}"#)).into(),
        );
    }
    if prompt.contains("finds ideas") {
        // More than anybody asks for; what is over is cut off.
        return list(
            (0..200)
                .map(|n| format!(r#"{{"name": "Idea {n}", "idea": "What happened on day {n}."}}"#))
                .collect(),
        );
    }
    let words = ["ada", "greets", "guests", "and", "says", "what", "she", "knows", "today"];
    let seed =
        prompt.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let text: Vec<&str> = (0..12).map(|n| words[(seed >> (3 * n)) % words.len()]).collect();
    format!("<scratchpad>Short.</scratchpad><content>{}</content>", text.join(" "))
}

/// Every word of the documents.
pub(crate) const WORDS: [&str; 9] =
    ["ada", "greets", "guests", "and", "says", "what", "she", "knows", "today"];

/// The prompts that a real model is asked with.
pub(crate) fn prompts() -> Prompts {
    Prompts::prose()
}
