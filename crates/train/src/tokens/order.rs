//! Which rows meet at which step.

use std::fmt;

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{Batch, Overlong, Packed, Packing, Rows, rows::stream};
use crate::{Error, Result};

/// How much a step trains on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchSize {
    /// So many rows, whatever their length, packed into as many sequences as they need. It is what the
    /// papers' batch sizes count, and how many steps an epoch has does not depend on packing.
    Rows(usize),
    /// So many sequences, each packed with rows. A step's tokens are about the same each time, its rows
    /// are not.
    Sequences(usize),
}

impl BatchSize {
    /// The number, of whichever.
    pub fn count(self) -> usize {
        match self {
            BatchSize::Rows(count) | BatchSize::Sequences(count) => count,
        }
    }
}

/// How rows are ordered and packed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderConfig {
    /// What a step trains on.
    pub batch: BatchSize,
    /// Tokens that a sequence reads.
    pub sequence: usize,
    /// What becomes of rows longer than a sequence.
    pub overlong: Overlong,
    /// Seed of the order.
    pub seed: u64,
}

/// Which rows meet at which step: a function of rows, configuration and step alone.
///
/// So the number of the step is all that a run has to remember in order to go on. Every epoch is packed
/// anew, with its sequences, or the rows of its steps, shuffled. One epoch's plan is held at a time, which takes about 40 bytes a row
/// while it is made and 16 then, and no tokens.
///
/// # Examples
///
/// ```
/// use ethos_train::{BatchSize, Order, OrderConfig, Overlong, Row};
///
/// let rows: Vec<Row> = (0..9).map(|n| Row::learning_all(vec![n, n + 1, n + 2])).collect();
/// let config =
///     OrderConfig { batch: BatchSize::Sequences(2), sequence: 4, overlong: Overlong::Split, seed: 0 };
/// let mut order = Order::new(&rows, config.clone())?;
/// assert_eq!(order.steps(2)?, 6, "nine rows are five sequences, and so three steps of an epoch");
///
/// let fourth = order.batch(4)?;
/// assert_eq!(Order::new(&rows, config)?.batch(4)?, fourth);
/// # Ok::<(), ethos_train::Error>(())
/// ```
pub struct Order<'r> {
    rows: &'r dyn Rows,
    config: OrderConfig,
    /// Steps of each epoch, from the first, as far as they are known.
    steps: Vec<usize>,
    /// The epoch planned last.
    plan: Option<Plan<'r>>,
}

struct Plan<'r> {
    epoch: usize,
    packed: Packed<'r>,
    /// Numbers of the sequences in their order.
    sequences: Vec<usize>,
    /// Where each step's sequences end.
    ends: Vec<usize>,
}

impl<'r> Order<'r> {
    /// The order of these rows.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when a step or a sequence is to hold nothing.
    pub fn new(rows: &'r dyn Rows, config: OrderConfig) -> Result<Self> {
        if config.batch.count() == 0 || config.sequence == 0 {
            let message = "`batch` and `sequence` must be at least 1".to_owned();
            return Err(Error::Config { what: "order", message });
        }
        Ok(Order { rows, config, steps: Vec::new(), plan: None })
    }

    /// How many steps so many epochs have. The last step of an epoch may be smaller.
    ///
    /// # Errors
    ///
    /// Those of [`batch`](Order::batch).
    pub fn steps(&mut self, epochs: usize) -> Result<usize> {
        (0..epochs).map(|epoch| self.steps_of(epoch)).sum()
    }

    /// The batch of a step, from 0. There is no last one: epoch follows epoch.
    ///
    /// # Errors
    ///
    /// [`Error::NoData`] when an epoch has no token with loss, and what reading the rows gives.
    pub fn batch(&mut self, step: usize) -> Result<Batch> {
        let (mut epoch, mut place) = (0, step);
        loop {
            let steps = self.steps_of(epoch)?;
            if place < steps {
                break;
            }
            place -= steps;
            epoch += 1;
        }
        let Plan { packed, sequences, ends, .. } = self.plan(epoch)?;
        let start = place.checked_sub(1).map_or(0, |before| ends[before]);
        packed.batch(&sequences[start..ends[place]])
    }

