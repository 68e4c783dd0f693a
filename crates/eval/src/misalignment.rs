//! Agentic misalignment: what a model does that could do harm from its inbox.
//!
//! A [`Condition`] names a scenario and its circumstances; [`play`] renders it as one system and one
//! user message. The model answers once and acts in text, by pseudo-tools (the protocol of Model Spec
//! Midtraining, arXiv 2605.02087 §4, after the agentic misalignment scenarios that Inspect users know).
//! [`read_actions`] takes the answer apart into typed actions. Every scenario has a twin in which acting
//! is right.
//!
//! The organisations, people and mails are this crate's own.

mod condition;
mod prompt;
mod scenario;
mod stakes;

mod action;
mod fields;
mod marker;
mod parse;

#[cfg(test)]
mod reading_tests;

pub use self::{
    action::{Action, Fault, Found, Piece, Reading, Recipient, Span},
    condition::{
        Case, Choice, Condition, Extra, GoalType, GoalValue, Scenario, Urgency, conditions,
        paper_grid,
    },
    parse::read_actions,
    prompt::{Mail, Play, play},
    stakes::{Secret, Stakes},
};
