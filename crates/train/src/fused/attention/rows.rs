//! Attention over slices: a task for each sequence and group of heads.

use rayon::prelude::*;

use crate::fused::{
    attention::Sight,
    product::{Before, Matrix, multiply},
    vector::{dot, exponentials, largest, wide},
};

/// Queries whose scores exist at a time.
pub(super) const BLOCK: usize = 64;

#[derive(Clone, Copy)]
pub(in crate::fused) struct Sizes {
    pub(in crate::fused) batch: usize,
    pub(in crate::fused) time: usize,
    pub(in crate::fused) heads: usize,
    pub(in crate::fused) groups: usize,
    pub(in crate::fused) size: usize,
}

/// Queries, keys and values, and the angles that turn them.
#[derive(Clone, Copy)]
pub(in crate::fused) struct Inputs<'s> {
    pub(in crate::fused) q: &'s [f32],
    pub(in crate::fused) k: &'s [f32],
    pub(in crate::fused) v: &'s [f32],
    pub(in crate::fused) cos: &'s [f32],
    pub(in crate::fused) sin: &'s [f32],
}

/// What is put out, `[batch, time, heads, size]`, and the logarithm of every softmax' denominator,
/// `[batch, heads, time]`.
pub(in crate::fused) fn forward(
    inputs: Inputs<'_>,
    sizes: Sizes,
    sight: &Sight,
) -> (Vec<f32>, Vec<f32>) {
    let Sizes { batch, time, heads, groups, size } = sizes;
    let mut out = vec![0.0; batch * time * heads * size];
    let mut log_sums = vec![0.0; batch * heads * time];
    let each = heads / groups;
    let tasks = by_group(&mut out, sizes, each).into_par_iter();
    let tasks = tasks.zip(log_sums.par_chunks_mut(each * time)).enumerate();
    tasks.for_each(|(task, (mut out, log_sums))| {
        let group = Group { inputs, sizes, sight, sequence: task / groups, group: task % groups };
        let (k, v) = (group.keys(), group.values());
        let mut scores = Vec::new();
        let mut block_out = vec![0.0; BLOCK.min(time) * size];
        for head in 0..each {
            let q = group.queries(head);
            for block in group.blocks() {
                let rows = block.end - block.start;
                group.scores(&mut scores, &q, &k, &block);
                let seen = block.seen();
                for (row, scores) in scores.chunks_exact_mut(seen).enumerate() {
                    let place = block.start + row;
                    log_sums[head * time + place] =
                        soften(scores, block.sees(group.first(), place));
                }
                let shares = Matrix::new(&scores, [rows, seen], seen);
                let block_out = &mut block_out[..rows * size];
                multiply(block_out, shares, v.rows(&block), Before::Overwritten);
                for (row, values) in block_out.chunks_exact(size).enumerate() {
                    out[(block.start + row) * each + head].copy_from_slice(values);
                }
            }
        }
    });
    (out, log_sums)
}

/// Gradients of queries, keys and values.
pub(in crate::fused) fn backward(
    grad: &[f32],
    inputs: Inputs<'_>,
    (out, log_sums): (&[f32], &[f32]),
    sizes: Sizes,
    sight: &Sight,
) -> [Vec<f32>; 3] {
    let Sizes { batch, time, heads, groups, size } = sizes;
    let each = heads / groups;
    let mut of_q = vec![0.0; inputs.q.len()];
    let [mut of_k, mut of_v] = [(); 2].map(|()| vec![0.0; batch * time * groups * size]);
    let tasks = by_group(&mut of_q, sizes, each).into_par_iter();
    let tasks = tasks.zip(by_group(&mut of_k, sizes, 1)).zip(by_group(&mut of_v, sizes, 1));
    tasks.zip(log_sums.par_chunks(each * time)).enumerate().for_each(
        |(task, (written, log_sums))| {
            let ((mut of_q, mut of_k), mut of_v) = written;
            let group =
                Group { inputs, sizes, sight, sequence: task / groups, group: task % groups };
            let (k, v) = (group.keys(), group.values());
            let [mut turned_k, mut sum_v] = [(); 2].map(|()| vec![0.0; time * size]);
            let (mut shares, mut slopes) = (Vec::new(), Vec::new());
            let mut block_q = vec![0.0; BLOCK.min(time) * size];
            for head in 0..each {
                let q = group.queries(head);
                let (grad, out) = (group.of_head(grad, head), group.of_head(out, head));
                for block in group.blocks() {
                    let (rows, seen) = (block.end - block.start, block.seen());
                    let keys = block.first * size..block.end * size;
                    let grad_rows = grad.rows(&block.queries());
                    group.scores(&mut shares, &q, &k, &block);
                    slopes.clear();
                    slopes.resize(rows * seen, 0.0);
                    multiply(
                        &mut slopes,
                        grad_rows,
                        v.rows(&block).transposed(),
                        Before::Overwritten,
                    );
                    let both = shares.chunks_exact_mut(seen).zip(slopes.chunks_exact_mut(seen));
                    for (row, (shares, slopes)) in both.enumerate() {
                        let place = block.start + row;
                        let mean = inner(grad.row(place), out.row(place));
                        let sees = block.sees(group.first(), place);
                        slope(shares, slopes, sees, log_sums[head * time + place], mean);
                    }
                    let shares = Matrix::new(&shares, [rows, seen], seen);
                    let slopes = Matrix::new(&slopes, [rows, seen], seen);
                    multiply(
                        &mut sum_v[keys.clone()],
                        shares.transposed(),
                        grad_rows,
                        Before::AddedTo,
                    );
                    let block_q = &mut block_q[..rows * size];
                    let k = Matrix::new(&k[keys.clone()], [seen, size], size);
                    multiply(block_q, slopes, k, Before::Overwritten);
                    let q = Matrix::new(&q[block.start * size..], [rows, size], size);
                    multiply(&mut turned_k[keys], slopes.transposed(), q, Before::AddedTo);
                    for (row, values) in block_q.chunks_exact(size).enumerate() {
                        let place = block.start + row;
                        let (cos, sin) = group.angles(place);
                        turn_back(of_q[place * each + head], values, cos, sin, group.scale());
                    }
                }
            }
            for (place, (of_k, of_v)) in of_k.iter_mut().zip(&mut of_v).enumerate() {
                let (cos, sin) = group.angles(place);
                let at = place * size..(place + 1) * size;
                turn_back(of_k, &turned_k[at.clone()], cos, sin, 1.0);
                of_v.copy_from_slice(&sum_v[at]);
            }
        },
    );
    [of_q, of_k, of_v]
}

