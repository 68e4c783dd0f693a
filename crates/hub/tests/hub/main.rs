//! The hub as far as servers on this machine can play it.

#![allow(clippy::unwrap_used, reason = "these are tests")]

// Servers: one that answers whatever a function says, and one that plays a hub and its storage.
mod play;
mod server;

// Fetching: what arrives, what does not, and what is there without asking.
mod fetch;
mod offline;
mod refusals;
mod resume;

// Publishing.
mod upload;

// What must never happen, whatever the server does.
mod hostile;
