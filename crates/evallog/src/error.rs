//! The errors of this crate.

use std::{io, path::PathBuf};

/// What can go wrong with a log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },

    /// The file is no log, or is cut off.
    #[error("`{path}` is no evaluation log: {why}")]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What speaks against it.
        why: String,
    },

    /// A version of the format that is not known here.
    #[error(
        "`{path}` is of version {version}; at most 2 can be read, so a newer release is needed"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i64,
    },

    /// A part of the log is damaged, or packed in a way that cannot be read.
    #[error("`{part}` of `{path}` cannot be read: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The member of the archive, or the part of the JSON.
        part: String,
        /// What is wrong.
        why: String,
    },

    /// A part of the log is not the JSON that should stand there.
    #[error("`{part}` of `{path}` is wrong at byte {at}: {why}")]
    Json {
        /// The file.
        path: PathBuf,
        /// The member of the archive, or the part of the JSON.
        part: String,
        /// The byte of this part near which it is wrong.
        at: u64,
        /// What is wrong.
        why: String,
    },

    /// A part of the log is larger than allowed.
    #[error("`{part}` of `{path}` is larger than {limit}; if it may be, raise `Limits::{raise}`")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large.
        part: String,
        /// The largest size allowed.
        limit: u64,
        /// The limit to raise.
        raise: &'static str,
    },

    /// A sample in the layout of many small members, which is not read here.
    #[error(
        "`{sample}` of `{path}` is stored in chunks, which are not read here; \
         have Inspect convert the log"
    )]
    Chunked {
        /// The file.
        path: PathBuf,
        /// The name of the sample's members.
        sample: String,
    },

    /// Data that no log can hold.
    #[error("cannot put this into a log: {why}")]
    Value {
        /// What is wrong with it.
        why: String,
    },

    /// An id that cannot be written.
    #[error("a sample cannot have the id `{id}`: {why}; give it another one")]
    Id {
        /// The id.
        id: String,
        /// The rule that it breaks.
        why: &'static str,
    },
}

impl Error {
    /// A failure of the file system.
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { doing, path, source }
    }
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
