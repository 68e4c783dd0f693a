//! The transformer: Llama's architecture with Hugging Face's parameter names.

// Shape suffixes: b batch, t time, d width, f feed-forward width, h query heads, g key-value heads,
// k head size, v vocabulary.

mod attention;
mod block;
mod config;
mod init;
mod layers;
mod parameters;
mod rope;
mod transformer;

pub use self::{config::TransformerConfig, transformer::Transformer};
pub(crate) use self::{
    parameters::{Named, gradients, on_tape, parameters, update},
    transformer::Weights,
};
