//! Training rows, and packing them into batches of one length.

use std::fmt;

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::Tokenizer;

/// One text to train on: token ids, and for each the weight of its loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Loss weight of predicting each token from those before it; as long as `ids`. The first has no
    /// tokens before it and counts for nothing, whatever its weight.
    pub weights: Vec<f32>,
}

impl Row {
    /// A row with loss on every token.
    pub fn learning_all(ids: Vec<u32>) -> Self {
        Row { weights: vec![1.0; ids.len()], ids }
    }

    /// How many tokens carry loss.
    pub fn learnt(&self) -> usize {
        self.weights.iter().skip(1).filter(|&&weight| weight != 0.0).count()
    }

    /// The row as text, with the tokens that carry loss in `[brackets]`: a way to see the mask.
    pub fn show(&self, tokenizer: &Tokenizer) -> impl fmt::Display {
        let mut shown = String::new();
        for (&id, &weight) in self.ids.iter().zip(&self.weights) {
            let word = tokenizer.decode(&[id]).ok().filter(|word| !word.is_empty());
            let word = word.unwrap_or_else(|| {
                if id == tokenizer.end() { tokenizer.end_token() } else { format!("#{id}") }
            });
            if !shown.is_empty() {
                shown.push(' ');
            }
            shown += &if weight == 0.0 { word } else { format!("[{word}]") };
        }
        shown
    }
}

/// Rows laid end to end in sequences of one length.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// Tokens of a sequence.
    pub length: usize,
    /// The sequences, each with the row that every token belongs to (0 is padding).
    sequences: Vec<(Row, Vec<u32>)>,
    /// Tokens cut off rows longer than a sequence.
    pub truncated: usize,
    /// Padding tokens at the ends of sequences.
    pub padding: usize,
}

/// Packs rows into sequences of `length + 1` tokens, in the order given: a row that does not fit
/// opens the next sequence, one that is longer than a sequence is cut off and counted.
///
/// Rows do not see each other: [`Batch`] keeps attention within a row.
pub fn pack<'r>(rows: impl IntoIterator<Item = &'r Row>, length: usize) -> Packed {
    let room = length + 1;
    let mut packed = Packed { length, sequences: Vec::new(), truncated: 0, padding: 0 };
    let mut open: (Row, Vec<u32>) = Default::default();
    for row in rows.into_iter().filter(|row| !row.ids.is_empty()) {
        let kept = row.ids.len().min(room);
        packed.truncated += row.ids.len() - kept;
        if open.1.len() + kept > room {
            packed.close(std::mem::take(&mut open));
        }
        let number = open.1.last().map_or(1, |last| last + 1);
        open.0.ids.extend(&row.ids[..kept]);
        open.0.weights.push(0.0); // the first token of a row has nothing to be predicted from
        open.0.weights.extend(&row.weights[1..kept]);
        open.1.extend(std::iter::repeat_n(number, kept));
    }
    if !open.1.is_empty() {
        packed.close(open);
    }
    packed
}

/// Each row a sequence of its own, padded at its end.
pub(crate) fn pack_apart(rows: &[&Row], length: usize) -> Packed {
    let mut packed = Packed { length, sequences: Vec::new(), truncated: 0, padding: 0 };
    for row in rows {
        packed.close(((*row).clone(), vec![1; row.ids.len()]));
    }
    packed
}

impl Packed {
    fn close(&mut self, (mut row, mut segments): (Row, Vec<u32>)) {
        let room = self.length + 1;
        self.padding += room - segments.len();
        row.ids.resize(room, 0);
        row.weights.resize(room, 0.0);
        segments.resize(room, 0);
        self.sequences.push((row, segments));
    }

    /// Drops sequences without loss: a step on them would learn nothing.
    pub(crate) fn retain_learnt(&mut self) {
        self.sequences.retain(|(row, _)| row.learnt() > 0);
    }

    /// How many sequences there are.
    pub fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    /// The sequences with these numbers as one batch.
    ///
    /// # Panics
    ///
    /// When a number is not below [`len`](Packed::len).
    pub fn batch(&self, numbers: &[usize]) -> Batch {
        let mut batch = Batch { length: self.length, ..Batch::default() };
        for &number in numbers {
            let (row, segments) = &self.sequences[number];
            batch.ids.extend(row.ids[..self.length].iter().map(|&id| id as i32));
            batch.targets.extend(row.ids[1..].iter().map(|&id| id as i32));
            batch.weights.extend(&row.weights[1..]);
            batch.segments.extend(&segments[..self.length]);
        }
        batch
    }
}

