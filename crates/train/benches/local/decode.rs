//! Tokens a second, in batches of 1 and 16.

use std::{process::Command, time::Instant};

use ethos_core::{Model, Request, Sampling};
use ethos_train::LocalModel;
use futures::{executor::block_on, future::join_all};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::model::Shape;

const BATCHES: [usize; 2] = [1, 16];
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/local/hf_generate.py");

pub(crate) fn run(shape: &Shape, peer: Option<&str>, rounds: usize) {
    let model = LocalModel::new(shape.checkpoint()).unwrap();
    let (mut ours, mut theirs) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    for _ in 0..rounds {
        for (batch, found) in BATCHES.into_iter().zip(&mut ours) {
            let speed = speed(shape, &model, batch);
            println!("ethos, batch {batch}: {speed:.0} tokens/s");
            found.push(speed);
        }
        if let Some(python) = peer {
            for ((batch, speed), found) in generate(python, shape).into_iter().zip(&mut theirs) {
                println!("transformers, batch {batch}: {speed:.0} tokens/s");
                found.push(speed);
            }
        }
    }
    let [one, many] = ours.map(median);
    println!("\nethos, medians: {one:.0} and {many:.0} tokens/s, {:.1} times as many", many / one);
    if peer.is_some() {
        let theirs = theirs.map(median);
        println!(
            "transformers: {:.0} and {:.0}; ratios {:.2} and {:.2}",
            theirs[0],
            theirs[1],
            one / theirs[0],
            many / theirs[1]
        );
    }
}

/// With the reading of the prompts; as the peer has it, the median of three after one that does not count.
fn speed(shape: &Shape, model: &LocalModel, batch: usize) -> f64 {
    let mut speeds = Vec::new();
    for turn in 0..4 {
        let random = &mut ChaCha8Rng::seed_from_u64(turn);
        let sampling = Sampling {
            temperature: Some(0.0),
            max_tokens: Some(shape.new as u32),
            ..Sampling::default()
        };
        let ask =
            |_| Request::user(shape.words(shape.prompt, random)).with_sampling(sampling.clone());
        let requests: Vec<Request> = (0..batch).map(ask).collect();
        let before = Instant::now();
        let answers = block_on(join_all(requests.iter().map(|request| model.complete(request))));
        let took = before.elapsed().as_secs_f64();
        let tokens: u64 = answers.into_iter().map(|answer| answer.unwrap().usage.output).sum();
        assert_eq!(tokens, (batch * shape.new) as u64, "an answer ended before its time");
        speeds.push(tokens as f64 / took);
    }
    median(speeds.split_off(1))
}

/// Batches and tokens a second of `generate`.
fn generate(python: &str, shape: &Shape) -> Vec<(u64, f64)> {
    let numbers = [
        ("--vocab", shape.vocab),
        ("--width", shape.width),
        ("--ffn", shape.ffn),
        ("--layers", shape.layers),
        ("--heads", shape.heads),
        ("--kv-heads", shape.kv_heads),
        ("--prompt", shape.prompt),
        ("--new", shape.new),
    ];
    let mut command = Command::new(python);
    command.arg(SCRIPT);
    for (name, number) in numbers {
        command.args([name, &number.to_string()]);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(lines.len(), BATCHES.len(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let number = |line: &Value, name: &str| line[name].as_f64().unwrap();
    lines.iter().map(|line| (number(line, "batch") as u64, number(line, "tokens_per_s"))).collect()
}

fn median(mut speeds: Vec<f64>) -> f64 {
    speeds.sort_by(f64::total_cmp);
    // Of an even number the mean of the two in the middle.
    (speeds[(speeds.len() - 1) / 2] + speeds[speeds.len() / 2]) / 2.0
}
