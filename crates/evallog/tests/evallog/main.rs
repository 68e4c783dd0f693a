//! Logs of our own, of Inspect's, and of those who mean us harm.

mod fixtures;
mod hostile;
mod interop;
mod logs;
mod random;
mod samples;
