//! What must not happen, whatever a server says.

use std::fs;

use ethos_hub::{Error, Hub, Repo, Wanted};
use serde_json::json;

use crate::{
    play::{COMMIT, Play, Remote, TOKEN, hasty, large, noise, small},
    server::{Reply, Server},
};

fn fetch(files: Vec<Remote>) -> (tempfile::TempDir, Error) {
    let (play, top) = (Play::new("owner/tiny", files), tempfile::tempdir().unwrap());
    let hub = play.client(&top.path().join("a/cache"));
    let repo = Repo::model("owner/tiny").unwrap();
    let error = hub.fetch(&repo, &Wanted::everything(), &()).unwrap_err();
    (top, error)
}

#[test]
fn names_that_leave_the_cache_are_refused() {
    for name in
        ["../evil", "../../../../evil", "/tmp/evil", "a/../../evil", "a\\..\\evil", "a//b", "."]
    {
        let (top, error) = fetch(vec![small("config.json", "{}"), small(name, "evil")]);
        assert!(
            matches!(&error, Error::UnsafeName { file, .. } if file == name),
            "{name}: {error}"
        );
        let left: Vec<_> = fs::read_dir(top.path()).unwrap().collect();
        assert!(left.len() <= 1 && !top.path().join("evil").exists(), "{left:?}");
    }
    let hub = Hub::new("nowhere");
    let error = hub.file(&Repo::model("a/b").unwrap(), "../x", &()).unwrap_err();
    assert!(matches!(error, Error::UnsafeName { .. }), "{error}");
}

#[test]
fn names_of_contents_that_leave_the_cache_are_refused() {
    for etag in ["../../evil", "", "a/b", ".hidden", &"a".repeat(200)] {
        let file = Remote { etag: etag.into(), ..large("model.safetensors", noise(10)) };
        let (_top, error) = fetch(vec![file]);
        assert!(error.to_string().contains("no usable name"), "{etag}: {error}");
    }
    let (play, cache) = (Play::model(), tempfile::tempdir().unwrap());
    let head = Reply::new(200, "{}").with("X-Repo-Commit", COMMIT).with("ETag", "\"../../evil\"");
    play.instead("config.json", head);
    let repo = Repo::model("owner/tiny").unwrap();
    let error = play.client(cache.path()).file(&repo, "config.json", &()).unwrap_err();
    assert!(error.to_string().contains("no usable name"), "{error}");
}

#[test]
fn absurd_sizes_are_refused() {
    let (_top, error) = fetch(vec![Remote { size: 1 << 50, ..large("a", noise(10)) }]);
    assert!(error.to_string().contains("1125899906842624 bytes"), "{error}");
    // A body that goes on and on.
    let (_top, error) = fetch(vec![Remote { size: 5, ..large("a", noise(1000)) }]);
    assert!(matches!(error, Error::Size { expected: 5, .. }), "{error}");
}

#[test]
fn a_listing_that_goes_round_in_circles_ends() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(|asked| {
        let url = format!("http://{}{}", asked.header("host"), asked.path);
        match asked.path.contains("/tree/") {
            true => Reply::json(json!([])).with("Link", format!("<{url}>; rel=\"next\"")),
            false => Reply::json(json!({"sha": COMMIT, "siblings": []})),
        }
    });
    let hub = Hub::new(cache.path()).with_endpoint(&server.url).unwrap();
    let error = hub.fetch(&Repo::model("a/b").unwrap(), &Wanted::model(), &()).unwrap_err();
    assert!(error.to_string().contains("does not end"), "{error}");
}

#[test]
fn redirections_without_an_end_or_an_address_are_refused() {
    for (to, part) in [("/round", "too many"), ("file:///etc/passwd", "no address of the web")] {
        let cache = tempfile::tempdir().unwrap();
        let server = Server::start(move |_| Reply::new(302, "").with("Location", to));
        let hub = Hub::new(cache.path()).with_endpoint(&server.url).unwrap();
        let error = hub.file(&Repo::model("a/b").unwrap(), "x", &()).unwrap_err();
        assert!(matches!(error, Error::Redirect { .. }), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(server.asked().len() < 12);
    }
}

/// Another server is sent nothing, whatever its name looks like, and a page of the listing neither.
#[test]
fn the_token_follows_no_redirection_to_another_server() {
    let cache = tempfile::tempdir().unwrap();
    let thief = Server::start(|_| Reply::json(json!({"sha": COMMIT, "siblings": []})));
    let to = thief.url.clone();
    let hub = Server::start(move |asked| match asked.path.contains("/revision/") {
        true => Reply::new(307, "").with("Location", format!("{to}{}", asked.path)),
        false => Reply::json(json!([])).with("Link", format!("<{to}/tree>; rel=\"next\"")),
    });
    let client = Hub::new(cache.path()).with_endpoint(&hub.url).unwrap().with_token(TOKEN).unwrap();
    let repo = Repo::model("a/b").unwrap();
    client.with_patience(hasty(1)).fetch(&repo, &Wanted::model(), &()).unwrap_err();
    assert_eq!(thief.asked().len(), 2);
    assert!(thief.asked().iter().all(|asked| !asked.headers.contains_key("authorization")));
    assert!(hub.asked().iter().all(|asked| asked.headers.contains_key("authorization")));
}

#[test]
fn no_error_and_no_debug_shows_the_token_or_a_signature() {
    let cache = tempfile::tempdir().unwrap();
    let play = Play::model();
    let hub = play.client(cache.path()).with_patience(hasty(1));
    let mut shown = format!("{hub:?} {hub:#?}");
    assert!(shown.contains("hidden"));
    let repo = Repo::model("owner/tiny").unwrap();
    for (part, reply) in [
        ("revision", Reply::error(401, "")),
        ("revision", Reply::error(403, "GatedRepo")),
        ("revision", Reply::error(500, "")),
        ("revision", Reply::new(307, "").with("Location", "file:///x?X-Signature=secret")),
        ("tree", Reply::new(200, "[")),
        ("X-Signature", Reply::new(403, "")),
        ("X-Signature", Reply::new(404, "")),
        ("X-Signature", Reply::new(200, "").cut(0).announcing(300_000)),
        ("X-Signature", Reply::new(302, "").with("Location", "ftp://x/?X-Signature=secret")),
    ] {
        play.instead(part, reply);
        let error = hub.fetch(&repo, &Wanted::only(["*00001*"]), &()).unwrap_err();
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = source {
            shown += &format!("\n{error} {error:?}");
            source = error.source();
        }
    }
    assert!(shown.lines().count() > 9);
    assert!(!shown.contains("VerySecret") && !shown.contains("=secret"), "{shown}");
}
