//! A hub with one repository, and the storage for its large files on another port.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use ethos_hub::{Hub, Patience, Progress};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use serde_json::{Value, json};

use crate::server::{Asked, Reply, Server};

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const TOKEN: &str = "hf_VerySecret";

/// A file of the repository.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether it is in the storage.
    pub(crate) large: bool,
    /// What its content is called; its hash, unless a test lies.
    pub(crate) etag: String,
    /// Its size; a test may lie here, too.
    pub(crate) size: u64,
}

pub(crate) fn small(name: &str, bytes: impl Into<Vec<u8>>) -> Remote {
    let bytes = bytes.into();
    let etag = hex(
        &SHA1_FOR_LEGACY_USE_ONLY,
        &[format!("blob {}\0", bytes.len()).as_bytes(), &bytes].concat(),
    );
    Remote { name: name.into(), size: bytes.len() as u64, bytes, large: false, etag }
}

pub(crate) fn large(name: &str, bytes: impl Into<Vec<u8>>) -> Remote {
    let bytes = bytes.into();
    let etag = sha256(&bytes);
    Remote { name: name.into(), size: bytes.len() as u64, bytes, large: true, etag }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&SHA256, bytes)
}

fn hex(algorithm: &'static ring::digest::Algorithm, bytes: &[u8]) -> String {
    digest(algorithm, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that do not repeat.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    (0..len as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u8).collect()
}

/// The servers. Replies in `instead` come first, each once, for the first path that holds their
/// key.
pub(crate) struct Play {
    pub(crate) hub: Server,
    pub(crate) store: Server,
    instead: Arc<Mutex<Vec<(String, Reply)>>>,
}

impl Play {
    /// `page` is `owner/tiny`, or `datasets/owner/tiny`.
    pub(crate) fn new(page: &str, files: Vec<Remote>) -> Play {
        let instead: Arc<Mutex<Vec<(String, Reply)>>> = Arc::default();
        let planned = |instead: &Arc<Mutex<Vec<(String, Reply)>>>| {
            let instead = instead.clone();
            move |asked: &Asked| {
                let mut instead = instead.lock().unwrap();
                let at = instead.iter().position(|(part, _)| asked.path.contains(part.as_str()))?;
                Some(instead.remove(at).1)
            }
        };
        let (first, stored) = (planned(&instead), files.clone());
        let store = Server::start(move |asked| {
            first(asked).unwrap_or_else(|| {
                let file = stored.iter().find(|file| asked.path.contains(&file.etag));
                file.map_or(Reply::new(404, ""), |file| Reply::range(&file.bytes, asked))
            })
        });
        let (first, page, storage) = (planned(&instead), page.to_owned(), store.url.clone());
        let hub = Server::start(move |asked| {
            first(asked).unwrap_or_else(|| answer(&page, &files, &storage, asked))
        });
        Play { hub, store, instead }
    }

    /// A model with a configuration and weights of two shards, of which one is 300 KB.
    pub(crate) fn model() -> Play {
        Play::new("owner/tiny", model())
    }

    /// Answers `reply` once, to a path that holds `part`.
    pub(crate) fn instead(&self, part: &str, reply: Reply) {
        self.instead.lock().unwrap().push((part.into(), reply));
    }

    /// A client with a token and little patience.
    pub(crate) fn client(&self, cache: &Path) -> Hub {
        let hub = Hub::new(cache).with_endpoint(&self.hub.url).unwrap();
        hub.with_token(TOKEN).unwrap().with_patience(hasty(3))
    }
}

pub(crate) fn model() -> Vec<Remote> {
    let map =
        json!({"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"});
    vec![
        small("README.md", "# tiny"),
        small("config.json", r#"{"hidden_size": 8}"#),
        small("model.safetensors.index.json", json!({"weight_map": map}).to_string()),
        large("model-00001-of-00002.safetensors", noise(300_000)),
        large("model-00002-of-00002.safetensors", noise(5_000)),
        large("onnx/model.onnx", noise(100)),
    ]
}

pub(crate) fn hasty(tries: u32) -> Patience {
    Patience { tries, pause: 0.001, silence: 10.0 }
}

/// A watcher that keeps everything it hears.
pub(crate) fn listen() -> (Arc<Mutex<Vec<Progress>>>, impl Fn(&Progress) + Send + Sync) {
    let heard: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let ear = heard.clone();
    (heard, move |progress: &Progress| ear.lock().unwrap().push(progress.clone()))
}

/// A commit's own listing has two pages.
fn answer(page: &str, files: &[Remote], storage: &str, asked: &Asked) -> Reply {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let api = match page.strip_prefix("datasets/") {
        Some(name) => format!("/api/datasets/{name}/"),
        None => format!("/api/models/{page}/"),
    };
    if let Some(rest) = path.strip_prefix(&api) {
        return match rest.split_once('/') {
            Some(("revision", "main" | "v1%2Ex" | "v1.x" | "refs%2Fpr%2F1" | COMMIT)) => {
                let siblings: Vec<Value> =
                    files.iter().map(|file| json!({"rfilename": file.name})).collect();
                Reply::json(json!({"id": page, "sha": COMMIT, "siblings": siblings}))
            }
            Some(("tree", COMMIT)) => tree(files, asked, query),
            _ => Reply::error(404, "RevisionNotFound"),
        };
    }
    let below = format!("/{page}/resolve/");
    let Some((revision, name)) = path.strip_prefix(&below).and_then(|rest| rest.split_once('/'))
    else {
        return Reply::error(404, "RepoNotFound");
    };
    if !["main", COMMIT].contains(&revision) {
        return Reply::error(404, "RevisionNotFound");
    }
    let Some(file) = files.iter().find(|file| file.name == name) else {
        return Reply::error(404, "EntryNotFound").with("X-Repo-Commit", COMMIT);
    };
    if file.large {
        return Reply::new(302, "moved")
            .with("Location", format!("{storage}/{}?X-Signature=secret", file.etag))
            .with("X-Repo-Commit", COMMIT)
            .with("X-Linked-Etag", format!("\"{}\"", file.etag))
            .with("X-Linked-Size", file.size);
    }
    Reply::range(&file.bytes, asked)
        .with("X-Repo-Commit", COMMIT)
        .with("ETag", format!("W/\"{}\"", file.etag))
}

fn tree(files: &[Remote], asked: &Asked, query: &str) -> Reply {
    let nodes = files.iter().map(|file| match file.large {
        true => json!({
            "type": "file", "path": file.name, "size": file.size, "oid": "f".repeat(40),
            "lfs": {"oid": file.etag, "size": file.size, "pointerSize": 134},
        }),
        false => {
            json!({"type": "file", "path": file.name, "size": file.size, "oid": file.etag})
        }
    });
    let folder = json!({"type": "directory", "path": "onnx", "size": 0, "oid": "e".repeat(40)});
    let nodes: Vec<Value> = std::iter::once(folder).chain(nodes).collect();
    let half = nodes.len() / 2;
    if query.contains("cursor=2") {
        return Reply::json(nodes[half..].into());
    }
    let next = format!("http://{}{}&cursor=2", asked.header("host"), asked.path);
    Reply::json(nodes[..half].into()).with("Link", format!("<{next}>; rel=\"next\""))
}

/// Waits a little, for a thread that is about to do something.
pub(crate) fn moment() {
    std::thread::sleep(Duration::from_millis(50));
}