/// The vectors of `[batch, time, heads, size]` by the group that writes them: for each place in turn those
/// of its `each` heads.
pub(super) fn by_group(values: &mut [f32], sizes: Sizes, each: usize) -> Vec<Vec<&mut [f32]>> {
    let Sizes { batch, time, groups, size, .. } = sizes;
    let mut tasks: Vec<_> = (0..batch * groups).map(|_| Vec::with_capacity(time * each)).collect();
    for (number, vector) in values.chunks_exact_mut(size).enumerate() {
        let group = number / each % groups;
        let sequence = number / (each * groups * time);
        tasks[sequence * groups + group].push(vector);
    }
    tasks
}

/// The keys and values of one sequence that some heads share.
pub(super) struct Group<'s> {
    pub(super) inputs: Inputs<'s>,
    pub(super) sizes: Sizes,
    pub(super) sight: &'s Sight,
    pub(super) sequence: usize,
    pub(super) group: usize,
}

/// Queries from a start to an end, and the first key that one of them sees.
struct Block {
    start: usize,
    end: usize,
    first: usize,
}

impl Block {
    fn seen(&self) -> usize {
        self.end - self.first
    }

    /// What a place sees, among what the block does.
    fn sees(&self, first: &[u32], place: usize) -> std::ops::Range<usize> {
        first[place] as usize - self.first..place + 1 - self.first
    }

    /// The queries alone.
    fn queries(&self) -> Block {
        Block { first: self.start, ..*self }
    }
}

/// Vectors of one head, one for each place, some distance apart.
#[derive(Clone, Copy)]
pub(super) struct Strided<'s> {
    values: &'s [f32],
    stride: usize,
    size: usize,
}

impl<'s> Strided<'s> {
    pub(super) fn row(&self, place: usize) -> &'s [f32] {
        &self.values[place * self.stride..][..self.size]
    }

    /// Those that a block sees.
    fn rows(&self, block: &Block) -> Matrix<'s> {
        Matrix::new(
            &self.values[block.first * self.stride..],
            [block.seen(), self.size],
            self.stride,
        )
    }
}

impl<'s> Group<'s> {
    pub(super) fn each(&self) -> usize {
        self.sizes.heads / self.sizes.groups
    }

    /// What scores are multiplied by.
    pub(super) fn scale(&self) -> f32 {
        (self.sizes.size as f32).sqrt().recip()
    }

