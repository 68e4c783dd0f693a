//! Tokenising a data set into a file, on all cores.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufWriter, Seek, SeekFrom, Write},
    path::Path,
};

use ethos_core::Watch;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Digest, Row, RowFile,
    digest::{COUNTS, Digester, Record},
    row_file::{HEADER, Header, VERSION},
};
use crate::{Error, Result};

/// About so many bytes of rows are tokenised between two looks at the input: a quarter of a second's
/// work of one core, and of which there are at most three in memory.
const CHUNK: usize = 4 << 20;

/// How far the writing of a [`RowFile`] has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Writing {
    /// Rows written.
    pub rows: usize,
    /// Their tokens.
    pub tokens: u64,
    /// Those that carry loss.
    pub learnt: u64,
    /// What was not written, and why.
    pub left_out: LeftOut,
}

/// Items of a data set that became no row, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LeftOut {
    /// They have no tokens.
    pub empty: usize,
    /// None of their tokens carries loss; the first never does.
    pub without_loss: usize,
}

impl RowFile {
    /// Tokenises items into a file of rows, on all cores, and opens it.
    ///
    /// Items are read as they are needed, and rows keep their order: the file's bytes do not depend on
    /// the number of threads, nor its size on memory. Items without tokens or without loss are counted
    /// and left out. The file is there when it is whole, and not before; what stood at `path` is then
    /// replaced. Whoever calls from a rayon pool of their own has the work done there.
    ///
    /// `key` is kept in the file, at most some 500 bytes. A program that puts hashes of data set,
    /// tokenizer and template there tokenises once:
    ///
    /// ```
    /// use ethos_core::{Document, jsonl};
    /// use ethos_train::{RowFile, Rows, Tokenizer};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let (corpus, path) = (folder.path().join("corpus.jsonl"), folder.path().join("corpus.rows"));
    /// # jsonl::write(&corpus, ["a b", "", "b"].map(|text| Document::new(text, text)))?;
    /// # let key = "of these";
    /// let tokenizer = Tokenizer::word_level(["a", "b"].map(str::to_owned))?;
    /// let rows = match RowFile::open(&path) {
    ///     Ok(rows) if rows.key() == key => rows,
    ///     _ => {
    ///         let documents = jsonl::read::<Document>(&corpus)?;
    ///         RowFile::write(&path, key, documents, |d| tokenizer.document(&d.text), &())?
    ///     }
    /// };
    /// assert_eq!((rows.len(), rows.left_out().without_loss), (2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first item's that is an error itself; [`Error::Row`] with the number of the first item, from
    /// 0, that cannot be tokenised; [`Error::Io`]. What stood at `path` before is then untouched.
    pub fn write<T, E>(
        path: impl AsRef<Path>,
        key: &str,
        items: impl IntoIterator<Item = Result<T, E>>,
        tokenise: impl Fn(&T) -> Result<Row> + Sync,
        watch: &dyn Watch<Writing>,
    ) -> Result<RowFile>
    where
        T: Send,
        E: Into<Error>,
    {
        let path = path.as_ref();
        let record = |(number, item): (usize, Result<T>)| {
            let row = item.map(|item| tokenise(&item).and_then(|row| row.to_record()))?;
            row.map_err(Error::row(number))
        };
        let threads = rayon::current_num_threads();
        let mut items = items.into_iter().map(|item| item.map_err(Into::into)).enumerate().fuse();
        replace(path, |file| {
            let mut writer = Writer::new(path, file)?;
            // Three chunks at a time: one is written, one tokenised, one read.
            let mut many = 16 * threads;
            let mut read: Vec<_> = items.by_ref().take(many).collect();
            let mut records: Vec<Result<Record>> = Vec::new();
            while !read.is_empty() || !records.is_empty() {
                let (now, before) = (std::mem::take(&mut read), std::mem::take(&mut records));
                rayon::in_place_scope(|scope| {
                    scope.spawn(|_| records = now.into_par_iter().map(record).collect());
                    writer.add(before)?;
                    read = items.by_ref().take(many).collect();
                    Ok::<_, Error>(())
                })?;
                many = fitting(&records).clamp(threads, 4096 * threads);
                watch.progress(&writer.written());
            }
            writer.finish(key)
        })?;
        RowFile::open(path)
    }
}

