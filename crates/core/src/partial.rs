//! Files that are made beside their place and come to it whole or not at all.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

/// A name beside `path`, another one for each process and call. The ending stays: it says how to
/// compress.
pub(crate) fn beside(path: &Path) -> PathBuf {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let (process, call) = (std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed));
    let mut name = OsString::from(format!(".{process}.{call}.partial."));
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}
