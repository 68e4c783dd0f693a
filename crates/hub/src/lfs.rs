//! Large files, by Git LFS: the store is asked what it lacks, and is sent that.
//!
//! The protocol is git-lfs's `docs/api/batch.md`, with the hub's own transfer `multipart` for files
//! that are longer than a store takes in one piece.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::{
    HeaderMap, Method,
    header::{ACCEPT, ETAG, HeaderName, HeaderValue},
};

use crate::{
    Error, Repo, Result,
    answer::Answer,
    http::{Call, Http, Payload, Piece},
    local::{Content, Local},
    parallel::{self, Stop},
    progress::Meter,
};

/// A file for the store.
pub(crate) struct Large<'a> {
    pub(crate) file: &'a Local,
    /// Its SHA-256.
    pub(crate) oid: &'a str,
}

const JSON: &str = "application/vnd.git-lfs+json";

/// How many files the store takes in one question.
const BATCH: usize = 256;

/// Sends the store what it lacks of `files`.
pub(crate) fn store(
    http: &Http,
    repo: &Repo,
    files: &[Large],
    connections: usize,
    meter: &Meter,
) -> Result<()> {
    for files in files.chunks(BATCH) {
        // Two files with one content are sent once.
        let mut once: BTreeMap<&str, &Large> = BTreeMap::new();
        for file in files {
            if once.insert(file.oid, file).is_some() {
                meter.reused(&file.file.name, file.file.size);
                meter.finished(&file.file.name);
            }
        }
        let actions = ask(http, repo, once.values().copied())?;
        let jobs: Vec<(&Large, &Object)> =
            once.values().filter_map(|file| Some((*file, actions.get(file.oid)?))).collect();
        if let Some(file) = once.values().find(|file| !actions.contains_key(file.oid)) {
            return Err(refused(repo, file, "it says nothing about it"));
        }
        let send = |(file, object): &(&Large, &Object), _: &Stop| {
            Job { http, repo, file, meter }.send(object)?;
            meter.finished(&file.file.name);
            Ok(())
        };
        parallel::each(&jobs, connections, send)?;
    }
    Ok(())
}

/// What the store says of a file.
#[derive(Deserialize)]
struct Object {
    oid: String,
    #[serde(default)]
    actions: Option<Actions>,
    #[serde(default)]
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Actions {
    upload: Option<Action>,
    verify: Option<Action>,
}

#[derive(Deserialize)]
struct Action {
    href: String,
    #[serde(default)]
    header: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
}

fn ask<'a>(
    http: &Http,
    repo: &Repo,
    files: impl Iterator<Item = &'a Large<'a>>,
) -> Result<HashMap<String, Object>> {
    #[derive(Deserialize)]
    struct Batch {
        objects: Vec<Object>,
    }
    let objects: Vec<Value> =
        files.map(|file| json!({"oid": file.oid, "size": file.file.size})).collect();
    let asked = json!({
        "operation": "upload",
        "transfers": ["basic", "multipart"],
        "objects": objects,
        "hash_algo": "sha256",
        "ref": {"name": repo.revision()},
    });
    let url = http.url(&format!("{}.git/info/lfs/objects/batch", repo.page()));
    let batch: Batch = post(http, url, &asked)?.check(repo, None)?.json()?;
    Ok(batch.objects.into_iter().map(|object| (object.oid.clone(), object)).collect())
}

fn post(http: &Http, url: String, value: &Value) -> Result<Answer> {
    let text = value.to_string();
    let payload = Payload::Bytes { kind: JSON, bytes: text.as_bytes() };
    let mut call = Call::new(Method::POST, url, payload);
    call.headers.insert(ACCEPT, HeaderValue::from_static(JSON));
    http.call(&call)
}

fn refused(repo: &Repo, file: &Large, message: impl Into<String>) -> Error {
    Error::Store { repo: repo.clone(), file: file.file.name.clone(), message: message.into() }
}

/// One file on its way to the store.
struct Job<'a> {
    http: &'a Http,
    repo: &'a Repo,
    file: &'a Large<'a>,
    meter: &'a Meter<'a>,
}

