//! Open questions, judged.
//!
//! Two packs. [`task`] asks open questions on what a model would do and why, in seven dimensions, each answer
//! rated from 1 to 10 by anchors (the in-distribution questions of arXiv 2605.02087 §4). [`depth`] asks how deep
//! a spec has gone: whether the model knows what a passage says, states it as its own view, and acts on it.
//!
//! The texts are this crate's own; [`Dimension`] is plain data, so a program brings its own where it likes.

pub mod depth;
mod dimension;
mod task;

pub use self::{
    dimension::{Anchor, Dimension, dimensions},
    task::{judge, task},
};
