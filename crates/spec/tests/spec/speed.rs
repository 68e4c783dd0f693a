//! How fast a megabyte is read. Figures are printed with `--nocapture`; the limit holds in release,
//! on a machine that does nothing else.

use std::time::{Duration, Instant};

use ethos_spec::Spec;
use pulldown_cmark::{Options, Parser};

const MEGABYTE: usize = 1 << 20;

fn check(name: &str, piece: impl Fn(usize) -> String) {
    let mut text = String::new();
    for i in 0.. {
        if text.len() >= MEGABYTE {
            break;
        }
        text += &piece(i);
    }
    let best = |f: &dyn Fn() -> usize| {
        let runs = (0..5).map(|_| {
            let start = Instant::now();
            std::hint::black_box(f());
            start.elapsed()
        });
        runs.min().unwrap()
    };
    let ours = best(&|| Spec::parse(text.clone()).sentences().len());
    // As the scan sets them.
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let bare = best(&|| Parser::new_ext(&text, options).into_offset_iter().count());
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    println!("{name}: {ours:?}, pulldown-cmark alone {bare:?}, ratio {ratio:.2}");
    if !cfg!(debug_assertions) {
        assert!(ours < Duration::from_millis(50), "{name}: {ours:?}");
    }
}

#[test]
fn a_megabyte() {
    let spec = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs/specs/cheese-homeland.md"),
    )
    .unwrap();
    check("the cheese spec over and over", |_| spec.clone());
    check("rules", |i| format!("- A{}: Do {i}, because A{} says so.\n", i % 9999, i % 77));
    check("one paragraph", |i| format!("Sentence {i} says {{name}} and no more. "));
    check("headings", |i| format!("{} Title {i}\n\nIt acts.\n\n", "#".repeat(1 + i % 6)));
}
