//! A model as it is published: a folder, or a repository of the Hugging Face hub. Shared by the examples that load one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ethos_hub::{Hub, Progress, Repo, Wanted};
use indicatif::{ProgressBar, ProgressStyle};

/// The folder as it stands here, or else the one that these files of a repository are fetched to, once, with Hugging
/// Face's cache and login.
pub(crate) fn folder(model: impl AsRef<Path>, wanted: &Wanted) -> Result<PathBuf> {
    let model = model.as_ref();
    if model.exists() {
        return Ok(model.to_owned());
    }
    let neither = || format!("{model:?} is no folder here, nor to be had from the hub");
    let repo: Repo = model.to_string_lossy().parse().with_context(neither)?;
    let bar = ProgressBar::new(0);
    let style = "{msg} {bar:32} {bytes} of {total_bytes}, left {eta}";
    bar.set_style(ProgressStyle::with_template(style)?);
    let watch = |at: &Progress| {
        bar.set_length(at.total);
        bar.set_position(at.done);
        bar.set_message(at.file.clone());
    };
    let snapshot = Hub::from_env()?.fetch(&repo, wanted, &watch).with_context(neither)?;
    bar.finish_and_clear();
    Ok(snapshot.folder)
}
