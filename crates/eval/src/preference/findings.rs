//! What a preference task found.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::pair::{Pair, Preference, Question};
use crate::{
    Error, Outcome, Result, Run,
    run::Scored,
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
/// but `probability` are in nats; of a model that was asked by text, they are the share of its answers for
/// that option less the share for the other, from -1 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Preferred {
    /// Mean difference over phrasings and orders.
    pub difference: f64,
    /// Mean two-way probability of the option that shows the value, over phrasings and orders; by text, the
    /// share of answers for it.
    pub probability: f64,
    /// Mean difference where the option that shows the value is named first.
    pub named_first: f64,
    /// Mean difference where it is named second.
    pub named_second: f64,
    /// Mean difference over both orders, for each phrasing.
    pub by_phrasing: Vec<f64>,
}

impl Findings {
    /// What a run of this task found, pair by pair.
    ///
    /// A pair counts only when all of its questions were scored, in one epoch at least: with one missing,
    /// order and wording would no longer cancel out.
    ///
    /// # Errors
    ///
    /// [`Error::Task`] when the task cannot be run, or the run is of another one.
    pub fn of(preference: &Preference, run: &Run) -> Result<Self> {
        let mut answers: HashMap<&str, Vec<&Scored>> = HashMap::new();
        for scored in &run.samples {
            answers.entry(&scored.id).or_default().push(scored);
        }
        let mut pairs: Vec<Vec<(Question, Outcome<Answered>)>> = Vec::new();
        pairs.resize_with(preference.pairs.len(), Vec::new);
        for question in preference.asked()? {
            let id = question.id(&preference.pairs[question.pair]);
            let Some(epochs) = answers.get(id.as_str()) else {
                let message = format!("the run of `{}` has no sample `{id}`", run.task);
                return Err(Error::Task { task: preference.name.clone(), message });
            };
            let answered = answered(epochs);
            pairs[question.pair].push((question, answered));
        }
        let pairs = preference.pairs.iter().zip(pairs);
        let pairs = pairs
            .map(|(pair, asked)| PairFinding { pair: pair.clone(), outcome: together(&asked) })
            .collect();
        Ok(Findings { task: preference.name.clone(), model: run.model.clone(), pairs })
    }

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

/// What a question's answers say: the difference, and the probability of the option that shows the value.
#[derive(Clone, Copy)]
struct Answered {
    difference: f64,
    probability: f64,
}

/// The mean over the epochs that were scored; without any, the reason of the first.
fn answered(epochs: &[&Scored]) -> Outcome<Answered> {
    let nothing = || Outcome::Infrastructure("no answer came back".to_owned());
    let value = |scored: &Scored, measure: &str| {
        scored.scores.get(measure)?.score().map(|score| score.value)
    };
    let each = epochs.iter().filter_map(|scored| {
        let prefers = value(scored, "prefers")?;
        let difference = value(scored, "difference").unwrap_or(2.0 * prefers - 1.0);
        Some((difference, value(scored, "probability").unwrap_or(prefers)))
    });
    let (differences, probabilities): (Vec<f64>, Vec<f64>) = each.unzip();
    match (mean(&differences), mean(&probabilities)) {
        (Some(difference), Some(probability)) => {
            Outcome::Scored(Answered { difference, probability })
        }
        _ => {
            let first = epochs.iter().find_map(|scored| scored.scores.get("prefers")?.missing());
            first.unwrap_or_else(nothing)
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    Mean::of(values).map(|mean| mean.mean)
}

/// What the questions of one pair say together.
fn together(asked: &[(Question, Outcome<Answered>)]) -> Outcome<Preferred> {
    if let Some(missing) = asked.iter().find_map(|(_, outcome)| outcome.missing()) {
        return missing;
    }
    let scored: Vec<(&Question, Answered)> = asked
        .iter()
        .filter_map(|(question, outcome)| Some((question, *outcome.score()?)))
        .collect();
    let differences = |of: &dyn Fn(&Question) -> bool| {
        let those = scored.iter().filter(|(question, _)| of(question));
        let those: Vec<f64> = those.map(|(_, answered)| answered.difference).collect();
        mean(&those).unwrap_or(f64::NAN)
    };
    let probabilities: Vec<f64> = scored.iter().map(|(_, a)| a.probability).collect();
    let phrasings = scored.iter().map(|(question, _)| question.phrasing + 1).max().unwrap_or(0);
    Outcome::Scored(Preferred {
        difference: differences(&|_| true),
        probability: mean(&probabilities).unwrap_or(f64::NAN),
        named_first: differences(&|question| question.shows_first),
        named_second: differences(&|question| !question.shows_first),
        by_phrasing: (0..phrasings).map(|n| differences(&|q| q.phrasing == n)).collect(),
    })
}
