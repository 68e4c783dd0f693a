//! Many rows, wherever they are kept.

use std::ops::Range;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{Digest, Row, digest::Digester};
use crate::{Error, Result};

/// Rows to train on, wherever they are kept. There are fewer than 2³² of them.
///
/// A `Vec<Row>` holds them in memory, a [`RowFile`](crate::RowFile) on disk, a
/// [`Mixture`](crate::Mixture) joins others by shares. Whoever packs and trains asks for lengths first,
/// which should cost nothing, and reads tokens only when their batch is made.
///
/// # Panics
///
/// The methods may panic when a row's number is not below [`len`](Rows::len), or a range reaches beyond
/// its row, as slices do.
///
/// # Examples
///
/// ```
/// use ethos_train::{Row, Rows};
///
/// let rows = vec![Row::learning_all(vec![3, 1, 4]), Row::learning_all(vec![1, 5])];
/// assert_eq!((rows.tokens(0), rows.digest()?.largest_id), (3, 5));
/// assert_eq!(rows.epoch(0, 7), rows.epoch(0, 7), "an order is a function of the seed");
/// # Ok::<(), ethos_train::Error>(())
/// ```
pub trait Rows: Send + Sync {
    /// How many rows there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many tokens a row has.
    fn tokens(&self, row: usize) -> usize;

    /// Appends some of a row's tokens, with their weights, to `into`.
    ///
    /// # Errors
    ///
    /// When the row cannot be read, or is damaged.
    fn read(&self, row: usize, tokens: Range<usize>, into: &mut Row) -> Result<()>;

    /// A row as a whole.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Rows::read).
    fn row(&self, row: usize) -> Result<Row> {
        let mut whole = Row::default();
        self.read(row, 0..self.tokens(row), &mut whole)?;
        Ok(whole)
    }

    /// Whether any of some tokens of a row carries loss.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Rows::read).
    fn learns(&self, row: usize, tokens: Range<usize>) -> Result<bool> {
        let mut read = Row::default();
        self.read(row, tokens, &mut read)?;
        Ok(read.weights.iter().any(|&weight| weight != 0.0))
    }

    /// What the rows hold, and a hash of it. The same rows in the same order have the same, be they in
    /// memory or on disk.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] naming the first row that has not one weight for each token, or a weight that is
    /// negative or not finite.
    fn digest(&self) -> Result<Digest> {
        let (mut digester, mut read) = (Digester::default(), Row::default());
        for row in 0..self.len() {
            read.ids.clear();
            read.weights.clear();
            let record =
                self.read(row, 0..self.tokens(row), &mut read).and_then(|()| read.to_record());
            digester.add(&record.map_err(Error::row(row))?);
        }
        Ok(digester.finish())
    }

    /// The rows that an epoch passes over, in their order: all of them once, shuffled by seed and
    /// epoch, unless said otherwise. A function of its arguments alone, so that a run goes on from any
    /// step.
    fn epoch(&self, epoch: usize, seed: u64) -> Vec<u32> {
        let mut rows: Vec<u32> = (0..self.len() as u32).collect();
        rows.shuffle(&mut stream(seed, epoch as u64));
        rows
    }
}

/// One of a seed's streams of random numbers.
pub(super) fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

/// Rows in memory.
impl<R: AsRef<[Row]> + Send + Sync + ?Sized> Rows for R {
    fn len(&self) -> usize {
        self.as_ref().len()
    }

    fn tokens(&self, row: usize) -> usize {
        self.as_ref()[row].ids.len()
    }

    fn read(&self, row: usize, tokens: Range<usize>, into: &mut Row) -> Result<()> {
        let Row { ids, weights } = &self.as_ref()[row];
        if ids.len() != weights.len() {
            let message = format!("it has {} tokens and {} weights", ids.len(), weights.len());
            return Err(Error::Config { what: "row", message });
        }
        into.ids.extend_from_slice(&ids[tokens.clone()]);
        into.weights.extend_from_slice(&weights[tokens]);
        Ok(())
    }

    fn learns(&self, row: usize, tokens: Range<usize>) -> Result<bool> {
        let weights = self.as_ref()[row].weights.get(tokens);
        Ok(weights.is_some_and(|weights| weights.iter().any(|&weight| weight != 0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_rows_however_they_are_held() {
        let rows = vec![Row::learning_all(vec![1, 2]), Row::learning_all(vec![3])];
        let held: [&dyn Rows; 3] = [&rows, &&rows[..], &[rows[0].clone(), rows[1].clone()]];
        for some in held {
            assert_eq!(some.row(1).unwrap(), rows[1]);
            assert_eq!(some.digest().unwrap(), rows.digest().unwrap());
        }
        assert!(!rows[..1].digest().unwrap().hash.eq(&rows.digest().unwrap().hash));
    }

    #[test]
    fn an_epoch_is_a_shuffle_of_its_own() {
        let rows = vec![Row::default(); 50];
        let [first, second] = [0, 1].map(|epoch| rows.epoch(epoch, 3));
        assert_ne!(first, second);
        assert_ne!(first, rows.epoch(0, 4));
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn rows_that_are_none_are_named() {
        let good = Row::learning_all(vec![1, 2]);
        for weights in [vec![1.0], vec![1.0; 3], vec![1.0, f32::NAN], vec![-1.0, 1.0]] {
            let rows = [good.clone(), Row { weights, ..good.clone() }];
            let error = rows.digest().unwrap_err();
            assert!(matches!(error, Error::Row { row: 1, .. }), "{error}");
        }
    }
}
