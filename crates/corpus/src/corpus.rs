//! What was written.

use std::path::Path;

use ethos_core::{Document, jsonl};
use ethos_spec::{Coverage, Spec};

use crate::{coverage::coverage, error::Result, report::WriteReport};

/// Documents and the account of how they came to be.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// The rows, in the order of training.
    pub documents: Vec<Document>,
    /// What was asked for, and what is missing.
    pub report: WriteReport,
}

impl Corpus {
    /// Writes the rows as JSONL, whole or not at all.
    ///
    /// The report stands apart: `ethos_core::jsonl::write_json` writes it beside.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        Ok(jsonl::write(path, &self.documents)?)
    }

    /// Which of the spec the documents speak of, and how many of each sentence.
    ///
    /// Documents of another spec do not count.
    pub fn coverage(&self, spec: &Spec) -> Coverage {
        coverage(&self.documents, spec)
    }
}
