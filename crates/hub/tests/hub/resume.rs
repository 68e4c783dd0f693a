//! Downloads that end before their time, and what is kept of them.

use std::{fs, path::Path};

use ethos_hub::{Error, Hub, Patience, Repo, Wanted};

use crate::{
    play::{COMMIT, Play, hasty, large, noise},
    server::Reply,
};

const NAME: &str = "model.safetensors";
const SIZE: usize = 1_000_000;

struct Case {
    play: Play,
    cache: tempfile::TempDir,
    repo: Repo,
    etag: String,
}

impl Case {
    fn new() -> Case {
        let file = large(NAME, noise(SIZE));
        let etag = file.etag.clone();
        let (cache, repo) = (tempfile::tempdir().unwrap(), Repo::model("owner/tiny").unwrap());
        Case { play: Play::new("owner/tiny", vec![file]), cache, repo, etag }
    }

    fn blob(&self, ending: &str) -> std::path::PathBuf {
        let name = format!("{}{ending}", self.etag);
        self.cache.path().join("models--owner--tiny/blobs").join(name)
    }

    /// What an earlier run left.
    fn leave(&self, bytes: &[u8]) {
        fs::create_dir_all(self.blob("").parent().unwrap()).unwrap();
        fs::write(self.blob(".incomplete"), bytes).unwrap();
    }

    fn hub(&self, tries: u32) -> Hub {
        self.play.client(self.cache.path()).with_patience(hasty(tries))
    }

    fn fetch(&self, tries: u32) -> Result<(), Error> {
        let snapshot = self.hub(tries).fetch(&self.repo, &Wanted::model(), &())?;
        assert_eq!(fs::read(snapshot.path(NAME)).unwrap(), noise(SIZE));
        assert!(!self.blob(".incomplete").exists());
        Ok(())
    }

    fn ranges(&self) -> Vec<String> {
        self.play.store.asked().iter().map(|asked| asked.header("range").to_owned()).collect()
    }
}

#[test]
fn a_download_goes_on_after_a_cut_connection() {
    let case = Case::new();
    case.play.instead(&case.etag, Reply::new(200, noise(SIZE)).cut(400_000));
    let rest = Reply::new(206, noise(SIZE).split_off(400_000))
        .with("Content-Range", format!("bytes 400000-999999/{SIZE}"));
    case.play.instead(&case.etag, rest.cut(300_000));
    case.fetch(2).unwrap();
    // Every answer brought it further, so that two tries were enough for three requests.
    assert_eq!(case.ranges(), ["", "bytes=400000-999999", "bytes=700000-999999"]);
    // A signed address may have expired meanwhile: the hub is asked for a new one each time.
    assert_eq!(case.play.hub.count("GET", "resolve"), 3);
}

#[test]
fn a_killed_download_goes_on_in_the_next_run() {
    let case = Case::new();
    case.play.instead(&case.etag, Reply::new(200, noise(SIZE)).cut(640_000));
    let error = case.fetch(1).unwrap_err();
    assert!(
        matches!(&error, Error::Unreachable { url, .. } if url.starts_with("http://127")),
        "{error}"
    );
    assert_eq!(fs::read(case.blob(".incomplete")).unwrap(), noise(SIZE)[..640_000]);
    assert!(!case.blob("").exists(), "a blob appears only whole");
    let refs = case.cache.path().join("models--owner--tiny/refs/main");
    assert!(!refs.exists(), "and a branch only when its files are there");

    let heard = std::sync::Mutex::new(Vec::new());
    let watch = |p: &ethos_hub::Progress| heard.lock().unwrap().push((p.done, p.reused));
    case.hub(1).fetch(&case.repo, &Wanted::model(), &watch).unwrap();
    assert_eq!(case.ranges()[1], "bytes=640000-999999");
    assert_eq!(heard.lock().unwrap()[0], (640_000, 640_000));
    case.fetch(1).unwrap();
    assert_eq!(case.ranges().len(), 2);
}

#[test]
fn a_server_that_ignores_ranges_is_put_up_with() {
    let case = Case::new();
    case.leave(&noise(SIZE)[..1000]);
    case.play.instead(&case.etag, Reply::new(200, noise(SIZE)));
    case.fetch(1).unwrap();
    assert_eq!(case.ranges(), ["bytes=1000-999999"]);
}

