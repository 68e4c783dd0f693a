//! Packing rows into sequences of one length.

use std::{cmp::Reverse, collections::BTreeMap, fmt, ops::Range};

use serde::{Deserialize, Serialize};

use super::{Batch, Row, Rows};
use crate::{Error, Result};

/// What becomes of a row that is longer than a sequence, that is, has more tokens than places and one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlong {
    /// It is split into pieces. Each is a row by itself: its positions begin anew and it does not see
    /// the piece before it, whose last predicted token is the first that it reads. So every token but
    /// the row's first is predicted exactly once. For documents.
    #[default]
    Split,
    /// It is cut off, and what was cut off is counted. For chats, whose later turns mean little without
    /// those before.
    Cut,
}

/// What became of rows that were packed.
///
/// A place reads a token and predicts the next, so a row of n tokens has n - 1 of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Packing {
    /// Sequences made.
    pub sequences: usize,
    /// Rows that are in them, whole or in part.
    pub rows: usize,
    /// Pieces that these rows are in; as many as rows, where none was split.
    pub pieces: usize,
    /// Places that hold tokens.
    pub filled: usize,
    /// Places that hold padding, at the ends of sequences; of sequences that are packed together and put
    /// into batches otherwise, a few less.
    pub padding: usize,
    /// Rows longer than a sequence, among those that are in one.
    pub overlong: usize,
    /// Tokens of these rows that are in no sequence: cut off, or in a piece without loss.
    pub cut: usize,
    /// Rows that are in no sequence since nothing of them would be learnt.
    pub left_out: usize,
}

impl Packing {
    /// The share of places that hold tokens, from 0 to 1.
    pub fn share_filled(&self) -> f64 {
        self.filled as f64 / ((self.filled + self.padding) as f64).max(1.0)
    }
}

/// Fewest places by which a batch is rounded up.
const SHORTEST: usize = 64;

/// A plan of which rows lie in which sequence. It holds no tokens: those of a batch are read when the
/// batch is made.
#[derive(Clone)]
pub struct Packed<'r> {
    rows: &'r dyn Rows,
    length: usize,
    pieces: Vec<Piece>,
    /// Where each sequence begins among the pieces, and where the last one ends.
    starts: Vec<u32>,
    /// Where the sequences of each group of rows end.
    groups: Vec<usize>,
    packing: Packing,
}

/// Places of a row that lie in one sequence.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    row: u32,
    start: u32,
    places: u32,
}

impl Piece {
    fn tokens(&self) -> Range<usize> {
        self.start as usize..self.start as usize + self.places as usize + 1
    }
}

/// Packs all rows, in their order, into sequences of `length` places.
///
/// The longest rows come first, and each goes into the sequence with the least room that still holds it:
/// best-fit decreasing, as arXiv 2404.10830 has it, in n log `length` time. Rows of one sequence stand in
/// the order given, and sequences in the order of their first rows. For training, [`Order`](crate::Order) shuffles both.
///
/// Rows do not see each other: [`Batch`] keeps attention within a row. What would learn nothing takes up
/// no room, be it a row or a piece of one.
///
/// # Examples
///
/// ```
/// use ethos_train::{Overlong, Row, pack};
///
/// let rows = [5, 3, 9, 2].map(|n| Row::learning_all((0..n).collect()));
/// let packed = pack(&rows, 6, Overlong::Split)?;
/// assert_eq!((packed.len(), packed.packing().pieces), (3, 5));
/// assert_eq!(packed.batch(&[0])?.targets, [1, 2, 3, 4, 1, 2]);
///
/// let packed = pack(&rows, 6, Overlong::Cut)?;
/// assert_eq!((packed.packing().overlong, packed.packing().cut), (1, 2));
/// # Ok::<(), ethos_train::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Config`] when `length` is 0 or a row is longer than any text, and what [`Rows::learns`]
/// gives.
pub fn pack(rows: &dyn Rows, length: usize, overlong: Overlong) -> Result<Packed<'_>> {
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    Packed::of(rows, &all, length, overlong, None)
}

impl<'r> Packed<'r> {
    /// Packs the rows with these numbers: all together, or so many at a time.
    pub(super) fn of(
        rows: &'r dyn Rows,
        numbers: &[u32],
        length: usize,
        overlong: Overlong,
        together: Option<usize>,
    ) -> Result<Self> {
        let Some(room) = u32::try_from(length).ok().filter(|&room| room > 0) else {
            let message = format!("a sequence cannot have {length} tokens");
            return Err(Error::Config { what: "packing", message });
        };
        let mut packed = Packed {
            rows,
            length,
            pieces: Vec::new(),
            starts: vec![0],
            groups: Vec::new(),
            packing: Packing::default(),
        };
        let (mut pieces, mut first) = (Vec::new(), 0);
        for &row in numbers {
            cut_up(rows, row, room, overlong, &mut pieces, &mut packed.packing)?;
            if together.is_some_and(|count| packed.packing.rows - first == count) {
                first = packed.packing.rows;
                packed.add_group(std::mem::take(&mut pieces), room)?;
            }
        }
        if !pieces.is_empty() {
            packed.add_group(pieces, room)?;
        }
        let Packing { padding, filled, .. } = &mut packed.packing;
        *padding -= *filled;
        Ok(packed)
    }

