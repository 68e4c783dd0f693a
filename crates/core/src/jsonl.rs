//! JSONL files: one row, one value; the files between stages.
//!
//! A file whose name ends in `.gz` or `.zst` is compressed, for reading and writing alike.

mod file;
mod torn;

use std::{
    fmt,
    io::BufRead,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use self::file::{open, replace};
pub use self::torn::{Torn, recover};
use crate::{Error, Result};

/// The rows of a file, read as they are asked for. Blank lines are skipped.
///
/// # Errors
///
/// [`Error::Io`] when the file cannot be opened. Each row may be an [`Error::Line`] that names the
/// line; reading can go on after it. A last line that is torn, as a killed writer leaves it, says so:
/// [`recover`] keeps the rows before it.
pub fn read<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Rows<T>> {
    let path = path.as_ref().to_owned();
    let lines = open(&path)?;
    Ok(Rows { path, lines, line: 0, ended: false, row: std::marker::PhantomData })
}

/// All rows of a file, or its first error.
///
/// # Errors
///
/// What [`read`] gives.
pub fn read_all<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Vec<T>> {
    read(path)?.collect()
}

/// The rows of a JSONL file, as an iterator.
pub struct Rows<T> {
    path: PathBuf,
    lines: Box<dyn BufRead + Send>,
    line: u64,
    /// After a failure of the file itself there is nothing more to read.
    ended: bool,
    row: std::marker::PhantomData<fn() -> T>,
}

impl<T> Rows<T> {
    /// The next line that is not blank, as bytes; `None` at the end.
    fn next_line(&mut self) -> Option<Result<Vec<u8>>> {
        let mut bytes = Vec::new();
        while !self.ended {
            bytes.clear();
            match self.lines.read_until(b'\n', &mut bytes) {
                Ok(0) => self.ended = true,
                Ok(_) => self.line += 1,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(self.failed(error)));
                }
            }
            if !bytes.trim_ascii().is_empty() {
                return Some(Ok(bytes));
            }
        }
        None
    }

    fn failed(&self, error: std::io::Error) -> Error {
        if error.kind() != std::io::ErrorKind::UnexpectedEof {
            return Error::Io { doing: "read", path: self.path.clone(), source: error };
        }
        self.wrong(format!("the compressed file is cut off ({error}); {RECOVER}"))
    }

    fn wrong(&self, message: String) -> Error {
        Error::Line { path: self.path.clone(), line: self.line, message }
    }
}

const RECOVER: &str = "`jsonl::recover` keeps the rows before it";

impl<T: DeserializeOwned> Iterator for Rows<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let bytes = match self.next_line()? {
            Ok(bytes) => bytes,
            Err(error) => return Some(Err(error)),
        };
        Some(serde_json::from_slice(&bytes).map_err(|error| {
            self.wrong(match torn::is_torn(&bytes, &error) {
                true => format!("the last line is torn ({error}); {RECOVER}"),
                false => error.to_string(),
            })
        }))
    }
}

impl<T> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("path", &self.path).field("line", &self.line).finish()
    }
}

/// Writes a file of rows, whole or not at all: the rows go to a file beside it, which then takes its
/// name. Missing folders are made.
///
/// # Errors
///
/// [`Error::Io`]; what stood at `path` before is then untouched.
pub fn write<T: Serialize>(
    path: impl AsRef<Path>,
    rows: impl IntoIterator<Item = T>,
) -> Result<()> {
    try_write(path, rows.into_iter().map(Ok)).map(drop)
}

/// The same of rows that may fail, which ends the writing; gives how many there were.
///
/// # Errors
///
/// The first row's that failed, and [`Error::Io`]; what stood at `path` before is then untouched.
pub fn try_write<T: Serialize>(
    path: impl AsRef<Path>,
    rows: impl IntoIterator<Item = Result<T>>,
) -> Result<u64> {
    let (mut written, mut failed) = (0, None);
    let done = replace(path.as_ref(), |file| {
        for row in rows {
            match row {
                Ok(row) => serde_json::to_writer(&mut *file, &row)?,
                Err(error) => {
                    failed = Some(error);
                    return Err(std::io::Error::other("a row failed"));
                }
            }
            file.write_all(b"\n")?;
            written += 1;
        }
        Ok(())
    });
    match failed {
        Some(error) => Err(error),
        None => done.map(|()| written),
    }
}

