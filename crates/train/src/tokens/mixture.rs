//! Rows from several sources.

use std::{fmt, ops::Range};

use rand::seq::SliceRandom;

use super::{Digest, Row, Rows, rows::stream};
use crate::{Error, Result};

/// One of the sources of a [`Mixture`], with its share of the tokens.
#[derive(Clone, Copy)]
pub struct Part<'r> {
    /// Where its rows are.
    pub rows: &'r dyn Rows,
    /// Its share, in any unit: what counts are the proportions.
    pub share: f64,
}

/// Rows of several sources, as one.
///
/// With [shares](Mixture::new), the first part is what the run is about: an epoch passes over it exactly
/// as it would without the others, and these come in beside it, each with its share of the tokens. Each
/// goes on in the next epoch where it stopped in this one, in a shuffled order of its own, and begins
/// again when it is through; how much came again is [reported](Mixture::passed). Shares hold to within
/// one row at the end of every epoch, however many there are.
///
/// [Without](Mixture::all), every epoch passes over everything.
///
/// # Examples
///
/// Chats, with a fifth of the tokens from other instructions lest the model forgets them:
///
/// ```
/// use ethos_train::{Mixture, Part, Row, Rows};
///
/// let chats = vec![Row::learning_all(vec![1; 10]); 40];
/// let instructions = vec![Row::learning_all(vec![2; 5]); 1000];
/// let mixture = Mixture::new(&[
///     Part { rows: &chats, share: 0.8 },
///     Part { rows: &instructions, share: 0.2 },
/// ])?;
/// let tokens: Vec<u64> = mixture.passed(0, 7).iter().map(|passed| passed.tokens).collect();
/// assert_eq!(tokens, [400, 100]);
/// assert_eq!(mixture.epoch(0, 7).len(), 60);
/// # Ok::<(), ethos_train::Error>(())
/// ```
pub struct Mixture<'r> {
    sources: Vec<Source<'r>>,
}

struct Source<'r> {
    rows: &'r dyn Rows,
    /// The number of its first row in the mixture.
    first: usize,
    /// Its tokens for each token of the first source; `None` where each epoch passes over it once.
    ratio: Option<f64>,
}

/// What an epoch took from a part of a [`Mixture`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passed {
    /// Rows.
    pub rows: usize,
    /// Their tokens.
    pub tokens: u64,
    /// Those among the rows that belong to a second or later pass over the part.
    pub repeated: usize,
}