    /// Packs pieces into sequences of their own. Counts all places as padding.
    fn add_group(&mut self, pieces: Vec<Piece>, room: u32) -> Result<()> {
        let before = self.pieces.len();
        let Ok(base) = u32::try_from(before + pieces.len()).map(|_| before as u32) else {
            let message = format!("{} pieces are more than can be packed", before + pieces.len());
            return Err(Error::Config { what: "packing", message });
        };
        let (sequences, of_piece) = best_fit(&pieces, room);

        // Sorted by sequence; within one, the order given stays.
        let mut starts = vec![0; sequences + 1];
        let mut fullest = vec![0; sequences];
        for (piece, &sequence) in pieces.iter().zip(&of_piece) {
            starts[sequence as usize + 1] += 1;
            fullest[sequence as usize] += piece.places as usize;
        }
        for sequence in 0..sequences {
            starts[sequence + 1] += starts[sequence];
        }
        let mut next = starts.clone();
        self.pieces.resize(before + pieces.len(), Piece::default());
        for (piece, sequence) in pieces.into_iter().zip(of_piece) {
            let place = &mut next[sequence as usize];
            self.pieces[before + *place as usize] = piece;
            *place += 1;
        }
        self.starts.extend(starts[1..].iter().map(|start| base + start));

        let fullest = fullest.into_iter().max().unwrap_or(0);
        self.packing.padding += sequences * self.length_for(fullest);
        self.packing.sequences += sequences;
        self.packing.pieces = self.pieces.len();
        self.groups.push(self.packing.sequences);
        Ok(())
    }

    /// Where the sequences of each group end, of rows that were packed so many at a time.
    pub(super) fn groups(&self) -> &[usize] {
        &self.groups
    }

    /// Places of a batch's sequences, the fullest of which holds so many: whole eighths of a sequence, so
    /// that little is padding and devices see few shapes.
    fn length_for(&self, fullest: usize) -> usize {
        fullest.max(1).next_multiple_of((self.length / 8).max(SHORTEST)).min(self.length)
    }

    /// How many sequences there are.
    pub fn len(&self) -> usize {
        self.packing.sequences
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Places of a sequence, at most.
    pub fn length(&self) -> usize {
        self.length
    }

    /// What became of the rows.
    pub fn packing(&self) -> &Packing {
        &self.packing
    }

    /// Reads the sequences with these numbers, as one batch. It is as long as the fullest of them needs,
    /// rounded up to an eighth of [`length`](Packed::length).
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when a number is not below [`len`](Packed::len), and what [`Rows::read`] gives.
    pub fn batch(&self, numbers: &[usize]) -> Result<Batch> {
        let mut fullest = 0;
        for &number in numbers {
            if number >= self.len() {
                let message = format!("there is no sequence {number}, of {}", self.len());
                return Err(Error::Config { what: "batch", message });
            }
            let filled: usize =
                self.pieces_of(number).iter().map(|piece| piece.places as usize).sum();
            fullest = fullest.max(filled);
        }
        let mut batch = Batch { length: self.length_for(fullest), ..Batch::default() };
        let mut row = Row::default();
        for (sequences, &number) in (1..).zip(numbers) {
            for (segment, piece) in (1..).zip(self.pieces_of(number)) {
                row.ids.clear();
                row.weights.clear();
                self.rows.read(piece.row as usize, piece.tokens(), &mut row)?;
                batch.push(&row, segment);
            }
            batch.fill_up(sequences);
        }
        Ok(batch)
    }

    fn pieces_of(&self, sequence: usize) -> &[Piece] {
        &self.pieces[self.starts[sequence] as usize..self.starts[sequence + 1] as usize]
    }
}

impl fmt::Debug for Packed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Packed { length, packing, .. } = self;
        f.debug_struct("Packed")
            .field("length", length)
            .field("packing", packing)
            .finish_non_exhaustive()
    }
}

