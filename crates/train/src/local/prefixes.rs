//! What was read of long prompts, kept for others that begin alike.

use std::collections::HashMap;

use crate::{
    Transformer,
    model::{Beginning, Cache, Chunk, Place},
};

/// Shorter prompts are read whole and in company.
const LONG: usize = 256;
/// Of a long prompt what is behind the last whole chunk of so many tokens is read in company, and the rest alone, all
/// that is not found in one pass. On `flex` a token's keys and values are then the same to the last digit, whatever else
/// is in the pass.
const CHUNK: usize = 32;

/// Chunks that were read.
pub(super) struct Prefixes {
    held: HashMap<blake3::Hash, Held>,
    /// Tokens that are kept, and that may be.
    tokens: usize,
    room: usize,
    /// Counts uses.
    clock: u64,
}

struct Held {
    chunk: Chunk,
    used: u64,
}

/// Of a prompt of so many tokens, those that are not in chunks: at least the last, after which an answer begins.
pub(super) fn rest(length: usize) -> usize {
    length - CHUNK * chunks(length)
}

/// Whether a part of a prompt may be found here.
pub(super) fn is_long(prompt: &[u32]) -> bool {
    chunks(prompt.len()) > 0
}

fn chunks(length: usize) -> usize {
    if length < LONG { 0 } else { (length - 1) / CHUNK }
}

/// A name for each chunk, and all that stands before it.
fn keys(ids: &[u32]) -> Vec<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let key = |chunk: &[u32]| {
        chunk.iter().for_each(|id| {
            hasher.update(&id.to_le_bytes());
        });
        hasher.finalize()
    };
    ids.chunks_exact(CHUNK).take(chunks(ids.len())).map(key).collect()
}

impl Prefixes {
    /// Nothing yet, and room for so many tokens.
    pub(super) fn new(room: usize) -> Self {
        Prefixes { held: HashMap::new(), tokens: 0, room, clock: 0 }
    }

    /// Puts all but the [`rest`] of a prompt into its row: what is found, and what is read now and kept.
    pub(super) fn read(
        &mut self,
        model: &Transformer,
        cache: &mut Cache,
        (place, row): (&Place, usize),
        ids: &[u32],
    ) {
        let keys = keys(ids);
        let mut known = self.find(&keys);
        let in_cache = place.rows.start + row;
        for (number, chunk) in known.iter().enumerate() {
            cache.write(in_cache, CHUNK * number, chunk);
        }
        if known.len() < keys.len() {
            let new = CHUNK * known.len()..CHUNK * keys.len();
            model.read_and_score(cache, &place.within(row, new.clone()), &[&ids[new.clone()]], &[]);
            known.extend(new.step_by(CHUNK).map(|at| cache.chunk(in_cache, at..at + CHUNK)));
        }
        self.keep(&keys, &known);
        cache.begins(in_cache, Beginning { names: keys, each: CHUNK });
    }

    fn find(&self, keys: &[blake3::Hash]) -> Vec<Chunk> {
        keys.iter().map_while(|key| self.held.get(key).map(|held| held.chunk.clone())).collect()
    }

    fn keep(&mut self, keys: &[blake3::Hash], chunks: &[Chunk]) {
        // From the last to the first: the first are to stay longest, since the others are found through them.
        for (key, chunk) in keys.iter().zip(chunks).rev() {
            self.clock += 1;
            let held = Held { chunk: chunk.clone(), used: self.clock };
            if self.held.insert(*key, held).is_none() {
                self.tokens += chunk.tokens();
            }
        }
        while self.tokens > self.room {
            let oldest = self.held.iter().min_by_key(|(_, held)| held.used).map(|(key, _)| *key);
            let Some(held) = oldest.and_then(|key| self.held.remove(&key)) else { return };
            self.tokens -= held.chunk.tokens();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TransformerConfig;

    #[test]
    fn long_prompts_are_divided_and_their_end_is_left() {
        assert_eq!((rest(LONG - 1), rest(LONG), rest(LONG + 1)), (LONG - 1, CHUNK, 1));
        assert_eq!((chunks(LONG - 1), chunks(LONG)), (0, LONG / CHUNK - 1));
        assert_eq!((rest(1025), rest(1200)), (1, 16));
    }

    #[test]
    fn the_ends_of_what_was_used_longest_ago_go_first() {
        let config =
            TransformerConfig { max_position_embeddings: 700, ..TransformerConfig::tiny(8) };
        let model = Transformer::init(config, 0, &crate::testing::device()).unwrap();
        let prompt = |first: u32| -> Vec<u32> { (0..300).map(|n| (first + n) % 8).collect() };
        let (one, two) = (prompt(0), prompt(1));
        let mut prefixes = Prefixes::new(11 * CHUNK);
        let found = |prefixes: &Prefixes, ids: &[u32]| prefixes.find(&keys(ids)).len();
        let read = |prefixes: &mut Prefixes, ids: &[u32]| {
            let mut cache = model.cache();
            let place = cache.join(&[ids.len()]);
            prefixes.read(&model, &mut cache, (&place, 0), ids);
        };
        read(&mut prefixes, &one);
        assert_eq!((found(&prefixes, &one), found(&prefixes, &two)), (9, 0));
        read(&mut prefixes, &two);
        assert_eq!((found(&prefixes, &one), found(&prefixes, &two)), (2, 9));
        read(&mut prefixes, &one);
        assert_eq!((found(&prefixes, &one), found(&prefixes, &two)), (9, 2));
        assert_eq!((prefixes.tokens, prefixes.held.len()), (11 * CHUNK, 11));
        let mut none = Prefixes::new(0);
        read(&mut none, &one);
        assert_eq!((none.held.len(), none.tokens), (0, 0));
    }
}
