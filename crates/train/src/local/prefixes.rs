//! What was read of long prompts, kept for others that begin alike.

use std::collections::HashMap;

use blake3::Hash;
use burn::tensor::Device;

use crate::{
    Transformer, device,
    model::{Beginning, Cache, Chunk, Place},
};

/// Shorter prompts are read whole and in company.
const LONG: usize = 256;

/// Chunks that were read.
pub(super) struct Prefixes {
    held: HashMap<Hash, Held>,
    division: Division,
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

/// How prompts are divided: long ones into whole chunks and a rest, which is read in company.
#[derive(Clone, Copy)]
pub(super) struct Division {
    /// Tokens of a chunk.
    chunk: usize,
}

impl Division {
    fn of(device: &Device) -> Self {
        Division { chunk: device::chunk(device) }
    }

    /// Whether a prompt has chunks, which may be found.
    pub(super) fn is_long(self, prompt: &[u32]) -> bool {
        self.chunks(prompt.len()) > 0
    }

    /// Of a prompt of so many tokens, those that are not in chunks: at least the last, after which an answer begins.
    pub(super) fn rest(self, length: usize) -> usize {
        length - self.chunk * self.chunks(length)
    }

    fn chunks(self, length: usize) -> usize {
        if length < LONG { 0 } else { (length - 1) / self.chunk }
    }

    /// A name for each chunk, and all that stands before it.
    fn names(self, ids: &[u32]) -> Vec<Hash> {
        let mut hasher = blake3::Hasher::new();
        let name = |chunk: &[u32]| {
            chunk.iter().for_each(|id| {
                hasher.update(&id.to_le_bytes());
            });
            hasher.finalize()
        };
        ids.chunks_exact(self.chunk).take(self.chunks(ids.len())).map(name).collect()
    }
}

impl Prefixes {
    /// Nothing yet, and room for so many tokens.
    pub(super) fn new(room: usize, device: &Device) -> Self {
        let division = Division::of(device);
        Prefixes { held: HashMap::new(), division, tokens: 0, room, clock: 0 }
    }

    pub(super) fn division(&self) -> Division {
        self.division
    }

    /// Puts all but the [`rest`](Division::rest) of a prompt into its row: what is found, and what is read now and kept.
    /// What is found is what would have been read: where the digits of a token tell how many were read with it, each
    /// chunk is read by itself.
    pub(super) fn read(
        &mut self,
        model: &Transformer,
        cache: &mut Cache,
        (place, row): (&Place, usize),
        ids: &[u32],
    ) {
        let (names, chunk) = (self.division.names(ids), self.division.chunk);
        let mut known = self.find(&names);
        let in_cache = place.rows.start + row;
        for (number, known) in known.iter().enumerate() {
            cache.write(in_cache, chunk * number, known);
        }
        if known.len() < names.len() {
            let new = chunk * known.len()..chunk * names.len();
            let at_once = if device::rows_are_alike(model.device()) { new.len() } else { chunk };
            for part in place.within(row, new.clone()).parts(at_once) {
                model.read_and_score(cache, &part, &part.of(&[ids]), &[]);
            }
            known.extend(new.step_by(chunk).map(|at| cache.chunk(in_cache, at..at + chunk)));
        }
        self.keep(&names, &known);
        cache.begins(in_cache, Beginning { names, each: chunk });
    }

    fn find(&self, names: &[Hash]) -> Vec<Chunk> {
        names.iter().map_while(|name| self.held.get(name).map(|held| held.chunk.clone())).collect()
    }

    fn keep(&mut self, names: &[Hash], chunks: &[Chunk]) {
        // From the last to the first: the first are to stay longest, since the others are found through them.
        for (name, chunk) in names.iter().zip(chunks).rev() {
            self.clock += 1;
            let held = Held { chunk: chunk.clone(), used: self.clock };
            if self.held.insert(*name, held).is_none() {
                self.tokens += chunk.tokens();
            }
        }
        while self.tokens > self.room {
            let oldest = self.held.iter().min_by_key(|(_, held)| held.used).map(|(name, _)| *name);
            let Some(held) = oldest.and_then(|name| self.held.remove(&name)) else { return };
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
        let division = Division { chunk: 32 };
        let (rest, chunks) = (|n| division.rest(n), |n| division.chunks(n));
        assert_eq!([LONG - 1, LONG, LONG + 1].map(rest), [LONG - 1, 32, 1]);
        assert_eq!([LONG - 1, LONG].map(chunks), [0, LONG / 32 - 1]);
        assert_eq!([1025, 1200].map(rest), [1, 16]);
        // In chunks as long as the shortest long prompt.
        let division = Division { chunk: LONG };
        assert_eq!([LONG, LONG + 1, 600].map(|n| division.rest(n)), [LONG, 1, 88]);
    }

    #[test]
    fn the_ends_of_what_was_used_longest_ago_go_first() {
        let device = crate::testing::device();
        let chunk = device::chunk(&device);
        let length = 9 * chunk + 12;
        let config =
            TransformerConfig { max_position_embeddings: length, ..TransformerConfig::tiny(8) };
        let model = Transformer::init(config, 0, &device).unwrap();
        let prompt = |first: usize| -> Vec<u32> {
            (first..first + length).map(|n| (n % 8) as u32).collect()
        };
        let (one, two) = (prompt(0), prompt(1));
        let mut prefixes = Prefixes::new(11 * chunk, &device);
        let found =
            |prefixes: &Prefixes, ids: &[u32]| prefixes.find(&prefixes.division.names(ids)).len();
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
        assert_eq!((prefixes.tokens, prefixes.held.len()), (11 * chunk, 11));
        let mut none = Prefixes::new(0, &device);
        read(&mut none, &one);
        assert_eq!((none.held.len(), none.tokens), (0, 0));
    }
}