#[test]
fn another_range_than_was_asked_for_is_an_error() {
    let case = Case::new();
    case.leave(&noise(SIZE)[..1000]);
    let other =
        Reply::new(206, &noise(SIZE)[2000..]).with("Content-Range", "bytes 2000-999999/1000000");
    case.play.instead(&case.etag, other);
    let error = case.fetch(1).unwrap_err();
    assert!(error.to_string().contains("another range"), "{error}");
    case.fetch(1).unwrap();
}

#[test]
fn empty_answers_end_some_time() {
    let case = Case::new();
    case.leave(&noise(SIZE)[..1000]);
    let empty = Reply::new(206, "").with("Content-Range", format!("bytes 1000-999999/{SIZE}"));
    for _ in 0..3 {
        case.play.instead(&case.etag, empty.clone());
    }
    let error = case.fetch(2).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert_eq!(case.ranges().len(), 2);
    case.fetch(2).unwrap();
}

#[test]
fn damaged_remains_are_begun_anew() {
    for remains in [vec![7; 1000], noise(SIZE + 1), vec![7; SIZE]] {
        let case = Case::new();
        case.leave(&remains);
        case.fetch(1).unwrap();
        assert_eq!(case.ranges().last().unwrap(), "", "{} bytes", remains.len());
    }
}

#[test]
fn whole_remains_are_only_checked() {
    let case = Case::new();
    case.leave(&noise(SIZE));
    case.fetch(1).unwrap();
    assert!(case.ranges().is_empty());
}

#[test]
fn a_server_without_the_range_begins_anew_once() {
    let case = Case::new();
    case.leave(&noise(SIZE)[..1000]);
    case.play.instead(&case.etag, Reply::new(416, ""));
    case.fetch(1).unwrap();
    assert_eq!(case.ranges(), ["bytes=1000-999999", ""]);

    let case = Case::new();
    case.leave(&noise(SIZE)[..1000]);
    case.play.instead(&case.etag, Reply::new(416, ""));
    case.play.instead(&case.etag, Reply::new(416, ""));
    assert!(case.fetch(1).unwrap_err().to_string().contains("no such range"));
}

#[test]
fn damage_on_the_way_is_found_and_not_kept() {
    let case = Case::new();
    let mut wrong = noise(SIZE);
    wrong[SIZE / 2] ^= 1;
    case.play.instead(&case.etag, Reply::new(200, wrong));
    match case.fetch(3).unwrap_err() {
        Error::Hash { file, expected, found, .. } => {
            assert_eq!((file.as_str(), &expected), (NAME, &case.etag));
            assert_eq!((found.len(), found == expected), (64, false));
        }
        error => panic!("{error}"),
    }
    assert!(!case.blob("").exists());
    assert_eq!(fs::metadata(case.blob(".incomplete")).unwrap().len(), 0);
    case.fetch(1).unwrap();
}

#[test]
fn small_files_are_checked_by_gits_hash() {
    let cache = tempfile::tempdir().unwrap();
    let play = Play::model();
    play.instead("resolve", Reply::new(200, r#"{"hidden_size": 9}"#));
    let repo = Repo::model("owner/tiny").unwrap();
    let wanted = Wanted::only(["config.json"]);
    let error = play.client(cache.path()).fetch(&repo, &wanted, &()).unwrap_err();
    assert!(matches!(&error, Error::Hash { found, .. } if found.len() == 40), "{error}");
}

#[test]
fn another_size_than_listed_is_an_error_before_it_arrives() {
    let case = Case::new();
    case.play.instead(&case.etag, Reply::new(200, noise(SIZE)).announcing(SIZE + 1));
    match case.fetch(3).unwrap_err() {
        Error::Size { expected, found, .. } => {
            assert_eq!((expected, found), (SIZE as u64, SIZE as u64 + 1));
        }
        error => panic!("{error}"),
    }
    assert!(!Path::new(&case.blob("")).exists());
    case.fetch(1).unwrap();
}

#[test]
fn a_silent_server_is_left() {
    let case = Case::new();
    case.play.instead(&case.etag, Reply::silent());
    let patience = Patience { silence: 0.2, ..hasty(1) };
    let hub = case.hub(1).with_patience(patience.clone());
    let began = std::time::Instant::now();
    let error = hub.fetch(&case.repo, &Wanted::model(), &()).unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(began.elapsed().as_secs_f64() < 2.0);

    case.play.instead(&case.etag, Reply::silent());
    let hub = case.hub(1).with_patience(Patience { tries: 2, ..patience });
    assert_eq!(hub.fetch(&case.repo, &Wanted::model(), &()).unwrap().commit, COMMIT);
}
