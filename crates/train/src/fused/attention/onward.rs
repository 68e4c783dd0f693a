//! Attention of tokens that go on from others, over slices.

use rayon::prelude::*;

use super::{
    Onward,
    rows::{BLOCK, Group, Inputs, Sizes, by_group, soften, turn},
    together,
};
use crate::fused::product::{Before, Matrix, multiply};

/// Queries of a row, of all heads of a group, up to which the products of a few rows are faster.
const FEW: usize = 16;

/// Keys and values of one row and group, `[columns, size]` each.
pub(super) type Slab<'s> = (&'s [f32], &'s [f32]);

/// What is put out, `[rows, columns, heads, size]`. Keys and values are written into what is held,
/// `[rows, 2 × groups, columns, size]`, of which there are as many columns as is said beside it.
pub(in crate::fused) fn read(
    inputs: Inputs<'_>,
    sizes: Sizes,
    (held, room): (&mut [f32], usize),
    onward: &Onward,
) -> Vec<f32> {
    let Sizes { batch, time, heads, groups, size } = sizes;
    let (each, column) = (heads / groups, onward.columns.start);
    let group_of = |task: usize| {
        let (sequence, group) = (task / groups, task % groups);
        Group { inputs, sizes, sight: &onward.sight, sequence, group }
    };
    // Keys, then values, of one row.
    let half = groups * room * size;
    let rows = held.chunks_exact_mut(2 * half).skip(onward.rows.start).take(batch);
    let mut slabs: Vec<_> = rows
        .flat_map(|row| {
            let (keys, values) = row.split_at_mut(half);
            keys.chunks_exact_mut(room * size).zip(values.chunks_exact_mut(room * size))
        })
        .collect();
    let remember = |(task, (keys, values)): (usize, &mut (&mut [f32], &mut [f32]))| {
        group_of(task).remember(keys, values, column);
    };
    let few = time * each <= FEW;
    match few {
        // Not worth a thread.
        true => slabs.iter_mut().enumerate().for_each(remember),
        false => slabs.par_iter_mut().enumerate().for_each(remember),
    }
    let slabs: Vec<Slab<'_>> = slabs.iter().map(|(keys, values)| (&**keys, &**values)).collect();

    let mut out = vec![0.0; batch * time * heads * size];
    let outs = by_group(&mut out, sizes, each);
    if few {
        together::look(outs, group_of, &slabs, onward);
        return out;
    }
    // A part of the chunks that prompts are kept in: a token then is in the same place of its block wherever a pass
    // began, and is computed alike.
    let places = 1 << (BLOCK / each).clamp(1, 32).ilog2();
    outs.into_par_iter().zip(slabs).enumerate().for_each(|(task, (mut out, slab))| {
        let group = group_of(task);
        out.par_chunks_mut(places * each).enumerate().for_each(|(block, out)| {
            group.look(out, slab, block * places, column);
        });
    });
    out
}

impl Group<'_> {
    /// Writes the keys and values of a pass, from a column on.
    fn remember(&self, keys: &mut [f32], values: &mut [f32], column: usize) {
        let size = self.sizes.size;
        let written = column * size..(column + self.sizes.time) * size;
        let (new_keys, new_values) = (self.given_keys(), self.values());
        let places = keys[written.clone()].chunks_exact_mut(size);
        let places = places.zip(values[written].chunks_exact_mut(size)).enumerate();
        for (place, (key, value)) in places {
            let (cos, sin) = self.angles(place);
            turn(key, new_keys.row(place), cos, sin, 1.0);
            value.copy_from_slice(new_values.row(place));
        }
    }

    /// The queries of so many places from `start` on, those of one head after the other at each, turned and scaled.
    pub(super) fn asked(&self, start: usize, places: usize) -> Vec<f32> {
        let (size, each) = (self.sizes.size, self.each());
        let mut queries = vec![0.0; places * each * size];
        for (row, query) in queries.chunks_exact_mut(size).enumerate() {
            let (place, head) = (start + row / each, row % each);
            let (cos, sin) = self.angles(place);
            let asked = self.of_head(self.inputs.q, head).row(place);
            turn(query, asked, cos, sin, self.scale());
        }
        queries
    }

    /// What the heads of a group put out at some places from `start` on, one head after the other at each.
    fn look(&self, out: &mut [&mut [f32]], (keys, values): Slab<'_>, start: usize, column: usize) {
        let (size, each) = (self.sizes.size, self.each());
        let (rows, end) = (out.len(), start + out.len() / each);
        let first = &self.first()[start..end];
        let oldest = first.iter().min().map_or(0, |&first| first as usize);
        let seen = column + end - oldest;
        let mut queries = self.asked(start, end - start);
        let [keys, values] = [keys, values].map(|held| &held[oldest * size..(column + end) * size]);
        let matrix = |held| Matrix::new(held, [seen, size], size);
        let mut scores = vec![0.0; rows * seen];
        let asked = Matrix::new(&queries, [rows, size], size);
        multiply(&mut scores, asked, matrix(keys).transposed(), Before::Overwritten);
        for (row, scores) in scores.chunks_exact_mut(seen).enumerate() {
            let place = row / each;
            let sees = first[place] as usize - oldest..column + start + place + 1 - oldest;
            soften(scores, sees);
        }
        // What was asked is known now, and its place is free.
        let shares = Matrix::new(&scores, [rows, seen], seen);
        multiply(&mut queries, shares, matrix(values), Before::Overwritten);
        for (out, taken) in out.iter_mut().zip(queries.chunks_exact(size)) {
            out.copy_from_slice(taken);
        }
    }
}
