//! Uploading: a folder becomes a commit.

use std::{collections::HashMap, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ureq::http::Method;

use crate::{
    Card, Error, Hub, Repo, Result, Wanted, Watch,
    answer::Answer,
    digest::git_blob,
    http::{Call, Payload},
    lfs::{self, Large},
    local::{self, Local},
    progress::Meter,
};

/// How a folder is uploaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// What the commit says it does.
    pub message: String,
    /// Whether to make the repository, if it is not there.
    pub create: bool,
    /// Whether a repository that is made is private. One that is there stays as it is.
    pub private: bool,
    /// Which files of the folder. Names that begin with a dot are left out in any case.
    pub files: Wanted,
    /// The card, which becomes `README.md`; without one, the folder's own is uploaded, if it has
    /// one.
    pub card: Option<Card>,
}

impl Upload {
    /// Every file, to a private repository that is made if needed.
    pub fn private(message: impl Into<String>) -> Upload {
        Upload {
            message: message.into(),
            create: true,
            private: true,
            files: Wanted::everything(),
            card: None,
        }
    }

    /// Every file, to a repository that everybody may read and that is made if needed.
    pub fn public(message: impl Into<String>) -> Upload {
        Upload { private: false, ..Upload::private(message) }
    }
}

/// What an upload has done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uploaded {
    /// The repository's page.
    pub page: String,
    /// The commit, by its full hash; `None` if nothing had changed, and so none was made.
    pub commit: Option<String>,
    /// Files that are new or have changed.
    pub changed: usize,
    /// Files that the repository had already, as they are.
    pub unchanged: usize,
    /// Files that the repository's `.gitignore` keeps out.
    pub ignored: usize,
}

/// How many files the hub takes in one question.
const BATCH: usize = 256;

impl Hub {
    /// Uploads a folder to a branch as one commit. Files of the repository that the folder lacks
    /// stay.
    ///
    /// Large files go to the hub's store first, several at a time, by Git LFS; the commit follows
    /// when all are there. Those that the store has already are not sent again, so that an upload
    /// that failed goes on with the file that it failed at. What has not changed is left out.
    ///
    /// # Errors
    ///
    /// [`Error::Upload`] for what is wrong on this side (no token, no files), [`Error::Denied`]
    /// without the right to write, [`Error::Store`], and the others that a request can have. The
    /// repository then has no new commit.
    pub fn upload(
        &self,
        folder: impl AsRef<Path>,
        repo: &Repo,
        upload: &Upload,
        watch: &dyn Watch,
    ) -> Result<Uploaded> {
        let files = self.prepare(folder.as_ref(), repo, upload)?;
        let refused = if upload.create { self.create(repo, upload)? } else { None };
        let plans = match self.plan(repo, &files) {
            Ok(plans) => plans,
            // Whoever may not make repositories may still write to one that is there.
            Err(error @ (Error::NoRepo { .. } | Error::Denied { .. })) => {
                return Err(refused.unwrap_or(error));
            }
            Err(error) => return Err(error),
        };
        let count = |wanted: fn(&Plan) -> bool| plans.iter().filter(|plan| wanted(plan)).count();
        let mut uploaded = Uploaded {
            page: self.http.url(&repo.page()),
            commit: None,
            changed: count(|plan| matches!(plan, Plan::Small(_) | Plan::Large(_))),
            unchanged: count(|plan| matches!(plan, Plan::Unchanged)),
            ignored: count(|plan| matches!(plan, Plan::Ignored)),
        };
        let total = files.iter().map(|file| file.size).sum();
        let meter = Meter::new(watch, files.len(), total);
        let mut large = Vec::new();
        for (file, plan) in files.iter().zip(&plans) {
            match plan {
                Plan::Large(oid) => large.push(Large { file, oid }),
                Plan::Small(_) => {}
                Plan::Unchanged | Plan::Ignored => {
                    meter.reused(&file.name, file.size);
                    meter.finished(&file.name);
                }
            }
        }
        lfs::store(&self.http, repo, &large, self.connections, &meter)?;
        if uploaded.changed > 0 {
            uploaded.commit = Some(self.commit_files(repo, upload, &files, &plans)?);
        }
        for (file, plan) in files.iter().zip(&plans) {
            if let Plan::Small(_) = plan {
                meter.sent(&file.name, file.size);
                meter.finished(&file.name);
            }
        }
        tracing::info!(%repo, commit = uploaded.commit, changed = uploaded.changed, "uploaded");
        Ok(uploaded)
    }

    /// The files, if all that can be known without asking is well.
    fn prepare(&self, folder: &Path, repo: &Repo, upload: &Upload) -> Result<Vec<Local>> {
        let wrong = |why: String| Err(Error::Upload { repo: repo.clone(), why });
        if self.offline {
            return wrong("the hub is offline (HF_HUB_OFFLINE)".into());
        }
        if self.http.token.is_none() {
            return wrong("there is no token; set HF_TOKEN to one that may write".into());
        }
        if repo.commit().is_some() {
            return wrong("a commit cannot change; name a branch".into());
        }
        let mut files = local::files(folder, repo, &upload.files)?;
        if let Some(card) = &upload.card {
            if files.iter().any(|file| file.name == "README.md") {
                let folder = folder.display();
                return wrong(format!("`{folder}` has a README.md; leave it out, or the card"));
            }
            files.push(Local::new("README.md", card.to_markdown().into_bytes()));
        }
        if files.is_empty() {
            let (folder, wanted) = (folder.display(), &upload.files);
            return wrong(format!("`{folder}` has no files that are named like {wanted}"));
        }
        Ok(files)
    }