/// Hash (blake3, hexadecimal) of the file that [`write()`] makes of these rows.
///
/// # Errors
///
/// [`Error::Line`] for a row that JSON cannot say.
pub fn digest<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    for (line, row) in (1..).zip(rows) {
        let said = serde_json::to_writer(&mut hasher, &row);
        said.map_err(|error| Error::Line {
            path: "rows".into(),
            line,
            message: error.to_string(),
        })?;
        hasher.update(b"\n");
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Writes one value as indented JSON, whole or not at all.
///
/// # Errors
///
/// [`Error::Io`]; what stood at `path` before is then untouched.
pub fn write_json<T: Serialize + ?Sized>(path: impl AsRef<Path>, value: &T) -> Result<()> {
    replace(path.as_ref(), |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}

/// Reads one JSON value.
///
/// # Errors
///
/// [`Error::Io`], or [`Error::Line`] with the line of what is wrong.
pub fn read_json<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<T> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    let read = open(path)?.read_to_end(&mut bytes);
    read.map_err(|source| Error::Io { doing: "read", path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Line {
        path: path.to_owned(),
        line: error.line() as u64,
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Chat, Message};
    use proptest::prelude::*;

    #[test]
    fn errors_name_path_and_line_and_reading_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        fs::write(&path, "1\n\n\"two\"\n3\n").unwrap();
        let rows: Vec<Result<u8>> = read(&path).unwrap().collect();
        let error = rows[1].as_ref().unwrap_err().to_string();
        assert!(error.contains("rows.jsonl:3:"), "{error}");
        assert_eq!(rows[2].as_ref().unwrap(), &3);
    }

    #[test]
    fn a_digest_is_that_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let rows = [Chat::new([Message::user("à\n")]), Chat::new([Message::user("b")])];
        write(&path, &rows).unwrap();
        let file = blake3::hash(&fs::read(&path).unwrap()).to_hex().to_string();
        assert_eq!(digest(&rows).unwrap(), file);
        let no_json = std::collections::BTreeMap::from([((1, 2), 3)]);
        assert!(digest([no_json]).unwrap_err().to_string().contains("rows:1:"));
    }

    #[test]
    fn a_torn_last_line_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("torn.jsonl");
        fs::write(&path, "{\"messages\":[]}\n{\"messa").unwrap();
        let error = read_all::<Chat>(&path).unwrap_err().to_string();
        assert!(error.contains(":2:") && error.contains("torn"), "{error}");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.jsonl");
        write(&path, [1, 2]).unwrap();
        // A map with keys that are not text cannot be JSON.
        let bad = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(write(&path, [bad]).is_err());
        assert_eq!(read_all::<u8>(&path).unwrap(), [1, 2]);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    proptest! {
        #[test]
        fn rows_round_trip(
            texts in prop::collection::vec(".{0,40}", 0..8),
            ending in prop::sample::select(vec!["", ".gz", ".zst"]),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(format!("chats.jsonl{ending}"));
            let chats: Vec<Chat> = texts.iter().map(|t| Chat::new([Message::user(t.as_str())])).collect();
            write(&path, &chats).unwrap();
            prop_assert_eq!(read_all::<Chat>(&path).unwrap(), chats);
        }

        /// What a resumed run reads back is what the killed one had: a loss in a log, a weight of a
        /// message. An approximate reading of floats shows in about one of ten.
        #[test]
        fn numbers_survive_to_the_last_bit(
            wide in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL, 64),
            narrow in prop::collection::vec(prop::num::f32::NORMAL, 64),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let (value, rows) = (folder.path().join("log.json"), folder.path().join("log.jsonl"));
            write_json(&value, &(&wide, &narrow)).unwrap();
            prop_assert_eq!(&read_json::<(Vec<f64>, Vec<f32>)>(&value).unwrap(), &(wide.clone(), narrow));
            write(&rows, &wide).unwrap();
            prop_assert_eq!(read_all::<f64>(&rows).unwrap(), wide);
        }
    }
}
