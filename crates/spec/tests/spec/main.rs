//! What the crate promises, from outside: `specs`, the specs of docs/specs; `awkward`, inputs nobody
//! would write on purpose; `properties` and `invariants`, what holds for every text; `speed`, in
//! release only.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests")]

use std::fmt::Write;

use ethos_spec::Spec;

mod awkward;
mod invariants;
mod properties;
mod specs;
mod speed;

/// A spec as a table of what was found: sections, rules, references, diagnostics.
fn render(spec: &Spec) -> String {
    let mut out = String::new();
    let front = spec.slice(spec.front_matter());
    if !front.is_empty() {
        writeln!(out, "front {front:?}").unwrap();
    }
    for (depth, section) in spec.walk() {
        let body = section.body.len();
        let title = &section.title;
        writeln!(out, "{}{} {title:?} {body}", "  ".repeat(depth), section.level).unwrap();
    }
    for rule in spec.rules() {
        let nested = if rule.parent.is_some() { "  " } else { "" };
        let reason = if rule.has_reason() { ", reasoned" } else { "" };
        let text = spec.slice(rule.text);
        writeln!(out, "{nested}{} ({:?}{reason}) {text:?}", rule.id, rule.form).unwrap();
        for &part in &rule.parts {
            writeln!(out, "{nested}  part {:?}", spec.slice(part)).unwrap();
        }
    }
    for reference in spec.references() {
        writeln!(out, "see {} at {}", reference.id, spec.position(reference.span.start)).unwrap();
    }
    for diagnostic in spec.diagnostics() {
        let message = diagnostic.to_string();
        writeln!(out, "{}", message.lines().next().unwrap()).unwrap();
    }
    writeln!(out, "= {}", spec.shape()).unwrap();
    out
}
