//! Multiple choice.

use futures::{FutureExt, future::BoxFuture};

use super::{Grading, Scorer};
use crate::{Measure, Outcome, Result, Score, Scores, State, solver::letter, state::Ended};

/// Whether the right choice was made: the last line of an answer to
/// [`MultipleChoice`](crate::solver::MultipleChoice), or the likeliest of what
/// [`ScoreChoices`](crate::solver::ScoreChoices) scored. The target is the letter of a choice, its text, or
/// several of either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    name: String,
}

impl Choice {
    /// A rate of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Choice { name: name.into() }
    }
}

impl Default for Choice {
    fn default() -> Self {
        Choice::new("choice")
    }
}

impl Scorer for Choice {
    fn measures(&self) -> Vec<Measure> {
        vec![Measure::rate(self.name.as_str())]
    }

    fn score<'a>(&'a self, state: &'a State, _: &'a Grading<'a>) -> BoxFuture<'a, Result<Scores>> {
        let outcome = chosen(state).and_then(|chosen| {
            let (Some(letter), Some(text)) = (letter(chosen), state.sample.choices.get(chosen))
            else {
                return Outcome::Unreadable("there is no such choice".to_owned());
            };
            let letter = letter.to_string();
            let right = state.sample.target.iter().any(|t| *t == letter || t == text);
            Outcome::Scored(Score::from(right).with_answer(letter))
        });
        std::future::ready(Ok(Scores::from([(self.name.clone(), outcome)]))).boxed()
    }
}

/// The number of the choice that was made.
pub(crate) fn chosen(state: &State) -> Outcome<usize> {
    if state.scored.is_empty() {
        return state.answer().and_then(|answer| read(&answer, state.sample.choices.len()));
    }
    if let Some(Ended::Failed(why)) = &state.ended {
        return Outcome::Infrastructure(why.clone());
    }
    let scores: Vec<f64> = state.scored.iter().map(|scored| scored.logprob_sum).collect();
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut winners = (0..scores.len()).filter(|&n| scores[n] == best);
    match (winners.next(), winners.next()) {
        (Some(winner), None) if scores.iter().all(|score| !score.is_nan()) => {
            Outcome::Scored(winner)
        }
        _ => Outcome::Unreadable(format!("no choice is likelier than the others: {scores:?}")),
    }
}

/// The choice in the last line, which is `ANSWER: ` and a letter, in bold or not.
fn read(answer: &str, choices: usize) -> Outcome<usize> {
    let line = answer.trim_end().lines().last().unwrap_or_default().replace(['*', '`'], "");
    let said = line.trim().strip_prefix("ANSWER:").map(str::trim);
    let said = said.map(|said| said.strip_suffix('.').unwrap_or(said));
    let number = said
        .and_then(|said| (0..choices).find(|&n| letter(n).is_some_and(|l| said == l.to_string())));
    match number {
        Some(number) => Outcome::Scored(number),
        None => Outcome::Unreadable("the last line is not `ANSWER: ` and a letter".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_alone_counts() {
        for (answer, chosen) in [
            ("ANSWER: B", Some(1)),
            ("Not ANSWER: A.\n\n**ANSWER: B**\n", Some(1)),
            ("ANSWER: B.", Some(1)),
            ("ANSWER: A\nOr rather not.", None),
            ("ANSWER: D", None),
            ("ANSWER: A or B", None),
            ("B", None),
            ("", None),
        ] {
            assert_eq!(read(answer, 3).score().copied(), chosen, "{answer:?}");
        }
    }
}
