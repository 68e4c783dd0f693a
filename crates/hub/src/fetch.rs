//! Fetching: a snapshot of a repository, or one file of it.

use std::path::PathBuf;

use crate::{
    Error, Hub, Repo, Result, Wanted, Watch,
    cache::Shelf,
    download::Download,
    listing::{self, Entry},
    name,
    parallel::each,
    progress::Meter,
    unlisted,
};

/// Files of a commit, all of them there and whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The folder. It is the cache's: read it, and write elsewhere.
    pub folder: PathBuf,
    /// The commit that the revision was, by its full hash: with this revision the same bytes come
    /// again.
    pub commit: String,
    /// The files that were wanted, by name and sorted. The folder may hold more, of other fetches.
    pub files: Vec<String>,
}

impl Snapshot {
    /// The path of a file.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }
}

impl Hub {
    /// Brings the files of a repository that are wanted into the cache, and gives their folder.
    ///
    /// Files that the cache has are not fetched again, whoever fetched them; what a killed download
    /// left is gone on with; and every file is checked against the hash that the hub lists, before
    /// it appears. A commit by its full hash that was fetched before, with whatever patterns, is
    /// used without a network if no file is missing. Offline so is a branch, as the commit that it
    /// last was.
    ///
    /// # Errors
    ///
    /// What stands in the way, with the repository and the file: [`Error::Denied`],
    /// [`Error::NoRepo`], [`Error::NoRevision`], [`Error::NothingWanted`], [`Error::Offline`],
    /// [`Error::Unreachable`], and the others. What has arrived until then is kept.
    pub fn fetch(&self, repo: &Repo, wanted: &Wanted, watch: &dyn Watch) -> Result<Snapshot> {
        let shelf = Shelf::new(&self.cache, repo);
        let commit = self.commit(&shelf, repo)?;
        let entries = match listing::remembered(&shelf, repo, &commit) {
            Some(entries) => entries,
            None if self.offline => self.unlisted(&shelf, repo, &commit, wanted)?,
            None => listing::ask(&self.http, &shelf, repo, &commit)?,
        };
        let (entries, others): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| wanted.wants(&entry.name));
        if entries.is_empty() {
            return Err(Error::NothingWanted {
                repo: repo.clone(),
                wanted: wanted.to_string(),
                has: some_of(&others),
            });
        }
        if self.offline {
            let missing = entries.iter().filter(|entry| !shelf.has(&commit, entry));
            let missing: Vec<String> = missing.map(|entry| entry.name.clone()).collect();
            if !missing.is_empty() {
                return Err(self.lacks(repo, missing));
            }
        }
        let total = entries.iter().map(|entry| entry.size).sum();
        let meter = Meter::new(watch, entries.len(), total);
        let download =
            Download { http: &self.http, shelf: &shelf, repo, commit: &commit, meter: &meter };
        each(&entries, self.connections, |entry, stop| download.put(entry, stop))?;
        if !self.offline {
            shelf.remember(repo.revision(), &commit)?;
        }
        let files = entries.into_iter().map(|entry| entry.name).collect();
        let folder = shelf.snapshot(&commit);
        tracing::info!(%repo, commit, folder = %folder.display(), "fetched");
        Ok(Snapshot { folder, commit, files })
    }

    /// Brings one file into the cache, and gives its path. Asks for no listing, unlike
    /// [`Hub::fetch`].
    ///
    /// # Errors
    ///
    /// Those of [`Hub::fetch`], and [`Error::NoFile`].
    pub fn file(&self, repo: &Repo, file: &str, watch: &dyn Watch) -> Result<PathBuf> {
        name::checked(repo, file)?;
        let shelf = Shelf::new(&self.cache, repo);
        let known = if self.offline { shelf.commit(repo.revision()) } else { None };
        if let Some(commit) = repo.commit().or(known.as_deref()) {
            let path = shelf.snapshot(commit).join(file);
            if path.is_file() {
                return Ok(path);
            }
        }
        if self.offline {
            return Err(self.lacks(repo, vec![file.into()]));
        }
        let (commit, entry) = listing::ask_file(&self.http, repo, file)?;
        let meter = Meter::new(watch, 1, entry.size);
        let download =
            Download { http: &self.http, shelf: &shelf, repo, commit: &commit, meter: &meter };
        each(&[&entry], 1, |entry, stop| download.put(entry, stop))?;
        shelf.remember(repo.revision(), &commit)?;
        Ok(shelf.snapshot(&commit).join(file))
    }

    fn commit(&self, shelf: &Shelf, repo: &Repo) -> Result<String> {
        if !self.offline {
            return listing::commit(&self.http, repo);
        }
        let known = repo.commit().map(str::to_owned).or_else(|| shelf.commit(repo.revision()));
        known.ok_or_else(|| self.lacks(repo, vec!["the revision".into()]))
    }

    /// What another tool fetched, of which nobody knows here whether it is all.
    fn unlisted(
        &self,
        shelf: &Shelf,
        repo: &Repo,
        commit: &str,
        wanted: &Wanted,
    ) -> Result<Vec<Entry>> {
        let entries = unlisted::entries(&shelf.snapshot(commit))?;
        let missing: Vec<String> = unlisted::shards(&shelf.snapshot(commit), &entries)
            .into_iter()
            .filter(|shard| wanted.wants(shard) && entries.iter().all(|e| e.name != *shard))
            .collect();
        match entries.is_empty() {
            true => Err(self.lacks(repo, vec!["all files".into()])),
            false if !missing.is_empty() => Err(self.lacks(repo, missing)),
            false => Ok(entries),
        }
    }

    fn lacks(&self, repo: &Repo, missing: Vec<String>) -> Error {
        Error::Offline { repo: repo.clone(), cache: self.cache().into(), missing }
    }
}

/// Names to show in an error.
fn some_of(entries: &[Entry]) -> String {
    const SHOWN: usize = 8;
    let names: Vec<&str> = entries.iter().take(SHOWN).map(|entry| entry.name.as_str()).collect();
    match entries.len() {
        0 => "none at all".into(),
        n if n > SHOWN => format!("{} and {} more", names.join(", "), n - SHOWN),
        _ => names.join(", "),
    }
}
