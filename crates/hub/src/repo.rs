//! What is fetched: a repository of the hub, at a revision.

use std::{fmt, str::FromStr};

use hf_hub::RepoType;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a repository holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A model: its configuration, tokenizer and weights.
    Model,
    /// A data set.
    Dataset,
}

impl Kind {
    /// As the hub's interface says it of one.
    pub(crate) fn singular(self) -> &'static str {
        match self {
            Kind::Model => "model",
            Kind::Dataset => "dataset",
        }
    }

    /// As the hub's addresses and the cache's folders say it.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Kind::Model => "models",
            Kind::Dataset => "datasets",
        }
    }

    /// As errors say it.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Kind::Model => "model",
            Kind::Dataset => "data set",
        }
    }
}

/// A repository at a revision, by names that are checked: they can be parts of addresses and paths.
///
/// Written `owner/name@revision` for a model and `datasets/owner/name@revision` for a data set;
/// without a revision it is `main`. It parses and serialises as that text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repo {
    kind: Kind,
    name: Box<str>,
    revision: Box<str>,
}

impl Repo {
    /// A model by its name, `owner/name` or just `name`, at `main`.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] with the rule of the hub that the name breaks.
    pub fn model(name: &str) -> Result<Repo> {
        Repo::new(Kind::Model, name)
    }

    /// A data set by its name, at `main`.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] with the rule of the hub that the name breaks.
    pub fn dataset(name: &str) -> Result<Repo> {
        Repo::new(Kind::Dataset, name)
    }

    fn new(kind: Kind, name: &str) -> Result<Repo> {
        match fault_of_name(name) {
            None => Ok(Repo { kind, name: name.into(), revision: "main".into() }),
            Some(why) => Err(Error::Name { what: "name of a repository", given: name.into(), why }),
        }
    }

    /// The same repository at a branch, a tag, or a commit by its full hash.
    ///
    /// A commit never changes, so that what was fetched of one is used again without asking.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] with the rule of git that the revision breaks.
    pub fn at(self, revision: &str) -> Result<Repo> {
        match fault_of_revision(revision) {
            None => Ok(Repo { revision: revision.into(), ..self }),
            Some(why) => Err(Error::Name { what: "revision", given: revision.into(), why }),
        }
    }

    /// What it holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `owner/name`, or just `name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The branch, tag or commit.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The commit, where the revision is one.
    pub(crate) fn commit(&self) -> Option<&str> {
        is_commit(&self.revision).then_some(&*self.revision)
    }

    /// As hf-hub knows it, which has the names of folders and pages.
    pub(crate) fn known(&self) -> hf_hub::Repo {
        let kind = match self.kind {
            Kind::Model => RepoType::Model,
            Kind::Dataset => RepoType::Dataset,
        };
        hf_hub::Repo::with_revision(self.name.to_string(), kind, self.revision.to_string())
    }

    /// The repository's page below the hub's address, and so that of its files:
    /// `datasets/owner/name`.
    pub(crate) fn page(&self) -> String {
        self.known().url()
    }

    /// Something of the repository in the hub's interface: `api/datasets/owner/name/tree/main`.
    pub(crate) fn api(&self, what: &str, revision: &str) -> String {
        let (kind, name) = (self.kind.plural(), &self.name);
        format!("api/{kind}/{name}/{what}/{}", escaped(revision))
    }

    /// A file of the repository: `owner/name/resolve/main/config.json`.
    pub(crate) fn resolve(&self, revision: &str, file: &str) -> String {
        let parts: Vec<String> = file.split('/').map(escaped).collect();
        format!("{}/resolve/{}/{}", self.page(), escaped(revision), parts.join("/"))
    }
}

/// `part` as one part of an address, its slashes escaped too.
fn escaped(part: &str) -> String {
    const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(part, &KEPT).to_string()
}

/// Whether `revision` is a commit by its full hash.
pub(crate) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The hub's rules for names, as `huggingface_hub` has them.
fn fault_of_name(name: &str) -> Option<&'static str> {
    let parts = || name.split('/');
    let edge = |part: &str| part.starts_with(['-', '.']) || part.ends_with(['-', '.']);
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if parts().count() > 2 {
        Some("it is `owner/name` or `name`")
    } else if parts().any(str::is_empty) {
        Some("a part of it is empty")
    } else if matches!(name.split_once('/'), Some(("models" | "datasets" | "spaces", _))) {
        Some("it begins with a kind where the owner belongs; parse it, or leave the kind out")
    } else if !name.chars().all(known) {
        Some("only letters, digits, `-`, `_` and `.` are allowed")
    } else if parts().any(edge) || name.contains("--") || name.contains("..") {
        Some("no part begins or ends with `-` or `.`, or has two of them in a row")
    } else if name.len() > 96 {
        Some("it is longer than 96 characters")
    } else if name.ends_with(".git") {
        Some("the ending `.git` is not part of it")
    } else {
        None
    }
}

