//! Sequences that are trained on together.

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::Row;

/// Far below any score, yet finite: a softmax over it is 0, never NaN.
pub(crate) const FORBIDDEN: f32 = -1e9;

/// Sequences that are trained on together, on the host. All are `[sequences, length]`, row by row.
///
/// A place reads one token and predicts the one after it in the same row. So a row of n tokens fills
/// n - 1 places, and no place predicts across rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Places of a sequence.
    pub length: usize,
    /// Token ids read; 0 in padding.
    pub ids: Vec<i32>,
    /// Token ids to predict; 0 in padding.
    pub targets: Vec<i32>,
    /// Loss weights of the targets; 0 in padding.
    pub weights: Vec<f32>,
    /// Which row, or piece of one, of its sequence each place belongs to, from 1; 0 is padding.
    /// Attention stays within.
    pub segments: Vec<u32>,
}

impl Batch {
    /// Each row a sequence of its own, padded at its end.
    #[cfg(test)]
    pub(crate) fn apart(rows: &[&Row], length: usize) -> Self {
        let mut batch = Batch { length, ..Batch::default() };
        for (sequences, row) in (1..).zip(rows) {
            batch.push(row, 1);
            batch.fill_up(sequences);
        }
        batch
    }

    /// Lays a row at the end of the last sequence.
    pub(super) fn push(&mut self, row: &Row, segment: u32) {
        let Some(places) = row.ids.len().checked_sub(1) else { return };
        self.ids.extend(row.ids[..places].iter().map(|&id| id as i32));
        self.targets.extend(row.ids[1..].iter().map(|&id| id as i32));
        self.weights.extend(&row.weights[1..]);
        self.segments.resize(self.ids.len(), segment);
    }

    /// Pads to so many whole sequences.
    pub(super) fn fill_up(&mut self, sequences: usize) {
        let whole = sequences * self.length;
        self.ids.resize(whole, 0);
        self.targets.resize(whole, 0);
        self.weights.resize(whole, 0.0);
        self.segments.resize(whole, 0);
    }

    /// How many sequences.
    pub fn sequences(&self) -> usize {
        self.ids.len() / self.length.max(1)
    }

    /// Sum of the loss weights.
    pub fn weight(&self) -> f64 {
        self.weights.iter().map(|&weight| f64::from(weight)).sum()
    }

    /// The batch in so many parts of about the same size, or as many as there are sequences.
    pub(crate) fn split(&self, parts: usize) -> Vec<Batch> {
        self.split_by(self.sequences().div_ceil(parts.max(1)))
    }

    /// The batch in parts of at most so many sequences.
    pub(crate) fn split_by(&self, sequences: usize) -> Vec<Batch> {
        let tokens = sequences.clamp(1, self.sequences().max(1)) * self.length;
        let part = |start: usize| {
            let range = start..(start + tokens).min(self.ids.len());
            Batch {
                length: self.length,
                ids: self.ids[range.clone()].to_vec(),
                targets: self.targets[range.clone()].to_vec(),
                weights: self.weights[range.clone()].to_vec(),
                segments: self.segments[range].to_vec(),
            }
        };
        (0..self.ids.len()).step_by(tokens.max(1)).map(part).collect()
    }

    pub(crate) fn ids(&self, device: &Device) -> Tensor<2, Int> {
        let shape = [self.sequences(), self.length];
        Tensor::from_data(TensorData::new(self.ids.clone(), shape), device)
    }

    /// How far each token is from the start of its row.
    pub(crate) fn positions(&self) -> Vec<i32> {
        let mut positions = vec![0; self.segments.len()];
        for token in 1..positions.len() {
            let starts =
                token % self.length == 0 || self.segments[token] != self.segments[token - 1];
            positions[token] = if starts { 0 } else { positions[token - 1] + 1 };
        }
        positions
    }

    /// The first place of its sequence that each token may look at: where its row began, or its window.
    pub(crate) fn first_seen(&self, window: Option<usize>) -> Vec<u32> {
        let length = self.length;
        let mut began = 0;
        let first = (0..self.segments.len()).map(|token| {
            let place = token % length;
            if place == 0 || self.segments[token] != self.segments[token - 1] {
                began = place;
            }
            began.max(window.map_or(0, |window| (place + 1).saturating_sub(window))) as u32
        });
        first.collect()
    }

