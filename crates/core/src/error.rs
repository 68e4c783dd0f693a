//! The errors of this crate.

use std::{error::Error as StdError, path::PathBuf, time::Duration};

/// What can go wrong while asking, journalling, rendering or reading files.
///
/// An answer that cannot be used is not among them: it is data, see [`Unusable`](crate::Unusable).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model could not answer.
    #[error("model `{model}`: {kind}: {message}")]
    Model {
        /// The model's key.
        model: String,
        /// What sort of failure.
        kind: ModelErrorKind,
        /// What happened, and the way out where there is one.
        message: String,
        /// How long the provider asked us to wait.
        retry_after: Option<Duration>,
        /// The underlying error.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },

    /// The journal's store failed; what it had committed is safe.
    #[error("journal `{path}` failed while {doing}; what was committed is safe")]
    Journal {
        /// The journal's file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// The store's error.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },

    /// Another process, or another `Journal` of this one, has the file open.
    #[error("journal `{path}` is open elsewhere; a journal belongs to one process at a time")]
    JournalBusy {
        /// The journal's file.
        path: PathBuf,
    },

    /// The journal was written by a newer ethos.
    #[error("journal `{path}` has format {found}, this version reads {known}; update ethos")]
    JournalFormat {
        /// The journal's file.
        path: PathBuf,
        /// The format found.
        found: u64,
        /// The newest format this version reads.
        known: u64,
    },

    /// The journal belongs to something else.
    #[error(
        "journal `{path}` belongs to another {what}: it has `{found}`, this is `{given}`; give the one it \
         was begun with, or a journal of its own"
    )]
    JournalBelongs {
        /// The journal's file.
        path: PathBuf,
        /// What it was bound to.
        what: String,
        /// The value that it has.
        found: String,
        /// The value that was given.
        given: String,
    },

    /// A prompt could not be compiled or rendered.
    #[error("prompt `{name}`: {message}")]
    Prompt {
        /// The prompt's name.
        name: String,
        /// What is wrong, with the line.
        message: String,
    },

    /// A line of a JSONL file is not what was expected.
    #[error("{path}:{line}: {message}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong, and the way out where there is one.
        message: String,
    },

    /// A file could not be read or written.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

/// The sorts of failure a model can report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelErrorKind {
    /// The credentials were refused.
    Auth,
    /// Too many requests or tokens; see `retry_after`.
    RateLimit,
    /// No answer within the time limit.
    TimeLimit,
    /// The connection failed.
    Connection,
    /// The model cannot do what was asked (scoring, tools, …).
    Unsupported,
    /// The request itself is wrong (too long, malformed).
    BadRequest,
    /// Anything else.
    Other,
}

impl std::fmt::Display for ModelErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ModelErrorKind::Auth => "not authorised",
            ModelErrorKind::RateLimit => "rate limit",
            ModelErrorKind::TimeLimit => "time limit",
            ModelErrorKind::Connection => "connection failed",
            ModelErrorKind::Unsupported => "unsupported",
            ModelErrorKind::BadRequest => "bad request",
            ModelErrorKind::Other => "failed",
        })
    }
}

impl Error {
    /// A model's failure, without a source.
    pub fn model(
        model: impl Into<String>,
        kind: ModelErrorKind,
        message: impl Into<String>,
    ) -> Self {
        Error::Model {
            model: model.into(),
            kind,
            message: message.into(),
            retry_after: None,
            source: None,
        }
    }

    /// What sort of failure of a model it is; `None` for other errors.
    pub fn kind(&self) -> Option<ModelErrorKind> {
        match self {
            Error::Model { kind, .. } => Some(*kind),
            _ => None,
        }
    }

    /// Whether a model would refuse the same again: it was asked for wrongly, or is not allowed or not able.
    pub fn is_refusal(&self) -> bool {
        use ModelErrorKind::{Auth, BadRequest, Unsupported};
        matches!(self.kind(), Some(Auth | BadRequest | Unsupported))
    }

    /// The same failure, for another ask that it befell.
    pub(crate) fn again(&self) -> Error {
        match self {
            Error::Model { model, kind, message, retry_after, source } => Error::Model {
                model: model.clone(),
                kind: *kind,
                message: message.clone(),
                retry_after: *retry_after,
                source: source.as_ref().map(|source| source.to_string().into()),
            },
            other => Error::model("?", ModelErrorKind::Other, other.to_string()),
        }
    }
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
