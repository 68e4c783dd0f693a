//! What two texts have in common.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::words::{Words, runs};

/// The pieces by which texts are compared: overlapping runs, one starting at every word or character.
///
/// A text shorter than one piece is one piece, all of it: near to nothing but its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shingle {
    /// Runs of so many words, for documents. A character of Chinese, Japanese, Thai, Lao, Khmer,
    /// Burmese or Tibetan is a word of its own, since those scripts put no spaces between words.
    ///
    /// One word replaced in the middle takes this many pieces away: of a document of 300 words few, of
    /// a question of 15 words with runs of five nearly half.
    Words(usize),
    /// Runs of so many characters, of words with single spaces between them: for questions and other
    /// short texts. Characters that are words of their own, as in [`Words`](Self::Words), have spaces between them
    /// too: of those a run holds half as many.
    Chars(usize),
}

impl Shingle {
    pub(crate) fn length(self) -> usize {
        match self {
            Shingle::Words(length) | Shingle::Chars(length) => length,
        }
    }

    /// Hashes of the pieces, in order and with repeats; none for a text without words.
    pub(crate) fn hashes(self, words: &Words, into: &mut Vec<u64>) {
        into.clear();
        match self {
            Shingle::Words(length) => {
                into.extend(runs(&words.hashes, shorter(length, words.hashes.len())))
            }
            Shingle::Chars(length) => {
                let text = words.text.trim_end();
                let starts = || text.char_indices().map(|(at, _)| at);
                let length = shorter(length, text.chars().count());
                let ends = starts().skip(length).chain([text.len()]);
                if !text.is_empty() {
                    let pieces =
                        starts().zip(ends).map(|(start, end)| &text.as_bytes()[start..end]);
                    into.extend(pieces.map(xxh3_64));
                }
            }
        }
    }
}

fn shorter(length: usize, of: usize) -> usize {
    length.min(of).max(1)
}

/// The set of a text's pieces.
///
/// Two pieces of different sets are taken for one with a chance of one in four thousand million, which
/// moves the similarity of texts of 100,000 words by some 0.00002.
#[derive(Clone, Debug, Default)]
pub(crate) struct Set {
    /// Fingerprints, sorted.
    pieces: Box<[u32]>,
    /// For each bit, whether the number of fingerprints that end in its number is odd. What differs
    /// between two sets is at least what differs here, which a glance shows.
    parity: Box<[u64]>,
}

impl Set {
    /// The set of these hashes.
    pub(crate) fn new(hashes: &[u64]) -> Self {
        let mut pieces: Vec<u32> = hashes.iter().map(|&hash| hash as u32).collect();
        pieces.sort_unstable();
        pieces.dedup();
        // One bit or two for each piece.
        let mut parity = vec![0; pieces.len().div_ceil(64).next_power_of_two()];
        for &piece in &pieces {
            let word = (piece as usize / 64) & (parity.len() - 1);
            parity[word] ^= 1_u64 << (piece % 64);
        }
        Set { pieces: pieces.into(), parity: parity.into() }
    }

    /// Jaccard similarity of two sets if it is at least the threshold. Empty sets are near to nothing.
    pub(crate) fn at_least(&self, threshold: f64, other: &Set) -> Option<f64> {
        let (few, many) =
            if self.pieces.len() < other.pieces.len() { (self, other) } else { (other, self) };
        let (a, b) = (&*few.pieces, &*many.pieces);
        let both = a.len() + b.len();
        if a.is_empty() || (a.len() as f64) / (b.len() as f64) < threshold {
            return None;
        }
        // Fewer shared ones than this are too few. Rounded down, so that the division below has the
        // last word.
        let needed = (threshold * both as f64 / (1.0 + threshold)).floor() as usize;
        if few.differs(many) > both - 2 * needed {
            return None;
        }
        let (mut shared, mut i, mut j) = (0, 0, 0);
        while i < a.len() && j < b.len() {
            if shared + (a.len() - i).min(b.len() - j) < needed {
                return None;
            }
            // Without branches: which set is behind cannot be foretold.
            let (x, y) = (a[i], b[j]);
            shared += usize::from(x == y);
            i += usize::from(x <= y);
            j += usize::from(y <= x);
        }
        let similarity = shared as f64 / (both - shared) as f64;
        (similarity >= threshold).then_some(similarity)
    }

    /// Pieces that only one of the two has, or fewer; the other is the larger one.
    fn differs(&self, larger: &Set) -> usize {
        let count = self.parity.len();
        let ones = |at: usize| {
            // A longer row folds to a shorter one.
            let folded =
                larger.parity.iter().skip(at).step_by(count).fold(0, |all, word| all ^ word);
            (self.parity[at] ^ folded).count_ones() as usize
        };
        match count == larger.parity.len() {
            true => {
                let words = self.parity.iter().zip(&larger.parity);
                words.map(|(a, b)| (a ^ b).count_ones() as usize).sum()
            }
            false => (0..count).map(ones).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::dedup::words::Reading;

    fn count(text: &str, shingle: Shingle) -> usize {
        let (mut words, mut hashes) = (Words::default(), Vec::new());
        words.read(text, Reading { lowercase: true, punctuation: false });
        shingle.hashes(&words, &mut hashes);
        hashes.len()
    }

    #[test]
    fn pieces_of_short_and_long_texts() {
        assert_eq!(count("", Shingle::Words(5)), 0);
        assert_eq!(count("one two", Shingle::Words(5)), 1);
        assert_eq!(count("one two three four five six", Shingle::Words(5)), 2);
        assert_eq!(count("", Shingle::Chars(3)), 0);
        assert_eq!(count("ab", Shingle::Chars(3)), 1);
        assert_eq!(count("Äb cd", Shingle::Chars(3)), 3);
    }

    proptest! {
        #[test]
        fn similarity_is_that_of_the_sets(
            a in prop::collection::btree_set(0u64..200, 0..150),
            b in prop::collection::btree_set(0u64..200, 0..150),
            few in 1u64..=200,
            tenths in 1u32..=10,
        ) {
            let threshold = f64::from(tenths) / 10.0;
            let small = |set: BTreeSet<u64>| -> BTreeSet<u64> { set.iter().map(|x| x % few).collect() };
            let (a, b) = (small(a), small(b));
            let list = |set: &BTreeSet<u64>| Set::new(&set.iter().copied().collect::<Vec<_>>());
            let (union, shared) = (a.union(&b).count(), a.intersection(&b).count());
            let exact = shared as f64 / union.max(1) as f64;
            let expected = (exact >= threshold).then_some(exact);
            prop_assert_eq!(list(&a).at_least(threshold, &list(&b)), expected);
        }
    }
}
