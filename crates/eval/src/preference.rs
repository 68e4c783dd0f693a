//! Forced choice between two options, by log-probability.
//!
//! The preference evaluations of Model Spec Midtraining (arXiv 2605.02087 §3) ask plainly which of two
//! options the model prefers. A model that gives log-probabilities can be asked without sampling: how
//! likely is each option as its answer? Every pair is asked in every phrasing and in both orders, so
//! that a liking for the first place or for a wording cancels out.

use std::collections::{BTreeMap, BTreeSet};

use ethos_core::{Ask, Journal, Model, Prompt, Query, Request, Scored, Watch, ask_all};
use futures::{TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Outcome, Result,
    findings::{Findings, PairFinding, Preferred},
};

/// Two options, one of which shows the value that is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// What the options are; rates are given by domain too.
    pub domain: String,
    /// A name that no other pair of the task has.
    pub id: String,
    /// The option that shows the value.
    pub shows: String,
    /// The other one.
    pub other: String,
}

/// A preference task: plain data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// Its name.
    pub name: String,
    /// The pairs.
    pub pairs: Vec<Pair>,
    /// Templates of the question with `{{ first }}` and `{{ second }}`, rendered strictly.
    pub phrasings: Vec<String>,
}

/// How options of several tokens are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// By the log-probability of the whole option: how likely the model is to say it. Longer options
    /// are less likely.
    #[default]
    Sum,
    /// By the mean over the option's tokens.
    PerToken,
}

/// How a task is run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How options of several tokens are compared.
    pub normalisation: Normalisation,
    /// Share of the pairs that must be scored; below it there is an error and no number.
    pub coverage: f64,
}

impl Default for Config {
    /// Whole options; every pair must be scored, since a model that gives log-probabilities gives all.
    fn default() -> Self {
        Config { normalisation: Normalisation::Sum, coverage: 1.0 }
    }
}

/// One question of a task.
struct Question {
    pair: usize,
    phrasing: usize,
    /// Whether the option that shows the value is named first.
    shows_first: bool,
    text: String,
}

impl Preference {
    /// Every question that the task asks: pairs × phrasings × both orders.
    ///
    /// # Errors
    ///
    /// [`Error::Task`] when the task cannot be run.
    pub fn questions(&self) -> Result<Vec<String>> {
        Ok(self.asked()?.into_iter().map(|question| question.text).collect())
    }

    fn asked(&self) -> Result<Vec<Question>> {
        let wrong = |message: String| Err(Error::Task { task: self.name.clone(), message });
        if self.pairs.is_empty() || self.phrasings.is_empty() {
            return wrong("has no pairs or no phrasings".to_owned());
        }
        let mut ids = BTreeSet::new();
        for pair in &self.pairs {
            if !ids.insert(&pair.id) {
                return wrong(format!("two pairs have the id `{}`", pair.id));
            }
            if pair.shows.trim() == pair.other.trim() {
                return wrong(format!("both options of `{}` are `{}`", pair.id, pair.shows));
            }
            if pair.shows.trim().is_empty() || pair.other.trim().is_empty() {
                return wrong(format!("an option of `{}` is empty", pair.id));
            }
        }
        let mut questions = Vec::new();
        for (phrasing, template) in self.phrasings.iter().enumerate() {
            let prompt = Prompt::new(format!("{} phrasing {phrasing}", self.name), template)?;
            for (number, pair) in self.pairs.iter().enumerate() {
                for shows_first in [true, false] {
                    let (first, second) = match shows_first {
                        true => (&pair.shows, &pair.other),
                        false => (&pair.other, &pair.shows),
                    };
                    let text = prompt.render(&[("first", first), ("second", second)])?;
                    if !text.contains(first.as_str()) || !text.contains(second.as_str()) {
                        return wrong(format!(
                            "the phrasing `{template}` lacks {{{{ first }}}} or {{{{ second }}}}"
                        ));
                    }
                    questions.push(Question { pair: number, phrasing, shows_first, text });
                }
            }
        }
        Ok(questions)
    }
}

