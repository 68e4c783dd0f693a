//! Keys and values of sequences that are read on, so that a token is read once.
//!
//! Each sequence has a row, and all rows end at the same column:
//!
//! ```text
//!  . . . a b c d
//!  . . . . . e f
//! ```
//!
//! The next token of every row is then written by one assignment per block, whatever the lengths.
//! A sequence that joins is laid so that it ends where the others do; one that leaves gives its row to
//! the last. Columns that no row reaches any more go when there is need of room.

use std::{cmp::Ordering, ops::Range, sync::Arc};

use blake3::Hash;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::TransformerConfig;
use crate::{
    device,
    fused::{Alike, Onward},
    tokens::FORBIDDEN,
};

/// Columns are made room for in multiples of this.
const COLUMNS: usize = 64;

/// What attention needs of the tokens read before.
pub(crate) struct Cache {
    /// For each block keys and, behind them, values: `[rows, 2 × key-value heads, columns, head size]`.
    pub(super) blocks: Vec<Tensor<4>>,
    /// The column at which each row's sequence starts.
    starts: Vec<usize>,
    /// What is known of how each begins.
    beginnings: Vec<Beginning>,
    /// Its rows in the order of how they begin, until that changes.
    alike: Option<Arc<[Alike]>>,
    /// One past the column at which all end.
    end: usize,
    /// Rows and columns there is room for.
    room: [usize; 2],
    layers: usize,
    heads: usize,
    size: usize,
    dtype: DType,
    device: Device,
}

/// Consecutive tokens of one sequence, as they were read after all that stood before them.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    /// For each block keys and values: `[1, 2 × key-value heads, tokens, head size]`.
    blocks: Vec<Tensor<4>>,
    tokens: usize,
}

/// Names for the first chunks of a sequence, of so many tokens each: what has the same name is the same, and all before
/// it, to the bit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beginning {
    pub(crate) names: Vec<Hash>,
    pub(crate) each: usize,
}

/// A rectangle of tokens that one pass reads.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) rows: Range<usize>,
    pub(crate) columns: Range<usize>,
    /// Where the sequences of these rows start.
    pub(crate) starts: Vec<usize>,
    /// These rows in the order of how they begin; none where nobody has looked.
    alike: Arc<[Alike]>,
}

impl Cache {
    pub(crate) fn new(config: &TransformerConfig, dtype: DType, device: &Device) -> Self {
        Cache {
            blocks: Vec::new(),
            starts: Vec::new(),
            beginnings: Vec::new(),
            alike: None,
            end: 0,
            room: [0, 0],
            layers: config.num_hidden_layers,
            heads: 2 * config.num_key_value_heads,
            size: config.head_dim,
            dtype,
            device: device.clone(),
        }
    }

    /// The precision of keys and values.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many sequences there are.
    pub(crate) fn rows(&self) -> usize {
        self.starts.len()
    }

    /// Lays sequences of so many tokens into new rows: the place is all of theirs.
    pub(crate) fn join(&mut self, lengths: &[usize]) -> Place {
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let rows = self.rows()..self.rows() + lengths.len();
        if rows.start == 0 {
            // Nothing has to stay where it is.
            self.end = longest.min(self.room[1]);
        }
        self.reserve(rows.end, longest, 0);
        if !(self.dtype == DType::F32 && device::skips_masked(&self.device)) {
            // What a row held before is masked, but a share of 0 of what is not a number is not 0.
            self.each(|held| held.slice_fill([rows.clone()], 0.0));
        }
        self.starts.extend(lengths.iter().map(|length| self.end - length));
        self.beginnings.resize(rows.end, Beginning::default());
        self.alike = None;
        self.place(rows, self.end - longest..self.end)
    }

    /// Writes what was read of a beginning like this row's, from a token on.
    pub(crate) fn write(&mut self, row: usize, from: usize, chunk: &Chunk) {
        let start = self.starts[row] + from;
        let mut known = chunk.blocks.iter();
        self.each(|held| match known.next() {
            Some(known) => {
                let [_, heads, tokens, _] = known.dims();
                let place = [row..row + 1, 0..heads, start..start + tokens];
                held.slice_assign(place, known.clone())
            }
            None => held,
        });
    }

