//! What rows hold, counted and hashed.

use serde::{Deserialize, Serialize};

use super::Row;
use crate::{Error, Result};

/// What rows hold, counted, and a hash that other rows would not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// blake3 over ids and weights of all rows, in hexadecimal. A run refuses to go on with rows of
    /// another hash.
    pub hash: String,
    /// Tokens of all rows.
    pub tokens: u64,
    /// Those among them that carry loss.
    pub learnt: u64,
    /// The largest token id, 0 where there are no tokens: what a vocabulary must reach.
    pub largest_id: u32,
}

/// A row in the bytes that are hashed, and written to disk: the number of its tokens and of its runs of
/// weights, then the ids, then the runs. All are of four bytes, little endian; a run is a number of
/// tokens and the weight of each. No runs at all mean that every weight is 1.
pub(super) struct Record {
    pub(super) bytes: Vec<u8>,
    pub(super) tokens: usize,
    pub(super) learnt: usize,
    largest_id: u32,
}

/// Bytes of a record before its ids.
pub(super) const COUNTS: usize = 8;
/// Bytes of an id.
pub(super) const ID: usize = 4;
/// Bytes of a run.
pub(super) const RUN: usize = 8;

impl Row {
    /// # Errors
    ///
    /// [`Error::Config`] when there is not one weight for each token, or one that none can be.
    pub(super) fn to_record(&self) -> Result<Record> {
        let Row { ids, weights } = self;
        let wrong = |message: String| Err(Error::Config { what: "row", message });
        if ids.len() != weights.len() {
            return wrong(format!("it has {} tokens and {} weights", ids.len(), weights.len()));
        }
        if let Some(weight) = weights.iter().find(|weight| !is_weight(**weight)) {
            return wrong(format!("it has the weight {weight}; weights are finite and 0 or more"));
        }
        let Ok(tokens) = u32::try_from(ids.len()) else {
            return wrong(format!("it has {} tokens, which no text has", ids.len()));
        };
        let mut runs: Vec<&[f32]> = weights.chunk_by(|a, b| a.to_bits() == b.to_bits()).collect();
        if runs.iter().all(|run| run[0] == 1.0) {
            runs.clear();
        }
        let mut bytes = Vec::with_capacity(COUNTS + ID * ids.len() + RUN * runs.len());
        bytes.extend(tokens.to_le_bytes());
        bytes.extend((runs.len() as u32).to_le_bytes());
        bytes.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
        for run in runs {
            bytes.extend((run.len() as u32).to_le_bytes());
            bytes.extend(run[0].to_le_bytes());
        }
        let largest_id = ids.iter().copied().max().unwrap_or_default();
        Ok(Record { bytes, tokens: ids.len(), learnt: self.learnt(), largest_id })
    }
}

/// Whether a number can weigh a loss.
pub(super) fn is_weight(weight: f32) -> bool {
    weight.is_finite() && weight >= 0.0
}

/// Makes a [`Digest`], row by row.
#[derive(Default)]
pub(super) struct Digester {
    hasher: blake3::Hasher,
    digest: Digest,
}

impl Digester {
    pub(super) fn add(&mut self, record: &Record) {
        self.hasher.update(&record.bytes);
        self.digest.tokens += record.tokens as u64;
        self.digest.learnt += record.learnt as u64;
        self.digest.largest_id = self.digest.largest_id.max(record.largest_id);
    }

    /// What was counted so far; the hash is still to come.
    pub(super) fn counted(&self) -> &Digest {
        &self.digest
    }

    pub(super) fn finish(self) -> Digest {
        Digest { hash: self.hasher.finalize().to_hex().to_string(), ..self.digest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_take_little_room() {
        let size = |weights: &[f32]| {
            let row = Row { ids: vec![7; weights.len()], weights: weights.to_vec() };
            row.to_record().unwrap().bytes.len() - COUNTS - ID * weights.len()
        };
        assert_eq!(size(&[]), 0);
        assert_eq!(size(&[1.0; 900]), 0);
        assert_eq!(size(&[0.5; 900]), RUN);
        assert_eq!(size(&[0.0, 0.0, 1.0, 1.0, 0.0]), 3 * RUN);
    }

    #[test]
    fn a_hash_tells_rows_from_one_row_and_weights_from_each_other() {
        let hash = |rows: &[(&[u32], &[f32])]| {
            let mut digester = Digester::default();
            for (ids, weights) in rows {
                let row = Row { ids: ids.to_vec(), weights: weights.to_vec() };
                digester.add(&row.to_record().unwrap());
            }
            digester.finish().hash
        };
        let all = [
            hash(&[]),
            hash(&[(&[], &[])]),
            hash(&[(&[1, 2], &[1.0, 1.0])]),
            hash(&[(&[1], &[1.0]), (&[2], &[1.0])]),
            hash(&[(&[1, 2], &[0.0, 1.0])]),
            hash(&[(&[1, 2], &[-0.0, 1.0])]),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