/// Sequences that are trained on together, on the host. All are `[sequences, length]`, row by row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Tokens of a sequence.
    pub length: usize,
    /// Token ids read.
    pub ids: Vec<i32>,
    /// Token ids to predict, one further on.
    pub targets: Vec<i32>,
    /// Loss weights of the targets.
    pub weights: Vec<f32>,
    /// Which row of its sequence each token belongs to; attention stays within.
    pub segments: Vec<u32>,
}

impl Batch {
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

    /// What is added to attention scores, `[sequences, 1, length, length]`: 0 where a token may look,
    /// a large negative number where it may not (ahead, into another row, beyond the window).
    pub(crate) fn bias(&self, window: Option<usize>, device: &Device) -> Tensor<4> {
        let length = self.length;
        let mut bias = vec![FORBIDDEN; self.segments.len() * length];
        for (token, row) in bias.chunks_exact_mut(length).enumerate() {
            let (start, place) = (token - token % length, token % length);
            let own = self.segments[token];
            let oldest = window.map_or(0, |window| (place + 1).saturating_sub(window));
            let segments = &self.segments[start + oldest..=token];
            for (cell, &segment) in row[oldest..=place].iter_mut().zip(segments) {
                if segment == own {
                    *cell = 0.0;
                }
            }
        }
        let shape = [self.sequences(), 1, length, length];
        Tensor::from_data(TensorData::new(bias, shape), device)
    }
}

/// Far below any score, yet finite: a softmax over it is 0, never NaN.
pub(crate) const FORBIDDEN: f32 = -1e9;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(ids: &[u32]) -> Row {
        Row::learning_all(ids.to_vec())
    }

    #[test]
    fn rows_are_laid_end_to_end() {
        let packed = pack(&[row(&[1, 2, 3]), row(&[4, 5]), row(&[6, 7, 8])], 4);
        assert_eq!((packed.len(), packed.padding, packed.truncated), (2, 2, 0));
        let batch = packed.batch(&[0, 1]);
        assert_eq!(batch.ids, [1, 2, 3, 4, 6, 7, 8, 0]);
        assert_eq!(batch.targets, [2, 3, 4, 5, 7, 8, 0, 0]);
        assert_eq!(batch.weights, [1., 1., 0., 1., 1., 1., 0., 0.]);
        assert_eq!(batch.segments, [1, 1, 1, 2, 1, 1, 1, 0]);
    }

    #[test]
    fn attention_stays_within_a_row() {
        let device = crate::device::of_tests();
        let batch = pack(&[row(&[1, 2]), row(&[3, 4, 5])], 4).batch(&[0]);
        let open = |window| -> Vec<u8> {
            let bias: Vec<f32> = batch.bias(window, &device).into_data().try_to_vec().unwrap();
            bias.iter().map(|&b| u8::from(b == 0.0)).collect()
        };
        assert_eq!(open(None), [1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1]);
        assert_eq!(open(Some(1)), [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!(batch.positions(), [0, 1, 0, 1]);
    }

    #[test]
    fn masks_can_be_seen() {
        let tokenizer = Tokenizer::word_level(["a", "b"].map(str::to_owned)).unwrap();
        let row = Row { ids: vec![2, 3, 0], weights: vec![0.0, 1.0, 1.0] };
        assert_eq!(row.show(&tokenizer).to_string(), "a [b] [<eos>]");
    }

    proptest! {
        #[test]
        fn parts_hold_a_batch_whole(sequences in 0usize..9, parts in 0usize..6) {
            let rows: Vec<Row> = (0..sequences as u32).map(|i| row(&[i, i + 1, i + 2])).collect();
            let batch = pack(&rows, 2).batch(&(0..sequences).collect::<Vec<_>>());
            let parts = batch.split(parts);
            prop_assert!(parts.len() <= sequences);
            let ids: Vec<i32> = parts.iter().flat_map(|part| part.ids.clone()).collect();
            prop_assert_eq!(ids, batch.ids);
            let targets: Vec<i32> = parts.iter().flat_map(|part| part.targets.clone()).collect();
            prop_assert_eq!(targets, batch.targets);
        }

        #[test]
        fn no_token_is_lost_uncounted(
            lengths in prop::collection::vec(0usize..12, 0..20), length in 1usize..9,
        ) {
            let rows: Vec<Row> = lengths.iter().map(|&n| row(&vec![7; n])).collect();
            let packed = pack(&rows, length);
            let total: usize = lengths.iter().sum();
            prop_assert_eq!(packed.len() * (length + 1), total - packed.truncated + packed.padding);
            for number in 0..packed.len() {
                let batch = packed.batch(&[number]);
                prop_assert_eq!(batch.ids.len(), length);
                // Nothing is learnt across rows or from padding.
                for place in 0..length.saturating_sub(1) {
                    let crosses = batch.segments[place] != batch.segments[place + 1];
                    prop_assert!(!crosses || batch.weights[place] == 0.0);
                }
            }
        }
    }
}
