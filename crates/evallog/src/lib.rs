//! Reads and writes Inspect AI's evaluation logs.
//!
//! An [`EvalLog`] says what was evaluated, how, and what came of it; an [`EvalSample`] is one question
//! with its conversation, events and scores. A [`LogWriter`] takes samples one by one and leaves a log
//! behind that Inspect's viewer opens, also while it is being written and if its writer dies. A
//! [`LogReader`] reads the header alone, one sample, or all of them one after the other, of logs larger
//! than memory, and of hostile ones within [`Limits`].
//!
//! Both speak version 2 of the format: `.eval`, an archive, and `.json`. The types carry Inspect's names
//! and fields. What they do not know, fields and events alike, is kept as a [`Value`] and written back.
//!
//! ```
//! use ethos_evallog::{
//!     EvalLog, EvalMetric, EvalResults, EvalSample, EvalScore, EvalSpec, EvalStatus, LogReader,
//!     LogWriter, ModelOutput, Score, StopReason, file_name,
//! };
//!
//! # fn main() -> ethos_evallog::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! let mut spec = EvalSpec::new("arithmetic", "local/tiny", "2026-01-31T12:00:00+00:00");
//! spec.task_id = "JZ5hC".into();
//! let mut log = EvalLog::new(spec);
//!
//! let path = folder.path().join(file_name(&log.eval) + ".eval");
//! let mut writer = LogWriter::create(&path, &log)?;
//! let mut sample = EvalSample::new(1, 1, "What is 2 + 2?", "4");
//! sample.output = ModelOutput::new("local/tiny", "4", StopReason::Stop);
//! sample.scores = Some([("match".into(), Score::new("C"))].into());
//! writer.add(&sample)?;
//! writer.flush()?; // Readers see a log that has started, with one sample.
//!
//! let mut results = EvalResults::new(1, 1);
//! results.scores.push(EvalScore::new("match").with(EvalMetric::new("accuracy", 1.0)));
//! log.results = Some(results);
//! log.status = EvalStatus::Success;
//! writer.finish(&log, None)?;
//!
//! let mut reader = LogReader::open(&path)?;
//! assert_eq!(reader.header()?, log);
//! assert_eq!(reader.sample(1, 1)?, Some(sample));
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `zstd`, on: reads logs packed with zstd, as Inspect writes them, and writes such.

mod error;
mod limits;

mod json;
mod log;
mod name;

mod read;
mod write;
mod zip;

pub use crate::{
    error::{Error, Result},
    json::{Map, Number, Value},
    limits::Limits,
    log::{
        ChatMessage, Choice, Content, ContentPart, EvalConfig, EvalDataset, EvalError, EvalLog,
        EvalMetric, EvalPlan, EvalPlanStep, EvalResults, EvalSample, EvalSampleLimit,
        EvalSampleReductions, EvalSampleScore, EvalSampleSummary, EvalScore, EvalSpec, EvalStats,
        EvalStatus, Event, GenerateConfig, Input, ModelOutput, ModelUsage, Role, SampleId, Score,
        StopReason, Target, TaskVersion, ToolCall, ToolError,
    },
    name::file_name,
    read::LogReader,
    write::{Compression, LogWriter},
};