impl<'r> Mixture<'r> {
    /// Parts by their shares of the tokens. Mixtures may be parts.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when there are no parts, when one holds no tokens, when a share is not a
    /// positive number, or when there are 2³² rows or more.
    pub fn new(parts: &[Part<'r>]) -> Result<Self> {
        for (number, part) in parts.iter().enumerate() {
            if !part.share.is_finite() || part.share <= 0.0 {
                return wrong(format!("the share of part {number} must be a positive number"));
            }
            if (0..part.rows.len()).all(|row| part.rows.tokens(row) == 0) {
                return wrong(format!("part {number} holds no tokens; leave it out"));
            }
        }
        let beside = |part: &Part<'_>| Some(part.share / parts[0].share);
        let ratios = parts.iter().enumerate().map(|(i, part)| (i > 0).then(|| beside(part))?);
        Mixture::join(parts.iter().map(|part| part.rows).zip(ratios))
    }

    /// All parts, each passed over once in an epoch.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when there are no parts, or 2³² rows or more.
    pub fn all(parts: &[&'r dyn Rows]) -> Result<Self> {
        Mixture::join(parts.iter().map(|rows| (*rows, None)))
    }

    fn join(parts: impl Iterator<Item = (&'r dyn Rows, Option<f64>)>) -> Result<Self> {
        let (mut sources, mut first) = (Vec::new(), 0_usize);
        for (rows, ratio) in parts {
            sources.push(Source { rows, first, ratio });
            first = first.saturating_add(rows.len());
        }
        if sources.is_empty() {
            return wrong("there are no parts".to_owned());
        }
        if u32::try_from(first).is_err() {
            return wrong(format!("{first} rows are more than can be mixed"));
        }
        Ok(Mixture { sources })
    }

    /// What an epoch takes from each part.
    pub fn passed(&self, epoch: usize, seed: u64) -> Vec<Passed> {
        self.pass(epoch, seed).into_iter().map(|(_, passed)| passed).collect()
    }

    /// The rows of each part that an epoch passes over, by their numbers in the part.
    fn pass(&self, epoch: usize, seed: u64) -> Vec<(Vec<u32>, Passed)> {
        let mut run = 0..0_u64;
        if self.sources.iter().any(|source| source.ratio.is_some()) {
            let first = &self.sources[0];
            let tokens = |epoch| first.tokens_of(&first.rows.epoch(epoch, seed));
            let before: u64 = (0..epoch).map(tokens).sum();
            run = before..before + tokens(epoch);
        }
        let pass = |(number, source): (u64, &Source<'_>)| {
            // Far from each other, so that parts are not shuffled alike; the first's is the run's own.
            let seed = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            match source.ratio {
                None => source.whole(epoch, seed),
                Some(ratio) => {
                    let until = |tokens: u64| (ratio * tokens as f64).round() as u64;
                    source.stretch(until(run.start)..until(run.end), seed)
                }
            }
        };
        (0..).zip(&self.sources).map(pass).collect()
    }

    fn source(&self, row: usize) -> (&'r dyn Rows, usize) {
        let after = self.sources.partition_point(|source| source.first <= row);
        let source = &self.sources[after.saturating_sub(1)];
        (source.rows, row - source.first)
    }
}

impl Source<'_> {
    fn tokens_of(&self, rows: &[u32]) -> u64 {
        rows.iter().map(|&row| self.rows.tokens(row as usize) as u64).sum()
    }

    fn whole(&self, epoch: usize, seed: u64) -> (Vec<u32>, Passed) {
        let rows = self.rows.epoch(epoch, seed);
        let repeated = if epoch > 0 { rows.len() } else { 0 };
        let passed = Passed { rows: rows.len(), tokens: self.tokens_of(&rows), repeated };
        (rows, passed)
    }

    /// The rows that begin within these tokens, where the source is passed over again and again.
    fn stretch(&self, tokens: Range<u64>, seed: u64) -> (Vec<u32>, Passed) {
        let (mut rows, mut passed, mut at) = (Vec::new(), Passed::default(), 0);
        for pass in 0.. {
            let before = at;
            for row in self.rows.epoch(pass, seed) {
                let length = self.rows.tokens(row as usize) as u64;
                if tokens.contains(&at) {
                    rows.push(row);
                    passed.tokens += length;
                    passed.repeated += usize::from(pass > 0);
                }
                at += length;
            }
            if at >= tokens.end || at == before {
                break;
            }
        }
        passed.rows = rows.len();
        (rows, passed)
    }
}

impl Rows for Mixture<'_> {
    fn len(&self) -> usize {
        self.sources.last().map_or(0, |last| last.first + last.rows.len())
    }

    fn tokens(&self, row: usize) -> usize {
        let (rows, row) = self.source(row);
        rows.tokens(row)
    }

    fn read(&self, row: usize, tokens: Range<usize>, into: &mut Row) -> Result<()> {
        let (rows, row) = self.source(row);
        rows.read(row, tokens, into)
    }

    fn learns(&self, row: usize, tokens: Range<usize>) -> Result<bool> {
        let (rows, row) = self.source(row);
        rows.learns(row, tokens)
    }

    /// Of the parts and their shares.
    fn digest(&self) -> Result<Digest> {
        let (mut all, mut hasher) = (Digest::default(), blake3::Hasher::new());
        for source in &self.sources {
            let Digest { hash, tokens, learnt, largest_id } = source.rows.digest()?;
            hasher.update(hash.as_bytes());
            // NaN is no ratio.
            hasher.update(&source.ratio.unwrap_or(f64::NAN).to_le_bytes());
            all.tokens += tokens;
            all.learnt += learnt;
            all.largest_id = all.largest_id.max(largest_id);
        }
        Ok(Digest { hash: hasher.finalize().to_hex().to_string(), ..all })
    }

    fn epoch(&self, epoch: usize, seed: u64) -> Vec<u32> {
        let mut all = Vec::new();
        for (part, (source, (rows, passed))) in
            self.sources.iter().zip(self.pass(epoch, seed)).enumerate()
        {
            let Passed { tokens, repeated, .. } = passed;
            tracing::info!(epoch, part, rows = rows.len(), tokens, repeated, "mixed");
            all.extend(rows.into_iter().map(|row| source.first as u32 + row));
        }
        all.shuffle(&mut stream(seed, epoch as u64));
        all
    }
}

fn wrong<T>(message: String) -> Result<T> {
    Err(Error::Config { what: "mixture", message })
}

impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Part { rows, share } = self;
        f.debug_struct("Part").field("rows", &rows.len()).field("share", share).finish()
    }
}

