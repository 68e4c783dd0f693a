//! The errors of this crate.

use std::path::PathBuf;

/// What can go wrong while reading a file or filling placeholders.
///
/// A text that looks wrong is not among them: parsing cannot fail, see
/// [`Diagnostic`](crate::Diagnostic).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read spec `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },

    /// The file is not UTF-8.
    #[error(
        "spec `{}` is not UTF-8 at byte {offset}; save it as UTF-8, or decode it yourself and \
         pass the text to `Spec::parse`",
        path.display()
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where the first byte stands that is not UTF-8, counted from 0.
        offset: usize,
    },

    /// Placeholders that a persona has no value for, or that its values brought in.
    #[error("no value for {}; give each one with `Persona::with`", braces(names))]
    Unfilled {
        /// The names, each once, in order of appearance.
        names: Vec<String>,
    },
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn braces(names: &[String]) -> String {
    names.iter().map(|name| format!("`{{{name}}}`")).collect::<Vec<_>>().join(", ")
}