/// How many items make a chunk, if they go on as these.
fn fitting(records: &[Result<Record>]) -> usize {
    let bytes: usize = records.iter().flatten().map(|record| record.bytes.len()).sum();
    CHUNK * records.len() / bytes.max(1)
}

/// A file of rows in the making: header, rows, index.
struct Writer<'p> {
    path: &'p Path,
    file: BufWriter<File>,
    index: Vec<u8>,
    digester: Digester,
    left_out: LeftOut,
}

impl<'p> Writer<'p> {
    fn new(path: &'p Path, file: File) -> Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        // What the header says is known at the end.
        file.write_all(&[b' '; HEADER]).map_err(Error::io("write", path))?;
        let (digester, left_out) = Default::default();
        Ok(Writer { path, file, index: Vec::new(), digester, left_out })
    }

    fn add(&mut self, records: Vec<Result<Record>>) -> Result<()> {
        for record in records {
            let record = record?;
            if record.learnt == 0 {
                let empty = record.tokens == 0;
                self.left_out.empty += usize::from(empty);
                self.left_out.without_loss += usize::from(!empty);
                continue;
            }
            let (counts, rest) = record.bytes.split_at(COUNTS);
            self.index.extend_from_slice(counts);
            self.file.write_all(rest).map_err(Error::io("write", self.path))?;
            self.digester.add(&record);
        }
        Ok(())
    }

    fn written(&self) -> Writing {
        let Digest { tokens, learnt, .. } = *self.digester.counted();
        let rows = self.index.len() / COUNTS;
        Writing { rows, tokens, learnt, left_out: self.left_out.clone() }
    }

    /// Writes index and header; then the file's bytes are on the disk.
    fn finish(self, key: &str) -> Result<()> {
        let Writer { path, mut file, index, digester, left_out } = self;
        let wrong = |message: &str| {
            Err(Error::RowFile { path: path.to_owned(), message: message.to_owned() })
        };
        let rows = index.len() / COUNTS;
        if u32::try_from(rows).is_err() {
            return wrong("cannot hold so many rows; write several files and mix them");
        }
        let header = Header {
            ethos_rows: VERSION,
            rows,
            digest: digester.finish(),
            left_out,
            key: key.to_owned(),
        };
        let mut header = serde_json::to_vec(&header).unwrap_or_default();
        if header.len() >= HEADER {
            return wrong("cannot be given so long a key; give a hash");
        }
        header.resize(HEADER - 1, b' ');
        header.push(b'\n');
        file.write_all(&index)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(&header))
            .and_then(|()| file.into_inner()?.sync_all())
            .map_err(Error::io("write", path))
    }
}

