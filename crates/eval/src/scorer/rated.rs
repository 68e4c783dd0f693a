//! Where on a scale judges see an answer.

use std::{fmt, ops::RangeInclusive};

use ethos_core::read;
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Map, Value, json};

use super::{Grading, Scorer, judged};
use crate::{
    Judge, Measure, Outcome, Result, Score, Scores, State,
    judge::{self, Rating, Said},
    stats::Mean,
};

type Values = dyn Fn(&State) -> Map<String, Value> + Send + Sync;
type Parts = dyn Fn(&State) -> Option<String> + Send + Sync;

/// Where on a scale an answer is, as one judge or several see it.
///
/// The prompt is filled as that of [`Judged`](super::Judged). With several judges the number is the mean of
/// those that gave one, who must be more than half; each one's is a measure of its own too, `name/judge`.
pub struct Rated<'m> {
    name: String,
    about: Option<String>,
    scale: RangeInclusive<u32>,
    judges: Vec<Judge<'m>>,
    values: Box<Values>,
    parts: Vec<String>,
    part: Box<Parts>,
}

impl fmt::Debug for Rated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rated")
            .field("name", &self.name)
            .field("scale", &self.scale)
            .field("judges", &self.judges)
            .finish_non_exhaustive()
    }
}

impl<'m> Rated<'m> {
    /// A number of this name on this scale, by these judges.
    pub fn new(
        name: impl Into<String>,
        scale: RangeInclusive<u32>,
        judges: impl IntoIterator<Item = Judge<'m>>,
    ) -> Self {
        Rated {
            name: name.into(),
            about: None,
            scale,
            judges: judges.into_iter().collect(),
            values: Box::new(judged::usual),
            parts: Vec::new(),
            part: Box::new(|_| None),
        }
    }

    /// The same with what a high number means.
    pub fn with_about(self, about: impl Into<String>) -> Self {
        Rated { about: Some(about.into()), ..self }
    }

    /// The same with other values for the prompt.
    pub fn with_values(
        self,
        values: impl Fn(&State) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        Rated { values: Box::new(values), ..self }
    }

    /// The same with the number of each part of the samples as a measure of its own, `name/part`: `part` says
    /// of which part a sample is.
    pub fn with_parts(
        self,
        parts: impl IntoIterator<Item = impl Into<String>>,
        part: impl Fn(&State) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let parts = parts.into_iter().map(Into::into).collect();
        Rated { parts, part: Box::new(part), ..self }
    }

    fn measure(&self, name: String) -> Measure {
        let (low, high) = (f64::from(*self.scale.start()), f64::from(*self.scale.end()));
        Measure::scale(name, low, high)
    }

    fn of(&self, which: &str) -> String {
        format!("{}/{which}", self.name)
    }

    /// The names of the measures that apply to a sample, but for those of judges.
    fn applying(&self, state: &State) -> Vec<String> {
        let part = (self.part)(state).filter(|part| self.parts.contains(part));
        std::iter::once(self.name.clone()).chain(part.map(|part| self.of(&part))).collect()
    }
}

impl Scorer for Rated<'_> {
    fn measures(&self) -> Vec<Measure> {
        let mut all = self.measure(self.name.clone());
        all.about.clone_from(&self.about);
        let parts = self.parts.iter().map(|part| self.measure(self.of(part)));
        let each = self.judges.iter().map(|judge| self.measure(self.of(judge.name())));
        let each = each.filter(|_| self.judges.len() > 1);
        std::iter::once(all).chain(parts).chain(each).collect()
    }

    fn score<'a>(
        &'a self,
        state: &'a State,
        grading: &'a Grading<'a>,
    ) -> BoxFuture<'a, Result<Scores>> {
        async move {
            let mut scores = Scores::new();
            let several = self.judges.len() > 1;
            let together = match state.answer().missing() {
                Some(missing) => {
                    for judge in self.judges.iter().filter(|_| several) {
                        scores.insert(self.of(judge.name()), missing.clone());
                    }
                    missing
                }
                None => {
                    let answer = state.last_text();
                    let values = (self.values)(state);
                    let mut said = Vec::new();
                    for judge in &self.judges {
                        let scale = self.scale.clone();
                        let one = judge.rating(&values, scale, &answer, state, grading).await?;
                        let one = score_of(one, &answer);
                        if several {
                            scores.insert(self.of(judge.name()), one.clone());
                        }
                        said.push(one);
                    }
                    together(said)
                }
            };
            let names = self.applying(state).into_iter();
            scores.extend(names.map(|name| (name, together.clone())));
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

/// A rating as a score.
fn score_of(said: Said<Rating>, answer: &str) -> Outcome<Score> {
    said.outcome.and_then(|rating| {
        let Some(number) = rating.score else {
            return Outcome::JudgeUnclear("the judge said that it cannot tell".to_owned());
        };
        let mut score = Score::new(f64::from(number));
        score.explanation = said.text;
        if let Some(quote) = rating.quote {
            if let Some(span) = read::quoted(answer, &quote) {
                score = score.with_evidence(span, number.to_string());
            }
            score = score.with_metadata("quote", quote);
        }
        Outcome::Scored(score)
    })
}

/// The mean of the judges that gave a number, when they are more than half of all.
fn together(mut said: Vec<Outcome<Score>>) -> Outcome<Score> {
    if said.len() < 2 {
        let nobody = || Outcome::JudgeUnclear("there is no judge".to_owned());
        return said.pop().unwrap_or_else(nobody);
    }
    let scores: Vec<&Score> = said.iter().filter_map(Outcome::score).collect();
    let values: Vec<f64> = scores.iter().map(|score| score.value).collect();
    match Mean::of(&values) {
        Some(mean) if 2 * values.len() > said.len() => {
            let nearest = scores
                .iter()
                .min_by(|a, b| (a.value - mean.mean).abs().total_cmp(&(b.value - mean.mean).abs()));
            let nearest = nearest.map_or(Score::new(mean.mean), |score| (*score).clone());
            let score = Score { value: mean.mean, ..nearest };
            Outcome::Scored(score.with_metadata("judges", json!(values)))
        }
        _ => Outcome::JudgeUnclear(format!(
            "of {} judges {} gave a number that counts",
            said.len(),
            values.len()
        )),
    }
}