    /// Says how a row begins, so that what it has in common with others is read once in the passes to come.
    pub(crate) fn begins(&mut self, row: usize, beginning: Beginning) {
        self.beginnings[row] = beginning;
        self.alike = None;
    }

    /// A copy of what is held of these tokens of a row.
    pub(crate) fn chunk(&self, row: usize, tokens: Range<usize>) -> Chunk {
        let from: Vec<i32> =
            tokens.clone().map(|token| (self.starts[row] + token) as i32).collect();
        let from = Tensor::from_data(TensorData::new(from, [tokens.len()]), &self.device);
        let row = |held: &Tensor<4>| held.clone().narrow(0, row, 1);
        // A copy, since a view would keep the whole.
        let blocks = self.blocks.iter().map(|held| row(held).select(2, from.clone())).collect();
        Chunk { blocks, tokens: tokens.len() }
    }

    /// So many more columns for all rows, for a pass to read them.
    pub(crate) fn extend(&mut self, columns: usize) -> Place {
        self.reserve(self.rows(), 0, columns);
        self.end += columns;
        let place = self.place(0..self.rows(), self.end - columns..self.end);
        Place { alike: self.alike(), ..place }
    }

    /// The rows in the order of how they begin.
    fn alike(&mut self) -> Arc<[Alike]> {
        let beginnings = &self.beginnings;
        let sort = || {
            let mut order: Vec<usize> = (0..beginnings.len()).collect();
            order.sort_by(|&one, &other| beginnings[one].cmp(&beginnings[other]));
            let before = std::iter::once(None).chain(order.iter().map(Some));
            let alike = order.iter().zip(before).map(|(&row, before)| Alike {
                row,
                tokens: before.map_or(0, |&before| beginnings[row].common(&beginnings[before])),
            });
            alike.collect()
        };
        self.alike.get_or_insert_with(sort).clone()
    }

    /// Drops a row; the last takes its place.
    pub(crate) fn leave(&mut self, row: usize) {
        self.starts.swap_remove(row);
        self.beginnings.swap_remove(row);
        self.alike = None;
        let last = self.rows();
        if row < last {
            let from = self.numbers(&[last]);
            // A copy and not a view: the whole would not be changed in place with a view of it about.
            self.each(|held| {
                let copy = held.clone().select(0, from.clone());
                held.slice_assign([row..row + 1, 0..copy.dims()[1]], copy)
            });
        }
    }

    /// For how many tokens there is room.
    pub(crate) fn room(&self) -> usize {
        self.room[0] * self.room[1]
    }

    /// Gives back what was made room for and is not needed now; all, where there are no rows.
    pub(crate) fn trim(&mut self) {
        if self.rows() == 0 {
            (self.blocks, self.end, self.room) = (Vec::new(), 0, [0, 0]);
            return;
        }
        let kept = self.kept();
        let [rows, columns] = self.needed(self.rows(), kept);
        if rows * columns < self.room() {
            self.lay_anew([rows, columns], kept);
        }
    }

    /// A cache whose rows are copies of these.
    pub(crate) fn fork(&self, rows: &[usize]) -> Cache {
        let from = self.numbers(rows);
        let blocks = self.blocks.iter().map(|held| held.clone().select(0, from.clone()));
        Cache {
            blocks: blocks.collect(),
            starts: rows.iter().map(|&row| self.starts[row]).collect(),
            beginnings: rows.iter().map(|&row| self.beginnings[row].clone()).collect(),
            alike: None,
            room: [rows.len(), self.room[1]],
            device: self.device.clone(),
            ..*self
        }
    }

    fn numbers(&self, rows: &[usize]) -> Tensor<1, Int> {
        let numbers: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        Tensor::from_data(TensorData::new(numbers, [rows.len()]), &self.device)
    }

    fn place(&self, rows: Range<usize>, columns: Range<usize>) -> Place {
        Place { starts: self.starts[rows.clone()].to_vec(), rows, columns, alike: Arc::default() }
    }

    /// Each block's tensor is given away while it changes: one that nobody else holds changes in place.
    fn each(&mut self, change: impl FnMut(Tensor<4>) -> Tensor<4>) {
        self.blocks = std::mem::take(&mut self.blocks).into_iter().map(change).collect();
    }

    /// Makes room for so many rows in all, and for so many columns before the end and after it.
    fn reserve(&mut self, rows: usize, before: usize, after: usize) {
        if rows <= self.room[0] && before <= self.end && self.end + after <= self.room[1] {
            return;
        }
        let before = before.max(self.kept());
        self.lay_anew(self.needed(rows, before + after), before);
    }

