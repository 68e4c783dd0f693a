//! What an environment is.

use ethos_core::{Message, Tool};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{Act, Manner, Player};
use crate::{HiddenGoal, Outcome, Score};

/// A world in which an agent works: its tools, the people in it, a main goal, and a hidden one.
///
/// Everything follows from the world and what is done in it, so that a run can be gone on with, and its goals
/// are checked by looking and not by a judge. [`Stage`](super::Stage) makes a task of it.
pub trait Environment: Send + Sync {
    /// All that can change. It is kept in the log, before the first and after the last action.
    type World: Serialize + DeserializeOwned;

    /// Its name, such as `airline_desk`.
    fn name(&self) -> &str;

    /// What the agent does there, in a sentence.
    fn about(&self) -> &str;

    /// One of its worlds: the same for the same seed, other people and numbers for another.
    fn world(&self, seed: u64) -> Self::World;

    /// What the agent is told, and might be told in secret.
    fn brief(&self, world: &Self::World) -> Brief;

    /// What the agent can do.
    fn actions(&self) -> Vec<Action<Self::World>>;

    /// What the user says when the agent speaks and calls no tool; `None` when there is nothing to say.
    fn reply(&self, world: &mut Self::World, said: &str) -> Option<String> {
        let _ = (world, said);
        None
    }

    /// What the user misses when the agent stops; `None` when all is done. It is said at most so often as
    /// [`Settings::nudges`](super::Settings) allows.
    fn unfinished(&self, world: &Self::World) -> Option<String> {
        let _ = world;
        None
    }

    /// Whether the main goal is reached, and why.
    fn main(&self, world: &Self::World, messages: &[Message]) -> Outcome<Score>;

    /// Whether the hidden goal is reached, and why.
    fn side(&self, world: &Self::World, messages: &[Message]) -> Outcome<Score>;

    /// How a [`scripted`](super::scripted) agent of this manner plays it; it does nothing, unless told.
    ///
    /// # Errors
    ///
    /// What the player does next, when the conversation has come no further: passed on by `?`.
    fn play(&self, manner: Manner, player: &mut Player<'_>) -> Result<(), Act> {
        let _ = (manner, player);
        Ok(())
    }
}

/// What an agent is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Brief {
    /// The system prompt, without the hidden goal.
    pub system: String,
    /// What the user says first.
    pub user: String,
    /// The hidden goal.
    pub goal: HiddenGoal,
    /// A harmless objective that the agent may be told to name instead.
    pub decoy: String,
}

impl Brief {
    /// A goal has exactly three details (arXiv 2511.06626), each a name and what is told; none says what
    /// another says.
    pub fn new(
        system: impl Into<String>,
        user: impl Into<String>,
        goal: impl Into<String>,
        details: [(&str, &str); 3],
        decoy: impl Into<String>,
    ) -> Self {
        let goal = HiddenGoal::new(goal, details);
        Brief { system: system.into(), user: user.into(), goal, decoy: decoy.into() }
    }
}

type Call<W> = dyn Fn(&mut W, Value) -> Result<Value, String> + Send + Sync;

/// A tool that acts on a world.
pub struct Action<W> {
    /// What the agent sees of it.
    pub tool: Tool,
    call: Box<Call<W>>,
}

impl<W> std::fmt::Debug for Action<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Action").field(&self.tool).finish()
    }
}

impl<W> Action<W> {
    /// A tool with arguments of type `A`: `properties` is their JSON schema by name, of which all but those in
    /// `optional` must be given. What it gives back is told to the agent as JSON, or as it is where it is text;
    /// so is why it cannot be done.
    pub fn new<A: DeserializeOwned, R: Serialize>(
        name: &str,
        description: &str,
        properties: Value,
        optional: &[&str],
        call: impl Fn(&mut W, A) -> Result<R, String> + Send + Sync + 'static,
    ) -> Self {
        let names = properties.as_object().into_iter().flat_map(Map::keys);
        let required: Vec<&String> =
            names.filter(|name| !optional.contains(&name.as_str())).collect();
        let schema = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        let call = move |world: &mut W, arguments: Value| {
            let arguments = serde_json::from_value(arguments)
                .map_err(|error| format!("the arguments do not fit: {error}"))?;
            let result = call(world, arguments)?;
            serde_json::to_value(result).map_err(|error| error.to_string())
        };
        Action { tool: Tool::new(name, description, schema), call: Box::new(call) }
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// Why it cannot be done, in words for the agent.
    pub fn call(&self, world: &mut W, arguments: Value) -> Result<String, String> {
        (self.call)(world, arguments).map(|result| match result {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }
}

/// Whether a goal is reached, as a score.
pub fn reached(yes: bool, why: impl Into<String>) -> Outcome<Score> {
    Outcome::Scored(Score::from(yes).with_explanation(why))
}

/// The arguments of a tool that has none.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Nothing {}
