//! What arrives, and where.

use std::{fs, path::Path, thread};

use ethos_hub::{Repo, Wanted};

use crate::{
    play::{COMMIT, Play, TOKEN, large, listen, model, moment, noise, small},
    server::Reply,
};

const FIRST: &str = "model-00001-of-00002.safetensors";

#[test]
fn a_model_arrives_in_the_layout_that_python_reads() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let repo: Repo = "owner/tiny".parse().unwrap();
    let (heard, watch) = listen();
    let snapshot = play.client(cache.path()).fetch(&repo, &Wanted::model(), &watch).unwrap();

    let folder = cache.path().join("models--owner--tiny");
    assert_eq!(snapshot.commit, COMMIT);
    assert_eq!(snapshot.folder, folder.join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(folder.join("refs/main")).unwrap(), COMMIT);
    let files = model();
    let wanted: Vec<_> = files.iter().filter(|file| Wanted::model().wants(&file.name)).collect();
    assert_eq!(snapshot.files.len(), 4);
    assert_eq!(wanted.len(), 4);
    for file in &wanted {
        assert_eq!(fs::read(snapshot.path(&file.name)).unwrap(), file.bytes, "{}", file.name);
        assert_eq!(fs::read(folder.join("blobs").join(&file.etag)).unwrap(), file.bytes);
        #[cfg(unix)]
        assert_eq!(
            fs::read_link(snapshot.path(&file.name)).unwrap(),
            Path::new("../../blobs").join(&file.etag)
        );
    }
    assert_eq!(fs::read_dir(folder.join("blobs")).unwrap().count(), 4, "nothing is left over");
    assert!(!snapshot.path("README.md").exists() && !snapshot.path("onnx").exists());

    let heard = heard.lock().unwrap();
    let last = heard.last().unwrap();
    let total: u64 = wanted.iter().map(|file| file.size).sum();
    assert_eq!((last.done, last.total, last.reused), (total, total, 0));
    assert_eq!((last.files_done, last.files), (4, 4));
    assert!(heard.windows(2).all(|two| two[0].done <= two[1].done), "it never falls");
}

#[test]
fn the_token_goes_to_the_hub_and_not_to_its_storage() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let repo = Repo::model("owner/tiny").unwrap();
    play.client(cache.path()).fetch(&repo, &Wanted::model(), &()).unwrap();
    let (asked, stored) = (play.hub.asked(), play.store.asked());
    assert!(asked.len() > 4 && stored.len() == 2);
    let bearer = format!("Bearer {TOKEN}");
    assert!(asked.iter().all(|asked| asked.header("authorization") == bearer));
    assert!(stored.iter().all(|asked| !asked.headers.contains_key("authorization")));
    assert!(asked.iter().chain(&stored).all(|a| a.header("user-agent").starts_with("ethos-hub/")));
}

#[test]
fn what_is_there_is_not_fetched_again() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let hub = play.client(cache.path());
    let repo = Repo::model("owner/tiny").unwrap();
    let first = hub.fetch(&repo, &Wanted::model(), &()).unwrap();
    let before = play.hub.asked().len();

    // A branch is asked what it is now, and nothing more.
    let (heard, watch) = listen();
    assert_eq!(hub.fetch(&repo, &Wanted::model(), &watch).unwrap(), first);
    assert_eq!(play.hub.asked().len(), before + 1);
    let heard = heard.lock().unwrap();
    assert_eq!(heard.last().unwrap().reused, heard.last().unwrap().total);

    // A commit is not asked for at all, and what is not wanted yet comes alone.
    let commit = repo.at(COMMIT).unwrap();
    assert_eq!(hub.fetch(&commit, &Wanted::model(), &()).unwrap(), first);
    assert_eq!(play.hub.asked().len(), before + 1);
    hub.fetch(&commit, &Wanted::everything(), &()).unwrap();
    assert_eq!(play.hub.asked().len(), before + 3, "README.md and onnx/model.onnx");
}

#[test]
fn a_file_alone_takes_two_requests_and_is_the_same_file() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let hub = play.client(cache.path());
    let repo = Repo::model("owner/tiny").unwrap();
    for name in ["config.json", FIRST] {
        let path = hub.file(&repo, name, &()).unwrap();
        let file = model().into_iter().find(|file| file.name == name).unwrap();
        assert_eq!(fs::read(&path).unwrap(), file.bytes);
        assert!(path.ends_with(format!("snapshots/{COMMIT}/{name}")));
        assert!(cache.path().join("models--owner--tiny/blobs").join(file.etag).is_file());
    }
    assert_eq!(play.hub.count("HEAD", "resolve/main"), 2);
    assert_eq!(play.hub.count("GET", "resolve"), 2);
    assert_eq!(play.hub.count("GET", "api/"), 0);

    let commit = repo.at(COMMIT).unwrap();
    hub.file(&commit, FIRST, &()).unwrap();
    assert_eq!(play.hub.asked().len(), 4);
    let snapshot = hub.fetch(&commit, &Wanted::only(["config.json"]), &()).unwrap();
    assert_eq!(snapshot.files, ["config.json"]);
    assert_eq!(play.hub.count("GET", "config.json"), 1, "a fetch finds what `file` fetched");
}

