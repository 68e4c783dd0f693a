//! Near by meaning: texts whose vectors point the same way.

use std::error::Error as StdError;

use futures::future::BoxFuture;
use rayon::prelude::*;

use super::{Dropped, Duplicates, Likeness, best_first, union::Union};
use crate::error::{Error, Result};

/// What an [`Embedder`] gives: vectors, or why there are none, in its own words.
pub type Embedded = Result<Vec<Vec<f32>>, Box<dyn StdError + Send + Sync>>;

/// Turns texts into vectors: a model of one's own, or a service.
pub trait Embedder: Send + Sync {
    /// One vector for each text, in their order, all of one length. Vectors need not have length 1.
    fn embed<'a>(&'a self, texts: &'a [&'a str]) -> BoxFuture<'a, Embedded>;

    /// Texts worth giving at once.
    fn batch(&self) -> usize {
        256
    }
}

/// What can be wrong with vectors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddingError {
    /// The embedder failed.
    #[error("the embedder failed on texts {first} to {last}")]
    Failed {
        /// Number of the first text that it was given.
        first: usize,
        /// Number of the last.
        last: usize,
        /// What it says.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },

    /// There are not as many vectors as texts.
    #[error("the embedder gave {got} vectors for {texts} texts; it must give one for each")]
    Count {
        /// Texts given.
        texts: usize,
        /// Vectors that came back.
        got: usize,
    },

    /// A vector has another length than those before.
    #[error("the vector of text {text} has {got} numbers, those before have {expected}")]
    Dimension {
        /// The number of the text.
        text: usize,
        /// Length of the first vector.
        expected: usize,
        /// Length of this one.
        got: usize,
    },

    /// A vector has no direction.
    #[error(
        "the vector of text {text} is zero or not finite, and has no direction; leave such texts out \
         before"
    )]
    NoDirection {
        /// The number of the text.
        text: usize,
    },
}

/// Finds texts that are near by cosine similarity, and keeps the best of each, by the rule of
/// [`dedup`](super::dedup).
///
/// The paper drops questions from a similarity of 0.91 on, by the vectors of all-MiniLM-L6-v2 (arXiv
/// 2605.02087, and its code, which drops what is near to a fallen one too). Cosine is between -1 and
/// 1, and its scale is the embedder's own.
///
/// The search is exact: every pair is compared, which takes the square of the number of texts. Drop
/// exact and near duplicates by [`dedup`](super::dedup) before.
///
/// # Errors
///
/// [`Error::Config`] for a threshold that is no cosine, and
/// [`Error::Embedding`] when the embedder fails or what it gives are not
/// vectors of one length with a direction.
pub async fn similar<T: AsRef<str>, R: Ord>(
    texts: &[T],
    embedder: &dyn Embedder,
    threshold: f64,
    rank: impl Fn(usize) -> R,
) -> Result<Duplicates> {
    check(threshold)?;
    similar_vectors(&vectors(texts, embedder).await?, threshold, rank)
}

/// The vectors of texts, one for each.
pub(super) async fn vectors<T: AsRef<str>>(
    texts: &[T],
    embedder: &dyn Embedder,
) -> Result<Vec<Vec<f32>>> {
    let mut vectors = Vec::with_capacity(texts.len());
    let batch = embedder.batch().max(1);
    for texts in texts.chunks(batch) {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let first = vectors.len();
        let failed =
            |source| EmbeddingError::Failed { first, last: first + texts.len() - 1, source };
        let given = embedder.embed(&texts).await.map_err(failed)?;
        if given.len() != texts.len() {
            return Err(EmbeddingError::Count { texts: texts.len(), got: given.len() }.into());
        }
        vectors.extend(given);
    }
    Ok(vectors)
}

