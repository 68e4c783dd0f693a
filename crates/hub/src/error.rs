//! The errors of this crate.

use std::{error::Error as StdError, io, path::PathBuf, time::Duration};

use crate::Repo;

/// What can go wrong between here and the hub.
///
/// No error holds a token, and addresses are shown without their query, which may be a signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name, a revision, a pattern or an address that cannot be one.
    #[error("`{given}` is no {what}: {why}")]
    Name {
        /// What it was to be.
        what: &'static str,
        /// What was given.
        given: String,
        /// The rule that it breaks.
        why: &'static str,
    },

    /// The token cannot be sent in a header. It is not shown.
    #[error("the token holds spaces or other characters that no token has; copy it again")]
    Token,

    /// There is no folder for the cache.
    #[error("no home folder, so no place for the cache; set HF_HOME or HF_HUB_CACHE")]
    NoHome,

    /// The repository is gated, or the token does not open it.
    #[error("{} `{}` is closed: {why}", repo.kind().noun(), repo.name())]
    Denied {
        /// The repository.
        repo: Repo,
        /// What the hub said, and the way out.
        why: String,
    },

    /// The hub knows no such repository, or does not show it to whoever asks.
    #[error("no {} `{}` at {endpoint}, or it is private: {why}", repo.kind().noun(), repo.name())]
    NoRepo {
        /// The repository.
        repo: Repo,
        /// The hub that was asked.
        endpoint: String,
        /// Whether a token was sent, and the way out.
        why: &'static str,
    },

    /// The repository has no such branch, tag or commit.
    #[error("{} `{}` has no revision `{}`", repo.kind().noun(), repo.name(), repo.revision())]
    NoRevision {
        /// The repository and the revision.
        repo: Repo,
    },

    /// The repository has no such file at this revision.
    #[error("`{repo}` has no file `{file}`")]
    NoFile {
        /// The repository and the revision.
        repo: Repo,
        /// The file.
        file: String,
    },

    /// No file of the repository is wanted.
    #[error("no file of `{repo}` is named like {wanted}; it has {has}")]
    NothingWanted {
        /// The repository and the revision.
        repo: Repo,
        /// The patterns.
        wanted: String,
        /// Some of the files that there are.
        has: String,
    },

    /// Offline, and the cache lacks something.
    #[error(
        "offline, and the cache `{cache}` lacks {} of `{repo}`; fetch it once with a network",
        missing.join(", ")
    )]
    Offline {
        /// The repository and the revision.
        repo: Repo,
        /// The cache.
        cache: PathBuf,
        /// What is missing.
        missing: Vec<String>,
    },

    /// The hub could not be reached, or fell silent, however often it was tried.
    #[error("cannot reach {url}; what is in the cache can be used offline (HF_HUB_OFFLINE=1)")]
    Unreachable {
        /// The address.
        url: String,
        /// The client's error.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The hub refused, with a status that has no variant of its own.
    #[error("{url} answered {status}{message}{}", wait(retry_after))]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the hub said, after a colon, or nothing.
        message: String,
        /// How long the hub asked us to wait.
        retry_after: Option<Duration>,
    },

    /// An answer that does not hold what the hub's answers hold.
    #[error("cannot understand the answer of {url}: {why}; is it a hub?")]
    Answer {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },

    /// A redirection that must not be followed.
    #[error("{url} redirects to {to}, which is not followed: {why}")]
    Redirect {
        /// The address that redirects.
        url: String,
        /// Where it leads.
        to: String,
        /// Why that is wrong.
        why: &'static str,
    },

    /// The hub names a file that would lie outside the snapshot's folder.
    #[error("the hub names a file `{file}` of `{repo}`, which is refused: {why}")]
    UnsafeName {
        /// The repository.
        repo: Repo,
        /// The name, as the hub gave it.
        file: String,
        /// The rule that it breaks.
        why: &'static str,
    },

    /// A file is longer or shorter than the hub had said. Nothing of it is kept.
    #[error("`{file}` of `{repo}` has {found} bytes and should have {expected}; try again")]
    Size {
        /// The repository and the revision.
        repo: Repo,
        /// The file.
        file: String,
        /// Its size by the hub's listing.
        expected: u64,
        /// The bytes that came, or that were announced.
        found: u64,
    },

    /// A file is not what its hash says. Nothing of it is kept.
    #[error("`{file}` of `{repo}` arrived damaged: its hash is {found}, not {expected}; try again")]
    Hash {
        /// The repository and the revision.
        repo: Repo,
        /// The file.
        file: String,
        /// Its hash by the hub's listing.
        expected: String,
        /// The hash of what came.
        found: String,
    },

    /// The disk is full. What has arrived is kept, and gone on with when there is room.
    #[error("no room left for `{path}`; make some, then fetch again, which goes on from here")]
    DiskFull {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },

    /// A file or folder could not be read, written or locked.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },

    /// Something about an upload that no server needs to be asked about.
    #[error("cannot upload to `{repo}`: {why}")]
    Upload {
        /// The repository.
        repo: Repo,
        /// What is wrong, and the way out.
        why: String,
    },

    /// The store of large files refused one. Those that it took before are kept: uploading the
    /// folder again sends only the rest.
    #[error("the store refused `{file}` of `{repo}`: {message}")]
    Store {
        /// The repository.
        repo: Repo,
        /// The file.
        file: String,
        /// What the store said.
        message: String,
    },
}

fn wait(retry_after: &Option<Duration>) -> String {
    match retry_after {
        Some(time) => format!("; try again in {} s", time.as_secs()),
        None => String::new(),
    }
}

impl Error {
    /// A failure of the file system, a full disk told apart.
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Error::DiskFull { path, source }
            }
            _ => Error::Io { doing, path, source },
        }
    }
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        let of = |kind: io::ErrorKind| Error::io("write", "blob")(kind.into());
        assert!(matches!(of(io::ErrorKind::StorageFull), Error::DiskFull { .. }));
        assert!(matches!(of(io::ErrorKind::QuotaExceeded), Error::DiskFull { .. }));
        assert!(matches!(of(io::ErrorKind::PermissionDenied), Error::Io { doing: "write", .. }));
    }
}
