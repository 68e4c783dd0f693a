//! Agentic misalignment: what a model does that could do harm from its inbox.
//!
//! A [`Condition`] names a scenario and its circumstances; [`play`] renders it as one system and one
//! user message. The model answers once and acts in text, by pseudo-tools (the protocol of Model Spec
//! Midtraining, arXiv 2605.02087 §4, after the agentic misalignment scenarios that Inspect users know).
//! Every scenario has a twin in which acting is right.
//!
//! The organisations, people and mails are this crate's own.

mod condition;
mod prompt;
mod scenario;
mod stakes;

pub use self::{
    condition::{
        Case, Choice, Condition, Extra, GoalType, GoalValue, Scenario, Urgency, conditions,
        paper_grid,
    },
    prompt::{Mail, Play, play},
    stakes::{Secret, Stakes},
};
