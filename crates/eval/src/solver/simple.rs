//! Prompts and answers.

use ethos_core::{Message, Prompt};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Map, Value, json};

use super::Solver;
use crate::{Generator, Result, State};

/// Has the model answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Generate;

impl Solver for Generate {
    fn name(&self) -> &str {
        "generate"
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        generator: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        generator.answer(state).boxed()
    }
}

/// Puts a system message before the conversation; one that is there comes after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System(pub String);

impl Solver for System {
    fn name(&self) -> &str {
        "system_message"
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("template".to_owned(), json!(self.0))])
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        _: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        state.messages.insert(0, Message::system(self.0.as_str()));
        std::future::ready(Ok(())).boxed()
    }
}

/// Puts the question into a template, as `{{ question }}`; a column of the sample's metadata is there by its
/// own name. Strict: what a template names must be there.
#[derive(Clone, Debug)]
pub struct Wording(pub Prompt);

impl Solver for Wording {
    fn name(&self) -> &str {
        "prompt_template"
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("template".to_owned(), json!(self.0.source()))])
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        _: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        let result = (|| {
            let mut values = state.sample.metadata.clone();
            let Some(asked) = state.asked_mut() else { return Ok(()) };
            values.insert("question".to_owned(), json!(asked.text()));
            asked.content = Some(ethos_core::Content::Text(self.0.render(&values)?));
            Ok(())
        })();
        std::future::ready(result).boxed()
    }
}

/// Has the next answer begin with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefill(pub String);

impl Solver for Prefill {
    fn name(&self) -> &str {
        "prefill"
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("text".to_owned(), json!(self.0))])
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        _: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        state.prefill = Some(self.0.clone());
        std::future::ready(Ok(())).boxed()
    }
}

/// Says these things one after the other, and has the model answer each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiTurn(pub Vec<String>);

impl Solver for MultiTurn {
    fn name(&self) -> &str {
        "multi_turn"
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("turns".to_owned(), json!(self.0))])
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        generator: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            for turn in &self.0 {
                if state.ended.is_some()
                    || state.completion.is_some() && state.answer().score().is_none()
                {
                    break;
                }
                state.messages.push(Message::user(turn.as_str()));
                generator.answer(state).await?;
            }
            Ok(())
        }
        .boxed()
    }
}
