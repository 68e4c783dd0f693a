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
use crate::{device, fused::few};

/// Numbers of keys or values that are looked at together: half of the nearest cache.
const NEAR: usize = 1 << 12;
/// Queries that are multiplied together: companies are not divided any further.
const QUERIES: usize = 4;

/// Writes what is taken at every place, for each row and group in turn.
pub(super) fn look<'s>(
    mut outs: Vec<Vec<&mut [f32]>>,
    group_of: impl Fn(usize) -> Group<'s> + Sync,
    slabs: &[Slab<'_>],
    onward: &Onward,
) {
    let groups = outs.len() / onward.rows.len().max(1);
    let queries = outs.first().map_or(1, Vec::len);
    let most = most(onward.rows.len() * groups, queries, device::threads_of_a_lane());
    let order = onward.in_order();
    let mut tasks = Vec::new();
    for company in companies(&order, most) {
        for group in 0..groups {
            let row = |alike: &Alike| {
                let task = alike.row * groups + group;
                (std::mem::take(&mut outs[task]), task, alike.tokens)
            };
            tasks.push(company.iter().map(row).collect::<Vec<_>>());
        }
    }
    tasks.into_par_iter().for_each(|rows| {
        let row = |(out, task, common)| Row::new(out, &group_of(task), slabs[task], onward, common);
        take(&mut rows.into_iter().map(row).collect::<Vec<_>>());
    });
}

/// Rows that a thread looks at together, at the most. Of so many tasks two for each thread, so that none has to wait long
/// for the last.
fn most(tasks: usize, queries: usize, threads: usize) -> usize {
    tasks.div_ceil(2 * threads).max(QUERIES.div_ceil(queries))
}

/// Rows in companies that begin alike, each of which is looked at by one thread.
fn companies(order: &[Alike], most: usize) -> impl Iterator<Item = &[Alike]> {
    order.chunk_by(|_, next| next.tokens > 0).flat_map(move |alike| alike.chunks(most))
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
    /// First tokens in common with the row before.
    common: usize,
}

