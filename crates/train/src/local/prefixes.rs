//! What was read of long prompts, kept for others that begin alike.

use std::{collections::HashMap, ops::Range};

use crate::{
    Transformer,
    model::{Chunk, Joining},
};

/// Shorter prompts are read whole and in company.
const LONG: usize = 256;
/// A long prompt is read in chunks of so many tokens, alone: first as many of the larger as it has, then of the
/// smaller. What is left is read in company. So what is known of a beginning does not depend on who read it before, to
/// the last digit, and the large chunks keep a device busy.
const CHUNKS: [usize; 2] = [512, 64];

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
    length - chunks(length).last().map_or(0, |chunk| chunk.end)
}

fn chunks(length: usize) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    if length < LONG {
        return chunks;
    }
    let mut start = 0;
    for size in CHUNKS {
        while start + size < length {
            chunks.push(start..start + size);
            start += size;
        }
    }
    chunks
}

/// A name for each part, and all that stands before it.
fn keys(ids: &[u32], parts: &[Range<usize>]) -> Vec<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let key = |part: &Range<usize>| {
        // The sizes of chunks belong to it: in another division sums are rounded otherwise.
        hasher.update(&part.len().to_le_bytes());
        ids[part.clone()].iter().for_each(|id| {
            hasher.update(&id.to_le_bytes());
        });
        hasher.finalize()
    };
    parts.iter().map(key).collect()
}

impl Prefixes {
    /// Nothing yet, and room for so many tokens.
    pub(super) fn new(room: usize) -> Self {
        Prefixes { held: HashMap::new(), tokens: 0, room, clock: 0 }
    }

    /// All but the [`rest`] of a prompt: found, or read and kept.
    pub(super) fn read(&mut self, model: &Transformer, ids: &[u32]) -> Vec<Chunk> {
        let parts = chunks(ids.len());
        let keys = keys(ids, &parts);
        let mut known = self.find(&keys);
        let mut cache = model.cache();
        for part in &parts[known.len()..] {
            let place = match cache.rows() {
                0 => cache.join(&[Joining { known: &known, length: part.end }]),
                _ => cache.extend(part.len()),
            };
            model.read_and_score(&mut cache, &place, &[&ids[part.clone()]], &[]);
            known.push(cache.chunk(0, place.columns));
        }
        self.keep(&keys, &known);
        known
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
        assert!(chunks(LONG - 1).is_empty());
        assert_eq!(chunks(LONG), [0..64, 64..128, 128..192]);
        assert_eq!((rest(LONG - 1), rest(LONG), rest(LONG + 1)), (LONG - 1, 64, 1));
        let sizes: Vec<usize> = chunks(1200).iter().map(Range::len).collect();
        assert_eq!((sizes, rest(1200)), (vec![512, 512, 64, 64], 48));
        assert_eq!(rest(1025), 1);
    }

    #[test]
    fn the_ends_of_what_was_used_longest_ago_go_first() {
        let config =
            TransformerConfig { max_position_embeddings: 700, ..TransformerConfig::tiny(8) };
        let model = Transformer::init(config, 0, &crate::testing::device()).unwrap();
        let prompt = |first: u32| -> Vec<u32> { (0..300).map(|n| (first + n) % 8).collect() };
        let (one, two) = (prompt(0), prompt(1));
        let mut prefixes = Prefixes::new(5 * 64);
        let found =
            |prefixes: &Prefixes, ids: &[u32]| prefixes.find(&keys(ids, &chunks(ids.len()))).len();
        assert_eq!(prefixes.read(&model, &one).len(), 4);
        assert_eq!((found(&prefixes, &one), found(&prefixes, &two)), (4, 0));
        prefixes.read(&model, &two);
        assert_eq!((found(&prefixes, &one), found(&prefixes, &two)), (1, 4));
        prefixes.read(&model, &one);
        assert_eq!((found(&prefixes, &one), found(&prefixes, &two)), (4, 1));
        assert_eq!((prefixes.tokens, prefixes.held.len()), (5 * 64, 5));
        let mut none = Prefixes::new(0);
        assert_eq!((none.read(&model, &one).len(), none.tokens), (4, 0));
    }
}
