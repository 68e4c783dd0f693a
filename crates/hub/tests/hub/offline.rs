//! What the cache gives without a network, whoever filled it.

use std::{fs, path::Path};

use ethos_hub::{Error, Hub, Repo, Wanted};

use crate::play::{COMMIT, Play, model};

const INDEX: &str = r#"{
    "metadata": {"total_size": 14},
    "weight_map": {
        "a": "model-00001-of-00002.safetensors",
        "b": "model-00002-of-00002.safetensors"
    }
}"#;

/// Writes a snapshot as Python's `huggingface_hub` does: blobs, and links to them.
fn as_python(cache: &Path, files: &[(&str, &str, &str)]) {
    let folder = cache.join("models--owner--tiny");
    let snapshot = folder.join("snapshots").join(COMMIT);
    for part in [&folder.join("blobs"), &folder.join("refs"), &snapshot] {
        fs::create_dir_all(part).unwrap();
    }
    fs::write(folder.join("refs/main"), COMMIT).unwrap();
    for (name, etag, text) in files {
        fs::write(folder.join("blobs").join(etag), text).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(Path::new("../../blobs").join(etag), snapshot.join(name))
            .unwrap();
        #[cfg(not(unix))]
        fs::write(snapshot.join(name), text).unwrap();
    }
}

fn missing(error: Error) -> Vec<String> {
    match error {
        Error::Offline { missing, .. } => missing,
        error => panic!("{error}"),
    }
}

#[test]
fn what_python_fetched_is_found_offline() {
    let cache = tempfile::tempdir().unwrap();
    as_python(cache.path(), &[("config.json", "aaaa", "{}"), ("README.md", "bbbb", "# tiny")]);
    let hub = Hub::new(cache.path()).offline();
    for revision in ["main", COMMIT] {
        let repo = Repo::model("owner/tiny").unwrap().at(revision).unwrap();
        let snapshot = hub.fetch(&repo, &Wanted::model(), &()).unwrap();
        assert_eq!((snapshot.commit.as_str(), snapshot.files.len()), (COMMIT, 1));
        assert_eq!(fs::read_to_string(snapshot.path("config.json")).unwrap(), "{}");
        assert_eq!(hub.file(&repo, "README.md", &()).unwrap(), snapshot.path("README.md"));
    }
}

#[test]
fn what_python_fetched_is_not_fetched_again() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let files = model();
    let config = files.iter().find(|file| file.name == "config.json").unwrap();
    as_python(cache.path(), &[("config.json", &config.etag, r#"{"hidden_size": 8}"#)]);
    let repo = Repo::model("owner/tiny").unwrap();
    play.client(cache.path()).fetch(&repo, &Wanted::model(), &()).unwrap();
    assert_eq!(play.hub.count("GET", "config.json"), 0);
    assert_eq!(play.store.asked().len(), 2);
}

#[test]
fn what_is_missing_offline_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::new(cache.path()).offline();
    let repo = Repo::model("owner/tiny").unwrap();
    let fetch = |repo: &Repo| missing(hub.fetch(repo, &Wanted::model(), &()).unwrap_err());
    assert_eq!(fetch(&repo), ["the revision"]);
    assert_eq!(fetch(&repo.clone().at(COMMIT).unwrap()), ["all files"]);
    assert_eq!(missing(hub.file(&repo, "config.json", &()).unwrap_err()), ["config.json"]);

    // Shards that an index speaks of; the rest nobody can know.
    as_python(
        cache.path(),
        &[
            ("model.safetensors.index.json", "aaaa", INDEX),
            ("model-00001-of-00002.safetensors", "bbbb", "weights"),
        ],
    );
    assert_eq!(fetch(&repo), ["model-00002-of-00002.safetensors"]);
    let error = hub.fetch(&repo, &Wanted::model(), &()).unwrap_err().to_string();
    assert!(error.contains("offline") && error.contains("of `owner/tiny@main`"), "{error}");
    assert!(hub.fetch(&repo, &Wanted::only(["*.index.json"]), &()).is_ok());
}

#[test]
fn half_a_fetch_is_not_a_whole_one_offline() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let repo = Repo::model("owner/tiny").unwrap();
    let online = play.client(cache.path());
    let whole = online.fetch(&repo, &Wanted::model(), &()).unwrap();
    let offline = online.clone().offline();
    assert_eq!(offline.fetch(&repo, &Wanted::model(), &()).unwrap(), whole);
    assert_eq!(
        missing(offline.fetch(&repo, &Wanted::everything(), &()).unwrap_err()),
        ["README.md", "onnx/model.onnx"]
    );
}

#[test]
fn a_content_that_was_damaged_is_missing_until_it_comes_again() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let commit = Repo::model("owner/tiny").unwrap().at(COMMIT).unwrap();
    let online = play.client(cache.path());
    let whole = online.fetch(&commit, &Wanted::model(), &()).unwrap();
    let files = model();
    let shard = files.iter().find(|file| file.name.ends_with("00002.safetensors")).unwrap();
    let blob = cache.path().join("models--owner--tiny/blobs").join(&shard.etag);
    let cut: fn(&Path) = |blob| fs::write(blob, "short").unwrap();
    let lost: fn(&Path) = |blob| fs::remove_file(blob).unwrap();
    for damage in [cut, lost] {
        damage(&blob);
        let before = play.hub.asked().len();
        let error = online.clone().offline().fetch(&commit, &Wanted::model(), &()).unwrap_err();
        assert_eq!(missing(error), [shard.name.as_str()]);
        assert_eq!(play.hub.asked().len(), before, "offline is offline");
        assert_eq!(online.fetch(&commit, &Wanted::model(), &()).unwrap(), whole);
        assert_eq!(fs::read(whole.path(&shard.name)).unwrap(), shard.bytes);
        assert_eq!(play.hub.asked().len(), before + 1, "one file, without a listing");
    }
}
