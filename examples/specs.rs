//! A spec from its file, and what is to be mended in it: shared by the examples that write from one.

use std::path::Path;

use anyhow::{Result, ensure};
use ethos_spec::{Code, Diagnostic, Severity, Spec};

/// The most errors that are printed.
const SHOWN: usize = 8;

/// Reads the spec that is named, or else the usual one; prints its shape and what is wrong with it, before anybody pays
/// for what is made of it.
pub(crate) fn read(named: Option<&str>, usual: &str) -> Result<Spec> {
    ensure!(
        named.is_some() || Path::new(usual).exists(),
        "there is no `{usual}` here: run from the repository's root, or give `--spec PATH`"
    );
    let path = named.unwrap_or(usual);
    let spec = Spec::read(path)?;
    println!("{path}: {}", spec.shape());

    // Names that are to be filled in are what a persona is for, and nothing to mend.
    let found: Vec<&Diagnostic> =
        spec.diagnostics().iter().filter(|one| one.code != Code::Placeholder).collect();
    let of = |severity| found.iter().filter(move |one| one.severity == severity);
    let count = |severity| of(severity).count();
    if !found.is_empty() {
        println!(
            "what is to be mended in it: errors {}, warnings {}, notes {}; \
             `cargo run --example parse_spec -- {path}` shows all",
            count(Severity::Error),
            count(Severity::Warning),
            count(Severity::Note)
        );
    }
    for Diagnostic { at, severity, message, .. } in of(Severity::Error).take(SHOWN) {
        println!("  {path}:{at}: {severity}: {message}");
    }
    if count(Severity::Error) > SHOWN {
        println!("  … and more errors: {}", count(Severity::Error) - SHOWN);
    }
    println!();
    Ok(spec)
}
