//! Letting the model call tools.

use std::{fmt, sync::Arc};

use ethos_core::{Message, Tool};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Map, Value, json};

use super::Solver;
use crate::{Generator, Result, State, state::Step};

/// Tools that act on a world that is kept in [`State::store`].
///
/// A call must follow from its arguments and the store, so that a run can be gone on with.
pub trait Toolbox: Send + Sync {
    /// The tools that there are.
    fn tools(&self) -> Vec<Tool>;

    /// Calls one of them. `Err` is told to the model like any result: it may do better next time.
    ///
    /// # Errors
    ///
    /// Why it could not be called, in words for the model.
    fn call(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        store: &mut Map<String, Value>,
    ) -> Result<String, String>;

    /// What a user in that world says to an answer that calls no tool; `None`, which is the default, ends the
    /// conversation.
    fn reply(&self, said: &str, store: &mut Map<String, Value>) -> Option<String> {
        let _ = (said, store);
        None
    }
}

/// Has the model answer and call tools until it calls none and nobody replies, or a limit of the task is reached.
#[derive(Clone)]
pub struct ToolLoop(Arc<dyn Toolbox>);

impl fmt::Debug for ToolLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToolLoop").field(&self.0.tools()).finish()
    }
}

impl ToolLoop {
    /// With these tools.
    pub fn new(tools: impl Toolbox + 'static) -> Self {
        ToolLoop(Arc::new(tools))
    }
}

impl Solver for ToolLoop {
    fn name(&self) -> &str {
        "tool_loop"
    }

    fn settings(&self) -> Map<String, Value> {
        let names: Vec<String> = self.0.tools().into_iter().map(|tool| tool.name).collect();
        Map::from_iter([("tools".to_owned(), json!(names))])
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        generator: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            state.tools = self.0.tools();
            loop {
                let before = state.turns;
                generator.answer(state).await?;
                // An answer that was cut off or declined is not acted on.
                let calls = match (state.turns > before, state.stop()) {
                    (true, Some(ethos_core::Stop::Length | ethos_core::Stop::Refusal)) => break,
                    (true, _) => state.messages.last().map(|m| m.tool_calls.clone()),
                    (false, _) => break,
                };
                let calls = calls.unwrap_or_default();
                if calls.is_empty() {
                    let said = state.last_text();
                    let Some(reply) = self.0.reply(&said, &mut state.store) else { break };
                    state.messages.push(Message::user(reply));
                }
                for call in calls {
                    let result = self.call(&call.name, &call.arguments, state);
                    let text = match &result {
                        Ok(text) => text.clone(),
                        Err(why) => format!("Error: {why}"),
                    };
                    state.messages.push(Message::tool(call.id, text));
                    let (name, arguments) = (call.name, call.arguments);
                    state.steps.push(Step::Tool { name, arguments, result });
                }
            }
            Ok(())
        }
        .boxed()
    }
}

impl ToolLoop {
    fn call(&self, name: &str, arguments: &str, state: &mut State) -> Result<String, String> {
        if !state.tools.iter().any(|tool| tool.name == name) {
            let names: Vec<&str> = state.tools.iter().map(|tool| tool.name.as_str()).collect();
            return Err(format!("there is no tool `{name}`, there are {}", names.join(", ")));
        }
        let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
        let arguments = serde_json::from_str(arguments)
            .map_err(|error| format!("the arguments are no JSON object: {error}"))?;
        self.0.call(name, &arguments, &mut state.store)
    }
}
