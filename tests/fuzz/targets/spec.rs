//! Any text parses, and what holds for every spec holds for it.

#![no_main]

#[path = "../../../crates/spec/tests/spec/invariants.rs"]
mod invariants;

use ethos_spec::{Persona, Spec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    invariants::check(text);
    let spec = Spec::parse(text);
    let names = spec.placeholders().iter().map(|placeholder| placeholder.name.clone());
    let persona = names.fold(Persona::new("Aria"), |persona, name| persona.with(name, "Bo"));
    if let Ok(filled) = spec.fill(&persona) {
        assert!(filled.placeholders().is_empty());
        invariants::check(filled.text());
    }
    if let Some(&sentence) = spec.sentences().first() {
        let quote = spec.slice(sentence);
        assert!(spec.find_quote(quote).is_some(), "{quote:?} is a quote");
    }
});
