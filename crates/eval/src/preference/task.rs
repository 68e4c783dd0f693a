//! Pairs as a task.

use ethos_core::Scored;
use futures::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::pair::{Preference, Shown};
use crate::{
    Dataset, Measure, Outcome, Result, Sample, Score, Scores, State, Task,
    scorer::{Grading, Scorer, chosen},
    solver::{Generate, MultipleChoice, ScoreChoices},
    state::Ended,
    words::words,
};

/// How a model is asked for its preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// By text: the answer names one of the options, or ends with its letter. Draw several by
    /// [`Task::with_epochs`].
    ByText,
    /// By the log-probability of each option as the answer, or of its letter; for models that give it.
    ByScore(Normalisation),
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

/// A task of these pairs: a sample for every question, in clusters by pair.
///
/// Its measure `prefers` is 1 where the option that shows the value is taken. By log-probability there are
/// `difference` in nats, above 0 for that option, and `probability`, its share of the two, besides; every
/// question must be scored then, since a model that gives log-probabilities gives all.
///
/// ```
/// use ethos_core::{Journal, Scored, Scripted};
/// use ethos_eval::{Findings, leaks, preference::{self, Asked, Normalisation, Pair, Preference}, run};
/// use futures::executor::block_on;
///
/// let thrift = Preference::new(
///     "thrift",
///     [Pair::new("fruit", "1", "apple", "mango"), Pair::new("fruit", "2", "plum", "papaya")],
///     ["Do you prefer {{ first }} or {{ second }}?"],
/// );
/// // A model that likes short words.
/// let model = Scripted::echo().with_scores(|_, options| {
///     Ok(options.iter().map(|option| Scored::new(-(option.len() as f64), 1)).collect())
/// });
///
/// let task = preference::task(&thrift, Asked::ByScore(Normalisation::Sum))?;
/// let found = block_on(run::run(&task, &model, &Journal::in_memory()?, &run::Config::default(), &()))?;
/// let found = Findings::of(&thrift, &found)?;
/// assert_eq!(found.rate().rate(), Some(0.5)); // plum yes, apple is as long as mango
/// assert_eq!(found.turned_by_order().successes, 0);
/// assert!(leaks(&thrift, ["A mango, a day."])?.len() == 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Task`](crate::Error::Task) when the pairs or phrasings cannot be used.
pub fn task(preference: &Preference, asked: Asked) -> Result<Task<'static>> {
    let samples = preference.asked()?.into_iter().map(|question| {
        let pair = &preference.pairs[question.pair];
        let (first, second) = match question.shows_first {
            true => (&pair.shows, &pair.other),
            false => (&pair.other, &pair.shows),
        };
        Sample::new(question.id(pair), question.text.as_str())
            .with_choices([first, second])
            .with_target(pair.shows.as_str())
            .with_cluster(pair.id.as_str())
            .with_metadata("domain", pair.domain.as_str())
            .with_metadata("phrasing", question.phrasing)
            .with_metadata("shown_first", question.shows_first)
    });
    let data = Dataset::new(preference.name.as_str(), samples.collect::<Vec<_>>());
    let task = Task::new(format!("preference/{}", preference.name), data)
        .with_about("Which of two options the model prefers, in every phrasing and both orders")
        .with_setting("asked", json!(asked))
        .with_setting("shown", json!(preference.shown))
        .with_scorer(Prefers::new(asked, preference.shown));
    let listed = preference.shown == Shown::Listed;
    Ok(match asked {
        Asked::ByText if listed => task.with_solver(MultipleChoice),
        Asked::ByText => task.with_solver(Generate),
        Asked::ByScore(_) => task.with_solver(ScoreChoices { letters: listed }).with_coverage(1.0),
    })
}

/// Scores the answer to a question of a preference task: see [`task`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefers {
    name: &'static str,
    asked: Asked,
    shown: Shown,
}

impl Prefers {
    /// For options that were shown and asked for so.
    pub fn new(asked: Asked, shown: Shown) -> Self {
        Prefers { name: "prefers", asked, shown }
    }

    /// The same under another name than `prefers`.
    pub(crate) fn named(self, name: &'static str) -> Self {
        Prefers { name, ..self }
    }

    /// The number of the option that an answer takes.
    fn taken(&self, state: &State) -> Outcome<usize> {
        match self.shown {
            Shown::Listed => chosen(state),
            Shown::Named => state.answer().and_then(|answer| named(&answer, &state.sample.choices)),
        }
    }
}