impl fmt::Debug for Mixture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.sources.iter().map(|source| (source.rows.len(), source.ratio)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(lengths: &[usize]) -> Vec<Row> {
        lengths.iter().map(|&n| Row::learning_all(vec![1; n])).collect()
    }

    fn mixed<'r>(parts: &[(&'r Vec<Row>, f64)]) -> Mixture<'r> {
        let parts: Vec<Part<'r>> =
            parts.iter().map(|&(rows, share)| Part { rows, share }).collect();
        Mixture::new(&parts).unwrap()
    }

    #[test]
    fn rows_are_those_of_the_parts() {
        let (a, empty) = (rows(&[3, 5]), rows(&[]));
        let b = vec![Row { ids: vec![8, 9], weights: vec![0.0, 0.5] }];
        let all = Mixture::all(&[&a, &empty, &b]).unwrap();
        assert_eq!((all.len(), all.tokens(1), all.tokens(2)), (3, 5, 2));
        assert_eq!((all.row(1).unwrap(), all.row(2).unwrap()), (a[1].clone(), b[0].clone()));
        assert!(all.learns(2, 1..2).unwrap() && !all.learns(2, 0..1).unwrap());
        let digest = all.digest().unwrap();
        assert_eq!((digest.tokens, digest.learnt, digest.largest_id), (10, 7, 9));
        let mut epoch = all.epoch(4, 1);
        epoch.sort_unstable();
        assert_eq!(epoch, [0, 1, 2]);
    }

    #[test]
    fn another_share_is_another_run() {
        let (a, b) = (rows(&[3, 5]), rows(&[4]));
        let hash = |mixture: Mixture<'_>| mixture.digest().unwrap().hash;
        let hashes = [
            hash(mixed(&[(&a, 0.5), (&b, 0.5)])),
            hash(mixed(&[(&a, 0.6), (&b, 0.4)])),
            hash(mixed(&[(&b, 0.5), (&a, 0.5)])),
            hash(Mixture::all(&[&a, &b]).unwrap()),
        ];
        assert_eq!(hashes.iter().collect::<std::collections::HashSet<_>>().len(), 4);
        assert_eq!(hash(mixed(&[(&a, 2.0), (&b, 2.0)])), hashes[0], "shares are proportions");
    }

    #[test]
    fn mixtures_may_be_parts() {
        let (a, b, c) = (rows(&[2; 20]), rows(&[3; 20]), rows(&[5; 300]));
        let chats = Mixture::all(&[&a, &b]).unwrap();
        let inner = mixed(&[(&c, 0.5), (&a, 0.5)]);
        let mixture =
            Mixture::new(&[Part { rows: &chats, share: 0.25 }, Part { rows: &inner, share: 0.75 }]);
        let passed = mixture.unwrap().passed(2, 3);
        assert_eq!(passed[0].tokens, 100);
        assert!(passed[1].tokens.abs_diff(300) <= 5, "{passed:?}");
    }

    #[test]
    fn what_cannot_be_mixed_is_an_error() {
        let (a, empty) = (rows(&[3]), rows(&[0, 0]));
        for share in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Mixture::new(&[Part { rows: &a, share }]).is_err());
        }
        assert!(Mixture::new(&[]).is_err());
        let error =
            Mixture::new(&[Part { rows: &a, share: 1.0 }, Part { rows: &empty, share: 1.0 }]);
        assert!(error.unwrap_err().to_string().contains("part 1"));
    }

    proptest! {
        #[test]
        fn shares_hold_within_a_row_and_nothing_is_skipped(
            first in prop::collection::vec(0usize..30, 1..20),
            other in prop::collection::vec(0usize..30, 1..20),
            share in 0.01f64..20.0,
            seed: u64,
        ) {
            let (first, mut other) = (rows(&first), rows(&other));
            other.push(Row::learning_all(vec![1; 4]));
            prop_assume!(first.iter().any(|row| !row.ids.is_empty()));
            let mixture = mixed(&[(&first, 1.0), (&other, share)]);
            let longest = other.iter().map(|row| row.ids.len()).max().unwrap() as f64;
            let (mut tokens, mut seen) = ((0.0, 0.0), Vec::new());
            for epoch in 0..4 {
                let passed = mixture.passed(epoch, seed);
                prop_assert_eq!(passed[0].rows, first.len());
                tokens.0 += passed[0].tokens as f64;
                tokens.1 += passed[1].tokens as f64;
                let ahead = tokens.1 - share * tokens.0;
                prop_assert!((-0.5..=longest + 0.5).contains(&ahead), "{} ahead", ahead);

                let (rows, again) = &mixture.pass(epoch, seed)[1];
                prop_assert_eq!(again, &passed[1]);
                seen.extend_from_slice(rows);
                let mut all = mixture.epoch(epoch, seed);
                prop_assert_eq!(&all, &mixture.epoch(epoch, seed));
                prop_assert_eq!(all.len(), passed[0].rows + passed[1].rows);
                all.sort_unstable();
                let whole: Vec<u32> = (0..first.len() as u32).collect();
                prop_assert_eq!(&all[..first.len()], whole);
            }
            // One pass over the other part follows another, each a shuffle of its own.
            for (pass, seen) in seen.chunks(other.len()).enumerate() {
                let mut rows: Vec<u32> = seen.to_vec();
                rows.sort_unstable();
                rows.dedup();
                prop_assert_eq!(rows.len(), seen.len(), "pass {} repeats a row", pass);
            }
            let repeated: usize = (0..4).map(|e| mixture.passed(e, seed)[1].repeated).sum();
            prop_assert_eq!(repeated, seen.len().saturating_sub(other.len()));
        }
    }
}
