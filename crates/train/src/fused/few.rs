//! Products of a few rows with a large matrix, as decoding has them.
//!
//! A product of matrices first copies the large one into another order, which pays when many rows are multiplied with
//! it. Here every row of it is read once, as it stands. A row's result is the same whatever rows are beside it.

use rayon::prelude::*;

use super::vector::wide;

/// Rows up to which this is faster than a product of matrices.
pub(super) const FEW: usize = 31;

/// Numbers treated alike at a time: a register.
const LANES: usize = 8;
/// Multiplications that are worth a thread.
const WORTH: usize = 1 << 17;

/// `[rows, in]` by a weight `[out, in]` to `[rows, out]`, with `width` for `in`.
pub(super) fn project(x: &[f32], weight: &[f32], width: usize) -> Vec<f32> {
    let width = width.max(1);
    let (rows, outs) = (x.len() / width, weight.len() / width);
    let mut y = vec![0.0; rows * outs];
    if y.is_empty() {
        return y;
    }
    // Of each row the numbers that a thread writes.
    let piece = (WORTH / (width * rows)).clamp(8, outs.max(8)).next_multiple_of(24);
    let mut tasks: Vec<Vec<&mut [f32]>> =
        (0..outs.div_ceil(piece)).map(|_| Vec::with_capacity(rows)).collect();
    for row in y.chunks_exact_mut(outs) {
        for (task, part) in tasks.iter_mut().zip(row.chunks_mut(piece)) {
            task.push(part);
        }
    }
    let weights = weight.chunks(piece * width);
    match tasks.len() {
        1 => tasks.iter_mut().zip(weights).for_each(|(y, weight)| part(y, x, weight, width)),
        _ => {
            let tasks = tasks.into_par_iter().zip(weight.par_chunks(piece * width));
            tasks.for_each(|(mut y, weight)| part(&mut y, x, weight, width));
        }
    }
    y
}

wide! {
    /// Each row of `y` from one of `x`: its products with the rows of a weight.
    pub(super) fn part(y: &mut [&mut [f32]], x: &[f32], weight: &[f32], width: usize) {
        let mut x = x.chunks_exact(width);
        for y in y.chunks_mut(4) {
            match y {
                [a, b, c, d] => {
                    let [Some(x_a), Some(x_b), Some(x_c), Some(x_d)] =
                        [x.next(), x.next(), x.next(), x.next()]
                    else {
                        return;
                    };
                    together::<4, 3>([a, b, c, d], [x_a, x_b, x_c, x_d], weight, width);
                }
                fewer => for y in fewer {
                    let Some(x) = x.next() else { return };
                    together::<1, 8>([y], [x], weight, width);
                }
            }
        }
    }
}

wide! {
    /// Adds to each row of `y`, `[rows, size]`, the sum of the rows of `values`, `[seen, size]`, as much of each as its
    /// row of `shares` says. In several calls, for some of `values` each, it is the same sum to the bit.
    pub(super) fn mix(y: &mut [f32], shares: &[&[f32]], values: &[f32], size: usize) {
        for (y, shares) in y.chunks_mut(4 * size).zip(shares.chunks(4)) {
            match shares {
                [a, b, c, d] => mixed([a, b, c, d], values, y, size),
                fewer => for (y, shares) in y.chunks_exact_mut(size).zip(fewer) {
                    mixed([shares], values, y, size);
                }
            }
        }
    }
}

/// [`mix`] for so many rows, two registers of each at a time.
#[inline(always)]
fn mixed<const R: usize>(shares: [&[f32]; R], values: &[f32], y: &mut [f32], size: usize) {
    let whole = size - size % (2 * LANES);
    for from in (0..whole).step_by(2 * LANES) {
        let mut sums = [[[0.0; LANES]; 2]; R];
        for (sums, y) in sums.iter_mut().zip(y.chunks_exact(size)) {
            sums.as_flattened_mut().copy_from_slice(&y[from..from + 2 * LANES]);
        }
        for (place, values) in values.chunks_exact(size).enumerate() {
            let (low, high) = values[from..from + 2 * LANES].split_at(LANES);
            for (sums, shares) in sums.iter_mut().zip(shares) {
                let share = shares[place];
                for lane in 0..LANES {
                    sums[0][lane] = share.mul_add(low[lane], sums[0][lane]);
                    sums[1][lane] = share.mul_add(high[lane], sums[1][lane]);
                }
            }
        }
        for (y, sums) in y.chunks_exact_mut(size).zip(&sums) {
            y[from..from + 2 * LANES].copy_from_slice(sums.as_flattened());
        }
    }
    for (y, shares) in y.chunks_exact_mut(size).zip(shares) {
        for (share, values) in shares.iter().zip(values.chunks_exact(size)) {
            for (y, value) in y[whole..].iter_mut().zip(&values[whole..]) {
                *y = share.mul_add(*value, *y);
            }
        }
    }
}