impl Job<'_> {
    fn refused(&self, message: impl Into<String>) -> Error {
        refused(self.repo, self.file, message)
    }

    fn send(&self, object: &Object) -> Result<()> {
        let (name, size) = (&self.file.file.name, self.file.file.size);
        if let Some(fault) = &object.error {
            return Err(self.refused(&fault.message));
        }
        let Some(upload) = object.actions.as_ref().and_then(|actions| actions.upload.as_ref())
        else {
            tracing::debug!(file = name, "the store has it");
            self.meter.reused(name, size);
            return Ok(());
        };
        let none = BTreeMap::new();
        let header = upload.header.as_ref().unwrap_or(&none);
        match header.get("chunk_size") {
            None => self.put(&upload.href, 0, size, headers(header)).map(drop)?,
            Some(piece) => self.put_pieces(&upload.href, header, piece)?,
        }
        let verify = object.actions.as_ref().and_then(|actions| actions.verify.as_ref());
        if let Some(verify) = verify {
            let answer = json!({"oid": self.file.oid, "size": size});
            self.accepted(post(self.http, verify.href.clone(), &answer)?)?;
        }
        Ok(())
    }

    /// The hub's own transfer: an address for each piece, by its number, and then a list of them.
    fn put_pieces(&self, href: &str, header: &BTreeMap<String, Value>, size: &Value) -> Result<()> {
        let whole = self.file.file.size;
        let given = size.as_str().and_then(|text| text.parse().ok()).or(size.as_u64());
        let piece = given.filter(|size| *size > 0);
        let piece = piece.ok_or_else(|| self.refused("it names no size for the pieces"))?;
        let mut places: Vec<(u64, &str)> = header
            .iter()
            .filter_map(|(number, place)| Some((number.parse().ok()?, place.as_str()?)))
            .collect();
        places.sort_unstable();
        let count = whole.div_ceil(piece);
        if !places.iter().map(|(number, _)| *number).eq(1..=count) {
            let message = format!("it takes {} pieces, where there are {count}", places.len());
            return Err(self.refused(message));
        }
        let mut parts = Vec::new();
        for (number, place) in places {
            let from = (number - 1) * piece;
            let size = piece.min(whole - from);
            let answer = self.put(place, from, size, HeaderMap::new())?;
            let etag = answer.header(ETAG.as_str()).filter(|etag| !etag.is_empty());
            let etag = etag.ok_or_else(|| self.refused("it gave no receipt for a piece"))?;
            parts.push(json!({"partNumber": number, "etag": etag}));
        }
        let done = json!({"oid": self.file.oid, "parts": parts});
        self.accepted(post(self.http, href.into(), &done)?).map(drop)
    }

    fn put(&self, url: &str, from: u64, size: u64, headers: HeaderMap) -> Result<Answer> {
        let name = &self.file.file.name;
        let payload = match &self.file.file.content {
            Content::File(path) => {
                Payload::Piece(Piece { path: path.clone(), from, size, name, meter: self.meter })
            }
            // Contents that are in memory are cards; a hub that takes them for large is unusual.
            Content::Bytes(bytes) => {
                let (from, to) = (from as usize, (from + size) as usize);
                let bytes = bytes.get(from..to).unwrap_or_default();
                Payload::Bytes { kind: "application/octet-stream", bytes }
            }
        };
        let call = Call::new(Method::PUT, url.into(), payload);
        self.accepted(self.http.call(&Call { headers, ..call })?)
    }

    fn accepted(&self, mut answer: Answer) -> Result<Answer> {
        if answer.response.status().is_success() {
            return Ok(answer);
        }
        let said = answer.message();
        Err(self.refused(format!("status {} {said}", answer.status()).trim_end()))
    }
}

/// The headers that the store wants to see again.
fn headers(given: &BTreeMap<String, Value>) -> HeaderMap {
    let header = |(name, value): (&String, &Value)| {
        Some((name.parse::<HeaderName>().ok()?, value.as_str()?.parse::<HeaderValue>().ok()?))
    };
    given.iter().filter_map(header).collect()
}
