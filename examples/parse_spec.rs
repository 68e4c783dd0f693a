//! Reads a Model Spec and shows what ethos sees in it: outline, rules, kind, and what to mend.
//!
//! ```text
//! cargo run --release --example parse_spec -- docs/specs/cheese-unexplained.md
//! ```
//!
//! Ends with an error when a diagnostic is one.

#![allow(clippy::print_stdout)] // a program speaks to its user

#[path = "help.rs"]
mod help;

use anyhow::{Context, Result, ensure};
use ethos_spec::{Diagnostic, Severity, Spec};
use miette::{GraphicalReportHandler, LabeledSpan, MietteDiagnostic, NamedSource, Report};

fn main() -> Result<()> {
    if help::shown(include_str!("parse_spec.rs")) {
        return Ok(());
    }
    let path = std::env::args().nth(1).context("which spec? give the path of a Markdown file")?;
    let spec = Spec::read(&path)?;

    println!("{}: {}\n", spec.title().unwrap_or(&path), spec.shape());
    for (depth, section) in spec.walk() {
        let words = spec.body(section).split_whitespace().count();
        println!("{:indent$}{} ({words} words)", "", section.title, indent = 2 * depth);
    }

    println!();
    for rule in spec.rules() {
        let demand: String = spec.slice(rule.text).split_whitespace().collect::<Vec<_>>().join(" ");
        let why = match rule.reasons.as_slice() {
            [] => "",
            _ => " (says why)",
        };
        let nested = if rule.parent.is_some() { "  " } else { "" };
        println!("{nested}{}{why}: {demand}", rule.id);
    }

    let names: std::collections::BTreeSet<_> =
        spec.placeholders().iter().map(|placeholder| placeholder.name.as_str()).collect();
    println!("\nplaceholders: {}\n", Vec::from_iter(names).join(", "));

    // miette draws the lines of the source; the handler keeps that in this program's hands.
    let handler = GraphicalReportHandler::new();
    for found in spec.diagnostics() {
        let report = Report::new(drawn(found))
            .with_source_code(NamedSource::new(&path, spec.text().to_owned()));
        let mut text = String::new();
        handler.render_report(&mut text, report.as_ref())?;
        println!("{text}");
    }
    let errors = spec.diagnostics().iter().filter(|d| d.severity == Severity::Error).count();
    ensure!(errors == 0, "{path}: {errors} errors");
    Ok(())
}

fn drawn(found: &Diagnostic) -> MietteDiagnostic {
    let severity = match found.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
        Severity::Note => miette::Severity::Advice,
    };
    MietteDiagnostic::new(&found.message)
        .with_severity(severity)
        .with_help(&found.advice)
        .with_label(LabeledSpan::at(found.span.range(), "here"))
}
