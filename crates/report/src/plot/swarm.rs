//! Dots that would lie on each other are moved apart across the axis, never along it.

/// How far each dot at `xs` moves from the middle of its row so that no two touch; `None` where
/// that takes more than `half` to either side.
pub(super) fn swarm(xs: &[f64], radius: f64, half: f64) -> Option<Vec<f64>> {
    let offsets = place(xs, radius, 2.0 * half, false)?;
    offsets.iter().all(|y| y.abs() + radius <= half).then_some(offsets)
}

/// As [`swarm`], but always: dots that find no room overlap those that are furthest away.
pub(super) fn crowd(xs: &[f64], radius: f64, half: f64) -> Vec<f64> {
    place(xs, radius, half, true).unwrap_or_default()
}

/// Heights are tried from the middle outward, in quarters of a dot. Since dots are placed from left
/// to right, only the last one at each height can be in the way: this is linear in the dots.
fn place(xs: &[f64], radius: f64, half: f64, overlap: bool) -> Option<Vec<f64>> {
    let apart = 2.0 * radius + 0.4;
    let step = apart / 4.0;
    let reach = ((half - radius) / step).floor().max(0.0) as usize;
    let heights = 2 * reach + 1;
    let gaps: [f64; 4] = [0.0, 1.0, 2.0, 3.0].map(|k| (apart * apart - k * step * k * step).sqrt());

    let mut order: Vec<usize> = (0..xs.len()).collect();
    order.sort_by(|&a, &b| xs[a].total_cmp(&xs[b]));
    let mut last = vec![f64::NEG_INFINITY; heights];
    let mut offsets = vec![0.0; xs.len()];
    for &i in &order {
        // The first place to the right of all neighbours at height h.
        let free_from = |h: usize| {
            let near = h.saturating_sub(3)..(h + 4).min(heights);
            near.map(|n| last[n] + gaps[n.abs_diff(h)]).fold(f64::NEG_INFINITY, f64::max)
        };
        let outward =
            (0..heights).map(|k| if k % 2 == 1 { reach + k / 2 + 1 } else { reach - k / 2 });
        let mut best = (f64::INFINITY, reach);
        for h in outward {
            let from = free_from(h);
            if from < best.0 {
                best = (from, h);
            }
            if from <= xs[i] {
                break;
            }
        }
        let (from, height) = best;
        if from > xs[i] && !overlap {
            return None;
        }
        last[height] = xs[i];
        offsets[i] = (height as f64 - reach as f64) * step;
    }
    for cluster in order.chunk_by(|&a, &b| xs[b] - xs[a] < apart) {
        centre(&mut offsets, cluster);
    }
    Some(offsets)
}

/// Moves dots that lean on each other, all together, so that they reach as far up as down.
fn centre(offsets: &mut [f64], cluster: &[usize]) {
    let heights = cluster.iter().map(|&i| offsets[i]);
    let (low, high) = heights.fold((0.0, 0.0), |(lo, hi), y| (y.min(lo), y.max(hi)));
    for &i in cluster {
        offsets[i] -= f64::midpoint(low, high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_dots_touch_and_each_stays_in_its_row() {
        let xs: Vec<f64> = (0..40).map(|i| f64::from(i * 7919 % 101)).collect();
        let offsets = swarm(&xs, 3.0, 30.0).unwrap();
        for i in 0..xs.len() {
            assert!(offsets[i].abs() + 3.0 <= 30.0);
            for j in 0..i {
                let (dx, dy) = (xs[i] - xs[j], offsets[i] - offsets[j]);
                assert!(dx.hypot(dy) > 6.0, "dots {i} and {j}");
            }
        }
    }

    #[test]
    fn equal_dots_stack_around_the_middle() {
        let pitch = 6.4;
        assert_eq!(swarm(&[5.0; 3], 3.0, 20.0).unwrap(), [0.0, pitch, -pitch]);
        assert_eq!(swarm(&[5.0; 2], 3.0, 20.0).unwrap(), [-pitch / 2.0, pitch / 2.0]);
        assert_eq!(swarm(&[1.0, 50.0], 3.0, 20.0).unwrap(), [0.0, 0.0]);
    }

    #[test]
    fn too_many_dots_overlap_rather_than_leave_the_row() {
        assert!(swarm(&[5.0; 10_000], 2.0, 20.0).is_none());
        let offsets = crowd(&[5.0; 10_000], 2.0, 20.0);
        assert_eq!(offsets.len(), 10_000);
        assert!(offsets.iter().all(|y| y.abs() <= 18.0));
        assert!(crowd(&[], 2.0, 0.0).is_empty());
    }
}
