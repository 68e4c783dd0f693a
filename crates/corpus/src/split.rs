//! Parts of a corpus.

use ethos_core::Document;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    id,
};

/// A corpus in two parts.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Split {
    /// What is trained on.
    pub train: Vec<Document>,
    /// What is not.
    pub held_out: Vec<Document>,
}

/// How a corpus is split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitConfig {
    /// The share that is held out, from 0 to 1.
    pub held_out: f64,
    /// Another seed holds out others.
    pub seed: u64,
}

/// Splits documents by their ideas. A document goes where its idea goes whatever else is there: one that is
/// written anew, or a corpus that grows, changes no side.
///
/// The share is met as chance has it, to about a percent for ten thousand documents.
///
/// # Errors
///
/// [`Error::Config`] for a share outside 0 to 1.
pub fn split(documents: Vec<Document>, config: SplitConfig) -> Result<Split> {
    if !(0.0..=1.0).contains(&config.held_out) {
        return Err(Error::Config { setting: "held_out", message: "must be from 0 to 1" });
    }
    let seed = config.seed.to_string();
    let held = |document: &Document| draw([&*seed, &document.id]) < config.held_out;
    let (held_out, train) = documents.into_iter().partition(held);
    Ok(Split { train, held_out })
}

/// A number from 0 to below 1 that these texts give.
fn draw(texts: [&str; 2]) -> f64 {
    let hash = id::hash("split", texts, 0);
    let bits = u64::from_str_radix(&hash[..13], 16).unwrap_or_default();
    bits as f64 / (1_u64 << 52) as f64
}

/// Subsets of these sizes, each within the next larger one, for measuring how much data does what. They are the
/// first rows in the order of training, so that shuffling by seed comes before.
///
/// # Errors
///
/// [`Error::Config`] when a size is larger than the data set.
pub fn nested<T: Clone>(rows: &[T], sizes: &[usize]) -> Result<Vec<Vec<T>>> {
    let subset = |&size: &usize| match rows.get(..size) {
        Some(subset) => Ok(subset.to_vec()),
        None => Err(Error::Config { setting: "sizes", message: "are more than there are rows" }),
    };
    sizes.iter().map(subset).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn documents(count: usize) -> Vec<Document> {
        (0..count).map(|n| Document::new(format!("id{n}"), "text")).collect()
    }

    #[test]
    fn the_share_is_met_and_growing_changes_no_side() {
        let config = SplitConfig { held_out: 0.1, seed: 7 };
        let small = split(documents(2_000), config).unwrap();
        assert!((150..250).contains(&small.held_out.len()), "{}", small.held_out.len());
        let large = split(documents(4_000), config).unwrap();
        assert_eq!(large.held_out[..small.held_out.len()], small.held_out);
        let other = split(documents(2_000), SplitConfig { seed: 8, ..config }).unwrap();
        assert_ne!(other.held_out, small.held_out);
        assert!(split(Vec::new(), SplitConfig { held_out: 1.5, seed: 0 }).is_err());
    }

    proptest! {
        #[test]
        fn a_split_loses_nothing(count in 0usize..200, share in 0.0f64..=1.0, seed: u64) {
            let parts = split(documents(count), SplitConfig { held_out: share, seed }).unwrap();
            prop_assert_eq!(parts.train.len() + parts.held_out.len(), count);
        }
    }

    #[test]
    fn subsets_are_nested() {
        let subsets = nested(&[1, 2, 3, 4], &[1, 3]).unwrap();
        assert_eq!(subsets, [vec![1], vec![1, 2, 3]]);
        assert!(nested(&[1], &[2]).is_err());
    }
}
