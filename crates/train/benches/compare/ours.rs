//! Ours: the trainer as a program uses it.

use std::{env, fs, process::Command, time::Instant};

use ethos_train::{Device, Overlong, Row, Trainer, Transformer, pack};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::shape::Shape;

/// Batches that take turns.
const BATCHES: usize = 4;

/// Trains in a process of its own, so that memory is what this shape takes.
pub(crate) fn in_process(given: &[String]) -> Value {
    let output = Command::new(env::current_exe().unwrap()).arg("--alone").args(given).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(said.trim().lines().last().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Trains here.
pub(crate) fn train(shape: &Shape) -> Value {
    let began = Instant::now();
    let device = shape.device.open().unwrap();
    let model = Transformer::init(shape.transformer(), 0, &device).unwrap();
    let parameters = model.parameters();
    let steps = shape.warmup + shape.steps;
    let mut trainer = Trainer::new(model, shape.fit(), steps).unwrap();
    device.sync().unwrap();
    let made_s = began.elapsed().as_secs_f64();

    let mut random = ChaCha8Rng::seed_from_u64(1);
    let rows: Vec<Row> = (0..BATCHES * shape.batch)
        .map(|_| {
            // One more than is read: the last is a target only.
            let ids = (0..=shape.seq).map(|_| random.random_range(0..shape.vocab as u32));
            Row::learning_all(ids.collect())
        })
        .collect();
    let packed = pack(&rows, shape.seq, Overlong::Cut).unwrap();
    assert_eq!(packed.len(), BATCHES * shape.batch);
    let (mut times, mut losses, mut warmup_s, mut memory) = (Vec::new(), Vec::new(), 0.0, 0);
    for step in 0..steps {
        let first = step % BATCHES * shape.batch;
        let numbers: Vec<usize> = (first..first + shape.batch).collect();
        let before = Instant::now();
        let done = trainer.step(&packed.batch(&numbers).unwrap()).unwrap();
        device.sync().unwrap();
        let took = before.elapsed().as_secs_f64();
        memory = memory.max(in_use(&device));
        eprintln!("step {step}: {:.0} ms, loss {:.4}", 1e3 * took, done.loss);
        match step < shape.warmup {
            true => warmup_s += took,
            false => {
                times.push(took);
                losses.push(done.loss);
            }
        }
    }
    times.sort_by(f64::total_cmp);
    let (median, tokens) = (times[times.len() / 2], shape.tokens() as f64);
    let achieved = shape.flops_per_token() * tokens / median;
    json!({
        "tokens_per_s": tokens / median,
        "median_step_ms": 1e3 * median,
        "min_step_ms": 1e3 * times[0],
        "p90_step_ms": 1e3 * times[times.len() * 9 / 10],
        "peak_mem_bytes": memory,
        "parameters": parameters,
        "flops_per_token": shape.flops_per_token(),
        "achieved_tflops": achieved / 1e12,
        "first_loss": losses.first(),
        "final_loss": losses.last(),
        "made_s": made_s,
        "warmup_s": warmup_s,
        "device": shape.device.to_string(),
    })
}

/// On a GPU what the pool has taken of it so far, which does not shrink; else the process' peak.
fn in_use(device: &Device) -> u64 {
    if let Some(pool) = device.memory_pool_usage() {
        return pool.bytes_reserved;
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) * 1024
}
