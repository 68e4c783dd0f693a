//! The cache: folders that Python's `huggingface_hub` shares.
//!
//! ```text
//! models--owner--name/blobs/<etag>               contents, by their hash
//!                     blobs/<etag>.incomplete    what has arrived of one
//!                     snapshots/<commit>/<file>  links to contents
//!                     refs/<revision>            the commit that it was when last asked
//!                     listings/<commit>.json     which files there are; ours alone
//! .locks/models--owner--name/<etag>.lock         held while a content is written
//! ```

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Component, Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{Error, Repo, Result, listing::Entry, repo::is_commit};

/// The cache's place for one repository.
pub(crate) struct Shelf {
    known: hf_hub::CacheRepo,
    folder: PathBuf,
    locks: PathBuf,
}

impl Shelf {
    pub(crate) fn new(cache: &hf_hub::Cache, repo: &Repo) -> Shelf {
        let name = repo.known().folder_name();
        Shelf {
            known: cache.repo(repo.known()),
            folder: cache.path().join(&name),
            locks: cache.path().join(".locks").join(&name),
        }
    }

    /// The commit that `revision` is, or was when last asked.
    pub(crate) fn commit(&self, revision: &str) -> Option<String> {
        let text = fs::read_to_string(self.folder.join("refs").join(revision)).ok()?;
        Some(text.trim()).filter(|commit| is_commit(commit)).map(str::to_owned)
    }

    /// Remembers that `revision` is `commit`, if it is news.
    pub(crate) fn remember(&self, revision: &str, commit: &str) -> Result<()> {
        if revision == commit || self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        self.write(&self.folder.join("refs").join(revision), commit.as_bytes())
    }

    /// The folder of a commit's files.
    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.known.pointer_path(commit)
    }

    /// Where the listing of a commit is kept.
    pub(crate) fn listing(&self, commit: &str) -> PathBuf {
        self.folder.join("listings").join(format!("{commit}.json"))
    }

    /// Where a content is, or will be.
    pub(crate) fn blob(&self, etag: &str) -> PathBuf {
        self.known.blob_path(etag)
    }

    /// Where what has arrived of a content is.
    pub(crate) fn incomplete(&self, etag: &str) -> PathBuf {
        self.blob(&format!("{etag}.incomplete"))
    }

    /// Whether the file is in the commit's snapshot, as large as it should be.
    pub(crate) fn has(&self, commit: &str, entry: &Entry) -> bool {
        is_file_of(&self.snapshot(commit).join(&entry.name), entry.size)
    }

    /// Whether the content is there, as large as it should be.
    pub(crate) fn has_blob(&self, entry: &Entry) -> bool {
        is_file_of(&self.blob(&entry.etag), entry.size)
    }

    /// Writes a small file of the shelf, whole or not at all. The draft is not beside it, where
    /// Python would take it for another revision.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        static DRAFTS: AtomicU64 = AtomicU64::new(0);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let draft = self.folder.join(format!(".draft-{}-{number}", process::id()));
        let written = File::create(&draft)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&draft, path));
        written.map_err(|error| {
            // The first error is the one to report.
            let _ = fs::remove_file(&draft);
            Error::io("write", path)(error)
        })
    }

    /// Waits until nobody else, in this process or another, writes the content.
    pub(crate) fn lock(&self, etag: &str) -> Result<File> {
        make_folder(&self.locks)?;
        let path = self.locks.join(format!("{etag}.lock"));
        let file = File::create(&path).map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tracing::info!(?path, "waiting for another fetch"),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        }
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(file)
    }

    /// Shows the content in the commit's snapshot under its name. The content's lock is held.
    pub(crate) fn link(&self, commit: &str, entry: &Entry) -> Result<()> {
        if self.has(commit, entry) {
            return Ok(());
        }
        let path = self.snapshot(commit).join(&entry.name);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("replace", &path)(error));
            }
            _ => {}
        }
        let blob = self.blob(&entry.etag);
        // Relative, so that the cache can be moved: up to the repository's folder, then down.
        let depth = 1 + entry.name.split('/').count();
        let up: PathBuf = std::iter::repeat_n(Component::ParentDir, depth).collect();
        let target = up.join("blobs").join(&entry.etag);
        symlink(&target, &path)
            .or_else(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Ok(()),
                // Windows without developer mode and some file systems have no links.
                _ => fs::hard_link(&blob, &path).or_else(|_| fs::copy(&blob, &path).map(drop)),
            })
            .map_err(Error::io("write", &path))
    }
}

#[cfg(windows)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, path)
}

#[cfg(unix)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn is_file_of(path: &Path, size: u64) -> bool {
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == size)
}

pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))
}
