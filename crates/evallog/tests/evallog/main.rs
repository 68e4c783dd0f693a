//! Logs of our own, of Inspect's, and of those who mean us harm.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests")]

mod fixtures;
mod hostile;
mod interop;
mod killed;
mod logs;
mod random;
mod samples;
