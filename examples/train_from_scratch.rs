//! Trains a language model from nothing: texts → tokenizer → rows on disk → transformer → a sample.
//!
//! ```text
//! cargo run --release --example train_from_scratch                       # the specs in docs/, on a CPU
//! cargo run --release --example train_from_scratch -- texts/*.txt --steps 2000
//! cargo run --release --example train_from_scratch --features cuda -- --device cuda:0 texts/*.txt
//! ```
//!
//! Takes two minutes on a laptop and prints what a small model makes of a few pages: words, and hardly
//! sentences. The folder `out/train_from_scratch` then holds a checkpoint that `transformers` loads, and
//! the run's metrics. Stop it whenever you like; the same command goes on.

#![allow(clippy::print_stdout)] // a program speaks to its user

#[path = "help.rs"]
mod help;

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use ethos_core::{Model, Request, Sampling};
use ethos_train::{
    BatchSize, ChatTemplate, Checkpoint, DeviceSpec, FitConfig, FitProgress, LocalModel, RowFile,
    Rows, Tokenizer, Transformer, TransformerConfig, fit,
};
use futures::executor::block_on;

/// Keeps the pages of large tensors, which the system's allocator gives back after every use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    if help::shown(include_str!("train_from_scratch.rs")) {
        return Ok(());
    }
    let mut args = pico_args::Arguments::from_env();
    let steps = args.opt_value_from_str("--steps")?.unwrap_or(200);
    let device = args.opt_value_from_str("--device")?.unwrap_or(DeviceSpec::Flex).open()?;
    let rest = args.finish();
    if let Some(option) = rest.iter().find(|given| given.to_string_lossy().starts_with('-')) {
        bail!("what is {option:?}? `--help` has the options");
    }
    let mut paths: Vec<_> = rest.into_iter().map(std::path::PathBuf::from).collect();
    if paths.is_empty() {
        let specs = fs::read_dir("docs/specs").context(
            "there is no `docs/specs` here: run from the repository's root, or give paths of texts",
        )?;
        paths = specs.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        paths.sort();
    }
    let read = |path| fs::read_to_string(path).with_context(|| format!("cannot read {path:?}"));
    let texts = paths.iter().map(read).collect::<Result<Vec<_>>>()?;
    let out = Path::new("out/train_from_scratch");

    // A byte-level tokenizer of these texts; what it has never seen it spells in bytes.
    let tokenizer = Tokenizer::train(&texts, 2048, ["<|end|>"])?;

    // A paragraph is a document. Rows are tokenised on all cores and stay on disk.
    let paragraphs =
        texts.iter().flat_map(|text| text.split("\n\n")).map(Ok::<_, ethos_train::Error>);
    let rows =
        RowFile::write(out.join("rows"), "", paragraphs, |text| tokenizer.document(text), &())?;
    ensure!(rows.len() > 0, "there is nothing to learn from in {paths:?}");
    let tokens: usize = (0..rows.len()).map(|row| rows.tokens(row)).sum();

    let shape = TransformerConfig {
        num_hidden_layers: 3,
        max_position_embeddings: 256,
        tie_word_embeddings: true,
        ..TransformerConfig::small(tokenizer.len())
    };
    println!(
        "{} paragraphs, {tokens} tokens; a model of {:.1} M parameters",
        rows.len(),
        shape.parameters() as f64 / 1e6
    );
    let model = Transformer::init(shape, 0, &device)?;
    let config = FitConfig {
        lora: None, // all parameters: there is nothing yet to stand beside
        steps: Some(steps),
        batch: BatchSize::Sequences(8),
        sequence: 128,
        learning_rate: 2e-3,
        recompute: false,
        ..FitConfig::midtrain()
    };
    let watch = |at: &FitProgress| {
        if at.step.step.is_multiple_of(20) || at.step.step + 1 == at.step.steps {
            println!(
                "step {:>5}  loss {:.3}  {:>6.0} tokens/s  {:>4.0} s left",
                at.step.step, at.step.loss, at.tokens_per_second, at.seconds_left
            );
        }
    };
    let model = fit(model, &rows, &config, Some(&out.join("run")), &watch)?;

    // A base model goes on with whatever it is given: its template is the text itself, message after message.
    let template = ChatTemplate::new(
        "{% for message in messages %}{{ message.content }}{% if not loop.last %}{{ '\n\n' }}{% endif %}{% endfor %}",
    )?;
    let checkpoint = Checkpoint { model, tokenizer, template };
    checkpoint.save(out.join("model"))?;
    let sampling = Sampling {
        temperature: Some(0.7),
        max_tokens: Some(60),
        seed: Some(1),
        ..Sampling::default()
    };
    let request = Request::user("The assistant").with_sampling(sampling);
    let answer = block_on(LocalModel::new(checkpoint)?.complete(&request))?;
    println!("\nThe assistant{}\n\n{}", answer.message.text(), out.join("model").display());
    Ok(())
}
