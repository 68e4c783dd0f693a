//! What a log says, as Inspect types it.
//!
//! Fields stand in Inspect's order and carry its names. Those that are not typed here are in `extra`,
//! and are written back. What is absent is not written, as Inspect does it.

mod config;
mod error;
mod event;
mod header;
mod message;
mod names;
mod output;
mod plan;
mod results;
mod sample;
mod score;
mod spec;
mod stats;
mod summary;
mod thin;

pub use self::{
    config::{EvalConfig, GenerateConfig},
    error::EvalError,
    event::Event,
    header::{EvalLog, EvalStatus},
    message::{ChatMessage, Content, ContentPart, Role, ToolCall, ToolError},
    output::{Choice, ModelOutput, StopReason},
    plan::{EvalPlan, EvalPlanStep},
    results::{EvalMetric, EvalResults, EvalSampleReductions, EvalSampleScore, EvalScore},
    sample::{EvalSample, EvalSampleLimit, Input, SampleId, Target},
    score::Score,
    spec::{EvalDataset, EvalSpec, TaskVersion},
    stats::{EvalStats, ModelUsage},
    summary::EvalSampleSummary,
};