    /// Makes the repository. One that is there is fine, and not being allowed to may be.
    fn create(&self, repo: &Repo, upload: &Upload) -> Result<Option<Error>> {
        let (owner, name) = match repo.name().split_once('/') {
            Some((owner, name)) => (Some(owner), name),
            None => (None, repo.name()),
        };
        let about = json!({
            "name": name,
            "organization": owner,
            "type": repo.kind().singular(),
            "private": upload.private,
        });
        match self.post("api/repos/create", "application/json", &text(&about), true)? {
            answer if answer.status() == 409 => Ok(None),
            answer if answer.status() == 403 => Ok(answer.check(repo, None).err()),
            answer => answer.check(repo, None).map(|_| None),
        }
    }

    /// What is to be done with each file.
    fn plan(&self, repo: &Repo, files: &[Local]) -> Result<Vec<Plan>> {
        #[derive(Deserialize)]
        struct Modes {
            files: Vec<Mode>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Mode {
            path: String,
            upload_mode: String,
            #[serde(default)]
            should_ignore: bool,
            oid: Option<String>,
        }
        let mut plans = Vec::new();
        for files in files.chunks(BATCH) {
            let mut asked = Vec::new();
            for file in files {
                let sample = STANDARD.encode(file.sample()?);
                asked.push(json!({"path": file.name, "size": file.size, "sample": sample}));
            }
            let path = repo.api("preupload", repo.revision());
            let asked = text(&json!({"files": asked}));
            let answer = self.post(&path, "application/json", &asked, true)?;
            let mut answer = answer.check(repo, None)?;
            let modes: Modes = answer.json()?;
            let modes: HashMap<&str, &Mode> =
                modes.files.iter().map(|mode| (mode.path.as_str(), mode)).collect();
            for file in files {
                let Some(mode) = modes.get(file.name.as_str()) else {
                    return Err(answer.wrong(format!("it says nothing about `{}`", file.name)));
                };
                plans.push(if mode.should_ignore {
                    Plan::Ignored
                } else if mode.upload_mode == "lfs" && file.size > 0 {
                    Plan::large(file, mode.oid.as_deref())?
                } else {
                    Plan::small(file, mode.oid.as_deref())?
                });
            }
        }
        Ok(plans)
    }

    /// Makes the commit, and gives its hash.
    fn commit_files(
        &self,
        repo: &Repo,
        upload: &Upload,
        files: &[Local],
        plans: &[Plan],
    ) -> Result<String> {
        let (summary, description) =
            upload.message.split_once('\n').unwrap_or((&upload.message, ""));
        let header = json!({"summary": summary, "description": description.trim()});
        let mut lines = text(&json!({"key": "header", "value": header}));
        for (file, plan) in files.iter().zip(plans) {
            let (key, value) = match plan {
                Plan::Small(bytes) => {
                    let content = STANDARD.encode(bytes);
                    let value =
                        json!({"path": file.name, "encoding": "base64", "content": content});
                    ("file", value)
                }
                Plan::Large(oid) => {
                    let (path, size) = (&file.name, file.size);
                    let value = json!({"path": path, "algo": "sha256", "oid": oid, "size": size});
                    ("lfsFile", value)
                }
                Plan::Unchanged | Plan::Ignored => continue,
            };
            lines.push(b'\n');
            lines.extend(text(&json!({"key": key, "value": value})));
        }
        lines.push(b'\n');
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Commit {
            commit_oid: String,
        }
        let path = repo.api("commit", repo.revision());
        // Nobody knows whether a commit whose answer was lost was made.
        let answer = self.post(&path, "application/x-ndjson", &lines, false)?;
        let commit: Commit = answer.check(repo, None)?.json()?;
        Ok(commit.commit_oid)
    }

    fn post(
        &self,
        path: &str,
        kind: &'static str,
        bytes: &[u8],
        repeatable: bool,
    ) -> Result<Answer> {
        let payload = Payload::Bytes { kind, bytes };
        let call = Call::new(Method::POST, self.http.url(path), payload);
        self.http.call(&Call { repeatable, ..call })
    }
}

/// What is to be done with a file.
enum Plan {
    /// It goes into the commit, with these bytes.
    Small(Vec<u8>),
    /// It goes to the store, by its SHA-256.
    Large(String),
    /// The repository has it.
    Unchanged,
    /// The repository's `.gitignore` keeps it out.
    Ignored,
}

impl Plan {
    fn small(file: &Local, known: Option<&str>) -> Result<Plan> {
        let bytes = file.bytes()?.into_owned();
        match known == Some(git_blob(&bytes).as_str()) {
            true => Ok(Plan::Unchanged),
            false => Ok(Plan::Small(bytes)),
        }
    }

    fn large(file: &Local, known: Option<&str>) -> Result<Plan> {
        let oid = file.sha256()?;
        match known == Some(oid.as_str()) {
            true => Ok(Plan::Unchanged),
            false => Ok(Plan::Large(oid)),
        }
    }
}

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
