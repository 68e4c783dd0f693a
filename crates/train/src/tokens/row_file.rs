//! Rows on disk.

use std::{
    fmt,
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{
    Digest, LeftOut, Row, Rows,
    digest::{COUNTS, Digester, ID, RUN, is_weight},
};
use crate::{Error, Result};

/// The version of the format that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;

/// Bytes of the header: a line of JSON, filled up with spaces.
pub(super) const HEADER: usize = 1024;

/// What the first line of the file says. `head -n 1` shows it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) ethos_rows: u32,
    pub(super) rows: usize,
    pub(super) digest: Digest,
    pub(super) left_out: LeftOut,
    pub(super) key: String,
}

/// Rows on disk, as many as the disk holds.
///
/// [`write`](RowFile::write) tokenises a data set into one file; opening it reads an index of 8 bytes a
/// row, which takes 12 in memory, and no row. Token ids take 4 bytes each: the vocabularies of today's
/// models have more than 2¹⁶ tokens. Weights take nothing where all are 1, and 8 bytes for each stretch
/// of equal ones otherwise.
///
/// The file is read at positions and not mapped: one that shrinks meanwhile is an error, where a mapping
/// would kill the program. Nothing that it says is believed: whatever bytes it holds, reading ends in
/// rows or in an error.
pub struct RowFile {
    path: PathBuf,
    file: Mutex<File>,
    header: Header,
    /// Where each row's ids begin, and where the last row ends; bytes from the start of the file.
    starts: Vec<u64>,
    /// Tokens of each row. What else a row takes up are its runs of weights.
    tokens: Vec<u32>,
}

impl RowFile {
    /// Opens a file that [`write`](RowFile::write) made.
    ///
    /// # Errors
    ///
    /// [`Error::RowFile`] when it is none, is cut off, or is of another version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |message: String| Error::RowFile { path: path.to_owned(), message };
        let mut file = File::open(path).map_err(Error::io("open", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        if length < HEADER as u64 {
            return Err(wrong(format!("holds {length} bytes, too few for a file of rows")));
        }
        let mut header = [0; HEADER];
        file.read_exact(&mut header).map_err(Error::io("read", path))?;
        let header = read_header(&header).map_err(wrong)?;
        let index = (header.rows as u64).checked_mul(COUNTS as u64);
        let index = index.and_then(|bytes| length.checked_sub(bytes));
        let Some(index) = index.filter(|&index| index >= HEADER as u64) else {
            return Err(wrong(format!("says it has {} rows, and is too short", header.rows)));
        };
        file.seek(SeekFrom::Start(index)).map_err(Error::io("read", path))?;
        let (mut starts, mut tokens) = (vec![HEADER as u64], Vec::new());
        let mut entries = BufReader::with_capacity(1 << 16, &file);
        let mut start = HEADER as u64;
        for row in 0..header.rows {
            let mut entry = [0; COUNTS];
            entries.read_exact(&mut entry).map_err(Error::io("read", path))?;
            let [count, runs] = numbers(&entry);
            start += u64::from(count) * ID as u64 + u64::from(runs) * RUN as u64;
            if count == 0 || start > index {
                return Err(wrong(format!("has a damaged index, at row {row}")));
            }
            tokens.push(count);
            starts.push(start);
        }
        if start != index {
            return Err(wrong(format!("holds {} bytes that belong to no row", index - start)));
        }
        drop(entries);
        starts.shrink_to_fit();
        tokens.shrink_to_fit();
        Ok(RowFile { path: path.to_owned(), file: Mutex::new(file), header, starts, tokens })
    }

    /// What the file was made from, in the words of who wrote it.
    pub fn key(&self) -> &str {
        &self.header.key
    }

    /// The items that became no row when it was written.
    pub fn left_out(&self) -> &LeftOut {
        &self.header.left_out
    }

    /// Reads all of it and compares with the hash that the header says; opening does not.
    ///
    /// # Errors
    ///
    /// [`Error::RowFile`] when something is not as it was written.
    pub fn verify(&self) -> Result<()> {
        let mut digester = Digester::default();
        for row in 0..self.len() {
            let read = self.row(row)?.to_record().map_err(Error::row(row))?;
            digester.add(&read);
        }
        match digester.finish() == self.header.digest {
            true => Ok(()),
            false => Err(self.wrong("is not what was written; make it anew".to_owned())),
        }
    }

    /// The stretches of equal weight that make up a row.
    fn runs(&self, row: usize) -> Result<Vec<(Range<usize>, f32)>> {
        let (tokens, start, end) = self.place(row);
        let runs = start + (ID * tokens) as u64..end;
        if runs.is_empty() {
            return Ok(vec![(0..tokens, 1.0)]);
        }
        let (mut from, mut found) = (0_usize, Vec::new());
        for run in self.bytes(runs)?.as_chunks::<RUN>().0 {
            let [count, weight] = numbers(run);
            let (weight, to) = (f32::from_bits(weight), from.saturating_add(count as usize));
            if !is_weight(weight) || to > tokens {
                return Err(self.wrong(format!("has damaged weights, in row {row}")));
            }
            found.push((from..to, weight));
            from = to;
        }
        match from == tokens {
            true => Ok(found),
            false => Err(self.wrong(format!("has damaged weights, in row {row}"))),
        }
    }

    /// A row's number of tokens, and where it begins and ends in the file.
    fn place(&self, row: usize) -> (usize, u64, u64) {
        (self.tokens[row] as usize, self.starts[row], self.starts[row + 1])
    }

    fn bytes(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(range.start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(Error::io("read", &self.path))?;
        Ok(bytes)
    }

    fn wrong(&self, message: String) -> Error {
        Error::RowFile { path: self.path.clone(), message }
    }
}

impl Rows for RowFile {
    fn len(&self) -> usize {
        self.tokens.len()
    }

    fn tokens(&self, row: usize) -> usize {
        self.tokens[row] as usize
    }

    fn read(&self, row: usize, tokens: Range<usize>, into: &mut Row) -> Result<()> {
        let (_, start, _) = self.place(row);
        let at = |token: usize| start + (ID * token) as u64;
        let bytes = self.bytes(at(tokens.start)..at(tokens.end))?;
        let ids = bytes.as_chunks::<ID>().0.iter().map(|&id| u32::from_le_bytes(id));
        let before = into.ids.len();
        into.ids.extend(ids);
        let largest = self.header.digest.largest_id;
        if let Some(id) = into.ids[before..].iter().find(|&&id| id > largest) {
            let message = format!("has token {id} in row {row}, and says the largest is {largest}");
            return Err(self.wrong(message));
        }
        for (span, weight) in self.runs(row)? {
            into.weights.extend(std::iter::repeat_n(weight, overlap(&span, &tokens)));
        }
        Ok(())
    }

    fn learns(&self, row: usize, tokens: Range<usize>) -> Result<bool> {
        // Of a whole row it is known: one that learns nothing is not written.
        if tokens == (1..self.tokens(row)) {
            return Ok(true);
        }
        let mut runs = self.runs(row)?.into_iter();
        Ok(runs.any(|(span, weight)| weight != 0.0 && overlap(&span, &tokens) > 0))
    }

    fn digest(&self) -> Result<Digest> {
        Ok(self.header.digest.clone())
    }
}

impl fmt::Debug for RowFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RowFile { path, header, .. } = self;
        f.debug_struct("RowFile")
            .field("path", path)
            .field("header", header)
            .finish_non_exhaustive()
    }
}