/// [`similar`] for vectors that are there already.
///
/// # Errors
///
/// As [`similar`].
pub fn similar_vectors<V, R>(
    vectors: &[V],
    threshold: f64,
    rank: impl Fn(usize) -> R,
) -> Result<Duplicates>
where
    V: AsRef<[f32]>,
    R: Ord,
{
    check(threshold)?;
    let order = best_first(vectors.len(), rank)?;
    let rows = Rows::new(vectors, &order)?;
    let mut union = Union::new(order.len() as u32);
    // For each place in the order, that of the kept one it falls for.
    let mut falls: Vec<Option<(u32, f64)>> = Vec::with_capacity(order.len());
    for start in (0..order.len()).step_by(BLOCK) {
        let end = order.len().min(start + BLOCK);
        let slices = (start..end).step_by(SLICE).collect::<Vec<_>>();
        let near = slices.par_iter().flat_map_iter(|&from| {
            rows.near(from..end.min(from + SLICE), start, threshold, &falls, &union)
        });
        for (place, near) in (start..).zip(near.collect::<Vec<_>>()) {
            near.joins.iter().for_each(|&other| union.join(other, place as u32));
            let within = near.within.iter().filter(|&&(other, _)| falls[other as usize].is_none());
            falls.push(near.kept.or_else(|| { within }.next().copied()));
            near.within.iter().for_each(|&(other, _)| union.join(other, place as u32));
        }
        union.flatten();
    }
    let mut result = Duplicates::default();
    let pairs = order.len() as u64;
    result.compared = pairs * pairs.saturating_sub(1) / 2;
    for (place, fall) in falls.iter().enumerate() {
        let text = order[place] as usize;
        match *fall {
            Some((kept, similarity)) => result.dropped.push(Dropped {
                text,
                kept: order[kept as usize] as usize,
                likeness: Likeness::Near(similarity),
            }),
            None => result.kept.push(text),
        }
    }
    result.kept.sort_unstable();
    result.dropped.sort_unstable_by_key(|dropped| dropped.text);
    let numbers = |set: Vec<u32>| {
        let mut set: Vec<usize> = set.iter().map(|&place| order[place as usize] as usize).collect();
        set.sort_unstable();
        set
    };
    result.clusters = union.sets().into_iter().map(numbers).collect();
    result.clusters.sort_unstable();
    Ok(result)
}

pub(super) fn check(threshold: f64) -> Result<()> {
    match threshold > -1.0 && threshold <= 1.0 {
        true => Ok(()),
        false => Err(Error::Config {
            setting: "threshold",
            message: "is a cosine, above -1 and at most 1",
        }),
    }
}

/// Texts that are compared with all before them at once.
const BLOCK: usize = 512;

/// Texts of one thread: a vector before them that was read is compared with all of these.
const SLICE: usize = 16;

/// Vectors of length 1, best first.
struct Rows {
    width: usize,
    numbers: Vec<f32>,
}

/// The texts before one that it is near to.
#[derive(Clone, Default)]
struct Near {
    /// The best of the kept ones before the block, and its similarity.
    kept: Option<(u32, f64)>,
    /// One of each cluster before the block.
    joins: Vec<u32>,
    /// All within the block, in order.
    within: Vec<(u32, f64)>,
}

impl Rows {
    fn new<V: AsRef<[f32]>>(vectors: &[V], order: &[u32]) -> Result<Self> {
        let width = vectors.first().map_or(0, |vector| vector.as_ref().len());
        for (text, vector) in vectors.iter().enumerate() {
            let got = vector.as_ref().len();
            if got != width {
                return Err(EmbeddingError::Dimension { text, expected: width, got }.into());
            }
        }
        let mut numbers = Vec::with_capacity(width * order.len());
        for &text in order {
            let vector = vectors[text as usize].as_ref();
            let square: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let length = square.sqrt();
            if !length.is_finite() || length == 0.0 {
                return Err(EmbeddingError::NoDirection { text: text as usize }.into());
            }
            numbers.extend(vector.iter().map(|&x| (f64::from(x) / length) as f32));
        }
        Ok(Rows { width, numbers })
    }

    fn row(&self, place: usize) -> &[f32] {
        &self.numbers[place * self.width..][..self.width]
    }

    /// What the texts at these places are near to, of those before them; `start` is where their block
    /// starts.
    fn near(
        &self,
        places: std::ops::Range<usize>,
        start: usize,
        threshold: f64,
        falls: &[Option<(u32, f64)>],
        union: &Union,
    ) -> Vec<Near> {
        let mut near = vec![Near::default(); places.len()];
        for before in 0..places.end {
            let row = self.row(before);
            for (place, near) in places.clone().zip(&mut near).filter(|&(place, _)| before < place)
            {
                let cosine = cosine(row, self.row(place));
                if cosine < threshold {
                    continue;
                }
                let before = before as u32;
                if before as usize >= start {
                    near.within.push((before, cosine));
                    continue;
                }
                if falls[before as usize].is_none() {
                    near.kept.get_or_insert((before, cosine));
                }
                let root = union.root(before);
                if !near.joins.contains(&root) {
                    near.joins.push(root);
                }
            }
        }
        near
    }
}

/// Of vectors of length 1, in eight sums that are always taken in one order.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0_f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a.zip(b) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    f64::from(sums.iter().sum::<f32>() + rest)
}
