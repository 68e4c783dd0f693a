//! What crosses crates, one file per road.

/// Only the arrows that docs/architecture.md allows; absences that it promises.
mod architecture;
/// From facts to the tokens that are learnt of them.
mod confession;
/// From a spec to a verdict: the crates composed as a user composes them.
mod pipeline;
/// What must survive a kill: asks over a journal, corpora being written, models in training.
mod resume;
/// From chats to a model that answers them, on disk and back.
mod training;

/// A world for two crates and more: a spec of two rules, and a writer of it.
mod village;