fn read_header(bytes: &[u8]) -> Result<Header, String> {
    let none = |error| format!("is no file of rows: {error}");
    let header: serde_json::Value = serde_json::from_slice(bytes).map_err(none)?;
    match header.get("ethos_rows").and_then(serde_json::Value::as_u64) {
        None => Err("is no file of rows".to_owned()),
        Some(version) if version != u64::from(VERSION) => {
            Err(format!("has version {version}, this program reads {VERSION}; make it anew"))
        }
        Some(_) => serde_json::from_value(header).map_err(none),
    }
}

/// Two numbers of an entry of the index, or of a run.
fn numbers(entry: &[u8; 8]) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = *entry;
    [[a, b, c, d], [e, f, g, h]].map(u32::from_le_bytes)
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> usize {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use proptest::prelude::*;

    fn row() -> impl Strategy<Value = Row> {
        let weight = prop_oneof![Just(0.0_f32), Just(1.0), 0.0_f32..1e9];
        let run = (weight, 1usize..6).prop_map(|(weight, n)| vec![weight; n]);
        prop::collection::vec(run, 0..5).prop_flat_map(|runs| {
            let weights = runs.concat();
            prop::collection::vec(any::<u32>(), weights.len())
                .prop_map(move |ids| Row { ids, weights: weights.clone() })
        })
    }

    fn written(path: &Path, rows: &[Row]) -> RowFile {
        let items = rows.iter().map(|row| Ok::<_, Error>(row.clone()));
        RowFile::write(path, "some rows", items, |row| Ok(row.clone()), &()).unwrap()
    }

    fn three() -> Vec<Row> {
        let weights = vec![0.0, 0.0, 1.0, 0.5];
        vec![
            Row::learning_all(vec![1, 2, 3]),
            Row { ids: vec![4, 5, 6, 7], weights },
            Row::learning_all(vec![7, 7]),
        ]
    }

    /// What a file of these bytes gives, read in every way there is.
    fn read_all(bytes: &[u8]) -> Result<Vec<Row>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        fs::write(&path, bytes).unwrap();
        let file = RowFile::open(&path)?;
        let _ = crate::pack(&file, 3, crate::Overlong::Split).and_then(|packed| packed.batch(&[0]));
        file.verify()?;
        (0..file.len()).map(|row| file.row(row)).collect()
    }

    #[test]
    fn the_header_can_be_read_by_people() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/rows");
        written(&path, &three());
        let bytes = fs::read(&path).unwrap();
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap();
        assert_eq!(line.len() + 1, HEADER);
        let line = String::from_utf8(line.to_vec()).unwrap();
        assert!(line.starts_with(r#"{"ethos_rows":1,"rows":3,"digest":{"hash":""#), "{line}");
        assert!(line.trim_end().ends_with(r#""key":"some rows"}"#), "{line}");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn files_that_are_none_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        written(&path, &three());
        let whole = fs::read(&path).unwrap();
        let error = |bytes: &[u8]| read_all(bytes).unwrap_err().to_string();
        assert!(error(b"").contains("too few"), "{}", error(b""));
        assert!(error(&[b'x'; 2000]).contains("no file of rows"));
        assert!(error(&whole[..whole.len() - 1]).contains("rows`: "));
        let header = |from: &str, to: &str| {
            let (line, rest) = whole.split_at(HEADER);
            let line = String::from_utf8(line.to_vec()).unwrap();
            assert!(line.contains(from), "{line}");
            let mut line = line.replacen(from, to, 1).into_bytes();
            line.resize(HEADER, b' ');
            error(&[&line, rest].concat())
        };
        let versions = header(r#""ethos_rows":1"#, r#""ethos_rows":2"#);
        assert!(versions.contains("has version 2, this program reads 1"), "{versions}");
        let many = header(r#""rows":3"#, r#""rows":900000000000000000"#);
        assert!(many.contains("too short"), "{many}");
        let fewer = header(r#""rows":3"#, r#""rows":2"#);
        assert!(fewer.contains("belong to no row") || fewer.contains("damaged"), "{fewer}");
        let small = header(r#""largest_id":7"#, r#""largest_id":6"#);
        assert!(small.contains("has token 7 in row 1"), "{small}");
        assert!(header("some rows\"}", "").contains("no file of rows"));
    }

    proptest! {
        #[test]
        fn rows_survive_the_disk(rows in prop::collection::vec(row(), 0..8), from: u8, to: u8) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("rows");
            let file = written(&path, &rows);
            let kept: Vec<Row> = rows.iter().filter(|row| row.learnt() > 0).cloned().collect();
            let LeftOut { empty, without_loss } = *file.left_out();
            prop_assert_eq!(empty, rows.iter().filter(|row| row.ids.is_empty()).count());
            prop_assert_eq!(file.len() + empty + without_loss, rows.len());
            prop_assert_eq!(file.digest().unwrap(), kept.digest().unwrap());
            for (number, row) in kept.iter().enumerate() {
                prop_assert_eq!(&file.row(number).unwrap(), row);
                let ends = [from, to].map(|at| usize::from(at) % (row.ids.len() + 1));
                let range = ends[0].min(ends[1])..ends[0].max(ends[1]);
                let (mut some, mut same) = (row.clone(), row.clone());
                file.read(number, range.clone(), &mut some).unwrap();
                kept.read(number, range.clone(), &mut same).unwrap();
                prop_assert_eq!(some, same);
                let learns = |rows: &dyn Rows| rows.learns(number, range.clone()).unwrap();
                prop_assert_eq!(learns(&file), learns(&kept));
            }
            file.verify().unwrap();
            prop_assert_eq!(file.key(), "some rows");
        }

        /// No byte can be changed, and none be missing, without notice; and nothing panics.
        #[test]
        fn damage_is_noticed(
            rows in prop::collection::vec(row(), 1..5),
            at in any::<prop::sample::Index>(),
            byte: u8,
            cut: bool,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("rows");
            let file = written(&path, &rows);
            let whole: Vec<Row> = (0..file.len()).map(|row| file.row(row).unwrap()).collect();
            let mut bytes = fs::read(&path).unwrap();
            // Most of the header is empty; what is not deserves as much attention as the rest.
            let skipped = 500;
            let at = at.index(bytes.len() - skipped);
            let at = if at < 400 { at } else { at + skipped };
            match cut {
                true => bytes.truncate(at),
                false => bytes[at] = byte,
            }
            if let Ok(read) = read_all(&bytes) {
                prop_assert_eq!(read, whole);
            }
        }
    }
}
