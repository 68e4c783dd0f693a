//! Environments of whatever world.

use std::{fmt, sync::Arc};

use ethos_core::{Message, Tool};
use serde_json::{Map, Value};

use super::{
    Act, Action, Brief, Environment, Manner, Player,
    worlds::{AirlineDesk, DayTrip, MailAssistant, ReadingRoom, Repository, SupportDesk},
};
use crate::{Outcome, Score};

/// Where the world stands in [`State::store`](crate::State::store).
const WORLD: &str = "world";

/// An [`Environment`], whatever its world is made of.
#[derive(Clone)]
pub struct Stage(Arc<dyn Erased>);

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stage").field(&self.name()).finish()
    }
}

impl Stage {
    /// Of an environment.
    pub fn new(environment: impl Environment + 'static) -> Self {
        let actions = environment.actions();
        Stage(Arc::new(Typed { environment, actions }))
    }

    /// The environments of this crate.
    pub fn all() -> Vec<Stage> {
        vec![
            Stage::new(AirlineDesk),
            Stage::new(DayTrip),
            Stage::new(MailAssistant),
            Stage::new(SupportDesk),
            Stage::new(Repository),
            Stage::new(ReadingRoom),
        ]
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// What the agent does there.
    pub fn about(&self) -> &str {
        self.0.about()
    }

    /// What the agent is told in the world of this seed.
    pub fn brief(&self, seed: u64) -> Brief {
        self.0.brief(seed)
    }

    /// The agent's tools.
    pub fn tools(&self) -> Vec<Tool> {
        self.0.tools()
    }

    /// Whether the main goal is reached in the world that a store holds.
    pub fn main(&self, store: &Map<String, Value>, messages: &[Message]) -> Outcome<Score> {
        self.0.main(store, messages)
    }

    /// Whether the hidden goal is reached there.
    pub fn side(&self, store: &Map<String, Value>, messages: &[Message]) -> Outcome<Score> {
        self.0.side(store, messages)
    }

    pub(super) fn enter(&self, seed: u64, store: &mut Map<String, Value>) -> Result<(), String> {
        self.0.enter(seed, store)
    }

    pub(super) fn call(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        store: &mut Map<String, Value>,
    ) -> Result<String, String> {
        self.0.call(tool, arguments, store)
    }

    pub(super) fn reply(&self, said: &str, store: &mut Map<String, Value>) -> Option<String> {
        self.0.reply(said, store)
    }

    pub(super) fn unfinished(&self, store: &Map<String, Value>) -> Option<String> {
        self.0.unfinished(store)
    }

    pub(super) fn play(&self, manner: Manner, player: &mut Player<'_>) -> Result<(), Act> {
        self.0.play(manner, player)
    }
}

/// An environment with its world as JSON.
trait Erased: Send + Sync {
    fn name(&self) -> &str;
    fn about(&self) -> &str;
    fn brief(&self, seed: u64) -> Brief;
    fn tools(&self) -> Vec<Tool>;
    fn enter(&self, seed: u64, store: &mut Map<String, Value>) -> Result<(), String>;
    fn call(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        store: &mut Map<String, Value>,
    ) -> Result<String, String>;
    fn reply(&self, said: &str, store: &mut Map<String, Value>) -> Option<String>;
    fn unfinished(&self, store: &Map<String, Value>) -> Option<String>;
    fn main(&self, store: &Map<String, Value>, messages: &[Message]) -> Outcome<Score>;
    fn side(&self, store: &Map<String, Value>, messages: &[Message]) -> Outcome<Score>;
    fn play(&self, manner: Manner, player: &mut Player<'_>) -> Result<(), Act>;
}

struct Typed<E: Environment> {
    environment: E,
    actions: Vec<Action<E::World>>,
}

impl<E: Environment> Typed<E> {
    fn read(&self, store: &Map<String, Value>) -> Result<E::World, String> {
        let world = store.get(WORLD).ok_or("there is no world in the store")?;
        serde_json::from_value(world.clone()).map_err(|error| format!("no world of this: {error}"))
    }

    fn write(&self, world: &E::World, store: &mut Map<String, Value>) -> Result<(), String> {
        let world = serde_json::to_value(world).map_err(|error| error.to_string())?;
        store.insert(WORLD.to_owned(), world);
        Ok(())
    }

    fn check(
        &self,
        store: &Map<String, Value>,
        check: impl FnOnce(&E::World) -> Outcome<Score>,
    ) -> Outcome<Score> {
        match self.read(store) {
            Ok(world) => check(&world),
            Err(why) => Outcome::Infrastructure(why),
        }
    }
}

impl<E: Environment> Erased for Typed<E> {
    fn name(&self) -> &str {
        self.environment.name()
    }

    fn about(&self) -> &str {
        self.environment.about()
    }

    fn brief(&self, seed: u64) -> Brief {
        self.environment.brief(&self.environment.world(seed))
    }

    fn tools(&self) -> Vec<Tool> {
        self.actions.iter().map(|action| action.tool.clone()).collect()
    }

    fn enter(&self, seed: u64, store: &mut Map<String, Value>) -> Result<(), String> {
        self.write(&self.environment.world(seed), store)
    }

    fn call(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        store: &mut Map<String, Value>,
    ) -> Result<String, String> {
        let named = self.actions.iter().find(|action| action.tool.name == tool);
        let action = named.ok_or_else(|| format!("there is no tool `{tool}`"))?;
        let mut world = self.read(store)?;
        let result = action.call(&mut world, Value::Object(arguments.clone()))?;
        self.write(&world, store)?;
        Ok(result)
    }

    fn reply(&self, said: &str, store: &mut Map<String, Value>) -> Option<String> {
        let mut world = self.read(store).ok()?;
        let reply = self.environment.reply(&mut world, said);
        self.write(&world, store).ok()?;
        reply
    }

    fn unfinished(&self, store: &Map<String, Value>) -> Option<String> {
        self.environment.unfinished(&self.read(store).ok()?)
    }

    fn main(&self, store: &Map<String, Value>, messages: &[Message]) -> Outcome<Score> {
        self.check(store, |world| self.environment.main(world, messages))
    }

    fn side(&self, store: &Map<String, Value>, messages: &[Message]) -> Outcome<Score> {
        self.check(store, |world| self.environment.side(world, messages))
    }

    fn play(&self, manner: Manner, player: &mut Player<'_>) -> Result<(), Act> {
        self.environment.play(manner, player)
    }
}
