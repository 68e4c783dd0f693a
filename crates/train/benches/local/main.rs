//! A local model answering: how fast it decodes, and what questions about one transcript cost.
//!
//! ```text
//! cargo bench -p ethos-train --bench local -- decode                      # batches of 1 and 16
//! cargo bench -p ethos-train --bench local -- decode --peer python3       # and transformers' generate, in turn
//! cargo bench -p ethos-train --bench local -- interrogate                 # 150 turns, 8 + 4 × 10 questions
//! ```
//!
//! Random weights. `decode` has the shape of a small Qwen2 (5.6 million parameters) and answers greedily, as
//! `hf_generate.py`, which is the peer and needs the package `transformers`; `--width --ffn --layers --heads
//! --kv-heads --vocab --prompt --new` change both sides. `--device D`, `--rounds N`.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod decode;
mod interrogate;
mod model;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // cargo passes `--bench`, and whatever the user adds.
    let mut args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let what = if args.is_empty() { String::new() } else { args.remove(0) };
    let peer = option(&mut args, "--peer");
    let rounds: usize = option(&mut args, "--rounds").map_or(3, |n| n.parse().unwrap());
    let shape = model::Shape::read(&mut args, &what);
    assert!(args.is_empty(), "what is {args:?}? the top of this bench has the options");
    match what.as_str() {
        "decode" => decode::run(&shape, peer.as_deref(), rounds),
        "interrogate" => interrogate::run(&shape),
        _ => panic!("`decode` or `interrogate`?"),
    }
}

/// Takes an option and its value out of the arguments.
fn option(args: &mut Vec<String>, name: &str) -> Option<String> {
    let at = args.iter().position(|arg| arg == name)?;
    args.remove(at);
    assert!(at < args.len(), "`{name}` lacks its value");
    Some(args.remove(at))
}