    /// What is added to attention scores, `[sequences, 1, length, length]`: 0 where a token may look,
    /// a large negative number where it may not (ahead, into another row, beyond the window).
    pub(crate) fn bias(&self, window: Option<usize>, device: &Device) -> Tensor<4> {
        let length = self.length;
        let mut bias = vec![FORBIDDEN; self.segments.len() * length];
        let rows = bias.chunks_exact_mut(length).zip(self.first_seen(window));
        for (token, (row, first)) in rows.enumerate() {
            row[first as usize..=token % length].fill(0.0);
        }
        let shape = [self.sequences(), 1, length, length];
        Tensor::from_data(TensorData::new(bias, shape), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Overlong, Rows, pack};
    use proptest::prelude::*;

    fn row(ids: &[u32]) -> Row {
        Row::learning_all(ids.to_vec())
    }

    fn batch(rows: &dyn Rows, length: usize) -> Batch {
        let packed = pack(rows, length, Overlong::Split).unwrap();
        packed.batch(&(0..packed.len()).collect::<Vec<_>>()).unwrap()
    }

    /// Which places each may look at, as 0 and 1.
    fn open(batch: &Batch, window: Option<usize>) -> Vec<u8> {
        let device = crate::testing::device();
        let bias: Vec<f32> = batch.bias(window, &device).into_data().try_to_vec().unwrap();
        bias.iter().map(|&b| u8::from(b == 0.0)).collect()
    }

    #[test]
    fn rows_are_laid_end_to_end() {
        let batch = batch(&[row(&[1, 2, 3]), row(&[4, 5]), row(&[6, 7, 8])], 4);
        assert_eq!(batch.ids, [1, 2, 6, 7, 4, 0, 0, 0]);
        assert_eq!(batch.targets, [2, 3, 7, 8, 5, 0, 0, 0]);
        assert_eq!(batch.weights, [1., 1., 1., 1., 1., 0., 0., 0.]);
        assert_eq!(batch.segments, [1, 1, 2, 2, 1, 0, 0, 0]);
        assert_eq!(batch.positions(), [0, 1, 0, 1, 0, 0, 1, 2]);
    }

    #[test]
    fn rows_apart_have_a_sequence_each() {
        let batch = Batch::apart(&[&row(&[1]), &row(&[2, 3, 4]), &row(&[])], 2);
        assert_eq!(batch.ids, [0, 0, 2, 3, 0, 0]);
        assert_eq!(batch.segments, [0, 0, 1, 1, 0, 0]);
    }

    #[test]
    fn attention_stays_within_a_row() {
        let batch = batch(&[row(&[1, 2]), row(&[3, 4, 5, 6])], 4);
        assert_eq!(open(&batch, None), [1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1]);
        assert_eq!(open(&batch, Some(2)), [1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1]);
    }

    proptest! {
        #[test]
        fn a_place_sees_its_own_row_up_to_itself(
            lengths in prop::collection::vec(0usize..14, 1..12),
            length in 1usize..9,
            window in prop::option::of(1usize..5),
        ) {
            let rows: Vec<Row> = lengths.iter().map(|&n| row(&vec![7; n])).collect();
            let batch = batch(&rows, length);
            let (open, positions) = (open(&batch, window), batch.positions());
            for (place, open) in open.chunks_exact(length).enumerate() {
                let start = place - place % length;
                // The row began where its positions did, and is seen from there on.
                let began = place - positions[place] as usize;
                prop_assert!(began == start || batch.segments[began - 1] != batch.segments[place]);
                let oldest = window.map_or(0, |window| (place + 1).saturating_sub(window));
                for (other, &open) in (start..).zip(open) {
                    let seen = (began.max(oldest)..=place).contains(&other);
                    prop_assert_eq!(open == 1, seen, "{} sees {}", place, other);
                    prop_assert!(!seen || batch.segments[other] == batch.segments[place]);
                }
            }
        }

        #[test]
        fn parts_hold_a_batch_whole(sequences in 0usize..9, parts in 0usize..6) {
            let rows: Vec<Row> = (0..sequences as u32).map(|i| row(&[i, i + 1, i + 2])).collect();
            let batch = batch(&rows, 2);
            prop_assert_eq!(batch.sequences(), sequences);
            let parts = batch.split(parts);
            prop_assert!(parts.len() <= sequences);
            let ids: Vec<i32> = parts.iter().flat_map(|part| part.ids.clone()).collect();
            prop_assert_eq!(ids, batch.ids);
            let targets: Vec<i32> = parts.iter().flat_map(|part| part.targets.clone()).collect();
            prop_assert_eq!(targets, batch.targets);
        }
    }
}