/// Git's rules for branches and tags, which also make them safe as paths (`git help
/// check-ref-format`).
fn fault_of_revision(revision: &str) -> Option<&'static str> {
    let bad = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    if revision.split('/').any(bad) {
        Some("a part of it is empty, begins with `.` or ends with `.lock`")
    } else if revision.contains(forbidden) || revision.contains("@{") {
        Some("git allows no spaces, `~`, `^`, `:`, `?`, `*`, `[`, `\\` and `@{`")
    } else if revision.contains("..") || revision.ends_with('.') || revision.starts_with('-') {
        Some("git allows no `..`, no `.` at the end and no `-` at the beginning")
    } else if revision.len() > 200 {
        Some("it is longer than 200 bytes")
    } else {
        None
    }
}

impl FromStr for Repo {
    type Err = Error;

    fn from_str(text: &str) -> Result<Repo> {
        let (path, revision) = match text.split_once('@') {
            Some((path, revision)) => (path, Some(revision)),
            None => (text, None),
        };
        let repo = match path.split_once('/') {
            Some(("datasets", name)) => Repo::dataset(name)?,
            Some(("models", name)) => Repo::model(name)?,
            _ => Repo::model(path)?,
        };
        revision.map_or(Ok(repo.clone()), |revision| repo.at(revision))
    }
}

impl TryFrom<String> for Repo {
    type Error = Error;

    fn try_from(text: String) -> Result<Repo> {
        text.parse()
    }
}

impl From<Repo> for String {
    fn from(repo: Repo) -> String {
        repo.to_string()
    }
}

impl fmt::Display for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.page(), self.revision)
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_and_repository_are_one() {
        let repo: Repo = "Qwen/Qwen2.5-0.5B".parse().unwrap();
        assert_eq!(repo, Repo::model("Qwen/Qwen2.5-0.5B").unwrap());
        assert_eq!(repo.to_string(), "Qwen/Qwen2.5-0.5B@main");
        let repo: Repo = "datasets/owner/chats@refs/pr/1".parse().unwrap();
        assert_eq!((repo.kind(), repo.name()), (Kind::Dataset, "owner/chats"));
        assert_eq!(repo.revision(), "refs/pr/1");
        assert_eq!(repo.resolve(repo.revision(), "a b/c#.jsonl"), {
            "datasets/owner/chats/resolve/refs%2Fpr%2F1/a%20b/c%23.jsonl"
        });
        assert_eq!("gpt2".parse::<Repo>().unwrap().page(), "gpt2");
        assert_eq!("models/owner/name".parse::<Repo>().unwrap().name(), "owner/name");
        let json = serde_json::to_string(&repo).unwrap();
        assert_eq!(json, "\"datasets/owner/chats@refs/pr/1\"");
        assert_eq!(serde_json::from_str::<Repo>(&json).unwrap(), repo);
    }

    #[test]
    fn names_and_revisions_that_break_a_rule_are_refused() {
        for name in [
            "",
            "a/",
            "/a",
            "a/b/c",
            "a b",
            ".a",
            "a-",
            "a--b",
            "a/..",
            "a..b",
            "x.git",
            "datasets/a",
        ] {
            let error = Repo::model(name).unwrap_err().to_string();
            assert!(error.contains("name of a repository"), "{name}: {error}");
        }
        let repo = Repo::model("a/b").unwrap();
        let long = "x".repeat(201);
        for revision in
            ["", "/", "a//b", "../x", "a/../b", "a/.b", "a b", "a\\b", "x@{1}", "-x", &long]
        {
            assert!(repo.clone().at(revision).is_err(), "{revision}");
        }
        assert!(repo.at("feature/x-1.2@y").is_ok());
    }

    proptest! {
        /// Whatever is accepted stays below the folder that it is joined to, and survives as text.
        #[test]
        fn what_is_accepted_is_safe_as_a_path(
            name in "[a-zA-Z0-9._/-]{1,12}",
            revision in "[a-z0-9./@\\\\:#%é-]{1,12}",
        ) {
            let below = |path: &str| {
                Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
            };
            if let Ok(repo) = Repo::model(&name).and_then(|repo| repo.at(&revision)) {
                prop_assert!(below(&repo.known().folder_name()) && below(repo.revision()));
                prop_assert!(repo.known().folder_name().matches('/').count() == 0);
                prop_assert_eq!(repo.to_string().parse::<Repo>().unwrap(), repo);
            }
        }
    }
}
