//! Logs that are one JSON object: `.json`.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
};

use indexmap::IndexMap;

use crate::{EvalLog, EvalSample, EvalSampleReductions, json::to_writer};

pub(super) struct Document {
    /// The samples one after the other.
    spool: BufWriter<File>,
    end: u64,
    /// Where in it each sample stands, and its length.
    samples: IndexMap<String, (u64, u64)>,
}

impl Document {
    pub(super) fn new(spool: File) -> Document {
        Document { spool: BufWriter::new(spool), end: 0, samples: IndexMap::new() }
    }

    pub(super) fn add(&mut self, name: String, sample: &EvalSample) -> io::Result<()> {
        let start = self.end;
        self.spool.seek(SeekFrom::Start(start))?;
        to_writer(&mut self.spool, sample)?;
        self.end = self.spool.stream_position()?;
        self.samples.insert(name, (start, self.end - start));
        Ok(())
    }

    /// Writes the log around its samples: Inspect reads a header without its samples only if it comes
    /// first.
    pub(super) fn copy_to(
        &mut self,
        file: &mut File,
        log: &EvalLog,
        reductions: Option<&[EvalSampleReductions]>,
    ) -> io::Result<()> {
        self.spool.flush()?;
        let mut spool: &File = self.spool.get_ref();
        let mut file = BufWriter::new(file);
        let mut header = Vec::new();
        to_writer(&mut header, log)?;
        // An object whose bracket stays open.
        header.truncate(header.len().saturating_sub(1));
        file.write_all(&header)?;
        let mut separator = ",\"samples\":[";
        for &(start, length) in self.samples.values() {
            file.write_all(separator.as_bytes())?;
            spool.seek(SeekFrom::Start(start))?;
            io::copy(&mut spool.take(length), &mut file)?;
            separator = ",";
        }
        file.write_all(if self.samples.is_empty() { b",\"samples\":[]" } else { b"]" })?;
        if let Some(reductions) = reductions {
            file.write_all(b",\"reductions\":")?;
            to_writer(&mut file, reductions)?;
        }
        file.write_all(b"}")?;
        file.flush()
    }
}
