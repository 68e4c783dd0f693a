//! JSON as Python writes it: with `NaN`, `Infinity` and `-Infinity` where a number may stand.
//!
//! `serde_json` neither reads nor writes these, and an unscored sample is a `NaN`. So a log has a
//! reader and a writer of its own; all else is strict.

mod de;
mod scan;
mod ser;
mod token;
mod value;
mod visit;

use std::fmt;

pub use self::value::{Map, Number, Value};
pub(crate) use self::{
    de::from_slice,
    scan::{ScanError, Scanner},
    ser::to_writer,
};

/// What is wrong with a piece of JSON, and at which of its bytes.
#[derive(Debug)]
pub(crate) struct JsonError {
    pub(crate) message: String,
    /// Zero while the place is not known.
    pub(crate) at: u64,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.at)
    }
}

impl std::error::Error for JsonError {}

impl serde::de::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        JsonError { message: message.to_string(), at: 0 }
    }
}
