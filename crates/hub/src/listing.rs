//! Which files a commit has, how large they are, and what their contents are called.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::{
    Error, Repo, Result,
    address::{join, shown},
    answer::Answer,
    cache::Shelf,
    http::{Call, Http},
    name,
    repo::is_commit,
};

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its name in the repository.
    pub(crate) name: String,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// What its content is called: a hash, on the hub.
    pub(crate) etag: String,
}

/// No file of the hub is larger than half of it.
const LARGEST: u64 = 1 << 40;

/// More pages than any repository fills.
const PAGES: usize = 2_000;

impl Entry {
    /// Of what the server at `url` says, once it is known to be safe.
    fn checked(url: &str, repo: &Repo, name: &str, size: u64, etag: &str) -> Result<Entry> {
        name::checked(repo, name)?;
        let wrong = |why| Err(Error::Answer { url: shown(url).into(), why });
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if etag.is_empty() || etag.len() > 128 || etag.starts_with('.') || !etag.bytes().all(known)
        {
            return wrong(format!("the content of `{name}` has no usable name"));
        }
        if size > LARGEST {
            return wrong(format!("`{name}` is said to have {size} bytes"));
        }
        Ok(Entry { name: name.into(), size, etag: etag.into() })
    }
}

/// The commit that the repository's revision is now.
pub(crate) fn commit(http: &Http, repo: &Repo) -> Result<String> {
    if let Some(commit) = repo.commit() {
        return Ok(commit.into());
    }
    let url = http.url(&repo.api("revision", repo.revision()));
    let mut answer = http.call(&Call::get(url))?.check(repo, None)?;
    let info: hf_hub::api::RepoInfo = answer.json()?;
    if is_commit(&info.sha) { Ok(info.sha) } else { Err(answer.wrong("it names no commit")) }
}

/// The files of a commit, remembered by the cache, since a commit never changes.
pub(crate) fn remembered(shelf: &Shelf, repo: &Repo, commit: &str) -> Option<Vec<Entry>> {
    let text = fs::read(shelf.listing(commit)).ok()?;
    let entries: Vec<Entry> = serde_json::from_slice(&text).ok()?;
    let safe = |e: &Entry| Entry::checked("", repo, &e.name, e.size, &e.etag).is_ok();
    entries.iter().all(safe).then_some(entries)
}

/// The files of a commit, as the hub lists them, sorted by name. The cache remembers them.
pub(crate) fn ask(http: &Http, shelf: &Shelf, repo: &Repo, commit: &str) -> Result<Vec<Entry>> {
    let mut url = http.url(&repo.api("tree", commit)) + "?recursive=true&expand=false";
    let mut entries = Vec::new();
    for _ in 0..PAGES {
        let mut answer = http.call(&Call::get(url.clone()))?.check(repo, None)?;
        for node in answer.json::<Vec<Node>>()? {
            if node.kind == "file" {
                let (size, etag) = match &node.lfs {
                    Some(lfs) => (lfs.size, &lfs.oid),
                    None => (node.size, &node.oid),
                };
                entries.push(Entry::checked(&url, repo, &node.path, size, etag)?);
            }
        }
        let Some(next) = next(&answer) else {
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            let text = serde_json::to_vec(&entries).map_err(|error| answer.wrong(error))?;
            shelf.write(&shelf.listing(commit), &text)?;
            return Ok(entries);
        };
        url = next;
    }
    Err(Error::Answer { url: shown(&url).into(), why: "its listing does not end".into() })
}

/// One file of a revision, and the commit that this is, from the headers of the file.
pub(crate) fn ask_file(http: &Http, repo: &Repo, name: &str) -> Result<(String, Entry)> {
    let mut call = Call::get(http.url(&repo.resolve(repo.revision(), name)));
    call.method = ureq::http::Method::HEAD;
    let answer = http.call(&call)?.check(repo, Some(name))?;
    let linked = |header| answer.header(&format!("x-linked-{header}"));
    let missing = |what: &str| answer.wrong(format!("it has no {what} of the file"));
    let commit = answer.header("x-repo-commit").filter(|commit| is_commit(commit));
    let commit = commit.ok_or_else(|| missing("commit"))?;
    let etag = linked("etag").or_else(|| answer.header("etag")).ok_or_else(|| missing("etag"))?;
    let etag = etag.trim_start_matches("W/").trim_matches('"');
    let size = linked("size").or_else(|| answer.header("content-length"));
    let size = size.and_then(|size| size.parse().ok()).ok_or_else(|| missing("size"))?;
    Ok((commit.into(), Entry::checked(&answer.url, repo, name, size, etag)?))
}

/// A file or folder in the hub's answer.
#[derive(Deserialize)]
struct Node {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
    oid: String,
    lfs: Option<Lfs>,
}

/// A large file, of which `size` and `oid` above are the pointer's on some servers.
#[derive(Deserialize)]
struct Lfs {
    size: u64,
    oid: String,
}

/// The address of the next page: `Link: <https://…>; rel="next"`.
fn next(answer: &Answer) -> Option<String> {
    let links = answer.header("link")?.split(',');
    let next = links.map(str::trim).find(|link| link.ends_with("rel=\"next\""))?;
    let (url, _) = next.strip_prefix('<')?.split_once('>')?;
    join(&answer.url, url)
}
