//! Hashes that name contents: SHA-256 for large files, git's own for the others.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

/// A hash that is fed piece by piece.
pub(crate) struct Digest(Context);

impl Digest {
    /// The hash of a file of `size` bytes whose content is named `etag`, by the hub and in the
    /// cache.
    ///
    /// 64 hex digits are a SHA-256 and 40 are git's hash of a blob. Another server may name
    /// contents in another way, of which nothing can be checked.
    pub(crate) fn of(etag: &str, size: u64) -> Option<Digest> {
        let hex = etag.bytes().all(|b| b.is_ascii_hexdigit());
        match etag.len() {
            64 if hex => Some(Digest::sha256()),
            40 if hex => Some(Digest(git(size))),
            _ => None,
        }
    }

    pub(crate) fn sha256() -> Digest {
        Digest(Context::new(&SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash in hex digits.
    pub(crate) fn finish(self) -> String {
        hex(self.0)
    }
}

/// Git's hash of a blob.
pub(crate) fn git_blob(bytes: &[u8]) -> String {
    let mut context = git(bytes.len() as u64);
    context.update(bytes);
    hex(context)
}

fn git(size: u64) -> Context {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(format!("blob {size}\0").as_bytes());
    context
}

fn hex(context: Context) -> String {
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_git_and_sha256sum() {
        // `printf hello | git hash-object --stdin` and `printf hello | sha256sum`.
        let git = "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0";
        let sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(git_blob(b"hello"), git);
        for etag in [git, sha] {
            let mut digest = Digest::of(etag, 5).unwrap();
            digest.update(b"hel");
            digest.update(b"lo");
            assert_eq!(digest.finish(), etag);
        }
        assert!(Digest::of("another-servers-name", 5).is_none());
    }
}
