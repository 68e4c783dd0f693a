//! Folders that are replaced whole or not at all.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::parts::{ANY, Kind};
use crate::{Error, Result};

/// Fills a folder beside `folder`, then puts it in its place. A kill at any point leaves the old
/// folder or the new one, the latter perhaps still under its other name, see [`finish_replacing`].
///
/// Before anything is written, it is an error if the folder has no name, or holds what `kind` does not
/// write and would be lost.
pub(super) fn replace_folder(
    folder: &Path,
    kind: &Kind,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    if folder.file_name().is_none() {
        let message =
            "has no name of its own; give the folder by its name, as in `runs/model`".to_owned();
        return Err(Error::Checkpoint { path: folder.to_owned(), message });
    }
    finish_replacing(folder, kind)?;
    kind.check_before(folder)?;
    let (partial, whole) = (beside(folder, "partial"), beside(folder, "whole"));
    ANY.check(&partial)?;
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?;
    }
    fs::create_dir_all(&partial).map_err(Error::io("create", &partial))?;
    fill(&partial)?;
    sync_all(&partial)?;
    fs::rename(&partial, &whole).map_err(Error::io("rename", &partial))?;
    finish_replacing(folder, kind)
}

/// A folder with the ending `whole` is complete and newer than the one without: it takes its place.
pub(super) fn finish_replacing(folder: &Path, kind: &Kind) -> Result<()> {
    let whole = beside(folder, "whole");
    if whole.exists() {
        ANY.check(&whole)?;
        kind.check(folder)?;
        // The old one goes only when the new one would outlive a loss of power.
        sync_names(beside_all(folder));
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(Error::io("remove", folder))?;
        }
        fs::rename(&whole, folder).map_err(Error::io("rename", &whole))?;
        sync_names(beside_all(folder));
    }
    Ok(())
}

fn beside(folder: &Path, ending: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    folder.with_file_name(name)
}

/// The folder that it stands in.
fn beside_all(folder: &Path) -> &Path {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Waits until all that a folder holds is on the disk.
fn sync_all(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            // Some systems want to be able to write to what they sync.
            let file = File::options().write(true).open(&path);
            file.and_then(|file| file.sync_all()).map_err(Error::io("sync", &path))?;
        }
    }
    sync_names(folder);
    Ok(())
}

/// Asks that the names in a folder outlive a loss of power. Not every system can.
fn sync_names(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
