//! Long tasks with tools, in which an agent may have been given a hidden goal (arXiv 2511.06626).

mod environment;
mod settings;
mod stage;

mod goals;
mod task;

mod script;

mod dice;
pub mod worlds;

#[cfg(test)]
mod tests;

pub(crate) use self::settings::Given;
pub use self::{
    environment::{Action, Brief, Environment, reached},
    goals::{Goals, Monitor},
    script::{Act, Manner, Player, scripted, scripted_monitor},
    settings::{Secrecy, Settings},
    stage::Stage,
    task::task,
};
