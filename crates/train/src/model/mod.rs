//! The transformer: Llama's architecture and its relatives, with Hugging Face's parameter names.

// Shape suffixes: b batch, t time, d width, f feed-forward width, h query heads, g key-value heads,
// k head size, v vocabulary, s all that is seen.

mod config;
mod config_file;
mod precision;
mod presets;
mod rope_file;

mod attention;
mod block;
mod context;
mod layers;
mod lora;
mod rope;
mod transformer;

mod adapter;
mod cache;
mod reading;

mod parameters;
mod source;

pub(crate) use self::{
    cache::{Beginning, Cache, Chunk, Place},
    config_file::ConfigFile,
    context::Context,
    lora::{Dropout, Lora},
    parameters::{Named, Trained, cast, gradients, on_tape, parameters, update},
    reading::Wanted,
    source::{Part, Source},
    transformer::Weights,
};
pub use self::{
    config::{Architecture, RopeScaling, TransformerConfig},
    lora::{LoraConfig, Target},
    precision::Precision,
    transformer::Transformer,
};
