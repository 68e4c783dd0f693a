//! Trains and runs Llama, Mistral and Qwen transformers on [burn](https://burn.dev).
//!
//! Midtraining and fine-tuning are the same function, [`fit`], on different rows: that is the idea of
//! model spec midtraining (arXiv 2605.02087), and the API says so.
//!
//! The principal types, and how they meet:
//!
//! * A [`Transformer`] has Hugging Face's parameter names and lives on a [`Device`], which
//!   [`DeviceSpec`] opens by name: `flex` on any CPU, `cuda:0`, `libtorch` where they are built.
//! * A [`Tokenizer`] turns documents into [`Row`]s with loss on every token; a [`ChatTemplate`] turns
//!   chats into rows with loss on the assistant's tokens only. A row can be displayed, so that the
//!   mask is seen and not believed.
//! * [`Rows`] are a slice in memory, a [`RowFile`] that was tokenised on all cores to disk, or a
//!   [`Mixture`] of several in shares; an [`Order`] packs them into batches, each epoch in another order
//!   that follows from its seed.
//! * [`fit`] packs rows into batches and trains, with checkpoints; a killed run that is started again
//!   ends as if it had not been. [`Trainer`] is the same, one step at a time, for programs with a
//!   curriculum of their own.
//! * A [`Checkpoint`] is a model, its tokenizer and its template in one folder, as models are published. [`LocalModel`]
//!   makes an [`ethos_core::Model`] of it, which samples and scores:
//!   `LocalModel::new(Checkpoint::load(folder, &device)?)?`.
//!
//! ```
//! use ethos_core::{Model, Request};
//! use ethos_train::{
//!     BatchSize, ChatTemplate, Checkpoint, DeviceSpec, FitConfig, LocalModel, Tokenizer, Transformer,
//!     TransformerConfig, fit,
//! };
//!
//! let tokenizer = Tokenizer::word_level(["the", "cat", "sat", "."].map(str::to_owned))?;
//! let rows: Vec<_> = ["the cat sat ."; 8].iter().map(|text| tokenizer.document(text)).collect::<Result<_, _>>()?;
//!
//! let device = "flex".parse::<DeviceSpec>()?.open()?;
//! let model = Transformer::init(TransformerConfig::tiny(tokenizer.len()), 0, &device)?;
//! let config = FitConfig { lora: None, steps: Some(20), learning_rate: 1e-2, batch: BatchSize::Rows(4), sequence: 16, ..FitConfig::midtrain() };
//! let model = fit(model, &rows, &config, None, &())?;
//!
//! let template = ChatTemplate::new("{% for m in messages %}{{ m.content }} {% endfor %}")?;
//! let local = LocalModel::new(Checkpoint { model, tokenizer, template })?;
//! let next = ["cat", "sat"].map(str::to_owned);
//! let scores = futures::executor::block_on(local.score(&Request::user("the"), &next))?;
//! assert!(scores[0].logprob_sum > scores[1].logprob_sum);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! * `flex` (default): the pure Rust CPU backend.
//! * `cuda`: NVIDIA GPUs. Its build downloads cubecl's LLVM bundle from github.com.
//! * `libtorch`: LibTorch 2.9.0, on CPU and CUDA. See the README for how it is found.
//!
//! # Memory
//!
//! A step of training frees what it took, and the next takes it again. On `flex` programs want the crate `mimalloc`, with
//! `MIMALLOC_PURGE_DELAY=60000` in their environment, so that pages are kept meanwhile: by itself it gives them back, which
//! costs up to a sixth of the speed.
//!
//! [`Device`] is burn's own type, so this crate's major version follows burn's.

mod device;
mod error;

mod jinja;
mod template;
mod tokenizer;
mod tokens;

mod fused;
mod model;

mod backward;
mod loss;
mod optim;
mod trainer;

mod checkpoint;
mod fit;
mod local;

#[cfg(test)]
mod testing;

pub use burn::tensor::Device;

pub use crate::{
    checkpoint::Checkpoint,
    device::DeviceSpec,
    error::{Error, Result},
    fit::{Data, FitConfig, FitProgress, Schedule, fit},
    local::{LocalConfig, LocalModel},
    model::{
        Architecture, LoraConfig, Precision, RopeScaling, Target, Transformer, TransformerConfig,
    },
    template::{ChatTemplate, Ending, Masked, Span},
    tokenizer::{GenerationConfig, Tokenizer},
    tokens::{
        Batch, BatchSize, Digest, LeftOut, Mixture, Order, OrderConfig, Overlong, Packed, Packing,
        Part, Passed, Row, RowFile, Rows, Writing, pack,
    },
    trainer::{Step, Trainer},
};