impl<'s, 'o> Row<'s, 'o> {
    fn new(
        out: Vec<&'o mut [f32]>,
        group: &Group<'_>,
        (keys, values): Slab<'s>,
        onward: &Onward,
        common: usize,
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
            common,
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

/// What rows of a company take.
fn take(rows: &mut [Row<'_, '_>]) {
    let Some(first) = rows.first() else { return };
    let (size, each) = (first.size, first.queries.len());
    let sizes: Vec<(usize, usize)> = rows.iter().map(|row| (row.common, row.seen())).collect();
    let parts = parts(&sizes, (NEAR / size).max(1));
    let queries: Vec<f32> = rows.iter().flat_map(|row| row.queries.iter().copied()).collect();
    for Part { rows: of, tokens } in &parts {
        let rows = &mut rows[of.clone()];
        let keys = &rows[0].keys[tokens.start * size..tokens.end * size];
        let queries = &queries[of.start * each..of.end * each];
        let mut scores: Vec<_> =
            rows.iter_mut().flat_map(|row| row.scores(tokens.clone())).collect();
        few::part(&mut scores, queries, keys, size);
    }
    for row in &mut *rows {
        let seen = row.seen();
        for (scores, sees) in row.scores.chunks_exact_mut(seen).zip(&row.sees) {
            soften(scores, sees.clone());
        }
    }
    let mut taken = vec![0.0; queries.len()];
    for Part { rows: of, tokens } in &parts {
        let rows = &rows[of.clone()];
        let values = &rows[0].values[tokens.start * size..tokens.end * size];
        let shares: Vec<_> = rows.iter().flat_map(|row| row.shares(tokens.clone())).collect();
        few::mix(&mut taken[of.start * each..of.end * each], &shares, values, size);
    }
    for (row, taken) in rows.iter_mut().zip(taken.chunks_exact(each)) {
        for (out, taken) in row.out.iter_mut().zip(taken.chunks_exact(size)) {
            out.copy_from_slice(taken);
        }
    }
}

/// Some tokens that some rows of a company have in common, or that one of them has for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    rows: Range<usize>,
    tokens: Range<usize>,
}

/// What rows see, in parts, of which those of one row come from left to right. Of each row what it has in common with the
/// one before it is known, and all that it sees; what is read for several is read so many tokens at a time.
fn parts(rows: &[(usize, usize)], near: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    divide(rows, 0..rows.len(), 0, near, &mut parts);
    parts
}

/// The parts of some rows, which begin alike for more than so many tokens.
fn divide(
    all: &[(usize, usize)],
    rows: Range<usize>,
    from: usize,
    near: usize,
    parts: &mut Vec<Part>,
) {
    let others = rows.start + 1..rows.end;
    let Some(common) = others.clone().map(|row| all[row].0).min() else {
        parts.push(Part { rows: rows.clone(), tokens: from..all[rows.start].1 });
        return;
    };
    for start in (from..common).step_by(near) {
        parts.push(Part { rows: rows.clone(), tokens: start..(start + near).min(common) });
    }
    let mut start = rows.start;
    for next in others.filter(|&row| all[row].0 == common).chain([rows.end]) {
        divide(all, start..next, common, near, parts);
        start = next;
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn threads_share_the_rows_and_queries_stay_together() {
        // A lane of sixteen rows, two groups each, that has one thread, four, or more than there are rows.
        assert_eq!([1, 4, 64].map(|threads| most(32, 7, threads)), [16, 4, 1]);
        // Heads of their own are one query each.
        assert_eq!([4, 64].map(|threads| most(16, 1, threads)), [4, 4]);
    }

    #[test]
    fn companies_begin_alike() {
        let order = |tokens: &[usize]| -> Vec<Alike> {
            tokens.iter().enumerate().map(|(row, &tokens)| Alike { row, tokens }).collect()
        };
        let sizes = |tokens: &[usize], most| -> Vec<usize> {
            companies(&order(tokens), most).map(<[_]>::len).collect()
        };
        assert_eq!(sizes(&[0, 0, 32, 64, 0, 32], 8), [1, 3, 2]);
        assert_eq!(sizes(&[0, 0, 32, 64, 0, 32], 2), [1, 2, 1, 2]);
        assert_eq!(sizes(&[], 2), [0usize; 0]);
    }

    #[test]
    fn what_all_have_is_read_once_and_what_a_family_has_once_more() {
        // A system prompt of 3 tokens, and behind it two families and one that is alone.
        let rows = [(0, 9), (8, 10), (3, 5), (3, 12), (10, 10)];
        let found: Vec<_> =
            parts(&rows, 4).into_iter().map(|part| (part.rows, part.tokens)).collect();
        let right = [
            (0..5, 0..3),
            (0..2, 3..7),
            (0..2, 7..8),
            (0..1, 8..9),
            (1..2, 8..10),
            (2..3, 3..5),
            (3..5, 3..7),
            (3..5, 7..10),
            (3..4, 10..12),
            (4..5, 10..10),
        ];
        assert_eq!(found, right);
    }

    proptest! {
        /// Each row sees all its tokens once, from left to right, and reads them from a row that has them.
        #[test]
        fn every_token_is_in_one_part_of_its_row(
            rows in vec((0usize..30, 0usize..10), 1..12), near in 1usize..9,
        ) {
            // None has more in common with the one before than that one has.
            let mut sizes: Vec<(usize, usize)> = Vec::new();
            for (common, own) in rows {
                let common = common.min(sizes.last().map_or(0, |&(_, seen)| seen));
                sizes.push((common, common + own));
            }
            let parts = parts(&sizes, near);
            for (row, &(_, seen)) in sizes.iter().enumerate() {
                let mut next = 0;
                for part in parts.iter().filter(|part| part.rows.contains(&row)) {
                    prop_assert_eq!(part.tokens.start, next);
                    next = part.tokens.end;
                    let first = part.rows.start;
                    let common = sizes[first + 1..=row].iter().map(|&(common, _)| common).min();
                    prop_assert!(common.is_none_or(|common| next <= common));
                    prop_assert!(part.rows.len() == 1 || part.tokens.len() <= near);
                }
                prop_assert_eq!(next, seen);
            }
        }
    }
}