    /// What packing made of an epoch.
    ///
    /// # Errors
    ///
    /// Those of [`batch`](Order::batch).
    pub fn packing(&mut self, epoch: usize) -> Result<&Packing> {
        Ok(self.plan(epoch)?.packed.packing())
    }

    fn steps_of(&mut self, epoch: usize) -> Result<usize> {
        while self.steps.len() <= epoch {
            let steps = self.plan(self.steps.len())?.ends.len();
            self.steps.push(steps);
        }
        Ok(self.steps[epoch])
    }

    fn plan(&mut self, epoch: usize) -> Result<&Plan<'r>> {
        let plan = match self.plan.take() {
            Some(plan) if plan.epoch == epoch => plan,
            _ => Plan::new(self.rows, &self.config, epoch)?,
        };
        Ok(self.plan.insert(plan))
    }
}

impl<'r> Plan<'r> {
    fn new(rows: &'r dyn Rows, config: &OrderConfig, epoch: usize) -> Result<Self> {
        let numbers = rows.epoch(epoch, config.seed);
        let together = match config.batch {
            BatchSize::Rows(count) => Some(count),
            BatchSize::Sequences(_) => None,
        };
        let packed = Packed::of(rows, &numbers, config.sequence, config.overlong, together)?;
        if packed.is_empty() {
            return Err(Error::NoData("no row has a token with loss within a sequence"));
        }
        let packing = packed.packing();
        let (sequences, filled) = (packing.sequences, packing.share_filled());
        tracing::info!(epoch, sequences, filled, padding = packing.padding, "packed");
        if packing.cut > 0 || packing.left_out > 0 {
            let (rows, tokens, left_out) = (packing.overlong, packing.cut, packing.left_out);
            tracing::warn!(epoch, rows, tokens, left_out, "not all of the rows will be learnt");
        }
        let mut sequences: Vec<usize> = (0..packed.len()).collect();
        let ends = match config.batch {
            BatchSize::Rows(_) => packed.groups().to_vec(),
            BatchSize::Sequences(count) => {
                // Streams from 0 on are those of rows.
                sequences.shuffle(&mut stream(config.seed, u64::MAX - epoch as u64));
                (0..packed.len())
                    .step_by(count)
                    .map(|start| packed.len().min(start + count))
                    .collect()
            }
        };
        Ok(Plan { epoch, packed, sequences, ends })
    }
}

