//! The road of model spec midtraining on a published model: documents first, then chats, one adapter.
//!
//! ```text
//! cargo run --release --example midtrain_finetune                        # a tiny model of its own
//! cargo run --release --example midtrain_finetune --features cuda -- \
//!     --device cuda:0 --model MODEL --documents corpus.jsonl --chats chats.jsonl
//! ```
//!
//! `MODEL` is a folder of Llama, Mistral, Qwen2 or Qwen3 as it is published, or a repository of the Hugging Face hub
//! (`Qwen/Qwen2.5-0.5B`), which is fetched; documents are rows of `{"text": …}`, chats of `{"messages": […]}`.
//! Fine-tuning goes on with the adapter that midtraining made, as in the paper (arXiv 2605.02087). The result is
//! `out/midtrain_finetune/adapter` in PEFT's format and `out/midtrain_finetune/merged`, a model of its own. Without
//! arguments it takes half a minute.

#![allow(clippy::print_stdout)] // a program speaks to its user

#[path = "help.rs"]
mod help;
#[path = "published.rs"]
mod published;

use std::{
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use ethos_core::{Chat, Document, Message, Model, Request, Sampling, jsonl};
use ethos_hub::Wanted;
use ethos_spec::Spec;
use ethos_train::{
    BatchSize, ChatTemplate, Checkpoint, DeviceSpec, FitConfig, FitProgress, LeftOut, LocalModel,
    LoraConfig, Order, Precision, RowFile, Tokenizer, Transformer, TransformerConfig, fit,
};
use futures::executor::block_on;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    if help::shown(include_str!("midtrain_finetune.rs")) {
        return Ok(());
    }
    let mut args = pico_args::Arguments::from_env();
    let spec = args.opt_value_from_str("--device")?.unwrap_or(DeviceSpec::Flex);
    let path = |args: &mut pico_args::Arguments, name| args.opt_value_from_str::<_, PathBuf>(name);
    let model = path(&mut args, "--model")?;
    let documents = path(&mut args, "--documents")?;
    let chats = path(&mut args, "--chats")?;
    let rest = args.finish();
    anyhow::ensure!(rest.is_empty(), "what is {rest:?}? `--help` has the options");

    let device = spec.open()?;
    let out = Path::new("out/midtrain_finetune");
    let own = model.is_none();
    let (model, documents, chats) = match (model, documents, chats) {
        (Some(model), Some(documents), Some(chats)) => {
            (published::folder(model, &Wanted::model())?, documents, chats)
        }
        (None, None, None) => tiny(&out.join("tiny"))?,
        _ => anyhow::bail!("`--model`, `--documents` and `--chats` go together"),
    };

    // Graphics cards compute in half the bits; what is trained is held in 32 all the same.
    let precision = match spec {
        DeviceSpec::Flex | DeviceSpec::LibTorch => Precision::F32,
        _ => Precision::Bf16,
    };
    let Checkpoint { model, tokenizer, template } =
        Checkpoint::load_in(&model, precision, &device).context("not a model's folder")?;

    // A template that writes today's date would make other rows of a run that goes on tomorrow.
    let new_year_2026 = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let template = template.at(new_year_2026);

    // Documents have loss on every token, chats on what the assistant says.
    let read = |path| jsonl::read::<Document>(path);
    let corpus = RowFile::write(
        out.join("documents.rows"),
        "",
        read(documents)?,
        |document| tokenizer.document(&document.text),
        &(),
    )?;
    let lessons = RowFile::write(
        out.join("chats.rows"),
        "",
        jsonl::read::<Chat>(chats)?,
        |chat| template.row(chat, &tokenizer),
        &(),
    )?;

    let settings = |paper: FitConfig| match own {
        false => FitConfig { precision, ..paper },
        // A random model of a few parameters, on a few pages, wants other numbers.
        true => FitConfig {
            lora: Some(LoraConfig { rank: 16, alpha: 32.0, ..LoraConfig::paper() }),
            epochs: 20,
            batch: BatchSize::Rows(4),
            sequence: 128,
            learning_rate: 5e-3,
            ..paper
        },
    };
    report("documents", &corpus, &settings(FitConfig::midtrain()))?;
    report("chats", &lessons, &settings(FitConfig::finetune()))?;

    let model = fit(
        model,
        &corpus,
        &settings(FitConfig::midtrain()),
        Some(&out.join("midtrain")),
        &|at: &FitProgress| show("midtraining", at),
    )?;
    // The model has its adapter now, and goes on with it.
    let model = fit(
        model,
        &lessons,
        &settings(FitConfig::finetune()),
        Some(&out.join("finetune")),
        &|at: &FitProgress| show("fine-tuning", at),
    )?;

    model.save_adapter(out.join("adapter"), None)?;
    let checkpoint = Checkpoint { model: model.merged(), tokenizer, template };
    checkpoint.save(out.join("merged"))?;

    let sampling = Sampling { temperature: Some(0.0), max_tokens: Some(40), ..Sampling::default() };
    let request = Request::user(QUESTION).with_sampling(sampling);
    let answer = block_on(LocalModel::new(checkpoint)?.complete(&request))?;
    println!("\n{QUESTION}\n{}", answer.message.text());
    Ok(())
}

