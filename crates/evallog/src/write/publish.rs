//! Files that are replaced whole or not at all.

use std::{fs::File, io, path::Path};

/// The folder that a file is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Fills a file beside `path`, which takes its name once its bytes are on the disk.
pub(super) fn replace(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".evallog-");
    // Readable by whom the user's other files are, not by the user alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut beside = builder.tempfile_in(folder(path))?;
    fill(beside.as_file_mut())?;
    beside.as_file().sync_all()?;
    beside.persist(path)?;
    Ok(())
}
