//! Which texts say the same again: exact and near duplicates.
//!
//! [`dedup`] takes all texts at once, [`Index`] takes them as they come; both compare texts by the
//! pieces that they share ([`Shingle`]) and find by MinHash what is worth comparing. [`similar`]
//! compares by the vectors of an [`Embedder`] instead. The rule is everywhere the same: best first, a
//! text falls if it is near to one that is *kept*, and only then. One that is merely near to a fallen
//! one stays.

mod batch;
mod embed;
mod index;
mod novel;
mod shingle;
mod sketch;
mod union;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use self::novel::{How, Novel};
pub use self::{
    batch::{Pair, dedup, near_pairs},
    embed::{Embedded, Embedder, EmbeddingError, similar, similar_vectors},
    index::{Index, Standing},
    shingle::Shingle,
};
use self::{
    shingle::Set,
    sketch::Sketcher,
    words::{Reading, Words},
};
use crate::error::{Error, Result};

/// When two texts are near, and how that is found.
///
/// [`Dedup::at`] has the usual settings: `Dedup { shingle: Shingle::Chars(5), ..Dedup::at(0.8) }`.
///
/// Unicode is compared as it is written: a letter with a composed accent is not one with a combining
/// one. Normalise such texts before (NFKC), where they come from different hands. What is not seen does not count:
/// soft hyphens, zero-width spaces and joiners, marks of direction, variation selectors.
///
/// The similarity is plain Jaccard of the sets of pieces. To compare it with that of another tool, read texts as it does:
/// with `punctuation: true`, words are what `split()` of Python gives, in lower case with `lowercase`, where scripts put
/// spaces between words; [`similarity`](Self::similarity) gives the number for one pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dedup {
    /// The pieces that are compared.
    pub shingle: Shingle,
    /// The Jaccard similarity from which on texts are near, above 0 and at most 1: of the pieces that
    /// either has, the part that both have.
    pub threshold: f64,
    /// Whether upper and lower case are one.
    pub lowercase: bool,
    /// Whether punctuation counts; otherwise it only ends words.
    pub punctuation: bool,
    /// Bands of the MinHash sketch. Texts that agree in one of them are compared, so that more bands
    /// find more.
    pub bands: usize,
    /// Hash values of a band, which must all agree: more of them spare comparisons in vain.
    pub rows: usize,
    /// Seed of the hash functions. It decides which few of the near pairs are missed.
    pub seed: u64,
}

/// Hash values that a sketch has at most, as [`Dedup::at`] cuts it.
const VALUES: usize = 256;

/// The share of pairs just at the threshold that [`Dedup::at`] wants to see.
const RECALL: f64 = 0.997;

impl Dedup {
    /// Runs of five words, in lower case and without punctuation, near from this similarity on.
    ///
    /// Bands are cut so that of pairs just at the threshold at least 99.7% are found, and more of
    /// those above: at 0.8 it is 32 bands of 8, at 0.5 it is 44 of 3.
    pub fn at(threshold: f64) -> Self {
        let bands = |rows: i32| ((1.0 - RECALL).ln() / (-threshold.powi(rows)).ln_1p()).ceil();
        let fits = |rows: &i32| bands(*rows) * f64::from(*rows) <= VALUES as f64;
        let rows = (1..=16).rev().find(fits).unwrap_or(1);
        Dedup {
            shingle: Shingle::Words(5),
            threshold,
            lowercase: true,
            punctuation: false,
            bands: (bands(rows) as usize).clamp(1, VALUES),
            rows: rows as usize,
            seed: 0,
        }
    }

    /// The chance that a pair of this similarity is seen, and then compared exactly.
    pub fn recall(&self, similarity: f64) -> f64 {
        let band = similarity.clamp(0.0, 1.0).powf(self.rows as f64);
        1.0 - (1.0 - band).powf(self.bands as f64)
    }

    /// Jaccard similarity of two texts, as [`dedup`] takes it, whatever the threshold; 0 where one has
    /// no words.
    pub fn similarity(&self, a: &str, b: &str) -> f64 {
        let mut reader = Reader::default();
        let mut set = |text| {
            reader.read(text, self);
            Set::new(&reader.pieces)
        };
        set(a).at_least(0.0, &set(b)).unwrap_or(0.0)
    }

    fn check(&self) -> Result<()> {
        let wrong = |setting, message| Err(Error::Config { setting, message });
        if self.shingle.length() == 0 {
            return wrong("shingle", "is a run of nothing; give it at least 1");
        }
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return wrong("threshold", "must be above 0 and at most 1");
        }
        if self.bands == 0 || self.rows == 0 {
            return wrong("bands", "and `rows` must be at least 1; see `Dedup::at`");
        }
        if self.bands.saturating_mul(self.rows) > 1 << 16 {
            return wrong("bands", "times `rows` must be at most 65536; see `Dedup::at`");
        }
        Ok(())
    }

    fn reading(&self) -> Reading {
        Reading { lowercase: self.lowercase, punctuation: self.punctuation }
    }

    fn sketcher(&self) -> Sketcher {
        Sketcher::new(self.bands, self.rows, self.seed)
    }
}

/// What became of the texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Duplicates {
    /// The numbers of the texts that stay, ascending.
    pub kept: Vec<usize>,
    /// The texts that fall, ascending.
    pub dropped: Vec<Dropped>,
    /// Texts that hang together, each with its neighbour in the chain: sets of two and more, each
    /// ascending, by their first. In a chain the ends need not be near, so that several may be kept.
    /// The rows of a cluster belong on one side of a split into training and validation.
    pub clusters: Vec<Vec<usize>>,
    /// Pairs that were compared: what the search cost.
    pub compared: u64,
}

/// A text that falls, and for which.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dropped {
    /// The number of the text.
    pub text: usize,
    /// The number of the one that is kept instead: of those it is near to, the best.
    pub kept: usize,
    /// How like they are.
    pub likeness: Likeness,
}

/// How like two texts are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Likeness {
    /// They have the same words in the same order.
    Exact,
    /// They have this similarity, at least the threshold.
    Near(f64),
}

/// The buffers of one thread, in which text after text is read.
#[derive(Debug, Default)]
struct Reader {
    words: Words,
    pieces: Vec<u64>,
    bins: Vec<u64>,
}

impl Reader {
    /// Reads a text to pieces; gives the hash of all of it.
    fn read(&mut self, text: &str, config: &Dedup) -> u128 {
        self.words.read(text, config.reading());
        config.shingle.hashes(&self.words, &mut self.pieces);
        self.words.whole(text)
    }

    /// A key for each band of the text that was read, which has pieces.
    fn keys(&mut self, sketcher: &Sketcher, keys: &mut [u32]) {
        sketcher.keys(&self.pieces, &mut self.bins, keys);
    }
}

/// The numbers of texts, best first, then earliest.
fn best_first<R: Ord>(count: usize, rank: impl Fn(usize) -> R) -> Result<Vec<u32>> {
    let Ok(count) = u32::try_from(count) else {
        return Err(Error::Config {
            setting: "texts",
            message: "are more than 4294967295; shard them first",
        });
    };
    let ranks: Vec<R> = (0..count).map(|text| rank(text as usize)).collect();
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by(|&a, &b| ranks[b as usize].cmp(&ranks[a as usize]));
    Ok(order)
}
