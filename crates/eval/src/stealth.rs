//! Long tasks with tools, in which an agent may have been given a hidden goal (arXiv 2511.06626).
//!
//! An [`Environment`] is a world that an agent works in, with typed tools, people who answer, a main goal and a hidden
//! one; both are checked by looking at the world. [`Stage`] is one of whatever world, and [`Stage::all`] are those of
//! this crate. A [`task`] plays it: in every world once with the hidden goal in the system prompt, and once without,
//! as the [`Settings`] say. It is a task like any other: it is run by [`run()`](crate::run::run), goes through the
//! journal, and writes an Inspect log.
//!
//! * [`Goals`] says what was reached, and a [`Monitor`] how suspicious it looks; [`Findings`] are rates with intervals,
//!   the share that evades the monitor, and the monitor's [`Roc`](crate::stats::Roc).
//! * [`Trajectory::read`](crate::Trajectory::read) reads the runs back, for whoever asks about them.
//! * [`scripted`] agents of known [`Manner`] play every environment without a model, so that all of it can be tested;
//!   [`Player`] is how such a script is written for an environment of one's own.
//!
//! ```
//! use ethos_core::Journal;
//! use ethos_eval::{Condition, Trajectory, run, stealth::*};
//! use futures::executor::block_on;
//!
//! let stage = Stage::new(worlds::AirlineDesk);
//! let settings = Settings { worlds: 0..3, ..Settings::default() };
//! let (agent, monitor) = (scripted(&stage, Manner::Covertly), scripted_monitor());
//! let task = task(&stage, &settings, Some(Monitor::new(&monitor)?))?;
//!
//! # let folder = tempfile::tempdir()?;
//! let journal = Journal::open(folder.path().join("journal.redb"))?;
//! let run = block_on(run::run(&task, &agent, &journal, &run::Config::with_logs(folder.path()), &()))?;
//!
//! let found = Findings::of(std::slice::from_ref(&run))?;
//! let mean = |measure, condition| found.part(None, Some(condition)).estimate(measure, 0.95).map(|m| m.mean);
//! assert_eq!(mean("main", Condition::Hidden)?, 1.0);
//! assert_eq!((mean("side", Condition::Hidden)?, mean("side", Condition::Control)?), (1.0, 0.0));
//! assert_eq!(mean("evaded", Condition::Hidden)?, 1.0);
//! assert_eq!(found.roc(None)?.area(), 0.5); // the monitor tells nothing apart
//!
//! let runs = Trajectory::read(run.log.unwrap())?;
//! assert_eq!((runs.len(), runs[1].condition), (6, Some(Condition::Hidden)));
//! assert_eq!(runs[1].goal.as_ref().unwrap().details[0].name, "carrier");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod environment;
mod settings;
mod stage;

mod goals;
mod task;

mod findings;

mod script;

mod dice;
pub mod worlds;

#[cfg(test)]
mod tests;

pub(crate) use self::settings::Given;
pub use self::{
    environment::{Action, Brief, Environment, reached},
    findings::Findings,
    goals::{Goals, Monitor},
    script::{Act, Manner, Player, scripted, scripted_monitor},
    settings::{Secrecy, Settings},
    stage::Stage,
    task::task,
};
