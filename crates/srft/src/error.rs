//! The errors of this crate.

/// What can go wrong while building data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A fact that cannot be used.
    #[error("fact `{id}`: {message}")]
    Fact {
        /// The fact.
        id: String,
        /// What is wrong with it.
        message: String,
    },

    /// A setting makes no sense.
    #[error("`{setting}` {message}")]
    Config {
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        message: String,
    },

    /// A file of data does not meet what its reader demands; it was not written.
    #[error("row {row}: {message}")]
    Export {
        /// The row, from 1; 0 for the file as a whole.
        row: usize,
        /// What is wrong, and the way out.
        message: String,
    },

    /// The texts of this crate are at fault, which its tests rule out.
    #[error("`{file}`: {message}")]
    Texts {
        /// The file.
        file: &'static str,
        /// What is wrong.
        message: String,
    },

    /// A file could not be read or written, or a template not rendered.
    #[error(transparent)]
    Core(#[from] ethos_core::Error),
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The lines of one of this crate's files.
pub(crate) fn lines<T: serde::de::DeserializeOwned>(
    file: &'static str,
    text: &str,
) -> Result<Vec<T>> {
    let read = |line: &str| {
        serde_json::from_str(line)
            .map_err(|error| Error::Texts { file, message: error.to_string() })
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(read).collect()
}
