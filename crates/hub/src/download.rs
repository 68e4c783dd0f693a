//! One file: gone on with where it stopped, checked, and then shown whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    thread,
};

use ureq::http::header::{CONTENT_RANGE, HeaderValue, RANGE};

use crate::{
    Error, Repo, Result,
    cache::{Shelf, make_folder},
    digest::Digest,
    http::{Call, Http, unreachable},
    listing::Entry,
    parallel::Stop,
    progress::Meter,
};

/// Files that are longer come in several answers: the hub's storage serves no more than 50 GB in
/// one.
const LONGEST_ANSWER: u64 = 32 << 30;

/// How much is read, hashed and written at a time.
const BUFFER: usize = 256 << 10;

/// What a download needs besides the file.
pub(crate) struct Download<'a> {
    pub(crate) http: &'a Http,
    pub(crate) shelf: &'a Shelf,
    pub(crate) repo: &'a Repo,
    pub(crate) commit: &'a str,
    pub(crate) meter: &'a Meter<'a>,
}

impl Download<'_> {
    /// Puts `entry` into the snapshot, with as little traffic as it takes.
    pub(crate) fn put(&self, entry: &Entry, stop: &Stop) -> Result<()> {
        let (name, size) = (entry.name.as_str(), entry.size);
        if self.shelf.has(self.commit, entry) {
            self.meter.reused(name, size);
        } else {
            let _lock = self.shelf.lock(&entry.etag)?;
            if self.shelf.has_blob(entry) {
                self.meter.reused(name, size);
            } else if !self.fetch(entry, stop)? {
                return Ok(());
            }
            self.shelf.link(self.commit, entry)?;
        }
        self.meter.finished(name);
        Ok(())
    }

    /// Makes the content of `entry` whole; false if it was stopped before.
    fn fetch(&self, entry: &Entry, stop: &Stop) -> Result<bool> {
        let mut partial = Partial::open(self, entry)?;
        let mut resumed = partial.have > 0;
        tracing::debug!(repo = %self.repo, file = entry.name, from = partial.have, "downloading");
        loop {
            if !self.fill(&mut partial, stop)? {
                return Ok(false);
            }
            match partial.damage() {
                None => break,
                // What an earlier run left may be at fault.
                Some(_) if resumed => {
                    resumed = false;
                    partial.clear()?;
                }
                Some(found) => {
                    partial.clear()?;
                    return Err(Error::Hash {
                        repo: self.repo.clone(),
                        file: entry.name.clone(),
                        expected: entry.etag.clone(),
                        found,
                    });
                }
            }
        }
        partial.finish()?;
        Ok(true)
    }

    /// Downloads what `partial` lacks; false if it was stopped before.
    fn fill(&self, partial: &mut Partial, stop: &Stop) -> Result<bool> {
        let mut failures = 0;
        while partial.have < partial.entry.size {
            if stop.is_set() {
                return Ok(false);
            }
            let before = partial.have;
            let error = match self.receive(partial, stop) {
                Ok(()) => continue,
                Err(error @ Error::Unreachable { .. }) => error,
                Err(error) => return Err(error),
            };
            failures = if partial.have > before { 1 } else { failures + 1 };
            if failures >= self.http.patience.tries.max(1) {
                return Err(error);
            }
            tracing::warn!(file = partial.entry.name, have = partial.have, %error, "going on");
            thread::sleep(self.http.patience.pause(failures));
        }
        Ok(true)
    }

    /// One answer, or as much of it as comes.
    fn receive(&self, partial: &mut Partial, stop: &Stop) -> Result<()> {
        let Entry { name, size, .. } = partial.entry;
        let mut call = Call::get(self.http.url(&self.repo.resolve(self.commit, name)));
        if let Some(range) = range(partial.have, *size) {
            call.headers.insert(RANGE, range);
        }
        let answer = self.http.call(&call)?;
        let begins = match answer.status() {
            206 => answer.header(CONTENT_RANGE.as_str()).and_then(begin),
            200 => Some(0),
            // Nothing is there to go on with, by this server's reckoning.
            416 => return partial.clear_once(answer.wrong("it has no such range")),
            _ => {
                return Err(match answer.check(self.repo, Some(name)) {
                    Ok(answer) => answer.wrong(format!("its status is {}", answer.status())),
                    Err(error) => error,
                });
            }
        };
        match begins {
            Some(0) if partial.have > 0 => partial.clear()?,
            Some(begin) if begin == partial.have => {}
            _ => return Err(answer.wrong("it is another range than was asked for")),
        }
        let announced = answer.header("content-length").and_then(|length| length.parse().ok());
        let fits = |length: u64| match answer.status() {
            200 => length == *size,
            _ => partial.have.saturating_add(length) <= *size,
        };
        if let Some(length) = announced.filter(|length| !fits(*length)) {
            let error = partial.wrong_size(partial.have.saturating_add(length));
            partial.clear()?;
            return Err(error);
        }
        let end = end(partial.have, *size);
        let url = answer.url;
        let mut body = answer.response.into_body().into_reader();
        let mut buffer = vec![0; BUFFER];
        while !stop.is_set() {
            let read = body.read(&mut buffer).map_err(|source| unreachable(&url, source))?;
            match read {
                0 if partial.have < end => {
                    return Err(unreachable(&url, io::Error::from(io::ErrorKind::UnexpectedEof)));
                }
                0 => break,
                _ => partial.add(&buffer[..read])?,
            }
        }
        Ok(())
    }
}

