//! JSONL files: one row, one value; the files between stages.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result};

/// The rows of a file, read as they are asked for. Blank lines are skipped.
///
/// # Errors
///
/// [`Error::Io`] when the file cannot be opened. Each row may be an [`Error::Line`] that names the
/// line; reading can go on after it.
pub fn read<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Rows<T>> {
    let path = path.as_ref().to_owned();
    let file = File::open(&path).map_err(io("open", &path))?;
    Ok(Rows { path, lines: BufReader::new(file), line: 0, row: std::marker::PhantomData })
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
#[derive(Debug)]
pub struct Rows<T> {
    path: PathBuf,
    lines: BufReader<File>,
    line: u64,
    row: std::marker::PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Iterator for Rows<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            match self.lines.read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => self.line += 1,
                Err(error) => return Some(Err(io("read", &self.path)(error))),
            }
            if !bytes.trim_ascii().is_empty() {
                break;
            }
        }
        Some(serde_json::from_slice(&bytes).map_err(|error| {
            // A row that ends too early on a line without an end is what a killed writer leaves.
            let torn = error.is_eof() && bytes.last() != Some(&b'\n');
            let message = if torn {
                format!("the last line is torn ({error}); delete it and run its writer again")
            } else {
                error.to_string()
            };
            Error::Line { path: self.path.clone(), line: self.line, message }
        }))
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
    let path = path.as_ref();
    write_with(path, |file| {
        for row in rows {
            serde_json::to_writer(&mut *file, &row)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// Writes one value as indented JSON, whole or not at all.
///
/// # Errors
///
/// [`Error::Io`]; what stood at `path` before is then untouched.
pub fn write_json<T: Serialize + ?Sized>(path: impl AsRef<Path>, value: &T) -> Result<()> {
    write_with(path.as_ref(), |file| {
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
    let bytes = fs::read(path).map_err(io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Line {
        path: path.to_owned(),
        line: error.line() as u64,
        message: error.to_string(),
    })
}

fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io("create", folder))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    let written = File::create(&partial).and_then(|file| {
        let mut file = BufWriter::new(file);
        fill(&mut file)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&partial, path)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&partial);
        io("write", path)(error)
    })
}

fn io<'p>(doing: &'static str, path: &'p Path) -> impl FnOnce(std::io::Error) -> Error + 'p {
    move |source| Error::Io { doing, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
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
        fn rows_round_trip(texts in prop::collection::vec(".{0,40}", 0..8)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("chats.jsonl");
            let chats: Vec<Chat> = texts.iter().map(|t| Chat::new([Message::user(t.as_str())])).collect();
            write(&path, &chats).unwrap();
            prop_assert_eq!(read_all::<Chat>(&path).unwrap(), chats);
        }
    }
}
