//! The errors of this crate.

use std::path::PathBuf;

/// What can go wrong while loading, training and running a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A device name that means nothing.
    #[error("no device is named `{0}`; names are flex, cuda:N, libtorch, libtorch-cuda:N")]
    UnknownDevice(String),

    /// A device of a backend that this build does not have.
    #[error("this build has no backend for `{device}`; enable the feature `{feature}`")]
    NotBuilt {
        /// The device's name.
        device: String,
        /// The cargo feature that brings it.
        feature: &'static str,
    },

    /// A device that cannot be used on this machine.
    #[error("the device `{device}` cannot be used: {message}")]
    Unavailable {
        /// The device's name.
        device: String,
        /// What is missing, and how to get it.
        message: String,
    },

    /// A configuration that cannot be.
    #[error("{what}: {message}")]
    Config {
        /// Which configuration.
        what: &'static str,
        /// What is wrong, and the way out.
        message: String,
    },

    /// The tokenizer failed, or does not know a word.
    #[error("tokenizer: {0}")]
    Tokenizer(String),

    /// The chat template is wrong, or refuses a chat.
    #[error("chat template: {0}")]
    Template(String),

    /// There is nothing to learn from.
    #[error("nothing to train on: {0}")]
    NoData(&'static str),

    /// A row of a data set cannot be made, or is none.
    #[error("row {row} cannot be used")]
    Row {
        /// Its number, from 0.
        row: usize,
        /// What is wrong with it.
        #[source]
        source: Box<Error>,
    },

    /// A file of rows is not what it should be.
    #[error("rows `{path}`: {message}")]
    RowFile {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the way out.
        message: String,
    },

    /// The loss or a gradient stopped being a number.
    #[error(
        "{what} is not finite at step {step}; lower the learning rate, or look at the data{}",
        .saved.as_ref().map(|path| format!(" (the batch is in `{}`)", path.display()))
            .unwrap_or_default()
    )]
    NotFinite {
        /// What it was.
        what: &'static str,
        /// The step, from 0.
        step: usize,
        /// Where the batch was written, if it was.
        saved: Option<PathBuf>,
    },

    /// A checkpoint is not what it should be.
    #[error("checkpoint `{path}`: {message}")]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and the way out.
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

    /// Something that a local model cannot do.
    #[error("local models have no {0}")]
    Unsupported(&'static str),

    /// A model failed while it answered.
    #[error("inference: {0}")]
    Inference(String),

    /// A data file, as `ethos-core` reads and writes it.
    #[error(transparent)]
    Core(#[from] ethos_core::Error),
}

impl Error {
    pub(crate) fn io<'p>(
        doing: &'static str,
        path: &'p std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Error + 'p {
        move |source| Error::Io { doing, path: path.to_owned(), source }
    }

    pub(crate) fn row(row: usize) -> impl FnOnce(Error) -> Error {
        move |source| Error::Row { row, source: Box::new(source) }
    }
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
