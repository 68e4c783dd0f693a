//! The peer's: `torch_train.py`, which stands beside this file.

use std::process::Command;

use ethos_train::DeviceSpec;
use serde_json::Value;

use crate::shape::Shape;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/compare/torch_train.py");

/// Trains the same with PyTorch.
pub(crate) fn train(python: &str, shape: &Shape) -> Value {
    let output = Command::new(python).arg(SCRIPT).args(arguments(shape)).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(said.trim().lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
}

/// What its command line says of a shape.
fn arguments(shape: &Shape) -> Vec<String> {
    let numbers = [
        ("--vocab", shape.vocab),
        ("--width", shape.width),
        ("--ffn", shape.ffn),
        ("--layers", shape.layers),
        ("--heads", shape.heads),
        ("--kv-heads", shape.kv_heads),
        ("--seq", shape.seq),
        ("--batch", shape.batch),
        ("--lora-rank", shape.lora_rank),
        ("--steps", shape.steps),
        ("--warmup", shape.warmup),
    ];
    let mut arguments: Vec<String> = numbers
        .into_iter()
        .flat_map(|(name, number)| [name.to_owned(), number.to_string()])
        .collect();
    let mut add = |when: bool, words: &[&str]| {
        arguments.extend(words.iter().filter(|_| when).map(|word| (*word).to_owned()));
    };
    let cuda = matches!(shape.device, DeviceSpec::Cuda(_) | DeviceSpec::LibTorchCuda(_));
    add(cuda, &["--device", "cuda"]);
    add(shape.bf16, &["--dtype", "bf16"]);
    // What is trained is held in f32 here, too.
    add(shape.bf16 && shape.lora_rank == 0, &["--autocast"]);
    add(shape.recompute, &["--checkpoint"]);
    add(shape.tied, &["--tied"]);
    arguments
}
