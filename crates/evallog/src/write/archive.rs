//! Logs that are archives: `.eval`.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Seek, SeekFrom, Write},
};

use serde::Serialize;

use crate::{
    Compression, EvalLog, EvalPlan, EvalSample, EvalSampleReductions, EvalSpec,
    json::{Scanner, to_writer},
    name,
    zip::ArchiveWriter,
};

/// So many bytes of summaries are journalled at the latest.
const MOST_PENDING: usize = 1 << 20;

/// The first member of a log.
#[derive(Serialize)]
struct Start<'a> {
    version: i64,
    eval: &'a EvalSpec,
    plan: &'a EvalPlan,
}

pub(super) struct Archive {
    zip: ArchiveWriter,
    /// All summaries that are journalled, as a list that is not closed.
    spooled: File,
    /// Summaries that are not journalled yet, as items of a list.
    pending: Vec<u8>,
    /// Lists of summaries in the journal.
    lists: u64,
    /// Summaries so far, and by the name of a sample the number of its last one.
    summaries: u64,
    last: HashMap<String, u64>,
}

impl Archive {
    pub(super) fn start(
        [spool, mut spooled]: [File; 2],
        compression: Compression,
        log: &EvalLog,
    ) -> io::Result<Archive> {
        let mut zip = ArchiveWriter::new(spool, compression);
        let start = Start { version: log.version, eval: &log.eval, plan: &log.plan };
        zip.add(name::START, |file| to_writer(file, &start))?;
        spooled.write_all(b"[")?;
        let (pending, last) = (Vec::new(), HashMap::new());
        Ok(Archive { zip, spooled, pending, lists: 0, summaries: 0, last })
    }

    pub(super) fn add(&mut self, name: String, sample: &EvalSample) -> io::Result<()> {
        self.zip.add(&name, |file| to_writer(file, sample))?;
        if !self.pending.is_empty() {
            self.pending.push(b',');
        }
        to_writer(&mut self.pending, &sample.summary())?;
        self.last.insert(name, self.summaries);
        self.summaries += 1;
        match self.pending.len() > MOST_PENDING {
            true => self.journal(),
            false => Ok(()),
        }
    }

    /// Moves the pending summaries to the journal.
    pub(super) fn journal(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = &self.pending;
        self.zip.add(&name::journal_summary(self.lists + 1), |file| {
            file.write_all(b"[")?;
            file.write_all(pending)?;
            file.write_all(b"]")
        })?;
        if self.lists > 0 {
            self.spooled.write_all(b",")?;
        }
        self.spooled.write_all(pending)?;
        self.lists += 1;
        self.pending.clear();
        Ok(())
    }

    pub(super) fn copy_to(&mut self, file: &mut File) -> io::Result<()> {
        self.zip.copy_to(file)
    }

    /// Adds what only a finished log has.
    pub(super) fn finish(
        &mut self,
        log: &EvalLog,
        reductions: Option<&[EvalSampleReductions]>,
    ) -> io::Result<()> {
        self.journal()?;
        self.gather()?;
        if let Some(reductions) = reductions {
            self.zip.add(name::REDUCTIONS, |file| to_writer(file, reductions))?;
        }
        self.zip.add(name::HEADER, |file| to_writer(file, log))
    }

    /// Puts the last summary of each sample into one list, one after the other.
    fn gather(&mut self) -> io::Result<()> {
        self.spooled.write_all(b"]")?;
        self.spooled.seek(SeekFrom::Start(0))?;
        let mut wanted = vec![false; usize::try_from(self.summaries).unwrap_or(usize::MAX)];
        for &number in self.last.values() {
            wanted[number as usize] = true;
        }
        let mut list = Scanner::new(BufReader::new(&mut self.spooled));
        self.zip.add(name::SUMMARIES, |file| {
            list.expect(b'[', "it is a list")?;
            let (mut bytes, mut separator) = (Vec::new(), "[");
            for (number, wanted) in wanted.into_iter().enumerate() {
                bytes.clear();
                list.item(number == 0, b']')?;
                list.value(&mut bytes, u64::MAX)?;
                if wanted {
                    file.write_all(separator.as_bytes())?;
                    file.write_all(&bytes)?;
                    separator = ",";
                }
            }
            file.write_all(if separator == "[" { b"[]" } else { b"]" })
        })
    }
}