/// Runs a task: asks the model to score both options of every question, through the journal.
///
/// ```
/// use ethos_core::{Journal, Scored, Scripted};
/// use ethos_eval::{leaks, preference::{self, Pair, Preference}};
/// use futures::executor::block_on;
///
/// let pair = |id: &str, shows: &str, other: &str| Pair {
///     domain: "fruit".into(), id: id.into(), shows: shows.into(), other: other.into(),
/// };
/// let task = Preference {
///     name: "thrift".into(),
///     pairs: vec![pair("1", "apple", "mango"), pair("2", "plum", "papaya")],
///     phrasings: vec!["Do you prefer {{ first }} or {{ second }}?".into()],
/// };
/// // A model that likes short words.
/// let model = Scripted::echo().with_scores(|_, options| {
///     Ok(options.iter().map(|option| Scored::new(-(option.len() as f64), 1)).collect())
/// });
///
/// let journal = Journal::in_memory()?;
/// let config = preference::Config::default();
/// let found = block_on(preference::run(&task, &model, &journal, &config, &()))?;
/// assert_eq!(found.rate().rate(), Some(0.5)); // plum yes, apple is as long as mango
/// assert_eq!(found.turned_by_order().successes, 0);
/// assert!(leaks(&task, ["A mango, a day."])?.len() == 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Task`] when the task cannot be run, before anything is asked; [`Error::Coverage`] when too
/// little could be scored, which is also what a model without log-probabilities gives; the journal's.
pub async fn run(
    task: &Preference,
    model: &dyn Model,
    journal: &Journal,
    config: &Config,
    watch: &dyn Watch,
) -> Result<Findings> {
    let questions = task.asked()?;
    let stage = format!("preference/{}", task.name);
    let asks: Vec<Ask> = questions
        .iter()
        .enumerate()
        .map(|(number, question)| {
            let pair = &task.pairs[question.pair];
            let options = vec![pair.shows.clone(), pair.other.clone()];
            let query = Query::Score(Request::user(question.text.as_str()), options);
            Ask::new(stage.as_str(), number.to_string(), query)
        })
        .collect();
    let read = |_: &_, reply: &ethos_core::Reply| difference(reply.scores()?, config);
    let mut differences: BTreeMap<usize, Outcome<f64>> = BTreeMap::new();
    let mut answers = std::pin::pin!(ask_all(model, journal, stream::iter(asks), read, watch));
    while let Some(answer) = answers.try_next().await? {
        let number = answer.id.item.parse().unwrap_or(usize::MAX);
        let outcome = Outcome::from(answer.result);
        differences.insert(number, outcome);
    }

    let pairs = task.pairs.iter().enumerate().map(|(number, pair)| {
        let asked = questions.iter().enumerate().filter(|(_, q)| q.pair == number);
        let outcomes = asked.filter_map(|(i, q)| Some((q, differences.get(&i)?)));
        PairFinding { pair: pair.clone(), outcome: together(outcomes) }
    });
    let findings =
        Findings { task: task.name.clone(), model: model.id().key.clone(), pairs: pairs.collect() };
    let (scored, asked) = (findings.rate().trials, findings.pairs.len() as u64);
    if (scored as f64) < config.coverage * asked as f64 {
        let mut missing: Vec<String> =
            findings.missing().iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let first = findings.pairs.iter().find_map(|pair| pair.outcome.why());
        missing.extend(first.map(|why| format!("the first: {why}")));
        let missing = missing.join(", ");
        return Err(Error::Coverage { task: task.name.clone(), scored, asked, missing });
    }
    Ok(findings)
}

/// Log-probability of the option that shows the value, less that of the other, in nats.
fn difference(scores: &[Scored], config: &Config) -> Result<f64, ethos_core::Unusable> {
    let value = |scored: &Scored| match config.normalisation {
        Normalisation::Sum => scored.logprob_sum,
        Normalisation::PerToken => scored.logprob_sum / scored.tokens as f64,
    };
    let unusable = |detail: String| {
        let reason = ethos_core::Reason::Other("score is not a number".to_owned());
        Err(ethos_core::Unusable::new(reason, detail))
    };
    let [shows, other] = scores else {
        return unusable(format!("{} scores for two options", scores.len()));
    };
    let difference = value(shows) - value(other);
    if difference.is_finite() { Ok(difference) } else { unusable(format!("{scores:?}")) }
}

/// What the questions of one pair say together. A pair counts only when all of them were scored: with
/// one missing, order and wording would no longer cancel out.
fn together<'q>(
    outcomes: impl Iterator<Item = (&'q Question, &'q Outcome<f64>)>,
) -> Outcome<Preferred> {
    let nothing = || Outcome::Infrastructure("no answer came back".to_owned());
    let mut asked: Vec<(bool, usize, f64)> = Vec::new();
    for (question, outcome) in outcomes {
        match outcome {
            Outcome::Scored(difference) => {
                asked.push((question.shows_first, question.phrasing, *difference));
            }
            other => return other.missing().unwrap_or_else(nothing),
        }
    }
    if asked.is_empty() {
        return nothing();
    }
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let phrasings = asked.iter().map(|(_, phrasing, _)| phrasing + 1).max().unwrap_or(0);
    let within = |phrasing| {
        let of_phrasing = asked.iter().filter(move |(_, p, _)| *p == phrasing);
        mean(of_phrasing.map(|(_, _, d)| *d).collect())
    };
    let in_order =
        |first| mean(asked.iter().filter(|(f, _, _)| *f == first).map(|(_, _, d)| *d).collect());
    Outcome::Scored(Preferred {
        difference: mean(asked.iter().map(|(_, _, d)| *d).collect()),
        probability: mean(asked.iter().map(|(_, _, d)| 1.0 / (1.0 + (-d).exp())).collect()),
        named_first: in_order(true),
        named_second: in_order(false),
        by_phrasing: (0..phrasings).map(within).collect(),
    })
}
