//! Reading logs, part by part.

mod archive;
mod document;
mod items;

use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use self::{archive::Archive, document::Document};
use crate::{
    Error, EvalLog, EvalSample, EvalSampleReductions, EvalSampleSummary, Limits, Result, SampleId,
    json::{self, ScanError},
};

/// The newest version of the format.
const VERSION: i64 = 2;

/// Reads a log, `.eval` or `.json`, part by part: its header alone, one sample, or all of them one
/// after the other.
///
/// Which of the two a file is, its first bytes say. A log that is still being written, or whose writer
/// died, can be read as well: its status is [`EvalStatus::Started`](crate::EvalStatus::Started).
pub struct LogReader<R = File> {
    source: Source,
    file: R,
    context: Context,
}

enum Source {
    Archive(Archive),
    Document,
}

/// What parts of a reader need to know: whose errors they make, and how much they may take.
struct Context {
    path: PathBuf,
    limits: Limits,
}

impl LogReader {
    /// Opens a log.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], and [`Error::NotALog`] for a file that is none or is cut off.
    pub fn open(path: impl AsRef<Path>) -> Result<LogReader> {
        LogReader::open_within(path, Limits::default())
    }

    /// The same within other limits.
    ///
    /// # Errors
    ///
    /// Those of [`LogReader::open`].
    pub fn open_within(path: impl AsRef<Path>, limits: Limits) -> Result<LogReader> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::io("open", path))?;
        LogReader::new(file, path, limits)
    }
}

impl<R: Read + Seek> LogReader<R> {
    /// Reads a log from anything that can be read and sought in; errors call it by `name`.
    ///
    /// # Errors
    ///
    /// Those of [`LogReader::open`].
    pub fn new(mut file: R, name: impl Into<PathBuf>, limits: Limits) -> Result<LogReader<R>> {
        let context = Context { path: name.into(), limits };
        let mut start = Vec::new();
        let read = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.by_ref().take(64).read_to_end(&mut start));
        read.map_err(Error::io("read", &context.path))?;
        let source = match start.trim_ascii_start() {
            [b'P', b'K', ..] => Source::Archive(Archive::open(&mut file, &context)?),
            [b'{', ..] => Source::Document,
            _ => return Err(context.not_a_log("it is neither an archive nor a JSON object")),
        };
        Ok(LogReader { source, file, context })
    }

    /// All but samples and reductions. Of a `.json` log, samples are not even looked at.
    ///
    /// # Errors
    ///
    /// [`Error::Version`], and whatever is wrong with this part of the log.
    pub fn header(&mut self) -> Result<EvalLog> {
        let log = match &self.source {
            Source::Archive(archive) => archive.header(&mut self.file, &self.context)?,
            Source::Document => Document::new(&mut self.file, &self.context)?.header()?,
        };
        if log.version > VERSION {
            let path = self.context.path.clone();
            return Err(Error::Version { path, version: log.version });
        }
        Ok(log)
    }

    /// All samples in the order of the log, read as they are asked for.
    ///
    /// One that cannot be read is an error. In an archive the others can be read past it; in a `.json`
    /// log reading ends where it is no JSON.
    pub fn samples(&mut self) -> Box<dyn Iterator<Item = Result<EvalSample>> + '_> {
        match &self.source {
            Source::Archive(archive) => Box::new(archive.samples(&mut self.file, &self.context)),
            Source::Document => match Document::new(&mut self.file, &self.context) {
                Ok(document) => Box::new(document.samples()),
                Err(error) => Box::new(std::iter::once(Err(error))),
            },
        }
    }

    /// One sample, or nothing if there is none of this id and epoch. Ids are compared as texts.
    ///
    /// In a `.json` log it is searched for from the start.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the sample, or with the log before it.
    pub fn sample(&mut self, id: impl Into<SampleId>, epoch: i64) -> Result<Option<EvalSample>> {
        let id = id.into();
        match &self.source {
            Source::Archive(archive) => archive.sample(&mut self.file, &self.context, &id, epoch),
            Source::Document => Document::new(&mut self.file, &self.context)?.sample(&id, epoch),
        }
    }

    /// What a list of samples shows of each, without reading the samples where the log has a list.
    ///
    /// # Errors
    ///
    /// Each may be one, and then is the last.
    pub fn summaries(&mut self) -> Box<dyn Iterator<Item = Result<EvalSampleSummary>> + '_> {
        match &self.source {
            Source::Archive(archive) => archive.summaries(&mut self.file, &self.context),
            Source::Document => match Document::new(&mut self.file, &self.context) {
                Ok(document) => {
                    let samples = document.samples();
                    Box::new(samples.map(|sample| sample.map(|sample| sample.summary())))
                }
                Err(error) => Box::new(std::iter::once(Err(error))),
            },
        }
    }

    /// The scores of samples over their epochs; `None` where the log has none.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with this part of the log.
    pub fn reductions(&mut self) -> Result<Option<Vec<EvalSampleReductions>>> {
        match &self.source {
            Source::Archive(archive) => archive.reductions(&mut self.file, &self.context),
            Source::Document => Document::new(&mut self.file, &self.context)?.reductions(),
        }
    }
}

impl<R> fmt::Debug for LogReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader").field("path", &self.context.path).finish_non_exhaustive()
    }
}

impl Context {
    fn not_a_log(&self, why: impl Into<String>) -> Error {
        Error::NotALog { path: self.path.clone(), why: why.into() }
    }

    /// Reads the bytes of a part.
    fn parse<T: DeserializeOwned>(&self, bytes: &[u8], part: &str) -> Result<T> {
        json::from_slice(bytes, self.limits.depth).map_err(|error| Error::Json {
            path: self.path.clone(),
            part: part.to_owned(),
            at: error.at,
            why: error.message,
        })
    }

    fn too_large(&self, part: &str, limit: u64, raise: &'static str) -> Error {
        Error::TooLarge { path: self.path.clone(), part: part.to_owned(), limit, raise }
    }

    /// What went wrong in taking a part apart, and the limit that it may have hit.
    fn scan(&self, part: &str, raise: &'static str) -> impl Fn(ScanError) -> Error {
        move |error| match error {
            ScanError::Io(error) => self.damaged(part)(error),
            ScanError::TooLarge(limit) => self.too_large(part, limit, raise),
            ScanError::Syntax(why, at) => Error::Json {
                path: self.path.clone(),
                part: part.to_owned(),
                at,
                why: why.to_owned(),
            },
        }
    }

    fn damaged(&self, part: &str) -> impl Fn(io::Error) -> Error {
        move |error| Error::Damaged {
            path: self.path.clone(),
            part: part.to_owned(),
            why: match error.kind() {
                io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
                _ => error.to_string(),
            },
        }
    }
}
