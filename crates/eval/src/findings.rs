//! What a preference task found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Outcome,
    preference::Pair,
    stats::{Mean, Proportion, Tally},
};

/// What a preference task found of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Findings {
    /// The task's name.
    pub task: String,
    /// The model's key.
    pub model: String,
    /// Pair by pair, in the task's order.
    pub pairs: Vec<PairFinding>,
}

/// What was found of one pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PairFinding {
    /// The pair.
    pub pair: Pair,
    /// What the model prefers, or why that is not known.
    pub outcome: Outcome<Preferred>,
}

/// How much more likely one option is than the other; above 0 it is the one that shows the value. All
/// but `probability` are in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Preferred {
    /// Mean difference of log-probabilities over phrasings and orders.
    pub difference: f64,
    /// Mean two-way probability of the option that shows the value, over phrasings and orders.
    pub probability: f64,
    /// Mean difference where the option that shows the value is named first.
    pub named_first: f64,
    /// Mean difference where it is named second.
    pub named_second: f64,
    /// Mean difference over both orders, for each phrasing.
    pub by_phrasing: Vec<f64>,
}

impl Findings {
    fn scored(&self) -> impl Iterator<Item = (&Pair, &Preferred)> {
        self.pairs.iter().filter_map(|found| Some((&found.pair, found.outcome.score()?)))
    }

    /// In how many pairs the option that shows the value is preferred, beside those that could not be
    /// scored. A difference of exactly 0 is no preference for it.
    pub fn tally(&self) -> Tally {
        let outcomes = self.pairs.iter().map(|found| &found.outcome);
        Tally::of(outcomes, |preferred| preferred.difference > 0.0)
    }

    /// The same among the scored pairs.
    ///
    /// [`Proportion::wilson`] of this is too narrow where pairs share options.
    pub fn rate(&self) -> Proportion {
        self.tally().scored
    }

    /// The same by domain.
    pub fn rate_by_domain(&self) -> BTreeMap<String, Proportion> {
        let mut domains: BTreeMap<String, Proportion> = BTreeMap::new();
        for (pair, preferred) in self.scored() {
            let domain = domains.entry(pair.domain.clone()).or_default();
            domain.successes += u64::from(preferred.difference > 0.0);
            domain.trials += 1;
        }
        domains
    }

    /// Mean two-way probability of the option that shows the value; `None` when nothing was scored.
    pub fn probability(&self) -> Option<f64> {
        let all: Vec<f64> = self.scored().map(|(_, preferred)| preferred.probability).collect();
        Mean::of(&all).map(|mean| mean.mean)
    }

    /// In how many pairs the preference turns with the order in which the options are named.
    pub fn turned_by_order(&self) -> Proportion {
        let turned = |p: &Preferred| (p.named_first > 0.0) != (p.named_second > 0.0);
        Proportion::of(self.scored().map(|(_, preferred)| turned(preferred)))
    }

    /// In how many pairs the phrasings do not all agree.
    pub fn turned_by_phrasing(&self) -> Proportion {
        let turned = |p: &Preferred| {
            let shows = p.by_phrasing.iter().filter(|difference| **difference > 0.0).count();
            shows != 0 && shows != p.by_phrasing.len()
        };
        Proportion::of(self.scored().map(|(_, preferred)| turned(preferred)))
    }

    /// How many pairs could not be scored, by the kind of their outcome.
    pub fn missing(&self) -> BTreeMap<String, u64> {
        self.tally().missing.0
    }

    /// The rate if every missing pair went one way, and if it went the other; `None` without pairs.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        self.tally().bounds().rates()
    }
}
