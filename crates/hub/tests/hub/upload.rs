//! Uploads: what is sent where, and what is not.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ethos_hub::{Card, Error, Hub, Repo, Result, Upload, Uploaded, Wanted};
use serde_json::{Value, json};

use crate::{
    play::{COMMIT, TOKEN, hasty, listen, noise, sha256},
    server::{Asked, Reply, Server},
};

/// A hub that takes uploads, its storage, and a folder to upload.
struct Case {
    hub: Server,
    store: Server,
    folder: tempfile::TempDir,
    instead: Arc<Mutex<Vec<(String, Reply)>>>,
}

/// What a case's hub thinks.
#[derive(Clone, Default)]
struct Rules {
    /// Files in pieces of so many bytes.
    piece: Option<u64>,
    /// Contents that the hub has already, by the name of their file.
    known: Vec<(&'static str, String)>,
    /// Contents that the storage has already.
    stored: Vec<String>,
}

impl Case {
    fn new(rules: Rules) -> Case {
        let instead: Arc<Mutex<Vec<(String, Reply)>>> = Arc::default();
        let planned = |asked: &Asked, instead: &Mutex<Vec<(String, Reply)>>| {
            let mut instead = instead.lock().unwrap();
            let at = instead.iter().position(|(part, _)| asked.path.contains(part.as_str()))?;
            Some(instead.remove(at).1)
        };
        let first = instead.clone();
        let store = Server::start(move |asked| {
            let etag = format!("\"{}\"", &sha256(&asked.body)[..8]);
            planned(asked, &first).unwrap_or_else(|| Reply::new(200, "").with("ETag", etag))
        });
        let (first, storage) = (instead.clone(), store.url.clone());
        let hub = Server::start(move |asked| {
            planned(asked, &first).unwrap_or_else(|| answer(&rules, &storage, asked))
        });
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("config.json", b"{}".to_vec()),
            ("empty.bin", Vec::new()),
            ("model.safetensors", noise(700_000)),
            ("sub/weights.bin", noise(1000)),
            (".env", b"SECRET=1".to_vec()),
            (".git/config", b"[core]".to_vec()),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Case { hub, store, folder, instead }
    }

    fn instead(&self, part: &str, reply: Reply) -> &Case {
        self.instead.lock().unwrap().push((part.into(), reply));
        self
    }

    fn client(&self) -> Hub {
        let hub = Hub::new("no-cache").with_endpoint(&self.hub.url).unwrap();
        hub.with_token(TOKEN).unwrap().with_patience(hasty(3))
    }

    fn upload(&self, upload: &Upload) -> Result<Uploaded> {
        self.client().upload(self.folder.path(), &repo(), upload, &())
    }