    /// The first place that each sees.
    pub(super) fn first(&self) -> &'s [u32] {
        &self.sight.first[self.sequence * self.sizes.time..][..self.sizes.time]
    }

    pub(super) fn angles(&self, place: usize) -> (&'s [f32], &'s [f32]) {
        let size = self.sizes.size;
        let start = (self.sequence * self.sizes.time + place) * size;
        (&self.inputs.cos[start..start + size], &self.inputs.sin[start..start + size])
    }

    /// One of `count` heads of this sequence.
    fn vectors(&self, values: &'s [f32], head: usize, count: usize) -> Strided<'s> {
        let (size, stride) = (self.sizes.size, self.sizes.size * count);
        let values = &values[self.sequence * self.sizes.time * stride + head * size..];
        Strided { values, stride, size }
    }

    /// Of what has the shape of queries, what belongs to one of the group's heads.
    pub(super) fn of_head(&self, values: &'s [f32], head: usize) -> Strided<'s> {
        self.vectors(values, self.group * self.each() + head, self.sizes.heads)
    }

    pub(super) fn values(&self) -> Strided<'s> {
        self.vectors(self.inputs.v, self.group, self.sizes.groups)
    }

    /// Keys as they are given.
    pub(super) fn given_keys(&self) -> Strided<'s> {
        self.vectors(self.inputs.k, self.group, self.sizes.groups)
    }

    /// Turned keys, without gaps.
    fn keys(&self) -> Vec<f32> {
        self.turned(self.given_keys(), 1.0)
    }

    /// Turned queries, scaled as scores are.
    fn queries(&self, head: usize) -> Vec<f32> {
        self.turned(self.of_head(self.inputs.q, head), self.scale())
    }

    fn turned(&self, vectors: Strided<'s>, scale: f32) -> Vec<f32> {
        let mut turned = vec![0.0; self.sizes.time * self.sizes.size];
        for (place, turned) in turned.chunks_exact_mut(self.sizes.size).enumerate() {
            let (cos, sin) = self.angles(place);
            turn(turned, vectors.row(place), cos, sin, scale);
        }
        turned
    }

    fn blocks(&self) -> impl Iterator<Item = Block> + use<'s> {
        let (first, time) = (self.first(), self.sizes.time);
        (0..time).step_by(BLOCK).map(move |start| {
            let end = (start + BLOCK).min(time);
            let oldest = first[start..end].iter().min().map_or(start, |&first| first as usize);
            Block { start, end, first: oldest }
        })
    }

    /// Scores of a block's queries on all that one of them sees.
    fn scores(&self, scores: &mut Vec<f32>, q: &[f32], k: &[f32], block: &Block) {
        let (rows, seen, size) = (block.end - block.start, block.seen(), self.sizes.size);
        scores.clear();
        scores.resize(rows * seen, 0.0);
        let q = Matrix::new(&q[block.start * size..], [rows, size], size);
        let k = Matrix::new(&k[block.first * size..], [seen, size], size);
        multiply(scores, q, k.transposed(), Before::Overwritten);
    }
}

wide! {
    /// Turns a vector by its position.
    pub(super) fn turn(out: &mut [f32], x: &[f32], cos: &[f32], sin: &[f32], scale: f32) {
        let half = x.len() / 2;
        let ((low, high), (x_low, x_high)) = (out.split_at_mut(half), x.split_at(half));
        for place in 0..half {
            low[place] = (x_low[place] * cos[place] - x_high[place] * sin[place]) * scale;
            high[place] =
                (x_high[place] * cos[half + place] + x_low[place] * sin[half + place]) * scale;
        }
    }

    /// The gradient of what was turned, from that of what it became.
    fn turn_back(out: &mut [f32], x: &[f32], cos: &[f32], sin: &[f32], scale: f32) {
        let half = x.len() / 2;
        let ((low, high), (x_low, x_high)) = (out.split_at_mut(half), x.split_at(half));
        for place in 0..half {
            low[place] = (x_low[place] * cos[place] + x_high[place] * sin[half + place]) * scale;
            high[place] = (x_high[place] * cos[half + place] - x_low[place] * sin[place]) * scale;
        }
    }

    fn inner(a: &[f32], b: &[f32]) -> f32 {
        dot(a, b)
    }

    /// Softmax of the scores that count, 0 elsewhere; the logarithm of its denominator.
    pub(super) fn soften(scores: &mut [f32], sees: std::ops::Range<usize>) -> f32 {
        scores[..sees.start].fill(0.0);
        scores[sees.end..].fill(0.0);
        let seen = &mut scores[sees];
        let most = largest(seen);
        let sum = exponentials(seen, most);
        let share = sum.recip();
        for value in seen {
            *value *= share;
        }
        most + sum.ln()
    }

    /// Makes shares of scores, and of their gradients those of the scores; 0 where nothing is seen.
    fn slope(
        scores: &mut [f32],
        slopes: &mut [f32],
        sees: std::ops::Range<usize>,
        log_sum: f32,
        mean: f32,
    ) {
        for values in [&mut *scores, &mut *slopes] {
            values[..sees.start].fill(0.0);
            values[sees.end..].fill(0.0);
        }
        let (seen, slopes) = (&mut scores[sees.clone()], &mut slopes[sees]);
        exponentials(seen, log_sum);
        for (share, slope) in seen.iter().zip(slopes) {
            *slope = share * (*slope - mean);
        }
    }
}
