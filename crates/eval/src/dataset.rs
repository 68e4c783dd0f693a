//! The questions of a task.

mod columns;
mod table;

use std::{collections::BTreeSet, path::Path};

use ethos_core::jsonl;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::columns::{Columns, Metadata};
use crate::{Error, Result, Sample};

/// Samples with a name.
///
/// Files are read as Inspect AI reads them: the columns `input`, `target`, `choices`, `id` and
/// `metadata`, unless [`Columns`] says otherwise.
///
/// ```
/// use ethos_eval::{Columns, Dataset};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("sums.csv");
/// std::fs::write(&path, "question,answer\nWhat is 2 + 2?,4\nWhat is 3 + 3?,6\n")?;
/// let columns = Columns { input: "question".into(), target: "answer".into(), ..Columns::default() };
/// let sums = Dataset::csv(&path, &columns)?;
/// assert_eq!((sums.samples[1].id.as_str(), sums.samples[1].target[0].as_str()), ("2", "6"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// Where it comes from, if from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whether the samples are in another order than there.
    #[serde(default)]
    pub shuffled: bool,
    /// The samples.
    pub samples: Vec<Sample>,
}

impl Dataset {
    /// Samples made by the program.
    pub fn new(name: impl Into<String>, samples: impl IntoIterator<Item = Sample>) -> Self {
        let samples = samples.into_iter().collect();
        Dataset { name: name.into(), location: None, shuffled: false, samples }
    }

    /// The rows of a JSONL file; `.gz` and `.zst` are unpacked.
    ///
    /// # Errors
    ///
    /// [`Error::Core`] for a file or line that cannot be read; [`Error::Dataset`] for a row that is no
    /// sample, with its number.
    pub fn jsonl(path: impl AsRef<Path>, columns: &Columns) -> Result<Self> {
        let path = path.as_ref();
        let rows = jsonl::read::<Map<String, Value>>(path)?;
        Dataset::of_rows(path, columns, rows.map(|row| Ok(row?)))
    }

    /// The rows of a CSV file with a head line.
    ///
    /// # Errors
    ///
    /// As [`Dataset::jsonl`].
    pub fn csv(path: impl AsRef<Path>, columns: &Columns) -> Result<Self> {
        let path = path.as_ref();
        Dataset::of_rows(path, columns, table::csv(path)?)
    }

    /// The rows of a Parquet file, as data sets on the Hugging Face hub have them.
    ///
    /// # Errors
    ///
    /// As [`Dataset::jsonl`].
    #[cfg(feature = "parquet")]
    pub fn parquet(path: impl AsRef<Path>, columns: &Columns) -> Result<Self> {
        let path = path.as_ref();
        Dataset::of_rows(path, columns, table::parquet(path)?)
    }

    fn of_rows(
        path: &Path,
        columns: &Columns,
        rows: impl IntoIterator<Item = Result<Map<String, Value>>>,
    ) -> Result<Self> {
        let mut samples = Vec::new();
        for (number, row) in (1..).zip(rows) {
            let sample = columns.sample(row?, number).map_err(|message| Error::Dataset {
                path: path.to_owned(),
                message: format!("row {number}: {message}"),
            })?;
            samples.push(sample);
        }
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let location = Some(path.display().to_string());
        let found = Dataset { name, location, shuffled: false, samples };
        let wrong = |message| Error::Dataset { path: path.to_owned(), message };
        found.check().map_err(wrong)?;
        Ok(found)
    }

    /// The same in an order that follows from the seed.
    pub fn shuffled(mut self, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        // Fisher and Yates; the bias of a 64-bit remainder is far below what any data set could show.
        for last in (1..self.samples.len()).rev() {
            self.samples.swap(last, (random.next_u64() % (last as u64 + 1)) as usize);
        }
        Dataset { shuffled: true, ..self }
    }

    /// The first samples.
    pub fn limited(mut self, samples: usize) -> Self {
        self.samples.truncate(samples);
        self
    }

    /// That every sample can be told from the others and asks something.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        for sample in &self.samples {
            if !ids.insert(sample.id.as_str()) {
                return Err(format!("two samples have the id `{}`", sample.id));
            }
            if sample.input.is_empty() {
                return Err(format!("sample `{}` has no input", sample.id));
            }
        }
        match self.samples.is_empty() {
            true => Err("there are no samples".to_owned()),
            false => Ok(()),
        }
    }
}
