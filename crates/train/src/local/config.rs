//! How much a local model does at a time.

use crate::{Error, Result};

/// What a [`LocalModel`](crate::LocalModel) has room for.
///
/// A token that is remembered takes `2 × layers × key-value heads × head size` numbers: 25 kB at the shape of
/// Qwen2.5-0.5B in f32, 57 kB at that of Qwen2.5-7B in bf16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalConfig {
    /// Requests that decode together; more of them wait.
    pub slots: usize,
    /// Tokens of requests that decode together: as many as there are times the longest, answer included. More requests
    /// wait, but one that is longer by itself is let in alone. In memory there is room for up to two and a half times as
    /// many: for rows in powers of two, and for a quarter more tokens in each, in multiples of 64. What is scored at a
    /// time is bounded alike.
    pub tokens: usize,
    /// Tokens of long prompts that are kept for others that begin alike, besides.
    pub prefix_tokens: usize,
}

impl Default for LocalConfig {
    /// 64 slots, 131,072 tokens, and 32,768 of prompts.
    fn default() -> Self {
        LocalConfig { slots: 64, tokens: 1 << 17, prefix_tokens: 1 << 15 }
    }
}

impl LocalConfig {
    /// The same with another number of requests at a time.
    #[must_use]
    pub fn with_slots(self, slots: usize) -> Self {
        LocalConfig { slots, ..self }
    }

    /// The same with room for so many tokens of requests that decode together.
    #[must_use]
    pub fn with_tokens(self, tokens: usize) -> Self {
        LocalConfig { tokens, ..self }
    }

    /// The same with so many tokens of prompts kept.
    #[must_use]
    pub fn with_prefix_tokens(self, prefix_tokens: usize) -> Self {
        LocalConfig { prefix_tokens, ..self }
    }

    /// The most tokens that memory is held for, where there are so many.
    pub(super) fn room(tokens: usize) -> usize {
        tokens.saturating_mul(5) / 2
    }

    pub(super) fn check(&self) -> Result<()> {
        match self.slots {
            0 => {
                let message = "`slots` is 0, and must be 1 or more".to_owned();
                Err(Error::Config { what: "local model", message })
            }
            _ => Ok(()),
        }
    }
}
