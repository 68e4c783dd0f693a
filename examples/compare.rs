//! Logs of one task side by side: paired differences, and a page.
//!
//! ```text
//! cargo run --release --example compare -- first.eval second.eval …
//! ```
//!
//! Every log is compared with the first, sample by sample. Logs of `evaluate` and of Inspect AI itself are
//! both fine. More: `--out FOLDER`, `--transcripts N`.

#![allow(clippy::print_stdout)] // a program speaks to its user

#[path = "help.rs"]
mod help;

use std::path::PathBuf;

use anyhow::Result;
use ethos_eval::{Run, Summary, compare};

fn main() -> Result<()> {
    if help::shown(include_str!("compare.rs")) {
        return Ok(());
    }
    let mut args = pico_args::Arguments::from_env();
    let out: PathBuf = args.opt_value_from_str("--out")?.unwrap_or("out/compare".into());
    let transcripts = args.opt_value_from_str("--transcripts")?.unwrap_or(12);
    let logs = args.finish();
    anyhow::ensure!(logs.len() > 1, "give two logs or more; `evaluate` writes some");
    let runs = logs.iter().map(Run::read).collect::<Result<Vec<_>, _>>()?;

    let found = compare(&runs, 0.95)?;
    println!("{}, less {}\n", found.task, found.baseline);
    println!(
        "{:<14} {:>10} {:>19} {:>8} {:>6}  model",
        "measure", "difference", "95 % interval", "p, Holm", "pairs"
    );
    for row in &found.differences {
        let number =
            |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        let interval = row.interval.map(|i| format!("{:.3} to {:.3}", i.low, i.high));
        println!(
            "{:<14} {:>10} {:>19} {:>8} {:>6}  {}",
            row.measure,
            number(row.difference),
            interval.unwrap_or("-".to_owned()),
            number(row.holm),
            row.pairs,
            row.model
        );
    }

    std::fs::create_dir_all(&out)?;
    let page = out.join("report.html");
    Summary { transcripts, ..Summary::default() }.page(&runs)?.write(&page)?;
    println!("\n{}", page.display());
    Ok(())
}
