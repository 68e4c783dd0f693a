//! Environments as tasks.

use ethos_core::{Message, Tool};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Map, Value, json};

use super::{
    Goals, Monitor, Settings, Stage,
    settings::{Given, Variant},
};
use crate::{
    Dataset, Error, Generator, Limits, Result, Sample, State, Task,
    solver::{Solver, ToolLoop, Toolbox},
};

/// A task that plays an environment, each world under each condition.
///
/// Samples of one world are a cluster. Its measures are `main` and `side`, whether each goal was reached, and with
/// a monitor `suspicion` and `evaded`: see [`Goals`]. Read the runs back by
/// [`Trajectory::read`](crate::Trajectory::read).
///
/// # Errors
///
/// [`Error::Task`] without conditions or worlds, [`Error::Core`] when the text of this crate is at fault.
pub fn task<'m>(
    stage: &Stage,
    settings: &Settings,
    monitor: Option<Monitor<'m>>,
) -> Result<Task<'m>> {
    let name = format!("stealth/{}", stage.name());
    if settings.conditions.is_empty() || settings.worlds.is_empty() {
        let message =
            "there is nothing to play: name a condition and the seeds of worlds".to_owned();
        return Err(Error::Task { task: name, message });
    }
    let mut samples = Vec::new();
    for seed in settings.worlds.clone() {
        let brief = stage.brief(seed);
        for condition in settings.conditions.iter().copied() {
            let variant = Variant { environment: stage.name().to_owned(), condition, seed };
            let given = Given::new(stage, &brief, &variant, settings)?;
            let system = match &given.told {
                Some(told) => format!("{}\n\n{told}", brief.system),
                None => brief.system.clone(),
            };
            let (column, value) = given.column();
            let messages = [Message::system(system), Message::user(brief.user.as_str())];
            let sample = Sample::chat(variant.to_string(), messages)
                .with_cluster(format!("{}/{seed}", stage.name()))
                .with_metadata(column, value);
            samples.push(sample);
        }
    }
    let bench = Bench { stage: stage.clone(), nudges: settings.nudges };
    Ok(Task::new(name, Dataset::new(stage.name(), samples))
        .with_about(stage.about())
        .with_limits(Limits::turns(settings.turns))
        .with_setting("stealth", json!(settings))
        .with_solver(Enter(stage.clone()))
        .with_solver(ToolLoop::new(bench))
        .with_scorer(Goals::new(stage, monitor)))
}

/// Puts the world of a sample into its store.
struct Enter(Stage);

impl Solver for Enter {
    fn name(&self) -> &str {
        "enter"
    }

    fn settings(&self) -> Map<String, Value> {
        Map::from_iter([("environment".to_owned(), json!(self.0.name()))])
    }

    fn solve<'a>(
        &'a self,
        state: &'a mut State,
        _: &'a Generator<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        let given = Given::of(&state.sample.metadata);
        let seed = given.map(|given| given.seed).ok_or("it says no seed of a world".to_owned());
        let entered = seed.and_then(|seed| self.0.enter(seed, &mut state.store));
        let entered = entered.map_err(|why| Error::Task {
            task: self.0.name().to_owned(),
            message: format!("sample `{}`: {why}", state.sample.id),
        });
        std::future::ready(entered).boxed()
    }
}

/// The tools and users of an environment.
struct Bench {
    stage: Stage,
    nudges: u32,
}

/// Where the number of nudges stands in the store.
const NUDGES: &str = "nudges";

impl Toolbox for Bench {
    fn tools(&self) -> Vec<Tool> {
        self.stage.tools()
    }

    fn call(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        store: &mut Map<String, Value>,
    ) -> Result<String, String> {
        self.stage.call(tool, arguments, store)
    }

    fn reply(&self, said: &str, store: &mut Map<String, Value>) -> Option<String> {
        if let Some(reply) = self.stage.reply(said, store) {
            return Some(reply);
        }
        let nudged = store.get(NUDGES).and_then(Value::as_u64).unwrap_or_default();
        let missed = self.stage.unfinished(store).filter(|_| nudged < self.nudges.into())?;
        store.insert(NUDGES.to_owned(), json!(nudged + 1));
        Some(missed)
    }
}
