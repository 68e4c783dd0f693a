//! Endpoints as far as a server on this machine can play them.

#![allow(clippy::unwrap_used, reason = "these are tests")]

// A server that answers whatever a function says, well or badly.
mod server;

// What is sent and what comes back.
mod asking;

// Whatever can go wrong on the way.
mod faults;

// Whoever polls, and whoever gives up.
mod executors;

// Batch services.
mod batches;

// Limits and budgets.
mod terms;

// What the environment says.
mod environment;

// Encryption.
mod tls;

// Keys, which must never be seen.
mod secrets;

// A server that nobody here wrote, where there is one.
mod real;