impl fmt::Debug for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Order { config, steps, .. } = self;
        f.debug_struct("Order")
            .field("config", config)
            .field("steps", steps)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mixture, Part, Row};
    use proptest::prelude::*;

    fn config() -> OrderConfig {
        OrderConfig {
            batch: BatchSize::Sequences(3),
            sequence: 8,
            overlong: Overlong::Split,
            seed: 5,
        }
    }

    fn sizes() -> impl Strategy<Value = BatchSize> {
        (any::<bool>(), 1..6usize).prop_map(|(by_rows, count)| match by_rows {
            true => BatchSize::Rows(count),
            false => BatchSize::Sequences(count),
        })
    }

    /// Each row is of one token, over and over.
    fn rows(lengths: &[usize]) -> Vec<Row> {
        (1..).zip(lengths).map(|(id, &n)| Row::learning_all(vec![id; n])).collect()
    }

    /// How often each row is met within an epoch, times its places.
    fn met(order: &mut Order<'_>, steps: std::ops::Range<usize>, rows: usize) -> Vec<usize> {
        let mut met = vec![0; rows + 1];
        for step in steps {
            for target in order.batch(step).unwrap().targets {
                met[target as usize] += 1;
            }
        }
        met.split_off(1)
    }

    #[test]
    fn training_does_not_go_from_long_to_short() {
        let rows = rows(&(2..100).collect::<Vec<_>>());
        let config = OrderConfig { batch: BatchSize::Sequences(1), sequence: 128, ..config() };
        let mut order = Order::new(&rows, config).unwrap();
        let steps = order.steps(1).unwrap();
        let segments: Vec<u32> = (0..steps)
            .map(|step| *order.batch(step).unwrap().segments.iter().max().unwrap())
            .collect();
        assert!(!segments.is_sorted() && !segments.iter().rev().is_sorted(), "{segments:?}");
    }

    #[test]
    fn an_epoch_without_loss_is_an_error() {
        let rows = vec![Row { ids: vec![1; 9], weights: vec![0.0; 9] }];
        let error = Order::new(&rows, config()).unwrap().batch(0).unwrap_err();
        assert!(matches!(error, Error::NoData(_)), "{error}");
        assert!(Order::new(&rows, OrderConfig { batch: BatchSize::Rows(0), ..config() }).is_err());
    }

    proptest! {
        #[test]
        fn every_epoch_meets_every_row_once(
            lengths in prop::collection::vec(2usize..30, 1..30), batch in sizes(), seed: u64,
        ) {
            let rows = rows(&lengths);
            let mut order = Order::new(&rows, OrderConfig { batch, seed, ..config() }).unwrap();
            let places: Vec<usize> = lengths.iter().map(|n| n - 1).collect();
            let (one, two) = (order.steps(1).unwrap(), order.steps(2).unwrap());
            prop_assert_eq!(&met(&mut order, 0..one, rows.len()), &places);
            prop_assert_eq!(&met(&mut order, one..two, rows.len()), &places);
        }

        #[test]
        fn a_step_has_as_many_as_it_should(
            lengths in prop::collection::vec(1usize..300, 1..30), batch in sizes(), seed: u64,
        ) {
            let rows = rows(&lengths);
            let config = OrderConfig { batch, sequence: 128, overlong: Overlong::Cut, seed };
            let mut order = Order::new(&rows, config).unwrap();
            prop_assume!(lengths.iter().any(|&tokens| tokens > 1));
            let steps = order.steps(1).unwrap();
            let (mut rows, mut padding) = (0, 0);
            for step in 0..steps {
                let made = order.batch(step).unwrap();
                let ids: std::collections::BTreeSet<i32> =
                    made.targets.iter().copied().filter(|&id| id > 0).collect();
                let full = match batch {
                    BatchSize::Rows(count) => ids.len() == count,
                    BatchSize::Sequences(count) => made.sequences() == count,
                };
                prop_assert!(full || step + 1 == steps);
                prop_assert!(made.length == 64 || made.length == 128);
                rows += ids.len();
                padding += made.segments.iter().filter(|&&segment| segment == 0).count();
            }
            let packing = order.packing(0).unwrap();
            prop_assert_eq!(packing.rows, rows);
            match batch {
                BatchSize::Rows(_) => prop_assert_eq!(packing.padding, padding),
                BatchSize::Sequences(_) => prop_assert!(packing.padding >= padding),
            }
        }

        /// A step's batch does not depend on which were made before it.
        #[test]
        fn the_step_is_the_cursor(
            lengths in prop::collection::vec(2usize..30, 1..30),
            steps in prop::collection::vec(0usize..20, 1..6),
            batch in sizes(),
            seed: u64,
        ) {
            let (chats, others) = (rows(&lengths), rows(&[3, 9, 27]));
            let mixture = Mixture::new(&[
                Part { rows: &chats, share: 0.7 },
                Part { rows: &others, share: 0.3 },
            ]).unwrap();
            let config = OrderConfig { batch, seed, ..config() };
            let mut straight = Order::new(&mixture, config.clone()).unwrap();
            let batches: Vec<Batch> = (0..20).map(|step| straight.batch(step).unwrap()).collect();
            let mut jumping = Order::new(&mixture, config).unwrap();
            for step in steps {
                prop_assert_eq!(&jumping.batch(step).unwrap(), &batches[step]);
            }
        }
    }
}