/// Where an answer ends that begins at `have`.
fn end(have: u64, size: u64) -> u64 {
    size.min(have.saturating_add(LONGEST_ANSWER))
}

/// The header that asks for what lies between `have` and `size`; `None` where that is a whole file.
fn range(have: u64, size: u64) -> Option<HeaderValue> {
    let end = end(have, size);
    let whole = have == 0 && end == size;
    let last = end.saturating_sub(1);
    if whole { None } else { HeaderValue::from_str(&format!("bytes={have}-{last}")).ok() }
}

/// Where a range begins, of `bytes 5-9/10`.
fn begin(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

/// What has arrived of a content. Its lock is held.
struct Partial<'a> {
    download: &'a Download<'a>,
    entry: &'a Entry,
    file: File,
    have: u64,
    /// `None` where the content's name is no hash.
    digest: Option<Digest>,
    cleared: bool,
}

impl<'a> Partial<'a> {
    /// What an earlier run, or Python, has left; its bytes are hashed again.
    fn open(download: &'a Download<'a>, entry: &'a Entry) -> Result<Partial<'a>> {
        let path = download.shelf.incomplete(&entry.etag);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let open = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let file = open.map_err(Error::io("open", &path))?;
        let digest = Digest::of(&entry.etag, entry.size);
        let mut partial = Partial { download, entry, file, have: 0, digest, cleared: false };
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = partial.file.read(&mut buffer).map_err(Error::io("read", &path))?;
            if read == 0 {
                break;
            }
            partial.have += read as u64;
            if partial.have > entry.size {
                partial.have = 0;
                partial.clear()?;
                return Ok(partial);
            }
            partial.hash(&buffer[..read]);
        }
        download.meter.reused(&entry.name, partial.have);
        Ok(partial)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let have = self.have + bytes.len() as u64;
        if have > self.entry.size {
            let error = self.wrong_size(have);
            self.clear()?;
            return Err(error);
        }
        let path = self.download.shelf.incomplete(&self.entry.etag);
        self.file.write_all(bytes).map_err(Error::io("write", path))?;
        self.hash(bytes);
        self.have = have;
        self.download.meter.sent(&self.entry.name, bytes.len() as u64);
        Ok(())
    }

    fn hash(&mut self, bytes: &[u8]) {
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
    }

    /// Forgets everything that has arrived.
    fn clear(&mut self) -> Result<()> {
        let path = self.download.shelf.incomplete(&self.entry.etag);
        self.file.set_len(0).map_err(Error::io("write", path))?;
        self.download.meter.lost(&self.entry.name, self.have);
        self.have = 0;
        self.digest = Digest::of(&self.entry.etag, self.entry.size);
        Ok(())
    }

    /// The same, but `error` if that has not led anywhere before.
    fn clear_once(&mut self, error: Error) -> Result<()> {
        if self.cleared || self.have == 0 {
            return Err(error);
        }
        self.cleared = true;
        self.clear()
    }

    fn wrong_size(&self, found: u64) -> Error {
        Error::Size {
            repo: self.download.repo.clone(),
            file: self.entry.name.clone(),
            expected: self.entry.size,
            found,
        }
    }

    /// The hash of what has arrived, if it is not the one that it should be.
    fn damage(&mut self) -> Option<String> {
        let found = self.digest.take()?.finish();
        (!found.eq_ignore_ascii_case(&self.entry.etag)).then_some(found)
    }

    /// Makes it the content.
    fn finish(self) -> Result<()> {
        let Partial { download: Download { shelf, .. }, entry, file, .. } = self;
        let (from, to) = (shelf.incomplete(&entry.etag), shelf.blob(&entry.etag));
        // A blob that is there after a power failure must be whole, too.
        file.sync_data().and_then(|()| fs::rename(&from, &to)).map_err(Error::io("write", to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_ask_for_what_is_missing() {
        let text = |have, size| {
            range(have, size).map(|header| header.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        assert_eq!(text(0, 10), "");
        assert_eq!(text(4, 10), "bytes=4-9");
        assert_eq!(text(0, 100 << 30), format!("bytes=0-{}", (32u64 << 30) - 1));
        assert_eq!(
            text(96 << 30, 100 << 30),
            format!("bytes={}-{}", 96u64 << 30, (100u64 << 30) - 1)
        );
        assert_eq!(
            (begin("bytes 5-9/10"), begin("bytes */10"), begin("5-9")),
            (Some(5), None, None)
        );
    }
}
