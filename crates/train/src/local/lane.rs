//! Answers that decode together, in one cache.

use ethos_core::Completion;
use rayon::prelude::*;

use super::{
    LocalConfig, Reply,
    draft::Draft,
    prefixes::{Division, Prefixes},
};
use crate::{Checkpoint, model::Cache};

/// Answers in the making, each with a row of a cache once its prompt is read.
pub(super) struct Lane {
    open: Vec<(Draft, Reply<Completion>)>,
    cache: Cache,
}

// Whoever stopped waiting does not mind that an answer finds nobody: what `send` gives is ignored.

impl Lane {
    pub(super) fn new(checkpoint: &Checkpoint) -> Self {
        Lane { open: Vec::new(), cache: checkpoint.model.cache() }
    }

    /// How many answers there are.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Tokens of the longest, once it is written.
    pub(super) fn longest(&self) -> usize {
        self.open.iter().map(|(draft, _)| draft.longest()).max().unwrap_or(0)
    }

    /// How many rows the cache has.
    #[cfg(test)]
    pub(super) fn rows(&self) -> usize {
        self.cache.rows()
    }

    /// Tokens that memory is held for.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.cache.room()
    }

    /// Takes in an answer of which nothing is read.
    pub(super) fn take(&mut self, answer: (Draft, Reply<Completion>)) {
        self.open.push(answer);
    }

    /// Whether a prompt is still to be read of which a part may be known.
    pub(super) fn awaits_long(&self, division: Division) -> bool {
        self.open[self.cache.rows()..].iter().any(|(draft, _)| division.is_long(draft.prompt()))
    }

    /// Gives up what nobody waits for any more.
    pub(super) fn drop_cancelled(&mut self) {
        for row in (0..self.open.len()).rev() {
            if self.open[row].1.is_canceled() {
                self.close(row);
            }
        }
    }

    /// One more token for every answer.
    pub(super) fn go_on(&mut self, checkpoint: &Checkpoint, ends: &[u32]) {
        if self.open.is_empty() {
            return;
        }
        let place = self.cache.extend(1);
        let last: Vec<&[u32]> = self.open.iter().map(|(draft, _)| draft.last()).collect();
        let logits = checkpoint.model.read(&mut self.cache, &place, &last);
        self.extend(0, &logits, checkpoint, ends);
        self.close_done(checkpoint);
    }

    /// Reads the prompts that are not read yet, and draws the first token after each.
    pub(super) fn join(&mut self, checkpoint: &Checkpoint, ends: &[u32], prefixes: &mut Prefixes) {
        let mut row = self.cache.rows();
        // Read with those of which about as much is to be read, so that little is padding.
        let division = prefixes.division();
        let rest = |length| division.rest(length);
        let unread = |(draft, _): &(Draft, _)| rest(draft.prompt().len());
        self.open[row..].sort_by_key(unread);
        while row < self.open.len() {
            let size = magnitude(unread(&self.open[row]));
            let alike = self.open[row..].iter().take_while(|one| magnitude(unread(one)) == size);
            let prompts: Vec<&[u32]> = alike.map(|(draft, _)| draft.prompt()).collect();
            let lengths: Vec<usize> = prompts.iter().map(|prompt| prompt.len()).collect();
            let place = self.cache.join(&lengths);
            for (row, prompt) in prompts.iter().enumerate() {
                prefixes.read(&checkpoint.model, &mut self.cache, (&place, row), prompt);
            }
            let place = place.last(lengths.into_iter().map(rest).max().unwrap_or(0));
            let logits = checkpoint.model.read(&mut self.cache, &place, &place.of(&prompts));
            self.extend(row, &logits, checkpoint, ends);
            row += place.rows.len();
        }
        self.close_done(checkpoint);
    }

    /// Tokens that it has room for, or will have once its answers are written.
    pub(super) fn room(&self) -> usize {
        self.cache.room().max(LocalConfig::room(self.len() * self.longest()))
    }

    /// Gives back memory that its answers do not need.
    pub(super) fn trim(&mut self) {
        self.cache.trim();
    }

    /// All answers, unfinished; the cache is not to be used any more.
    pub(super) fn into_open(self) -> Vec<(Draft, Reply<Completion>)> {
        self.open
    }

    /// Gives logits to the answers from a row on, to as many at once as there are processors.
    fn extend(&mut self, row: usize, logits: &[f32], checkpoint: &Checkpoint, ends: &[u32]) {
        let logits = logits.par_chunks(checkpoint.model.config().vocab_size);
        self.open[row..].par_iter_mut().zip(logits).for_each(|((draft, _), logits)| {
            draft.extend(logits, &checkpoint.tokenizer, ends);
        });
    }

    fn close_done(&mut self, checkpoint: &Checkpoint) {
        // From the end, since the last takes the place of one that leaves.
        for row in (0..self.open.len()).rev() {
            if self.open[row].0.is_done() {
                let (draft, reply) = self.close(row);
                let _ = reply.send(draft.finish(&checkpoint.tokenizer));
            }
        }
    }

    fn close(&mut self, row: usize) -> (Draft, Reply<Completion>) {
        self.cache.leave(row);
        self.open.swap_remove(row)
    }
}

/// So that lengths within a factor of two are the same.
fn magnitude(length: usize) -> u32 {
    length.max(1).ilog2()
}
