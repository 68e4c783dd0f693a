//! Multiple choice, by text and by log-probability.

use ethos_core::Message;
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Map, Value, json};

use super::Solver;
use crate::{Error, Generator, Result, State};

/// Shows the choices as letters and has the model answer with one: see
/// [`Choice`](crate::scorer::Choice), which reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultipleChoice;

impl Solver for MultipleChoice {
    fn name(&self) -> &str {
        "multiple_choice"
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        generator: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let listed = listed(state)?;
            let letters = letters(state.sample.choices.len());
            let Some(asked) = state.asked_mut() else { return Ok(()) };
            *asked = Message::user(format!(
                "{}\n\n{listed}\n\nThink as long as you need to. The last line of your answer must be \
                 `ANSWER: ` and one of the letters {}, and nothing else.",
                asked.text(),
                letters.join(", "),
            ));
            generator.answer(state).await
        }
        .boxed()
    }
}

/// Asks how likely each choice is as the answer, without sampling: for models that give
/// log-probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScoreChoices {
    /// Whether the model is shown the choices as letters and scored on those, as is usual for MMLU; else
    /// it is not shown them and scored on their texts.
    pub letters: bool,
}

impl Solver for ScoreChoices {
    fn name(&self) -> &str {
        "score_choices"
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("letters".to_owned(), json!(self.letters))])
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        generator: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let listed = listed(state)?;
            if !self.letters {
                let choices = state.sample.choices.clone();
                return generator.score(state, &choices).await;
            }
            let Some(asked) = state.asked_mut() else { return Ok(()) };
            *asked = Message::user(format!(
                "{}\n\n{listed}\n\nAnswer with one of the letters and nothing else.",
                asked.text()
            ));
            let letters = letters(state.sample.choices.len());
            generator.score(state, &letters).await
        }
        .boxed()
    }
}

fn listed(state: &State) -> Result<String> {
    let choices = &state.sample.choices;
    if choices.len() < 2 || choices.len() > 26 {
        return Err(Error::Task {
            task: state.sample.id.clone(),
            message: format!("a choice among {}: give 2 to 26 choices", choices.len()),
        });
    }
    let lines = choices
        .iter()
        .enumerate()
        .filter_map(|(n, choice)| Some(format!("{}) {choice}", letter(n)?)));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn letters(choices: usize) -> Vec<String> {
    (0..choices).filter_map(letter).map(String::from).collect()
}

/// The letter of a choice, from 0.
pub(crate) fn letter(number: usize) -> Option<char> {
    (b'A'..=b'Z').nth(number).map(char::from)
}
