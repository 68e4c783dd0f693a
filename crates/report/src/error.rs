use std::{io, path::PathBuf};

/// What can go wrong: drawing cannot, writing a file can.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The page could not be put in its place.
    #[error("cannot write the page `{}`", path.display())]
    Write {
        /// Where the page was to stand.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

/// A result whose error is this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
