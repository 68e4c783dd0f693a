//! How well a number tells two groups apart.

use serde::{Deserialize, Serialize};

use super::Undefined;

/// The receiver operating characteristic of a number that should be high for one group (positives) and low for another
/// (negatives): what every threshold would catch of each.
///
/// Ties are exact: equal numbers fall together, by a slanted line. The area below the curve is then the probability that
/// a positive has the higher number, a tie counting half: Mann and Whitney's U over the number of pairs (Bamber 1975,
/// J. Mathematical Psychology 12, 387-415).
///
/// ```
/// use ethos_eval::stats::Roc;
///
/// let roc = Roc::of(&[90.0, 60.0, 20.0], &[60.0, 10.0])?;
/// // Of the six pairs four are in order, one is a tie.
/// assert_eq!(roc.area(), 4.5 / 6.0);
/// # Ok::<(), ethos_eval::stats::Undefined>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    /// Its points, from a threshold that catches nothing to one that catches all.
    pub points: Vec<RocPoint>,
    /// How many positives there are.
    pub positives: usize,
    /// How many negatives there are.
    pub negatives: usize,
}

/// What a threshold catches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Numbers from this one on are caught; `None` catches nothing.
    pub threshold: Option<f64>,
    /// The share of positives that it catches.
    pub true_positives: f64,
    /// The share of negatives that it catches.
    pub false_positives: f64,
}

impl Roc {
    /// Of the numbers of both groups, in any order.
    ///
    /// # Errors
    ///
    /// [`Undefined::Empty`] when a group has none, [`Undefined::Value`] with a number that is not finite.
    pub fn of(positives: &[f64], negatives: &[f64]) -> Result<Self, Undefined> {
        if positives.is_empty() || negatives.is_empty() {
            return Err(Undefined::Empty);
        }
        let mut all = Vec::new();
        for (group, positive) in [(positives, true), (negatives, false)] {
            for number in group {
                all.push((Undefined::score(*number)?, positive));
            }
        }
        all.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let point = |threshold, (caught, wrongly): (usize, usize)| RocPoint {
            threshold,
            true_positives: caught as f64 / positives.len() as f64,
            false_positives: wrongly as f64 / negatives.len() as f64,
        };
        let mut caught = (0, 0);
        let mut points = vec![point(None, caught)];
        for tied in all.chunk_by(|(a, _), (b, _)| a == b) {
            let right = tied.iter().filter(|(_, positive)| *positive).count();
            caught = (caught.0 + right, caught.1 + tied.len() - right);
            points.push(point(tied.first().map(|(number, _)| *number), caught));
        }
        Ok(Roc { points, positives: positives.len(), negatives: negatives.len() })
    }

    /// The area below it: a half for a number that says nothing, 1 for one that tells the groups apart.
    pub fn area(&self) -> f64 {
        let pairs = self.points.iter().zip(self.points.iter().skip(1));
        pairs
            .map(|(from, to)| {
                let height = f64::midpoint(from.true_positives, to.true_positives);
                (to.false_positives - from.false_positives) * height
            })
            .sum()
    }

    /// The share of positives caught by the threshold that catches the most of them and no more than this share of
    /// negatives.
    pub fn caught_at(&self, false_positives: f64) -> f64 {
        let within = self.points.iter().filter(|point| point.false_positives <= false_positives);
        within.map(|point| point.true_positives).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn by_hand() {
        let roc = Roc::of(&[3.0, 2.0, 2.0], &[2.0, 1.0]).unwrap();
        let points: Vec<_> = roc
            .points
            .iter()
            .map(|point| (point.threshold, point.true_positives, point.false_positives))
            .collect();
        let third = 1.0 / 3.0;
        assert_eq!(
            points,
            [
                (None, 0.0, 0.0),
                (Some(3.0), third, 0.0),
                (Some(2.0), 1.0, 0.5),
                (Some(1.0), 1.0, 1.0)
            ]
        );
        // 3 beats both; each 2 ties with the 2 and beats the 1: (2 + 1.5 + 1.5) of 6.
        assert!((roc.area() - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(
            (roc.caught_at(0.0), roc.caught_at(0.5), roc.caught_at(0.49)),
            (third, 1.0, third)
        );
    }

    #[test]
    fn the_ends() {
        let area =
            |positives: &[f64], negatives: &[f64]| Roc::of(positives, negatives).unwrap().area();
        assert_eq!(area(&[2.0, 3.0], &[0.0, 1.0]), 1.0);
        assert_eq!(area(&[0.0], &[1.0, 2.0]), 0.0);
        assert_eq!(area(&[5.0, 5.0], &[5.0]), 0.5);
        assert!(Roc::of(&[], &[1.0]).is_err());
        assert!(Roc::of(&[1.0], &[f64::NAN]).is_err());
        // Both zeros are one number.
        assert_eq!(area(&[0.0], &[-0.0]), 0.5);
    }

    proptest! {
        #[test]
        fn the_area_is_mann_and_whitneys(
            positives in proptest::collection::vec(0u8..9, 1..20),
            negatives in proptest::collection::vec(0u8..9, 1..20),
        ) {
            let numbers = |all: &[u8]| all.iter().map(|n| f64::from(*n)).collect::<Vec<_>>();
            let roc = Roc::of(&numbers(&positives), &numbers(&negatives)).unwrap();
            let pairs = positives.iter().flat_map(|p| negatives.iter().map(move |n| p.cmp(n)));
            let u: f64 = pairs.map(|order| f64::midpoint(f64::from(order as i8), 1.0)).sum();
            let pairs = (positives.len() * negatives.len()) as f64;
            prop_assert!((roc.area() - u / pairs).abs() < 1e-9);
        }
    }
}
