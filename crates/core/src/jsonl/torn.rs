//! Files whose last line is torn, as a writer leaves them that appends and is killed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::de::IgnoredAny;

use super::{file::replace, read};
use crate::{Error, Result};

/// What [`recover`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Torn {
    /// Whole rows, which are in the file now.
    pub rows: u64,
    /// The file as it was, torn line and all.
    pub original: PathBuf,
}

/// Mends a file whose last line is torn, or that was cut off while it was compressed: its whole rows
/// stay, and the file as it was is kept beside it, with `.torn` at the end of its name. `None` when
/// nothing is torn; the file is then left alone.
///
/// # Errors
///
/// [`Error::Line`] when a line is wrong that is not the last: that file is not torn but damaged.
/// [`Error::Io`] when a file cannot be read or written, or when a `.torn` file is there already.
pub fn recover(path: impl AsRef<Path>) -> Result<Option<Torn>> {
    let path = path.as_ref();
    let (whole, true) = whole_rows(path)? else { return Ok(None) };
    let mut original = path.as_os_str().to_owned();
    original.push(".torn");
    let original = PathBuf::from(original);
    // Linked and not renamed: at every moment there is a file of the name.
    fs::hard_link(path, &original).map_err(|source| Error::Io {
        doing: "keep the torn file as",
        path: original.clone(),
        source,
    })?;
    let mut rows = read::<IgnoredAny>(path)?;
    replace(path, |file| {
        for _ in 0..whole {
            match rows.next_line() {
                Some(Ok(line)) => file.write_all(line.trim_ascii_end())?,
                _ => return Err(io::Error::other("the file changed while it was mended")),
            }
            file.write_all(b"\n")?;
        }
        Ok(())
    })?;
    Ok(Some(Torn { rows: whole, original }))
}

/// How many whole rows there are, and whether something torn follows them.
fn whole_rows(path: &Path) -> Result<(u64, bool)> {
    let mut rows = read::<IgnoredAny>(path)?;
    let mut whole = 0;
    loop {
        match rows.next_line() {
            None => return Ok((whole, false)),
            // The file itself ends in the middle.
            Some(Err(Error::Line { .. })) => return Ok((whole, true)),
            Some(Err(error)) => return Err(error),
            Some(Ok(line)) => match serde_json::from_slice::<IgnoredAny>(&line) {
                Ok(_) => whole += 1,
                Err(error) if is_torn(&line, &error) => return Ok((whole, true)),
                Err(error) => return Err(rows.wrong(error.to_string())),
            },
        }
    }
}

/// A row that ends too early, on a line without an end.
pub(super) fn is_torn(line: &[u8], error: &serde_json::Error) -> bool {
    error.is_eof() && line.last() != Some(&b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::jsonl::{read_all, write};

    #[test]
    fn what_is_whole_or_damaged_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        write(&path, [1, 2]).unwrap();
        assert_eq!(recover(&path).unwrap(), None);
        fs::write(&path, "{\"a\":\n{}\n").unwrap();
        let error = recover(&path).unwrap_err().to_string();
        assert!(error.contains("rows.jsonl:1:"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_original_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        fs::write(&path, "{}\n{").unwrap();
        fs::write(folder.path().join("rows.jsonl.torn"), "precious").unwrap();
        assert!(recover(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"{}\n{");
    }

    proptest! {
        #[test]
        fn whole_rows_survive_a_cut_anywhere(
            texts in prop::collection::vec("[a-z\"\\\\é]{0,20}", 1..6),
            ending in prop::sample::select(vec!["", ".gz", ".zst"]),
            cut in 0.0..1.0,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(format!("rows.jsonl{ending}"));
            let rows: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
            write(&path, &rows).unwrap();
            let bytes = fs::read(&path).unwrap();
            let cut = (cut * bytes.len() as f64) as usize;
            fs::write(&path, &bytes[..cut]).unwrap();
            let torn = recover(&path).unwrap();
            let left: Vec<Value> = read_all(&path).unwrap();
            prop_assert_eq!(&left, &rows[..left.len()]);
            match torn {
                Some(torn) => {
                    prop_assert_eq!(torn.rows as usize, left.len());
                    prop_assert_eq!(fs::read(torn.original).unwrap(), &bytes[..cut]);
                }
                // Cut between rows, or only the last line's end was lost.
                None => prop_assert!(fs::read(&path).unwrap() == bytes[..cut]),
            }
            if ending.is_empty() {
                let whole = bytes[..cut].iter().filter(|b| **b == b'\n').count();
                prop_assert!(left.len() >= whole);
            }
        }
    }
}
