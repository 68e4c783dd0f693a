//! What the hub refuses, and how the errors say what to do.

use std::time::{Duration, Instant};

use ethos_hub::{Error, Hub, Repo, Result, Wanted};

use crate::{
    play::{Play, hasty},
    server::Reply,
};

fn fetch(hub: &Hub, repo: &str) -> Result<()> {
    hub.fetch(&repo.parse()?, &Wanted::model(), &()).map(drop)
}

/// The error of a fetch whose first request is answered with `reply`, with a token or without.
fn refused(reply: Reply, token: bool) -> Error {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    play.instead("revision", reply);
    let hub = match token {
        true => play.client(cache.path()),
        false => Hub::new(cache.path()).with_endpoint(&play.hub.url).unwrap(),
    };
    fetch(&hub.with_patience(hasty(1)), "owner/tiny").unwrap_err()
}

#[test]
fn errors_name_the_repository_and_the_way_out() {
    for (reply, token, parts) in [
        (
            Reply::error(401, "GatedRepo"),
            false,
            &["model `owner/tiny`", "accept its terms at http://", "/owner/tiny,", "HF_TOKEN"][..],
        ),
        (Reply::error(403, "GatedRepo"), true, &["accept its terms", "with the token's account"]),
        (Reply::error(403, ""), true, &["so says the server", "needs the right"]),
        (Reply::error(401, ""), false, &["no model `owner/tiny`", "private", "HF_TOKEN"]),
        (Reply::error(404, "RepoNotFound"), true, &["no model `owner/tiny`", "token's account"]),
        (
            Reply::error(401, "")
                .with("X-Error-Message", "Invalid credentials in Authorization header"),
            true,
            &["does not know the token", "/settings/tokens"],
        ),
        (Reply::error(404, "RevisionNotFound"), true, &["has no revision `main`"]),
        (Reply::error(500, ""), true, &["answered 500: so says the server"]),
        (
            Reply::error(429, "").with("Retry-After", "3000"),
            true,
            &["answered 429", "try again in 3000 s"],
        ),
        (Reply::new(200, "<html>"), true, &["cannot understand", "is it a hub?"]),
        (Reply::new(200, r#"{"sha":"../../x","siblings":[]}"#), true, &["names no commit"]),
    ] {
        let error = refused(reply, token).to_string();
        for part in parts {
            assert!(error.contains(part), "`{part}` in: {error}");
        }
    }
}

#[test]
fn a_repository_a_revision_and_a_file_are_told_apart() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let hub = play.client(cache.path());
    let file = |repo: &str, file: &str| hub.file(&repo.parse().unwrap(), file, &()).unwrap_err();
    assert!(matches!(fetch(&hub, "owner/none"), Err(Error::NoRepo { .. })));
    assert!(matches!(fetch(&hub, "datasets/owner/tiny"), Err(Error::NoRepo { .. })));
    assert!(matches!(fetch(&hub, "owner/tiny@none"), Err(Error::NoRevision { .. })));
    assert!(matches!(file("owner/none", "config.json"), Error::NoRepo { .. }));
    assert!(matches!(file("owner/tiny@none", "config.json"), Error::NoRevision { .. }));
    let error = file("owner/tiny", "vocab.json");
    assert_eq!(error.to_string(), "`owner/tiny@main` has no file `vocab.json`");
    let wanted = Wanted::only(["*.gguf"]);
    let error = hub.fetch(&Repo::model("owner/tiny").unwrap(), &wanted, &()).unwrap_err();
    assert!(error.to_string().contains("`*.gguf`; it has README.md, config.json,"), "{error}");
}

#[test]
fn transient_failures_are_tried_again() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    play.instead("revision", Reply::error(429, "").with("Retry-After", "1"));
    play.instead("revision", Reply::error(503, ""));
    play.instead("tree", Reply::error(500, ""));
    play.instead("config.json", Reply::new(200, "{").cut(0).announcing(18));
    // The address of a storage expires.
    play.instead("X-Signature", Reply::new(403, "<Code>AccessDenied</Code>"));
    let began = Instant::now();
    fetch(&play.client(cache.path()), "owner/tiny").unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "as long as the hub asked");
    assert_eq!(play.hub.count("GET", "revision"), 3);
    assert_eq!(play.hub.count("GET", "tree"), 3, "and two pages");
}

#[test]
fn nobody_at_home_is_said_with_the_address() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let hub = play.client(cache.path());
    let url = play.hub.url.clone();
    drop(play);
    let error = fetch(&hub, "owner/tiny").unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert!(matches!(&error, Error::Unreachable { .. }), "{error}");
    assert!(
        error.to_string().contains(&format!("cannot reach {url}/api/models/owner/tiny")),
        "{error}"
    );
    assert!(source.is_some());
}

#[test]
fn the_first_error_ends_the_others() {
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    play.instead("config.json", Reply::error(403, ""));
    let error = fetch(&play.client(cache.path()).with_connections(1), "owner/tiny").unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error}");
    assert_eq!(play.store.asked().len(), 0);
}