    /// Columns that a row reaches.
    fn kept(&self) -> usize {
        self.end - self.starts.iter().copied().min().unwrap_or(self.end)
    }

    /// Rows and columns to make room for.
    fn needed(&self, rows: usize, columns: usize) -> [usize; 2] {
        // A quarter more than is needed, so that moving costs little per token.
        let columns = (columns + columns / 4).max(1).next_multiple_of(COLUMNS);
        // Not for as many as there once were: a long sequence may follow many short ones. Those that come first are often
        // all that come.
        let rows = if self.rows() == 0 { rows } else { rows.next_power_of_two() };
        [rows, columns]
    }

    /// Moves all rows to where there is room for so many, and has them end at a column.
    fn lay_anew(&mut self, [rows, columns]: [usize; 2], end: usize) {
        let kept = self.kept();
        let shape = [rows, self.heads, columns, self.size];
        let (live, first) = (0..self.rows(), self.end - kept);
        let empty = || Tensor::<4>::zeros(shape, (&self.device, self.dtype));
        let old = std::mem::take(&mut self.blocks);
        self.blocks = match kept * live.len() {
            0 => (0..self.layers).map(|_| empty()).collect(),
            _ => {
                let moved = old.into_iter().map(|held| {
                    let held = held.slice([live.clone(), 0..self.heads, first..self.end]);
                    empty().slice_assign([live.clone(), 0..self.heads, end - kept..end], held)
                });
                moved.collect()
            }
        };
        for start in &mut self.starts {
            *start = *start + end - self.end;
        }
        (self.end, self.room) = (end, [rows, columns]);
    }
}

impl Beginning {
    /// Tokens in common with another.
    fn common(&self, other: &Beginning) -> usize {
        let same = self.names.iter().zip(&other.names).take_while(|(one, other)| one == other);
        self.each * same.count()
    }

    /// An order in which those stand together that begin alike.
    fn cmp(&self, other: &Beginning) -> Ordering {
        let [one, other] =
            [self, other].map(|beginning| beginning.names.iter().map(Hash::as_bytes));
        one.cmp(other)
    }
}

impl Chunk {
    /// How many tokens.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }
}