#[test]
fn data_sets_have_places_of_their_own() {
    let files = vec![
        small("README.md", "---\nlicense: mit\n---"),
        large("data/train-0.parquet", noise(1000)),
        large("data/en/rows.jsonl", "{}\n"),
        small("script.py", "import os"),
        small("empty.csv", ""),
    ];
    let (play, cache) = (Play::new("datasets/owner/chats", files), tempfile::tempdir().unwrap());
    let repo: Repo = "datasets/owner/chats@refs/pr/1".parse().unwrap();
    let hub = play.client(cache.path());
    let snapshot = hub.fetch(&repo, &Wanted::usual(repo.kind()), &()).unwrap();
    assert_eq!(
        snapshot.files,
        ["README.md", "data/en/rows.jsonl", "data/train-0.parquet", "empty.csv"]
    );
    let folder = cache.path().join("datasets--owner--chats");
    assert_eq!(snapshot.folder, folder.join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(folder.join("refs/refs/pr/1")).unwrap(), COMMIT);
    assert_eq!(fs::read(snapshot.path("data/train-0.parquet")).unwrap(), noise(1000));
    assert_eq!(fs::read(snapshot.path("empty.csv")).unwrap(), b"");
    #[cfg(unix)]
    assert!(
        fs::read_link(snapshot.path("data/en/rows.jsonl"))
            .unwrap()
            .starts_with("../../../../blobs")
    );
}

#[test]
fn two_names_of_one_content_are_one_download() {
    let files = vec![large("a.safetensors", noise(9000)), large("b.safetensors", noise(9000))];
    let (play, cache) = (Play::new("owner/tiny", files), tempfile::tempdir().unwrap());
    let repo = Repo::model("owner/tiny").unwrap();
    let snapshot = play.client(cache.path()).fetch(&repo, &Wanted::model(), &()).unwrap();
    for name in ["a.safetensors", "b.safetensors"] {
        assert_eq!(fs::read(snapshot.path(name)).unwrap(), noise(9000));
    }
    assert_eq!(play.store.asked().len(), 1);
}

#[test]
fn fetches_at_the_same_time_share_their_downloads() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let repo = Repo::model("owner/tiny").unwrap();
    thread::scope(|scope| {
        for _ in 0..6 {
            // Clients of their own: what they share is the folder, as processes would.
            let hub = play.client(cache.path());
            let repo = &repo;
            scope.spawn(move || {
                let snapshot = hub.fetch(repo, &Wanted::model(), &()).unwrap();
                for file in model().iter().filter(|file| Wanted::model().wants(&file.name)) {
                    assert_eq!(fs::read(snapshot.path(&file.name)).unwrap(), file.bytes);
                }
            });
        }
    });
    assert_eq!(play.store.asked().len(), 2, "each shard came once");
}

#[test]
fn whoever_holds_the_lock_is_waited_for() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let file = model().into_iter().find(|file| file.name == FIRST).unwrap();
    let locks = cache.path().join(".locks/models--owner--tiny");
    fs::create_dir_all(&locks).unwrap();
    let lock = fs::File::create(locks.join(format!("{}.lock", file.etag))).unwrap();
    lock.lock().unwrap();
    let (hub, repo) = (play.client(cache.path()), Repo::model("owner/tiny").unwrap());
    thread::scope(|scope| {
        let fetch = scope.spawn(|| hub.file(&repo, FIRST, &()).unwrap());
        while play.hub.count("HEAD", FIRST) == 0 {
            moment();
        }
        moment();
        assert_eq!(play.hub.count("GET", FIRST), 0);
        // Another process finishes the download: nothing is left to do.
        let blobs = cache.path().join("models--owner--tiny/blobs");
        fs::create_dir_all(&blobs).unwrap();
        fs::write(blobs.join(&file.etag), &file.bytes).unwrap();
        drop(lock);
        assert_eq!(fs::read(fetch.join().unwrap()).unwrap(), file.bytes);
    });
    assert_eq!(play.store.asked().len(), 0);
}

#[test]
fn a_renamed_repository_is_followed_home() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    for part in ["old/tiny/revision", "old/tiny/tree", "old/tiny/resolve"] {
        // The hub's redirections are relative; 307 for whatever method.
        let to = match part {
            "old/tiny/revision" => "/api/models/owner/tiny/revision/main".into(),
            "old/tiny/tree" => format!("/api/models/owner/tiny/tree/{COMMIT}?recursive=true"),
            _ => format!("/owner/tiny/resolve/{COMMIT}/config.json"),
        };
        play.instead(part, Reply::new(307, "").with("Location", to));
    }
    let repo = Repo::model("old/tiny").unwrap();
    let hub = play.client(cache.path());
    let snapshot = hub.fetch(&repo, &Wanted::only(["config.json"]), &()).unwrap();
    assert_eq!(fs::read(snapshot.path("config.json")).unwrap(), br#"{"hidden_size": 8}"#);
    assert!(play.hub.asked().iter().all(|asked| asked.headers.contains_key("authorization")));
}
