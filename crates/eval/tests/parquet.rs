//! A file as the Hugging Face hub has them, written by Apache Arrow (fixtures/make.py).

#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use ethos_eval::{Columns, Dataset, Metadata};
use serde_json::json;

#[test]
fn rows_written_by_arrow_are_samples() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/questions.parquet");
    let columns = Columns {
        input: "question".to_owned(),
        target: "answer".to_owned(),
        metadata: Metadata::Rest,
        ..Columns::default()
    };
    let found = Dataset::parquet(path, &columns).unwrap();
    let [first, second] = found.samples.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (first.question().as_str(), first.target.as_slice()),
        ("What is 2 + 2?", &["1".to_owned()][..])
    );
    assert_eq!(first.choices, ["3", "4"]);
    assert_eq!(first.metadata["subject"], json!("sums"));
    assert_eq!(second.question(), "Wie heißt das?");
    assert_eq!(second.metadata["subject"], json!(null));
    let error = Dataset::parquet(file!(), &columns).unwrap_err().to_string();
    assert!(error.contains("parquet.rs"), "{error}");
}