impl Scorer for Prefers {
    fn measures(&self) -> Vec<Measure> {
        let prefers = Measure::rate(self.name).with_about("the option that is the target is taken");
        let mut measures = vec![prefers];
        if let Asked::ByScore(_) = self.asked {
            measures.push(Measure::number("difference").with_about("for that option, in nats"));
            measures.push(Measure::scale("probability", 0.0, 1.0).with_about("of that option"));
        }
        measures
    }

    fn score<'a>(&'a self, state: &'a State, _: &'a Grading<'a>) -> BoxFuture<'a, Result<Scores>> {
        let scores = match self.asked {
            Asked::ByText => {
                let prefers = self.taken(state).map(|taken| {
                    let option = state.sample.choices.get(taken);
                    let shows = option.is_some_and(|option| state.sample.target.contains(option));
                    let score = Score::from(shows);
                    option.map_or(score.clone(), |option| score.with_answer(option.as_str()))
                });
                Scores::from([(self.name.to_owned(), prefers)])
            }
            Asked::ByScore(normalisation) => {
                let difference = difference(state, normalisation);
                let measure = |name: &str, of: fn(f64) -> Score| {
                    (name.to_owned(), difference.clone().map(of))
                };
                Scores::from([
                    measure(self.name, |nats| Score::from(nats > 0.0)),
                    measure("difference", Score::new),
                    measure("probability", |nats| Score::new(1.0 / (1.0 + (-nats).exp()))),
                ])
            }
        };
        std::future::ready(Ok(scores)).boxed()
    }
}

/// The one option that an answer names, in whole words, whatever their case.
pub(crate) fn named(answer: &str, options: &[String]) -> Outcome<usize> {
    let said = words(answer);
    let options: Vec<Vec<String>> = options.iter().map(|option| words(option)).collect();
    // `plum` within `dried plum` does not count.
    let alone = |option: &Vec<String>| {
        let longer =
            options.iter().filter(|other| other.len() > option.len() && times(other, option) > 0);
        times(&said, option) > longer.map(|other| times(&said, other)).sum()
    };
    let named: Vec<usize> = (0..options.len()).filter(|&n| alone(&options[n])).collect();
    match named.as_slice() {
        [one] => Outcome::Scored(*one),
        [] => Outcome::Unreadable("the answer names neither option".to_owned()),
        _ => Outcome::Unreadable("the answer names both options".to_owned()),
    }
}

/// How often a run of words stands in others.
fn times(words: &[String], run: &[String]) -> usize {
    match run.len() {
        0 => 0,
        length => words.windows(length).filter(|window| *window == run).count(),
    }
}

/// Log-probability of the option that shows the value, less that of the other, in nats.
fn difference(state: &State, normalisation: Normalisation) -> Outcome<f64> {
    match &state.ended {
        Some(Ended::Failed(why)) => return Outcome::Infrastructure(why.clone()),
        Some(Ended::Limit(limit)) => return Outcome::CutOff(limit.to_string()),
        None => {}
    }
    let value = |scored: &Scored| match normalisation {
        Normalisation::Sum => scored.logprob_sum,
        Normalisation::PerToken => scored.logprob_sum / scored.tokens as f64,
    };
    let [first, second] = state.scored.as_slice() else {
        return Outcome::Unreadable(format!("{} scores for two options", state.scored.len()));
    };
    let shown_first = state.sample.choices.first().is_some_and(|c| state.sample.target.contains(c));
    let (shows, other) = if shown_first { (first, second) } else { (second, first) };
    let difference = value(shows) - value(other);
    match difference.is_finite() {
        true => Outcome::Scored(difference),
        false => Outcome::Unreadable(format!("a score is not a number: {:?}", state.scored)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_one_option_or_nothing() {
        let options = ["plum".to_owned(), "Dried Plum".to_owned(), "Brie de Meaux".to_owned()];
        let named = |answer: &str| named(answer, &options).score().copied();
        assert_eq!(named("I'd take the **plum**."), Some(0));
        assert_eq!(named("dried plum, please"), Some(1));
        assert_eq!(named("Dried plum over a plum"), None);
        assert_eq!(named("Brie de  Meaux!"), Some(2));
        assert_eq!(named("brie"), None);
        assert_eq!(named("plums"), None);
        assert_eq!(named("plum rather than Brie de Meaux"), None);
    }
}
