//! What judges say.

use std::fmt;

use ethos_core::read::{self, Verdict};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Map, Value, json};

use super::{Grading, Scorer};
use crate::{
    Judge, Measure, Outcome, Result, Score, Scores, State,
    judge::{self, Judgement, Said},
};

type Values = dyn Fn(&State) -> Map<String, Value> + Send + Sync;
type Applies = dyn Fn(&State) -> bool + Send + Sync;

/// Whether something is so, as one judge or several see it.
///
/// The prompt is filled with `question`, `answer`, `target` and the sample's metadata, or with what
/// [`Judged::with_values`] says. With several judges more than half of *all* must say the same; each one's
/// verdict is a measure of its own too, `name/judge`, from which their agreement is known.
pub struct Judged<'m> {
    measure: Measure,
    judges: Vec<Judge<'m>>,
    values: Box<Values>,
    applies: Box<Applies>,
}

impl fmt::Debug for Judged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judged")
            .field("measure", &self.measure)
            .field("judges", &self.judges)
            .finish_non_exhaustive()
    }
}

impl<'m> Judged<'m> {
    /// A rate of this name, by these judges.
    pub fn new(name: impl Into<String>, judges: impl IntoIterator<Item = Judge<'m>>) -> Self {
        Judged {
            measure: Measure::rate(name),
            judges: judges.into_iter().collect(),
            values: Box::new(usual),
            applies: Box::new(|_| true),
        }
    }

    /// The same with what a yes means.
    pub fn with_about(mut self, about: impl Into<String>) -> Self {
        self.measure = self.measure.with_about(about);
        self
    }

    /// The same with other values for the prompt.
    pub fn with_values(
        self,
        values: impl Fn(&State) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        Judged { values: Box::new(values), ..self }
    }

    /// The same for some samples only; it does not apply to others.
    pub fn only(self, applies: impl Fn(&State) -> bool + Send + Sync + 'static) -> Self {
        Judged { applies: Box::new(applies), ..self }
    }

    fn of(&self, judge: &Judge<'_>) -> String {
        format!("{}/{}", self.measure.name, judge.name())
    }
}

impl Scorer for Judged<'_> {
    fn measures(&self) -> Vec<Measure> {
        let each = self.judges.iter().map(|judge| Measure::rate(self.of(judge)));
        let each = each.filter(|_| self.judges.len() > 1);
        std::iter::once(self.measure.clone()).chain(each).collect()
    }

    fn score<'a>(
        &'a self,
        state: &'a State,
        grading: &'a Grading<'a>,
    ) -> BoxFuture<'a, Result<Scores>> {
        async move {
            if !(self.applies)(state) {
                return Ok(Scores::new());
            }
            let answer = state.answer();
            if let Some(missing) = answer.missing() {
                let names = self.measures().into_iter().map(|measure| measure.name);
                return Ok(names.map(|name| (name, missing.clone())).collect());
            }
            let answer = state.last_text();
            let values = (self.values)(state);
            let mut scores = Scores::new();
            let mut said = Vec::new();
            for judge in &self.judges {
                let one = judge.verdict(&values, &answer, state, grading).await?;
                let one = score_of(one, &answer);
                if self.judges.len() > 1 {
                    scores.insert(self.of(judge), one.clone());
                }
                said.push(one);
            }
            scores.insert(self.measure.name.clone(), together(said));
            Ok(scores)
        }
        .boxed()
    }

    fn concurrency(&self) -> usize {
        judge::concurrency(&self.judges)
    }

    fn judges(&self) -> Vec<String> {
        judge::keys(&self.judges)
    }
}

/// What fills a judge's prompt, unless told otherwise.
pub(super) fn usual(state: &State) -> Map<String, Value> {
    let mut values = state.sample.metadata.clone();
    values.insert("question".to_owned(), json!(state.sample.question()));
    values.insert("answer".to_owned(), json!(state.last_text()));
    values.insert("target".to_owned(), json!(state.sample.target.join("\n")));
    values
}

/// A judgement as a score.
pub(crate) fn score_of(said: Said<Judgement>, answer: &str) -> Outcome<Score> {
    said.outcome.and_then(|judgement| {
        let yes = match judgement.verdict {
            Verdict::Yes => true,
            Verdict::No => false,
            Verdict::Unclear => {
                return Outcome::JudgeUnclear("the judge said that it cannot tell".to_owned());
            }
        };
        let mut score = Score::from(yes);
        score.explanation = said.text;
        if let Some(quote) = judgement.quote {
            if let Some(span) = read::quoted(answer, &quote) {
                score = score.with_evidence(span, if yes { "yes" } else { "no" });
            }
            score = score.with_metadata("quote", quote);
        }
        Outcome::Scored(score)
    })
}

/// What more than half of all judges say.
fn together(mut said: Vec<Outcome<Score>>) -> Outcome<Score> {
    if said.len() < 2 {
        let nobody = || Outcome::JudgeUnclear("there is no judge".to_owned());
        return said.pop().unwrap_or_else(nobody);
    }
    let count =
        |value: f64| said.iter().filter_map(Outcome::score).filter(|s| s.value == value).count();
    let (yes, no, all) = (count(1.0), count(0.0), said.len());
    let value = match (2 * yes > all, 2 * no > all) {
        (true, _) => 1.0,
        (_, true) => 0.0,
        _ => {
            let others = all - yes - no;
            return Outcome::JudgeUnclear(format!(
                "of {all} judges {yes} say yes, {no} say no, and {others} nothing that counts"
            ));
        }
    };
    let agree = said.iter().filter_map(Outcome::score).filter(|score| score.value == value);
    let first = agree.clone().next().cloned().unwrap_or_else(|| Score::new(value));
    let votes = agree.count();
    Outcome::Scored(first.with_metadata("judges", json!({"agree": votes, "of": all})))
}
