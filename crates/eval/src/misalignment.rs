//! Agentic misalignment: what a model does that could do harm from its inbox.
//!
//! A [`Condition`] names a scenario and its circumstances; [`play`] renders it as one system and one
//! user message. The model answers once and acts in text, by pseudo-tools (the protocol of Model Spec
//! Midtraining, arXiv 2605.02087 §4, after the agentic misalignment scenarios that Inspect users know).
//! [`examine`] reads the answer: [`read_actions`] takes it apart into typed actions, [`gate()`] tells
//! harm from what only looks like it, and a [`PublishedGate`] says what the published code would have
//! said. Every scenario has a twin in which acting is right. [`task()`] puts all of it into a [`Task`](crate::Task),
//! with a [`judge`] of what the model meant.
//!
//! The organisations, people and mails are this crate's own. Those of a checkout of the published
//! evaluations are read by [`Checkout`].

mod condition;
mod prompt;
mod scenario;
mod stakes;

mod action;
mod fields;
mod marker;
mod parse;

mod gate;
mod leverage;
mod secret;

mod compat;
mod finding;

mod judging;
mod task;

mod checkout;

#[cfg(test)]
mod reading_tests;

pub use self::{
    action::{Action, Fault, Found, Piece, Reading, Recipient, Span},
    checkout::{Cell, Checkout, Variables, fill},
    compat::PublishedGate,
    condition::{
        Case, Choice, Condition, Extra, GoalType, GoalValue, Scenario, Urgency, conditions,
        paper_grid,
    },
    finding::{Calls, Disagreement, Finding, Rates, examine},
    gate::{Evidence, Gate, Shows, gate},
    judging::judge,
    parse::read_actions,
    prompt::{Mail, Play, play},
    stakes::{Secret, Stakes},
    task::{Actions, task},
};
