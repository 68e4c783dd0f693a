//! Attention of a few tokens of each row: what several rows begin with is looked at for all of them together.
//!
//! A step of decoding is limited by how fast keys and values are read. Rows that begin alike hold the same numbers, so
//! that those of one of them serve all; each is read a piece at a time, which stays near while every row takes from it.
//! A row's result is the same to the bit as when it is alone.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    Alike, Onward,
    onward::Slab,
    rows::{Group, soften},
};
use crate::fused::few;

/// Numbers of keys or values that are looked at together: half of the nearest cache.
const NEAR: usize = 1 << 12;

/// Writes what is taken at every place, for each row and group in turn.
pub(super) fn look<'s>(
    outs: Vec<Vec<&mut [f32]>>,
    group_of: impl Fn(usize) -> Group<'s> + Sync,
    slabs: &[Slab<'_>],
    onward: &Onward,
) {
    let groups = outs.len() / onward.rows.len().max(1);
    let mut outs: Vec<_> = outs.into_iter().map(Some).collect();
    let mut tasks = Vec::new();
    for company in companies(onward, groups) {
        for group in 0..groups {
            let rows = company.iter().filter_map(|&(row, alike)| {
                let task = row * groups + group;
                Some((outs[task].take()?, task, alike))
            });
            tasks.push((rows.collect::<Vec<_>>(), company[0].1.row * groups + group));
        }
    }
    tasks.into_par_iter().for_each(|(rows, common)| {
        let row = |(out, task, alike)| Row::new(out, &group_of(task), slabs[task], onward, alike);
        let mut rows: Vec<Row<'_, '_>> = rows.into_iter().map(row).collect();
        take(&mut rows, slabs[common]);
    });
}

/// Rows of a pass in companies that begin alike, each of which is looked at by one thread; those with the longest
/// beginning in common come first.
fn companies(onward: &Onward, groups: usize) -> Vec<Vec<(usize, Alike)>> {
    let mut rows: Vec<(usize, Alike)> =
        (0..onward.rows.len()).map(|row| (row, onward.alike(row))).collect();
    rows.sort_by_key(|(_, alike)| (alike.row, std::cmp::Reverse(alike.tokens)));
    // Two for each thread, so that none has to wait long for the last.
    let most = (rows.len() * groups).div_ceil(2 * rayon::current_num_threads()).max(1);
    rows.chunk_by(|(_, one), (_, other)| one.row == other.row)
        .flat_map(|alike| alike.chunks(most))
        .map(<[_]>::to_vec)
        .collect()
}

/// One row of the pass, with one group of its heads.
struct Row<'s, 'o> {
    out: Vec<&'o mut [f32]>,
    queries: Vec<f32>,
    /// Of each query, for all that one of them sees.
    scores: Vec<f32>,
    /// What each query sees of it.
    sees: Vec<Range<usize>>,
    keys: &'s [f32],
    values: &'s [f32],
    size: usize,
    alike: Alike,
}

impl<'s, 'o> Row<'s, 'o> {
    fn new(
        out: Vec<&'o mut [f32]>,
        group: &Group<'_>,
        (keys, values): Slab<'s>,
        onward: &Onward,
        alike: Alike,
    ) -> Self {
        let (size, time, each) = (group.sizes.size, group.sizes.time, group.each());
        let first = group.first();
        let oldest = first.iter().min().map_or(0, |&first| first as usize);
        let (start, end) = (onward.columns.start, onward.columns.end);
        let held = oldest * size..end * size;
        let sees = |query: usize| {
            let place = query / each;
            first[place] as usize - oldest..start + place + 1 - oldest
        };
        Row {
            out,
            queries: group.asked(0, time),
            scores: vec![0.0; time * each * (end - oldest)],
            sees: (0..time * each).map(sees).collect(),
            keys: &keys[held.clone()],
            values: &values[held],
            size,
            alike,
        }
    }

    fn seen(&self) -> usize {
        self.keys.len() / self.size
    }

    /// Scores of all queries, for some of what is seen.
    fn scores(&mut self, of: Range<usize>) -> impl Iterator<Item = &mut [f32]> {
        let seen = self.seen();
        self.scores.chunks_exact_mut(seen).map(move |scores| &mut scores[of.clone()])
    }

    fn shares(&self, of: Range<usize>) -> impl Iterator<Item = &[f32]> {
        self.scores.chunks_exact(self.seen()).map(move |shares| &shares[of.clone()])
    }
}

/// What rows of a company take, `common` being held for the one they begin like.
fn take(rows: &mut [Row<'_, '_>], common: Slab<'_>) {
    let Some(first) = rows.first() else { return };
    let (size, column) = (first.size, first.alike.column);
    let pieces: Vec<(usize, Range<usize>)> = pieces(rows, (NEAR / size).max(1)).collect();
    let at = |piece: &Range<usize>| (column + piece.start) * size..(column + piece.end) * size;
    let queries: Vec<f32> = rows.iter().flat_map(|row| row.queries.iter().copied()).collect();
    for (count, piece) in &pieces {
        let rows = &mut rows[..*count];
        let mut scores: Vec<_> =
            rows.iter_mut().flat_map(|row| row.scores(piece.clone())).collect();
        few::part(&mut scores, &queries, &common.0[at(piece)], size);
    }
    for row in &mut *rows {
        let (seen, alike, keys) = (row.seen(), row.alike.tokens, row.keys);
        let queries = std::mem::take(&mut row.queries);
        let mut scores: Vec<_> = row.scores(alike..seen).collect();
        few::part(&mut scores, &queries, &keys[alike * size..], size);
        for (scores, sees) in row.scores.chunks_exact_mut(seen).zip(&row.sees) {
            soften(scores, sees.clone());
        }
    }
    let mut taken = vec![0.0; queries.len()];
    for (count, piece) in &pieces {
        let shares: Vec<_> =
            rows[..*count].iter().flat_map(|row| row.shares(piece.clone())).collect();
        few::mix(&mut taken, &shares, &common.1[at(piece)], size);
    }
    let each = rows.first().map_or(0, |row| row.out.len() * size);
    for (row, taken) in rows.iter_mut().zip(taken.chunks_exact_mut(each)) {
        let (seen, alike) = (row.seen(), row.alike.tokens);
        let shares: Vec<_> = row.shares(alike..seen).collect();
        few::mix(taken, &shares, &row.values[alike * size..], size);
        for (out, taken) in row.out.iter_mut().zip(taken.chunks_exact(size)) {
            out.copy_from_slice(taken);
        }
    }
}

/// Pieces of what the first so many rows have in common, of so many tokens at most.
fn pieces(rows: &[Row<'_, '_>], most: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let count = rows.iter().take_while(|row| row.alike.tokens > start).count();
        let last = rows[..count].last()?;
        let piece = start..(start + most).min(last.alike.tokens);
        start = piece.end;
        Some((count, piece))
    })
}
