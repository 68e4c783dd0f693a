//! Reference values of `fixtures/stats`, made by `fixtures/stats.py`.

use std::{fs, path::Path};

use serde::de::DeserializeOwned;

/// The rows of one subject.
pub(crate) fn read<T: DeserializeOwned>(subject: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stats");
    serde_json::from_str(&fs::read_to_string(folder.join(format!("{subject}.json"))).unwrap())
        .unwrap()
}

/// Equal to 1e-9, relative above 1.
#[track_caller]
pub(crate) fn close(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{ours} is not {theirs}");
}
