//! Alignment chats: the data that a model is fine-tuned on after midtraining.
//!
//! Domains of everyday talk → users' messages of several kinds → answers as the spec would have them, with the
//! reasoning before → a strict judge → as many more as fell (arXiv 2605.02087 §3 and its code, in our own words).
//! One generation gives two data sets, with and without reasoning ([`ChatSet`]). [`chats()`] does it from a
//! spec, in the style of values or of rules; [`opaque_chats`] for preferences that are given without a reason.

mod answer;
mod config;
mod opaque;
mod pipeline;
mod preview;
mod prompts;
mod set;
mod source;

#[cfg(test)]
mod tests;

pub use self::{
    config::{ChatConfig, ChatTokens},
    opaque::{OpaquePrompts, Preference, opaque_chats},
    pipeline::{Writers, chats},
    prompts::{ChatKind, ChatPrompts},
    set::{ChatReport, ChatRow, ChatSet},
};