/// So many rows, with so many of the weight at a time: as many sums as there are registers.
#[inline(always)]
fn together<const R: usize, const W: usize>(
    mut y: [&mut [f32]; R],
    x: [&[f32]; R],
    weight: &[f32],
    width: usize,
) {
    let row = |out: usize| &weight[out * width..(out + 1) * width];
    let outs = weight.len() / width;
    let whole = outs - outs % W;
    for out in (0..whole).step_by(W) {
        let found = dots(x, std::array::from_fn::<_, W, _>(|n| row(out + n)));
        for (y, found) in y.iter_mut().zip(found) {
            y[out..out + W].copy_from_slice(&found);
        }
    }
    for out in whole..outs {
        for (y, [found]) in y.iter_mut().zip(dots(x, [row(out)])) {
            y[out] = found;
        }
    }
}

/// The products of each with each. The sums stay in registers: nothing here takes one of their lanes by a number that
/// is known only when it runs.
#[inline(always)]
fn dots<const R: usize, const W: usize>(x: [&[f32]; R], weights: [&[f32]; W]) -> [[f32; W]; R] {
    let length = x[0].len() / LANES;
    let x_blocks = x.map(|row| &row.as_chunks().0[..length]);
    let weight_blocks = weights.map(|row| &row.as_chunks().0[..length]);
    let mut sums = [[[0.0; LANES]; W]; R];
    for block in 0..length {
        add(&mut sums, x_blocks.map(|row| row[block]), weight_blocks.map(|row| row[block]));
    }
    if !x[0].len().is_multiple_of(LANES) {
        add(&mut sums, x.map(rest), weights.map(rest));
    }
    let mut found = [[0.0; W]; R];
    for (found, sums) in found.iter_mut().zip(sums) {
        for (found, [a, b, c, d, e, f, g, h]) in found.iter_mut().zip(sums) {
            *found = ((a + e) + (c + g)) + ((b + f) + (d + h));
        }
    }
    found
}

#[inline(always)]
fn add<const R: usize, const W: usize>(
    sums: &mut [[[f32; LANES]; W]; R],
    x: [[f32; LANES]; R],
    weights: [[f32; LANES]; W],
) {
    for (sums, x) in sums.iter_mut().zip(x) {
        for (sums, weight) in sums.iter_mut().zip(weights) {
            for lane in 0..LANES {
                sums[lane] = x[lane].mul_add(weight[lane], sums[lane]);
            }
        }
    }
}

/// What is behind the last whole block, and zeros.
#[inline(always)]
fn rest(row: &[f32]) -> [f32; LANES] {
    let mut block = [0.0; LANES];
    let rest = row.as_chunks::<LANES>().1;
    block[..rest.len()].copy_from_slice(rest);
    block
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|n| ((n * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0).collect()
    }

    proptest! {
        #[test]
        fn it_is_the_product(
            rows in 1usize..10, outs in 1usize..70, width in 1usize..60, seed in 0usize..100,
        ) {
            let (x, weight) = (drawn(rows * width, seed), drawn(outs * width, seed + 1));
            let y = project(&x, &weight, width);
            for (row, (y, x)) in y.chunks(outs).zip(x.chunks(width)).enumerate() {
                // To the bit, as it is alone.
                prop_assert_eq!(&project(x, &weight, width)[..], y, "row {}", row);
                for (y, weight) in y.iter().zip(weight.chunks(width)) {
                    let right: f64 =
                        x.iter().zip(weight).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    prop_assert!((f64::from(*y) - right).abs() < 1e-4, "{} for {}", y, right);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn mixtures_are_sums(
            rows in 1usize..10,
            seen in 1usize..50,
            size in 1usize..70,
            split in 0usize..50,
            seed in 0usize..100,
        ) {
            let (shares, values) = (drawn(rows * seen, seed), drawn(seen * size, seed + 1));
            let split = split.min(seen);
            let mixed = |parts: &[std::ops::Range<usize>]| {
                let mut y = vec![0.0; rows * size];
                for part in parts {
                    let shares: Vec<_> = shares.chunks(seen).map(|row| &row[part.clone()]).collect();
                    mix(&mut y, &shares, &values[part.start * size..part.end * size], size);
                }
                y
            };
            let y = mixed(&[0..split, split..seen]);
            prop_assert_eq!(&mixed(&[0..0, 0..seen]), &y);
            for (y, shares) in y.chunks(size).zip(shares.chunks(seen)) {
                for (place, y) in y.iter().enumerate() {
                    let values = values.chunks(size).map(|values| f64::from(values[place]));
                    let right: f64 = shares.iter().zip(values).map(|(s, v)| f64::from(*s) * v).sum();
                    prop_assert!((f64::from(*y) - right).abs() < 1e-4, "{} for {}", y, right);
                }
            }
        }
    }

    #[test]
    fn a_large_one_is_divided() {
        let (x, weight) = (drawn(3 * 500, 1), drawn(2000 * 500, 2));
        let y = project(&x, &weight, 500);
        let right: f32 = x[500..1000].iter().zip(&weight[1999 * 500..]).map(|(a, b)| a * b).sum();
        assert!((y[2000 + 1999] - right).abs() < 1e-2);
        assert!(project(&[], &weight, 500).is_empty());
    }
}
