//! Runs in Inspect's logs, and back.

mod again;
mod message;
mod reading;
mod sample;
mod score;
mod writing;

pub(crate) use self::{again::Again, reading::scores, sample::state, writing::Log};
