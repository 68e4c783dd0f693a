//! Folders that are replaced whole or not at all.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, Result};

/// Fills a folder beside `folder`, then puts it in its place. A kill at any point leaves the old
/// folder or the new one, the latter perhaps still under its other name, see [`finish_replacing`].
pub(super) fn replace_folder(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    finish_replacing(folder)?;
    let (partial, whole) = (beside(folder, "partial"), beside(folder, "whole"));
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?;
    }
    fs::create_dir_all(&partial).map_err(Error::io("create", &partial))?;
    fill(&partial)?;
    fs::rename(&partial, &whole).map_err(Error::io("rename", &partial))?;
    finish_replacing(folder)
}

/// A folder with the ending `whole` is complete and newer than the one without: it takes its place.
pub(super) fn finish_replacing(folder: &Path) -> Result<()> {
    let whole = beside(folder, "whole");
    if whole.exists() {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(Error::io("remove", folder))?;
        }
        fs::rename(&whole, folder).map_err(Error::io("rename", &whole))?;
    }
    Ok(())
}

fn beside(folder: &Path, ending: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    folder.with_file_name(name)
}