impl Place {
    /// What is read, here, of the whole sequences of these rows.
    pub(crate) fn of<'a>(&self, sequences: &[&'a [u32]]) -> Vec<&'a [u32]> {
        let read = |(ids, start): (&&'a [u32], &usize)| {
            ids.get(self.columns.start.saturating_sub(*start)..).unwrap_or_default()
        };
        sequences.iter().zip(&self.starts).map(read).collect()
    }

    /// Some tokens of one of its rows, counted from 0 each.
    pub(crate) fn within(&self, row: usize, tokens: Range<usize>) -> Place {
        let (start, row) = (self.starts[row], self.rows.start + row);
        Place {
            rows: row..row + 1,
            columns: start + tokens.start..start + tokens.end,
            starts: vec![start],
            alike: Arc::default(),
        }
    }

    /// Its last columns, so many.
    pub(crate) fn last(self, columns: usize) -> Place {
        Place { columns: self.columns.end - columns..self.columns.end, ..self }
    }

    /// The first column that a row of the pass looks at.
    pub(crate) fn first(&self) -> usize {
        self.starts.iter().copied().min().unwrap_or(0).min(self.columns.start)
    }

    /// The place in parts of so many columns, from left to right.
    pub(crate) fn parts(&self, columns: usize) -> impl Iterator<Item = Place> {
        self.columns.clone().step_by(columns.max(1)).map(move |start| Place {
            columns: start..(start + columns.max(1)).min(self.columns.end),
            ..self.clone()
        })
    }

    /// Token ids of these rows where the place has them, row by row: from where each row's sequence
    /// starts, or else from the first column. The rest is padding.
    pub(crate) fn lay(&self, rows: &[&[u32]]) -> Vec<i32> {
        let mut ids = vec![0; self.rows.len() * self.columns.len()];
        let lines = ids.chunks_exact_mut(self.columns.len().max(1));
        for ((line, row), start) in lines.zip(rows).zip(&self.starts) {
            let offset = start.saturating_sub(self.columns.start);
            for (cell, &id) in line[offset..].iter_mut().zip(*row) {
                *cell = id as i32;
            }
        }
        ids
    }

    /// How far each token is from the start of its sequence, row by row; 0 for what stands before it.
    pub(crate) fn positions(&self) -> Vec<usize> {
        let of = |start| self.columns.clone().map(move |column| column.saturating_sub(start));
        self.starts.iter().flat_map(|&start| of(start)).collect()
    }

    /// The first column that each token may look at, row by row.
    pub(crate) fn oldest(&self, window: Option<usize>) -> impl Iterator<Item = usize> {
        let of = move |column: usize, start| {
            let oldest = window.map_or(0, |window| (column + 1).saturating_sub(window));
            // Padding looks at itself, since a softmax over nothing is not a number.
            oldest.max(start).min(column)
        };
        let columns = &self.columns;
        self.starts.iter().flat_map(move |&start| columns.clone().map(move |at| of(at, start)))
    }

    /// Where it is and what its tokens may look at, for attention that is one operation.
    pub(crate) fn onward(&self, window: Option<usize>) -> Onward {
        let oldest = self.oldest(window);
        // What is looked at together is looked at whole.
        let longest = self.columns.end - self.first();
        let whole = window.is_none_or(|window| window >= longest);
        let alike = if whole { self.alike.clone() } else { Arc::default() };
        Onward::new(self.rows.clone(), self.columns.clone(), oldest, alike)
    }

    /// What is added to attention scores, `[rows, 1, columns, seen]`: 0 where a token may look, a large
    /// negative number where it may not. `None` where every token may look at all there is.
    pub(crate) fn bias(&self, window: Option<usize>, device: &Device) -> Option<Tensor<4>> {
        let (first, width) = (self.first(), self.columns.end - self.first());
        let even = self.starts.iter().all(|&start| start == first);
        if even && self.columns.len() == 1 && window.is_none_or(|window| window >= width) {
            return None;
        }
        let mut bias = vec![FORBIDDEN; self.rows.len() * self.columns.len() * width];
        let columns = self.starts.iter().flat_map(|_| self.columns.clone());
        let seen = self.oldest(window).zip(columns);
        for (row, (oldest, column)) in bias.chunks_exact_mut(width).zip(seen) {
            row[oldest - first..=column - first].fill(0.0);
        }
        let shape = [self.rows.len(), 1, self.columns.len(), width];
        Some(Tensor::from_data(TensorData::new(bias, shape), device))
    }

    /// Writes new keys and values, `[rows, heads, columns, head size]`, into what a block holds, and
    /// gives all that the rows may look at, with what the block then holds.
    pub(crate) fn remember(
        &self,
        held: Tensor<4>,
        k_bgtk: Tensor<4>,
        v_bgtk: Tensor<4>,
    ) -> (Tensor<4>, Tensor<4>, Tensor<4>) {
        let groups = k_bgtk.dims()[1];
        let new = Tensor::cat(vec![k_bgtk, v_bgtk], 1);
        let held = held.slice_assign([self.rows.clone(), 0..2 * groups, self.columns.clone()], new);
        let seen =
            |heads| held.clone().slice([self.rows.clone(), heads, self.first()..self.columns.end]);
        (seen(0..groups), seen(groups..2 * groups), held)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[derive(Clone, Debug)]
    enum Change {
        Join(Vec<usize>),
        /// New rows that begin as others do, for so many tokens in two chunks, with others of which nothing is known.
        Follow(prop::sample::Index, usize, Vec<usize>),
        Extend(usize),
        Leave(prop::sample::Index),
        Trim,
        Fork(Vec<prop::sample::Index>),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            vec(1..150usize, 1..4).prop_map(Change::Join),
            (any::<prop::sample::Index>(), 1..100usize, vec(1..50usize, 1..4))
                .prop_map(|(row, known, lengths)| Change::Follow(row, known, lengths)),
            (1..4usize).prop_map(Change::Extend),
            any::<prop::sample::Index>().prop_map(Change::Leave),
            Just(Change::Trim),
            vec(any::<prop::sample::Index>(), 1..5).prop_map(Change::Fork),
        ]
    }

    /// A cache of one block with one head of size 1, and what each row should hold. A token's key is its
    /// id, its value the same below zero.
    struct Watched {
        cache: Cache,
        rows: Vec<Vec<u32>>,
        next: u32,
        window: Option<usize>,
    }

    impl Watched {
        fn new(window: Option<usize>) -> Self {
            let config = TransformerConfig {
                num_hidden_layers: 1,
                num_key_value_heads: 1,
                head_dim: 1,
                ..TransformerConfig::tiny(8)
            };
            let cache = Cache::new(&config, DType::F32, &crate::testing::device());
            Watched { cache, rows: Vec::new(), next: 1, window }
        }

        fn apply(&mut self, change: Change) {
            let live = self.rows.len();
            match change {
                Change::Join(lengths) => {
                    let place = self.cache.join(&lengths);
                    let new = lengths.into_iter().map(|length| self.tokens(length)).collect();
                    self.pass(&place, new);
                }
                Change::Follow(row, known, lengths) if live > 0 => {
                    let row = row.index(live);
                    let known = known.min(self.rows[row].len());
                    let parts = [0..known / 2, known / 2..known];
                    let parts = parts.into_iter().filter(|tokens| !tokens.is_empty());
                    let chunks: Vec<_> =
                        parts.map(|tokens| (tokens.start, self.cache.chunk(row, tokens))).collect();
                    let unread = lengths.iter().copied().max().unwrap_or(0);
                    let mut joining = lengths.clone();
                    joining[0] += known;
                    let place = self.cache.join(&joining).last(unread);
                    for (from, chunk) in &chunks {
                        self.cache.write(place.rows.start, *from, chunk);
                    }
                    let mut new: Vec<_> =
                        lengths.into_iter().map(|length| self.tokens(length)).collect();
                    let mut whole = self.rows[row][..known].to_vec();
                    whole.append(&mut new[0]);
                    let read = place.of(&[&whole])[0].to_vec();
                    self.rows.push(whole[..whole.len() - read.len()].to_vec());
                    new[0] = read;
                    self.pass(&place, new);
                }
                Change::Extend(columns) if live > 0 => {
                    for (row, tokens) in self.rows.iter().enumerate() {
                        self.cache.begins(row, beginning(tokens));
                    }
                    let place = self.cache.extend(columns);
                    self.check_alike(&place);
                    let new = (0..live).map(|_| self.tokens(columns)).collect();
                    self.pass(&place, new);
                }
                Change::Leave(row) if live > 0 => {
                    let row = row.index(live);
                    self.cache.leave(row);
                    self.rows.swap_remove(row);
                }
                Change::Trim => {
                    let room = self.cache.room();
                    self.cache.trim();
                    assert!(self.cache.room() <= room);
                }
                Change::Fork(rows) if live > 0 => {
                    let rows: Vec<usize> = rows.iter().map(|row| row.index(live)).collect();
                    self.cache = self.cache.fork(&rows);
                    self.rows = rows.iter().map(|&row| self.rows[row].clone()).collect();
                }
                _ => {}
            }
        }

        fn tokens(&mut self, count: usize) -> Vec<u32> {
            self.next += count as u32;
            (self.next - count as u32..self.next).collect()
        }

        /// Reads tokens as a block does, and looks at what their attention may see.
        fn pass(&mut self, place: &Place, new: Vec<Vec<u32>>) {
            self.rows.resize(place.rows.end, Vec::new());
            for (row, new) in self.rows[place.rows.clone()].iter_mut().zip(&new) {
                row.extend(new);
            }
            let new: Vec<&[u32]> = new.iter().map(Vec::as_slice).collect();
            let shape = [new.len(), 1, place.columns.len(), 1];
            let device = self.cache.device.clone();
            let ids: Vec<f32> = place.lay(&new).iter().map(|&id| id as f32).collect();
            let k_bgtk = Tensor::from_data(TensorData::new(ids, shape), &device);
            let held = self.cache.blocks.remove(0);
            let (keys, values, held) = place.remember(held, k_bgtk.clone(), k_bgtk.neg());
            self.cache.blocks.push(held);

            let width = place.columns.end - place.first();
            assert_eq!(keys.dims(), [new.len(), 1, width, 1]);
            let keys = floats(keys);
            assert!(keys.iter().zip(floats(values)).all(|(key, value)| *key == -value));
            let bias = place.bias(self.window, &device);
            let bias = bias.map_or(vec![0.0; new.len() * place.columns.len() * width], floats);
            let positions = place.positions();
            for (row, whole) in self.rows[place.rows.clone()].iter().enumerate() {
                for column in 0..place.columns.len() {
                    let token = row * place.columns.len() + column;
                    // Padding may look at anything, as long as nothing looks at it.
                    let Some(after) = (whole.len() + column + 1).checked_sub(place.columns.len())
                    else {
                        continue;
                    };
                    let Some(last) = after.checked_sub(1) else { continue };
                    assert_eq!(positions[token], last);
                    let oldest = self.window.map_or(0, |window| after.saturating_sub(window));
                    let allowed = |&at: &usize| bias[token * width + at] == 0.0;
                    let seen: Vec<u32> = (0..width)
                        .filter(allowed)
                        .map(|at| keys[row * width + at] as u32)
                        .collect();
                    assert_eq!(seen, whole[oldest..after]);
                }
            }
        }

        /// Rows stand so that any two have in common what those between them have, in whole chunks.
        fn check_alike(&self, place: &Place) {
            let mut rows: Vec<usize> = place.alike.iter().map(|alike| alike.row).collect();
            rows.sort_unstable();
            assert!(rows.into_iter().eq(0..self.rows.len()));
            for (n, one) in place.alike.iter().enumerate() {
                let mut least = usize::MAX;
                for other in &place.alike[n + 1..] {
                    least = least.min(other.tokens);
                    let tokens = self.rows[one.row].iter().zip(&self.rows[other.row]);
                    let common = tokens.take_while(|(one, other)| one == other).count();
                    assert_eq!(least, common - common % 4, "{one:?} and {other:?}");
                }
            }
        }

        /// Every row holds its tokens and ends where all do.
        fn check(&self) {
            assert_eq!(self.cache.rows(), self.rows.len());
            for (row, tokens) in self.rows.iter().enumerate() {
                let columns = self.cache.starts[row]..self.cache.end;
                let held = self.cache.blocks[0].clone().slice([row..row + 1, 0..1, columns]);
                let held: Vec<u32> = floats(held).iter().map(|&id| id as u32).collect();
                assert_eq!(&held, tokens, "row {row}");
            }
        }
    }

    /// Names for chunks of four tokens.
    fn beginning(tokens: &[u32]) -> Beginning {
        let mut hasher = blake3::Hasher::new();
        let name = |chunk: &[u32]| {
            for id in chunk {
                hasher.update(&id.to_le_bytes());
            }
            hasher.finalize()
        };
        Beginning { names: tokens.chunks_exact(4).map(name).collect(), each: 4 }
    }

    fn floats(tensor: Tensor<4>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn rows_keep_their_tokens_and_see_no_others(
            window in prop::option::of(1..40usize),
            changes in vec(change(), 1..40),
        ) {
            let mut watched = Watched::new(window);
            for change in changes {
                watched.apply(change);
                watched.check();
            }
        }
    }

    #[test]
    fn a_long_sequence_after_many_short_ones_takes_no_more_than_it_needs() {
        let mut watched = Watched::new(None);
        watched.apply(Change::Join(vec![3; 30]));
        assert_eq!(watched.cache.room, [30, COLUMNS]);
        watched.apply(Change::Join(vec![3]));
        assert_eq!(watched.cache.room, [32, COLUMNS]);
        (0..31).for_each(|_| watched.cache.leave(0));
        watched.rows.clear();
        watched.apply(Change::Join(vec![1000]));
        assert_eq!(watched.cache.room, [1, 1280]);
        watched.check();
    }

    #[test]
    fn a_cache_that_is_empty_again_keeps_its_memory_until_it_is_told() {
        let mut watched = Watched::new(None);
        watched.apply(Change::Join(vec![3, 70]));
        assert_eq!(watched.cache.blocks[0].dims()[2] % COLUMNS, 0);
        watched.cache.leave(0);
        assert_eq!(watched.cache.room, [2, 128]);
        watched.cache.trim();
        assert_eq!(watched.cache.room, [1, 128]);
        watched.cache.leave(0);
        assert_eq!(watched.cache.room, [1, 128]);
        watched.cache.trim();
        assert!(watched.cache.blocks.is_empty());
        assert_eq!((watched.cache.rows(), watched.cache.end, watched.cache.room), (0, 0, [0, 0]));
    }
}