    /// The lines of the one commit.
    fn commit(&self) -> Vec<Value> {
        let asked = self.hub.asked();
        let commits: Vec<_> = asked.iter().filter(|asked| asked.is("POST", "/commit/")).collect();
        assert_eq!(commits.len(), 1);
        assert_eq!(commits[0].path, "/api/models/owner/tiny/commit/main");
        assert_eq!(commits[0].header("content-type"), "application/x-ndjson");
        let text = String::from_utf8(commits[0].body.clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn question(&self, part: &str) -> Value {
        self.hub.asked().iter().find(|asked| asked.path.contains(part)).unwrap().json()
    }
}

fn repo() -> Repo {
    Repo::model("owner/tiny").unwrap()
}

fn answer(rules: &Rules, storage: &str, asked: &Asked) -> Reply {
    let path = asked.path.as_str();
    if path == "/api/repos/create" {
        return Reply::json(json!({"url": "https://hub/owner/tiny"}));
    }
    if path.contains("/preupload/") {
        let mode = |file: &Value| {
            let name = file["path"].as_str().unwrap();
            let large = name.ends_with(".safetensors") || name.ends_with(".bin");
            let known = rules.known.iter().find(|(known, _)| *known == name);
            json!({
                "path": name,
                "uploadMode": if large { "lfs" } else { "regular" },
                "shouldIgnore": name.ends_with(".log"),
                "oid": known.map(|(_, oid)| oid),
            })
        };
        let files: Vec<Value> =
            asked.json()["files"].as_array().unwrap().iter().map(mode).collect();
        return Reply::json(json!({"files": files}));
    }
    if path == "/owner/tiny.git/info/lfs/objects/batch" {
        let home = format!("http://{}", asked.header("host"));
        let objects: Vec<Value> = asked.json()["objects"]
            .as_array()
            .unwrap()
            .iter()
            .map(|object| place(rules, storage, &home, object))
            .collect();
        return Reply::json(json!({"transfer": "basic", "objects": objects}));
    }
    if path.starts_with("/verify") || path.starts_with("/complete") {
        return Reply::new(200, "");
    }
    if path.contains("/commit/") {
        return Reply::json(
            json!({"success": true, "commitOid": COMMIT, "commitUrl": "https://x"}),
        );
    }
    Reply::error(404, "RepoNotFound")
}

/// Where a content is to go.
fn place(rules: &Rules, storage: &str, home: &str, object: &Value) -> Value {
    let (oid, size) = (object["oid"].as_str().unwrap(), object["size"].as_u64().unwrap());
    if rules.stored.iter().any(|stored| stored == oid) {
        return json!({"oid": oid, "size": size});
    }
    let verify = json!({"href": format!("{home}/verify/{oid}")});
    let upload = match rules.piece {
        None => {
            let href = format!("{storage}/{oid}?X-Signature=secret");
            json!({"href": href, "header": {"X-Store": "yes"}})
        }
        Some(piece) => {
            let mut header = json!({"chunk_size": piece.to_string()});
            for number in 1..=size.div_ceil(piece) {
                // As text 10 comes before 2.
                header[number.to_string()] = format!("{storage}/{oid}/{number}").into();
            }
            json!({"href": format!("{home}/complete/{oid}"), "header": header})
        }
    };
    json!({"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}})
}

#[test]
fn a_folder_becomes_a_commit() {
    let case = Case::new(Rules::default());
    let card = Card { license: Some("mit".into()), text: "# Tiny".into(), ..Card::default() };
    let upload =
        Upload { card: Some(card), ..Upload::private("Add the model\n\nAfter three epochs.") };
    let (heard, watch) = listen();
    let uploaded = case.client().upload(case.folder.path(), &repo(), &upload, &watch).unwrap();
    assert_eq!(uploaded.commit.as_deref(), Some(COMMIT));
    assert_eq!(uploaded.page, format!("{}/owner/tiny", case.hub.url));
    assert_eq!((uploaded.changed, uploaded.unchanged, uploaded.ignored), (5, 0, 0));

    let made = case.question("/api/repos/create");
    assert_eq!(
        made,
        json!({"name": "tiny", "organization": "owner", "type": "model", "private": true})
    );
    let asked = case.question("/preupload/main");
    assert_eq!(asked["files"][0], json!({"path": "config.json", "size": 2, "sample": "e30="}));
    let sample = STANDARD.decode(asked["files"][2]["sample"].as_str().unwrap()).unwrap();
    assert_eq!(sample, noise(512));

    let batch = case.question("/objects/batch");
    assert_eq!((&batch["operation"], &batch["hash_algo"]), (&json!("upload"), &json!("sha256")));
    let (big, other) = (sha256(&noise(700_000)), sha256(&noise(1000)));
    assert_eq!(batch["objects"].as_array().unwrap().len(), 2);
    let stored = case.store.asked();
    assert_eq!(stored.len(), 2);
    for (oid, bytes) in [(&big, noise(700_000)), (&other, noise(1000))] {
        let put = stored.iter().find(|asked| asked.path.contains(oid.as_str())).unwrap();
        assert_eq!((put.method.as_str(), &put.body), ("PUT", &bytes));
        assert_eq!(put.header("x-store"), "yes");
        assert_eq!(put.header("transfer-encoding"), "", "stores want to know the length");
        assert!(!put.headers.contains_key("authorization"));
        assert_eq!(
            case.question(&format!("/verify/{oid}")),
            json!({"oid": oid, "size": bytes.len()})
        );
    }
    let bearer = format!("Bearer {TOKEN}");
    assert!(case.hub.asked().iter().all(|asked| asked.header("authorization") == bearer));

    let lines = case.commit();
    assert_eq!(
        lines[0]["value"],
        json!({"summary": "Add the model", "description": "After three epochs."})
    );
    let file = |path: &str| lines.iter().find(|line| line["value"]["path"] == path).unwrap();
    let value = json!({"path": "model.safetensors", "algo": "sha256", "oid": big, "size": 700_000});
    assert_eq!(*file("model.safetensors"), json!({"key": "lfsFile", "value": value}));
    assert_eq!(file("empty.bin")["key"], "file", "a store takes no empty files");
    let content = file("README.md")["value"]["content"].as_str().unwrap();
    let readme = String::from_utf8(STANDARD.decode(content).unwrap()).unwrap();
    assert_eq!(readme, "---\nlicense: \"mit\"\n---\n\n# Tiny\n");
    assert_eq!(lines.len(), 6, "nothing whose name begins with a dot");

    let last = heard.lock().unwrap().last().unwrap().clone();
    assert_eq!((last.done, last.files_done, last.files), (last.total, 5, 5));
    assert!(!case.folder.path().join("README.md").exists(), "the folder stays as it is");
}

#[test]
fn a_long_file_goes_in_pieces() {
    let case = Case::new(Rules { piece: Some(60_000), ..Rules::default() });
    let upload = Upload { files: Wanted::only(["model.safetensors"]), ..Upload::public("x") };
    case.upload(&upload).unwrap();
    let stored = case.store.asked();
    assert_eq!(stored.len(), 12);
    let bytes: Vec<u8> = stored.iter().flat_map(|put| put.body.clone()).collect();
    assert_eq!(bytes, noise(700_000), "in order");
    let oid = sha256(&noise(700_000));
    let done = case.question("/complete/");
    assert_eq!(done["oid"], oid);
    let parts = done["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 12);
    let etag = format!("\"{}\"", &sha256(&stored[9].body)[..8]);
    assert_eq!(parts[9], json!({"partNumber": 10, "etag": etag}));
    assert_eq!(case.question("/api/repos/create")["private"], false);
}

#[test]
fn what_has_not_changed_is_not_sent() {
    // `printf {} | git hash-object --stdin`
    let config = "9e26dfeeb6e641a33dae4961196235bdb965b21b".to_owned();
    let known = vec![("config.json", config), ("sub/weights.bin", sha256(&noise(1000)))];
    let stored = vec![sha256(&noise(700_000))];
    let case = Case::new(Rules { known: known.clone(), stored, ..Rules::default() });
    fs::write(case.folder.path().join("train.log"), "...").unwrap();
    let uploaded = case.upload(&Upload::private("x")).unwrap();
    assert_eq!((uploaded.changed, uploaded.unchanged, uploaded.ignored), (2, 2, 1));
    assert_eq!(case.store.asked().len(), 0, "the storage had it, from an upload that failed later");
    let lines = case.commit();
    let paths: Vec<_> = lines[1..].iter().map(|line| &line["value"]["path"]).collect();
    assert_eq!(paths, ["empty.bin", "model.safetensors"]);

    let case = Case::new(Rules { known, ..Rules::default() });
    let upload = Upload { files: Wanted::only(["*.json", "sub/*"]), ..Upload::private("x") };
    let uploaded = case.upload(&upload).unwrap();
    assert_eq!((uploaded.commit, uploaded.unchanged), (None, 2));
    assert_eq!(case.hub.count("POST", "/commit/"), 0);
}

#[test]
fn a_store_that_fails_is_tried_again_and_then_named() {
    let case = Case::new(Rules::default());
    let big = sha256(&noise(700_000));
    case.instead(&big, Reply::new(500, "InternalError"));
    let (heard, watch) = listen();
    case.client().upload(case.folder.path(), &repo(), &Upload::private("x"), &watch).unwrap();
    assert_eq!(case.store.count("PUT", &big), 2);
    let last = heard.lock().unwrap().last().unwrap().clone();
    assert_eq!(
        (last.files_done, last.done),
        (4, last.total),
        "what was sent in vain does not count"
    );

    let case = Case::new(Rules::default());
    for _ in 0..3 {
        case.instead(&big, Reply::new(403, "<Code>EntityTooLarge</Code>"));
    }
    match case.upload(&Upload::private("x")).unwrap_err() {
        Error::Store { file, message, .. } => {
            assert_eq!(file, "model.safetensors");
            assert!(message.contains("403") && message.contains("EntityTooLarge"), "{message}");
        }
        error => panic!("{error}"),
    }
    assert_eq!(case.hub.count("POST", "/commit/"), 0, "there is no half commit");

    let case = Case::new(Rules::default());
    let fault = json!({"oid": big, "size": 1, "error": {"code": 422, "message": "quota exceeded"}});
    case.instead("/batch", Reply::json(json!({"objects": [fault]})));
    let upload = Upload { files: Wanted::only(["model.safetensors"]), ..Upload::private("x") };
    let error = case.upload(&upload).unwrap_err().to_string();
    assert!(error.contains("`model.safetensors` of `owner/tiny@main`: quota exceeded"), "{error}");
}

#[test]
fn a_store_without_a_receipt_or_a_plan_is_refused() {
    let upload = Upload { files: Wanted::only(["sub/*"]), ..Upload::private("x") };
    for (header, part) in [
        (json!({"chunk_size": "0"}), "no size"),
        (json!({"chunk_size": 600, "1": "http://127.0.0.1:1/"}), "1 pieces, where there are 2"),
    ] {
        let case = Case::new(Rules::default());
        let oid = sha256(&noise(1000));
        let actions = json!({"upload": {"href": "http://127.0.0.1:1/", "header": header}});
        let object = json!({"oid": oid, "size": 1000, "actions": actions});
        case.instead("/batch", Reply::json(json!({"objects": [object]})));
        let error = case.upload(&upload).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let case = Case::new(Rules { piece: Some(600), ..Rules::default() });
    case.instead("/1", Reply::new(200, ""));
    let error = case.upload(&upload).unwrap_err().to_string();
    assert!(error.contains("no receipt"), "{error}");
}

#[test]
fn a_commit_whose_answer_is_lost_is_not_made_twice() {
    let case = Case::new(Rules::default());
    case.instead("/commit/", Reply::error(503, ""));
    let error = case.upload(&Upload::private("x")).unwrap_err();
    assert!(matches!(error, Error::Status { status: 503, .. }), "{error}");
    assert_eq!(case.hub.count("POST", "/commit/"), 1);
    // A hub that was too busy to begin has made none.
    case.instead("/commit/", Reply::error(429, ""));
    case.upload(&Upload::private("x")).unwrap();
    assert_eq!(case.hub.count("POST", "/commit/"), 3);
}

#[test]
fn a_repository_that_is_there_is_used() {
    let case = Case::new(Rules::default());
    case.instead("/create", Reply::error(409, ""));
    case.upload(&Upload::private("x")).unwrap();
    // Nor is it needed that the token may make others.
    case.instead("/create", Reply::error(403, ""));
    case.upload(&Upload::private("x")).unwrap();
    // But where there is none, that was the reason.
    case.instead("/create", Reply::error(403, "").with("X-Error-Message", "no right to create"));
    case.instead("/preupload/", Reply::error(404, "RepoNotFound"));
    let error = case.upload(&Upload::private("x")).unwrap_err().to_string();
    assert!(error.contains("no right to create"), "{error}");

    let before = case.hub.count("POST", "/create");
    case.upload(&Upload { create: false, ..Upload::private("x") }).unwrap();
    assert_eq!(case.hub.count("POST", "/create"), before);
}

#[test]
fn what_is_wrong_here_is_said_before_anything_is_sent() {
    let case = Case::new(Rules::default());
    fs::write(case.folder.path().join("README.md"), "mine").unwrap();
    let (folder, hub, upload) = (case.folder.path(), case.client(), Upload::private("x"));
    let tokenless = Hub::new("no-cache").with_endpoint(&case.hub.url).unwrap();
    let carded = Upload { card: Some(Card::default()), ..upload.clone() };
    let none = Upload { files: Wanted::only(["*.gguf"]), ..upload.clone() };
    let commit = repo().at(COMMIT).unwrap();
    let error = |hub: &Hub, folder: &Path, repo: &Repo, upload: &Upload| {
        hub.upload(folder, repo, upload, &()).unwrap_err().to_string()
    };
    for (error, part) in [
        (error(&tokenless, folder, &repo(), &upload), "no token"),
        (error(&hub.clone().offline(), folder, &repo(), &upload), "offline"),
        (error(&hub, folder, &commit, &upload), "name a branch"),
        (error(&hub, folder, &repo(), &carded), "has a README.md"),
        (error(&hub, folder, &repo(), &none), "named like `*.gguf`"),
        (error(&hub, &folder.join("none"), &repo(), &upload), "cannot read"),
    ] {
        assert!(error.contains(part), "`{part}` in: {error}");
    }
    assert_eq!(case.hub.asked().len(), 0);
}

/// A snapshot is links; what they lead to is uploaded.
#[cfg(unix)]
#[test]
fn links_to_files_are_followed_and_links_to_folders_are_not() {
    let (case, top) = (Case::new(Rules::default()), tempfile::tempdir().unwrap());
    let link = |from: &Path, name: &str| {
        std::os::unix::fs::symlink(from, top.path().join(name)).unwrap();
    };
    link(&case.folder.path().join("config.json"), "linked.json");
    link(top.path(), "round");
    let uploaded = case.client().upload(top.path(), &repo(), &Upload::private("x"), &()).unwrap();
    assert_eq!(uploaded.changed, 1);
    assert_eq!(case.commit()[1]["value"]["content"], "e30=");
}
