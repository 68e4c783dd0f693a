//! Batches over a provider that lives in a folder, as a real one outlives the program.

#![allow(clippy::unwrap_used, reason = "these are tests")]

// A provider, with every fault that is known.
mod provider;

// What a batch does, and what it survives.
mod faults;

// Kills at random moments.
mod kills;

use ethos_core::{Ask, AskId, Query, Reply, Request, Unusable};

fn asks(count: usize) -> Vec<Ask> {
    let query = |n: usize| Query::Complete(Request::user(n.to_string()));
    (0..count).map(|n| Ask::new("test", n.to_string(), query(n))).collect()
}

fn text(_: &AskId, reply: &Reply) -> Result<String, Unusable> {
    Ok(reply.text()?.into_owned())
}