/// Fills a file beside `path`, which then takes its name.
fn replace(path: &Path, fill: impl FnOnce(File) -> Result<()>) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    let mut name = OsStr::new(".").to_owned();
    // Of another name for each process.
    name.push(std::process::id().to_string());
    name.push(".partial.");
    name.push(path.file_name().unwrap_or_default());
    let partial = path.with_file_name(name);
    let written = File::create(&partial)
        .map_err(Error::io("create", &partial))
        .and_then(fill)
        .and_then(|()| fs::rename(&partial, path).map_err(Error::io("write", path)));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;
    use crate::Rows;

    /// Rows of many lengths, some of which are none.
    fn tokenise(number: &u32) -> Result<Row> {
        let mut row = Row::learning_all((0..number % 50).collect());
        if number.is_multiple_of(7) {
            row.weights.fill(0.0);
        }
        Ok(row)
    }

    fn items(many: u32) -> impl Iterator<Item = Result<u32>> {
        (0..many).map(Ok)
    }

    #[test]
    fn bytes_do_not_depend_on_threads() {
        let folder = tempfile::tempdir().unwrap();
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let path = folder.path().join(threads.to_string());
            pool.install(|| RowFile::write(&path, "", items(20_000), tokenise, &())).unwrap();
            fs::read(path).unwrap()
        };
        let one = with(1);
        assert!(with(2) == one && with(5) == one);
    }

    #[test]
    fn order_is_kept_and_everything_counted() {
        let folder = tempfile::tempdir().unwrap();
        let told = Mutex::new(Vec::new());
        let watch = |writing: &Writing| told.lock().unwrap().push(writing.clone());
        let path = folder.path().join("rows");
        let file = RowFile::write(&path, "", items(9_000), tokenise, &watch).unwrap();
        let kept: Vec<Row> = (0..9_000).map(|n| tokenise(&n).unwrap()).collect();
        let (empty, kept): (Vec<Row>, Vec<Row>) = kept.into_iter().partition(|r| r.ids.is_empty());
        let (kept, silent): (Vec<Row>, Vec<Row>) = kept.into_iter().partition(|r| r.learnt() > 0);
        assert_eq!(file.digest().unwrap(), kept.digest().unwrap());
        let told = told.into_inner().unwrap();
        assert!(told.len() > 2 && told.is_sorted_by_key(|writing| writing.rows));
        let last = told.last().unwrap();
        assert_eq!((last.rows, last.tokens), (kept.len(), file.digest().unwrap().tokens));
        assert_eq!(&last.left_out, file.left_out());
        let left_out = LeftOut { empty: empty.len(), without_loss: silent.len() };
        assert_eq!(file.left_out(), &left_out);
    }

    #[test]
    fn the_first_failure_ends_the_writing_and_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        RowFile::write(&path, "old", items(9), tokenise, &()).unwrap();
        let failing = |number: &u32| match number % 1_000 {
            700.. => Err(Error::Template(format!("no system message in {number}"))),
            _ => tokenise(number),
        };
        let error = RowFile::write(&path, "", items(9_000), failing, &()).unwrap_err();
        assert!(matches!(error, Error::Row { row: 700, .. }), "{error}");
        // An item that cannot be read comes in its turn, too.
        let torn = items(650).chain([Err(Error::NoData("torn"))]).chain(items(9_000));
        let error = RowFile::write(&path, "", torn, failing, &()).unwrap_err();
        assert!(matches!(error, Error::NoData("torn")), "{error}");
        let row = Row { ids: vec![1, 2], weights: vec![1.0] };
        let error = RowFile::write(&path, "", items(2), |_| Ok(row.clone()), &()).unwrap_err();
        assert!(matches!(error, Error::Row { row: 0, .. }), "{error}");
        let error = RowFile::write(&path, &"k".repeat(900), items(9), tokenise, &()).unwrap_err();
        assert!(error.to_string().contains("so long a key"), "{error}");
        assert_eq!(RowFile::open(&path).unwrap().key(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn items_are_read_as_they_are_needed() {
        let folder = tempfile::tempdir().unwrap();
        let (read, written, ahead) = (Cell::new(0), AtomicUsize::new(0), Cell::new(0));
        let counted = items(20_000).inspect(|_| {
            read.set(read.get() + 1);
            ahead.set(ahead.get().max(read.get() - written.load(Ordering::Relaxed)));
        });
        let watch = |writing: &Writing| written.store(writing.rows, Ordering::Relaxed);
        let tokenise = |_: &u32| Ok(Row::learning_all(vec![1; 2_000]));
        RowFile::write(folder.path().join("rows"), "", counted, tokenise, &watch).unwrap();
        // A chunk of 4 MiB is 524 such rows.
        assert!(ahead.get() <= 3 * 524, "{} rows were in memory", ahead.get());
    }
}