/// Adds the pieces of a row that something is learnt from.
fn cut_up(
    rows: &dyn Rows,
    number: u32,
    room: u32,
    overlong: Overlong,
    pieces: &mut Vec<Piece>,
    packing: &mut Packing,
) -> Result<()> {
    let row = number as usize;
    let tokens = rows.tokens(row);
    let Ok(places) = u32::try_from(tokens.saturating_sub(1)) else {
        let message = format!("it has {tokens} tokens, which no text has");
        return Err(Error::row(row)(Error::Config { what: "row", message }));
    };
    let end = match overlong {
        Overlong::Split => places,
        Overlong::Cut => places.min(room),
    };
    let (before, mut filled) = (pieces.len(), 0);
    let mut start = 0;
    while start < end {
        let piece = Piece { row: number, start, places: room.min(end - start) };
        start += piece.places;
        let mut predicted = piece.tokens();
        predicted.start += 1;
        if rows.learns(row, predicted)? {
            filled += piece.places;
            pieces.push(piece);
        }
    }
    if pieces.len() == before {
        packing.left_out += 1;
        return Ok(());
    }
    packing.rows += 1;
    packing.overlong += usize::from(places > room);
    packing.filled += filled as usize;
    packing.cut += (places - filled) as usize;
    Ok(())
}

/// How many sequences there are, and the sequence of each piece.
fn best_fit(pieces: &[Piece], room: u32) -> (usize, Vec<u32>) {
    let mut by_places: BTreeMap<Reverse<u32>, Vec<u32>> = BTreeMap::new();
    for (number, piece) in (0..).zip(pieces) {
        by_places.entry(Reverse(piece.places)).or_default().push(number);
    }
    let mut of_piece = vec![0; pieces.len()];
    // Open sequences by the room they have left.
    let mut open: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut sequences = 0;
    for (Reverse(places), numbers) in by_places {
        for number in numbers {
            let (left, sequence) = match open.range_mut(places..).next() {
                None => {
                    sequences += 1;
                    (room, sequences - 1)
                }
                Some((&left, fitting)) => {
                    // Never empty: whoever takes the last one removes the entry.
                    let sequence = fitting.pop().unwrap_or_default();
                    if fitting.is_empty() {
                        open.remove(&left);
                    }
                    (left, sequence)
                }
            };
            of_piece[number as usize] = sequence;
            if left > places {
                open.entry(left - places).or_default().push(sequence);
            }
        }
    }
    in_order_of_appearance(sequences, &mut of_piece);
    (sequences as usize, of_piece)
}

