//! Training speed beside PyTorch's, of the same transformer in the same minutes.
//!
//! ```text
//! cargo bench -p ethos-train --bench compare -- --preset 7m                        # ours, on the CPU
//! cargo bench -p ethos-train --bench compare -- --preset 7m --peer python3         # and PyTorch's, in turn
//! cargo bench -p ethos-train --bench compare --features libtorch -- --preset 30m --device libtorch --peer python3
//! cargo bench -p ethos-train --bench compare --features cuda -- --preset qwen2.5-0.5b --device cuda:0 --peer python3
//! ```
//!
//! Presets: `7m`, `30m`, `lora-100m`, `qwen2.5-0.5b`, `qwen2.5-7b`; `--vocab --width --ffn --layers --heads --kv-heads
//! --seq --batch --lora-rank` change them. `--dtype bf16` computes in bf16, with what is trained held in f32.
//! `--recompute` computes activations twice, on both sides. `--steps N --warmup N`, `--rounds N` of both in turn.
//!
//! Random weights and tokens; every token carries loss; AdamW with a clipped norm, as in `torch_train.py`, which is the
//! peer: a plain PyTorch program with fused attention (SDPA). Each side is a process of its own, which prints one line
//! of JSON; the ratio is of median steps. `--alone` trains ours in this process and tells of every step.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used)]

// What is trained.
mod shape;

// The two sides.
mod ours;
mod peer;

use serde_json::Value;

use crate::shape::Shape;

// As a program that trains would have it, see docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // cargo passes `--bench`, and whatever the user adds.
    let mut args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let alone = flag(&mut args, "--alone");
    let peer = option(&mut args, "--peer");
    let rounds: usize = option(&mut args, "--rounds").map_or(1, |n| n.parse().unwrap());
    let given = args.clone();
    let shape = Shape::read(&mut args);
    assert!(args.is_empty(), "what is {args:?}? the top of this bench has the options");
    if alone {
        println!("{}", ours::train(&shape));
        return;
    }
    let Some(python) = peer else {
        println!("{}", ours::in_process(&given));
        return;
    };
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let (ours, theirs) = (ours::in_process(&given), peer::train(&python, &shape));
        println!("ethos   {ours}\npytorch {theirs}");
        let speed = |side: &Value| side["tokens_per_s"].as_f64().unwrap_or(f64::NAN);
        let memory = |side: &Value| side["peak_mem_bytes"].as_f64().unwrap_or(f64::NAN);
        println!(
            "{:.0} against {:.0} tokens/s: {:.2} of PyTorch's speed, {:.2} of its memory",
            speed(&ours),
            speed(&theirs),
            speed(&ours) / speed(&theirs),
            memory(&ours) / memory(&theirs)
        );
        ratios.push(speed(&ours) / speed(&theirs));
    }
    ratios.sort_by(f64::total_cmp);
    // Of an even number the mean of the two in the middle.
    let median = (ratios[(ratios.len() - 1) / 2] + ratios[ratios.len() / 2]) / 2.0;
    println!("median ratio of {} rounds: {median:.2}", ratios.len());
}

/// Takes a flag out of the arguments.
fn flag(args: &mut Vec<String>, name: &str) -> bool {
    let at = args.iter().position(|arg| arg == name);
    at.inspect(|at| drop(args.remove(*at))).is_some()
}

/// Takes an option and its value out of the arguments.
fn option(args: &mut Vec<String>, name: &str) -> Option<String> {
    let at = args.iter().position(|arg| arg == name)?;
    args.remove(at);
    assert!(at < args.len(), "`{name}` lacks its value");
    Some(args.remove(at))
}
