//! Writing logs, sample by sample.

mod archive;
mod document;
mod publish;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use self::{archive::Archive, document::Document};
use crate::{Error, EvalLog, EvalSample, EvalSampleReductions, Result};

/// How the members of a `.eval` log are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// What every archive tool reads.
    #[default]
    Deflate,
    /// What Inspect itself uses: smaller and faster.
    #[cfg(feature = "zstd")]
    Zstd,
}

/// Writes a log, `.eval` or `.json` by the ending of its name, sample by sample.
///
/// Samples go to a nameless file, so that memory stays flat. [`LogWriter::flush`] puts a whole log of
/// what there is so far in place, with the status `started`: readers and Inspect's viewer can open it at
/// any time, and a writer that dies leaves the last one behind. [`LogWriter::finish`] puts the finished
/// log in its place. A log is always replaced whole.
///
/// A sample that is added again, by id and epoch, replaces the earlier one. Nothing here reads a clock
/// or makes ids: times and ids are the caller's.
pub struct LogWriter {
    path: PathBuf,
    started: EvalLog,
    target: Target,
}

enum Target {
    Archive(Archive),
    Document(Document),
}

impl LogWriter {
    /// Starts a log and puts it in place, without samples. Missing folders are made.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn create(path: impl AsRef<Path>, log: &EvalLog) -> Result<LogWriter> {
        LogWriter::create_packed(path, log, Compression::default())
    }

    /// The same, packed in another way.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn create_packed(
        path: impl AsRef<Path>,
        log: &EvalLog,
        compression: Compression,
    ) -> Result<LogWriter> {
        let path = path.as_ref().to_owned();
        let folder = publish::folder(&path);
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let spool = || tempfile::tempfile_in(folder).map_err(Error::io("write in", folder));
        let started = EvalLog { plan: log.plan.clone(), ..EvalLog::new(log.eval.clone()) };
        let target = match path.extension().is_some_and(|ending| ending == "json") {
            true => Target::Document(Document::new(spool()?)),
            false => {
                let archive = Archive::start([spool()?, spool()?], compression, &started);
                Target::Archive(archive.map_err(Error::io("write", &path))?)
            }
        };
        let mut writer = LogWriter { path, started, target };
        writer.flush()?;
        Ok(writer)
    }

    /// Adds a sample.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] for an id that a log cannot hold, and [`Error::Io`]. The log is as it was before.
    pub fn add(&mut self, sample: &EvalSample) -> Result<()> {
        let name = crate::name::sample(&sample.id, sample.epoch)?;
        let added = match &mut self.target {
            Target::Archive(archive) => archive.add(name, sample),
            Target::Document(document) => document.add(name, sample),
        };
        added.map_err(Error::io("write", &self.path))
    }

    /// Puts a log of all samples so far in place.
    ///
    /// It copies what there is, so its cost grows with the log: call it every so many seconds, not for
    /// every sample.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the log that was in place before is then untouched.
    pub fn flush(&mut self) -> Result<()> {
        let written = match &mut self.target {
            Target::Archive(archive) => archive
                .journal()
                .and_then(|()| publish::replace(&self.path, |file| archive.copy_to(file))),
            Target::Document(document) => {
                publish::replace(&self.path, |file| document.copy_to(file, &self.started, None))
            }
        };
        written.map_err(Error::io("write", &self.path))
    }

    /// Puts the finished log in place.
    ///
    /// `log` says how it ended: its status, results, stats. Reductions are the scores of samples over
    /// their epochs, where there are some.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; the log that was in place before is then untouched.
    pub fn finish(self, log: &EvalLog, reductions: Option<&[EvalSampleReductions]>) -> Result<()> {
        let path = &self.path;
        let written = match self.target {
            Target::Archive(mut archive) => archive
                .finish(log, reductions)
                .and_then(|()| publish::replace(path, |file| archive.copy_to(file))),
            Target::Document(mut document) => {
                publish::replace(path, |file| document.copy_to(file, log, reductions))
            }
        };
        written.map_err(Error::io("write", path))
    }

    /// Where the log stands.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogWriter").field("path", &self.path).finish_non_exhaustive()
    }
}