/// Numbers sequences by their first pieces.
fn in_order_of_appearance(sequences: u32, of_piece: &mut [u32]) {
    let (mut renamed, mut next) = (vec![u32::MAX; sequences as usize], 0);
    for sequence in of_piece {
        let name = &mut renamed[*sequence as usize];
        if *name == u32::MAX {
            *name = next;
            next += 1;
        }
        *sequence = *name;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows of these lengths, each token of which is told from all others by its id, and some of which
    /// carry no loss.
    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let weights = prop::collection::vec(prop::sample::select(vec![0.0, 0.0, 0.5, 1.0]), 0..16);
        prop::collection::vec(weights, 0..16).prop_map(|rows| {
            let row = |(row, weights): (u32, Vec<f32>)| {
                let ids = (0..weights.len() as u32).map(|token| 100 * row + token).collect();
                Row { ids, weights }
            };
            (1..).zip(rows).map(row).collect()
        })
    }

    /// Context, target and weight of every place with loss, as attention would have it: the places of a
    /// segment up to this one.
    fn learnt(batch: &Batch) -> Vec<(Vec<i32>, i32, f32)> {
        let mut learnt = Vec::new();
        for (place, &weight) in batch.weights.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            let start = place - batch.positions()[place] as usize;
            assert!(batch.segments[start..=place].iter().all(|s| *s == batch.segments[place]));
            learnt.push((batch.ids[start..=place].to_vec(), batch.targets[place], weight));
        }
        learnt
    }

    /// The same from the rows themselves.
    fn to_learn(rows: &[Row], length: usize, overlong: Overlong) -> Vec<(Vec<i32>, i32, f32)> {
        let mut learnt = Vec::new();
        for Row { ids, weights } in rows {
            let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
            for target in (1..ids.len()).filter(|target| weights[*target] != 0.0) {
                let start = (target - 1) / length * length;
                if start == 0 || overlong == Overlong::Split {
                    learnt.push((ids[start..target].to_vec(), ids[target], weights[target]));
                }
            }
        }
        learnt
    }

    fn sorted(mut learnt: Vec<(Vec<i32>, i32, f32)>) -> Vec<(Vec<i32>, i32, f32)> {
        learnt.sort_by_key(|(_, target, _)| *target);
        learnt
    }

    #[test]
    fn the_tightest_sequence_is_taken() {
        let rows = [8, 4, 7, 5, 3].map(|places| Row::learning_all(vec![7; places + 1]));
        let packed = pack(&rows, 12, Overlong::Cut).unwrap();
        // Longest first, 8 and then 7 open sequences; 5 fills up the second and 4 the first.
        let segments = |number| packed.batch(&[number]).unwrap().segments;
        assert_eq!(segments(0), [[1; 8].as_slice(), &[2; 4]].concat());
        assert_eq!(segments(1), [[1; 7].as_slice(), &[2; 5]].concat());
        assert_eq!(segments(2), [[1; 3].as_slice(), &[0; 9]].concat());
        assert_eq!(packed.packing().share_filled(), 27.0 / 36.0);
    }

    #[test]
    fn what_teaches_nothing_takes_up_no_room() {
        let silent = |n: usize| Row { ids: vec![7; n], weights: vec![0.0; n] };
        let mut late = silent(10);
        late.weights[8] = 1.0;
        let rows = [silent(4), silent(0), late, Row::learning_all(vec![7]), silent(2)];
        let packed = pack(&rows, 4, Overlong::Split).unwrap();
        let Packing { rows: kept, pieces, filled, cut, left_out, .. } = *packed.packing();
        assert_eq!((kept, pieces, filled, cut, left_out), (1, 1, 4, 5, 4));
        assert_eq!(packed.batch(&[0]).unwrap().weights, [0.0, 0.0, 0.0, 1.0]);
        assert!(pack(&rows, 4, Overlong::Cut).unwrap().is_empty(), "its loss was cut off");
    }

    #[test]
    fn what_cannot_be_packed_is_an_error() {
        let rows = vec![Row::learning_all(vec![1, 2])];
        assert!(pack(&rows, 0, Overlong::Cut).is_err());
        let packed = pack(&rows, 1, Overlong::Cut).unwrap();
        assert!(packed.batch(&[0, 0]).is_ok());
        let error = packed.batch(&[1]).unwrap_err().to_string();
        assert!(error.contains("no sequence 1, of 1"), "{error}");
    }

    proptest! {
        #[test]
        fn every_pair_of_context_and_target_is_learnt_once(rows in rows(), length in 1usize..9) {
            for overlong in [Overlong::Split, Overlong::Cut] {
                let packed = pack(&rows, length, overlong).unwrap();
                let batch = packed.batch(&(0..packed.len()).collect::<Vec<_>>()).unwrap();
                prop_assert_eq!(batch.ids.len(), packed.len() * length);
                prop_assert_eq!(sorted(learnt(&batch)), to_learn(&rows, length, overlong));
            }
        }

        #[test]
        fn no_place_is_uncounted(rows in rows(), length in 1usize..9, cut: bool) {
            let overlong = if cut { Overlong::Cut } else { Overlong::Split };
            let packed = pack(&rows, length, overlong).unwrap();
            let packing = packed.packing();
            let batch = packed.batch(&(0..packed.len()).collect::<Vec<_>>()).unwrap();
            prop_assert_eq!(packing.filled, batch.segments.iter().filter(|s| **s != 0).count());
            prop_assert_eq!(packing.padding, batch.ids.len() - packing.filled);
            prop_assert_eq!(packing.rows + packing.left_out, rows.len());
            // What was packed came from rows that are there with all that was not cut.
            let present: std::collections::BTreeSet<i32> =
                batch.targets.iter().map(|target| target / 100).filter(|row| *row > 0).collect();
            prop_assert_eq!(present.len(), packing.rows);
            let places: usize =
                present.iter().map(|row| rows[*row as usize - 1].ids.len() - 1).sum();
            prop_assert_eq!(places, packing.filled + packing.cut);
            // Padding is at the end, and nothing learns from it.
            for (segments, weights) in
                batch.segments.chunks(length).zip(batch.weights.chunks(length))
            {
                let full = segments.iter().position(|s| *s == 0).unwrap_or(length);
                prop_assert!(full > 0 && segments[full..].iter().all(|s| *s == 0));
                prop_assert!(weights[full..].iter().all(|w| *w == 0.0));
                prop_assert!(weights.iter().any(|w| *w != 0.0), "a sequence teaches something");
            }
        }

        /// Best-fit never opens a sequence while one that is open has room.
        #[test]
        fn there_are_few_sequences(
            lengths in prop::collection::vec(2usize..40, 1..60), length in 40usize..80,
        ) {
            let rows: Vec<Row> = lengths.iter().map(|&n| Row::learning_all(vec![7; n])).collect();
            let packed = pack(&rows, length, Overlong::Cut).unwrap();
            let places: usize = lengths.iter().map(|n| n - 1).sum();
            // Any algorithm needs so many; best-fit decreasing at most 11/9 of the best and 6/9 more.
            let least = places.div_ceil(length);
            prop_assert!(packed.len() >= least);
            let half_empty = (0..packed.len()).filter(|number| {
                let batch = packed.batch(&[*number]).unwrap();
                batch.segments.iter().filter(|s| **s != 0).count() * 2 <= length
            });
            prop_assert!(half_empty.count() <= 1, "two of these would be one");
        }
    }
}