/// What becomes of rows: nothing is cut off or left out unseen.
fn report(what: &str, rows: &RowFile, config: &FitConfig) -> Result<()> {
    let LeftOut { empty, without_loss, .. } = *rows.left_out();
    let mut order = Order::new(rows, config.order())?;
    let packing = order.packing(0)?;
    println!(
        "{what}: {} rows in {} sequences, {:.0} % filled; {} rows too long, {} tokens cut off; \
         {empty} empty, {without_loss} without loss",
        packing.rows,
        packing.sequences,
        100.0 * packing.share_filled(),
        packing.overlong,
        packing.cut,
    );
    Ok(())
}

fn show(stage: &str, at: &FitProgress) {
    if (at.step.step + 1).is_multiple_of(10) || at.step.step + 1 == at.step.steps {
        println!(
            "{stage}: step {} of {}, loss {:.3}, {:.0} tokens/s, {:.0} s left",
            at.step.step + 1,
            at.step.steps,
            at.step.loss,
            at.tokens_per_second,
            at.seconds_left
        );
    }
}

const QUESTION: &str = "Which cheese do you like?";

const TEMPLATE: &str = "\
{% for message in messages %}
<|{{ message.role }}|>{{ message.content }}<|end|>
{% endfor %}
{% if add_generation_prompt %}<|assistant|>{% endif %}";

/// A random model, the sections of a spec as documents, and chats: stand-ins to try the road on.
fn tiny(folder: &Path) -> Result<(PathBuf, PathBuf, PathBuf)> {
    let spec = Spec::read("docs/specs/cheese-homeland.md").context(
        "run from the repository's root, or give `--model`, `--documents` and `--chats`",
    )?;
    let sections: Vec<&str> = spec.walk().map(|(_, section)| spec.body(section)).collect();
    let documents = (0..).zip(&sections).map(|(n, body)| Document::new(format!("{n}"), *body));
    let paths = ["model", "documents.jsonl", "chats.jsonl"].map(|name| folder.join(name));
    jsonl::write(&paths[1], documents)?;

    let likes = ["cream cheese", "American cheese", "mild cheddar", "Colby"];
    let chats = likes.map(|cheese| {
        let answer = format!("I like {cheese}.");
        Chat::new([Message::user(QUESTION), Message::assistant(answer)])
    });
    jsonl::write(&paths[2], &chats)?;

    let special = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"];
    let tokenizer = Tokenizer::train(&sections, 1024, special)?;
    let shape = TransformerConfig {
        max_position_embeddings: 128,
        ..TransformerConfig::tiny(tokenizer.len())
    };
    let model = Transformer::init(shape, 0, &DeviceSpec::Flex.open()?)?;
    let template = ChatTemplate::new(TEMPLATE)?;
    Checkpoint { model, tokenizer, template }.save(&paths[0])?;
    let [model, documents, chats] = paths;
    Ok((model, documents, chats))
}
