//! What is written is what is read.

use std::{fs, path::Path};

use ethos_evallog::*;

use crate::samples::{finished, full, log, reductions};

fn read(path: &Path) -> (EvalLog, Vec<EvalSample>) {
    let mut reader = LogReader::open(path).unwrap();
    let header = reader.header().unwrap();
    let samples: Result<Vec<_>> = reader.samples().collect();
    (header, samples.unwrap())
}

/// In each form and packing.
fn each(test: impl Fn(&Path, Compression)) {
    let folder = tempfile::tempdir().unwrap();
    test(&folder.path().join("a/deflate.eval"), Compression::Deflate);
    #[cfg(feature = "zstd")]
    test(&folder.path().join("a/zstd.eval"), Compression::Zstd);
    test(&folder.path().join("a/plain.json"), Compression::Deflate);
    let left: Vec<_> = fs::read_dir(folder.path().join("a")).unwrap().collect();
    assert!(left.len() <= 3, "something was left behind: {left:?}");
}

#[test]
fn a_log_is_read_as_it_was_written() {
    each(|path, compression| {
        let samples = [full(1, 1), full("a/b ☂", 1), full("a/b ☂", 2)];
        let mut writer = LogWriter::create_packed(path, &log(), compression).unwrap();
        for sample in &samples {
            writer.add(sample).unwrap();
        }
        writer.finish(&finished(), Some(&reductions())).unwrap();

        let (header, found) = read(path);
        assert_eq!(header, finished());
        assert_eq!(found, samples);
        let mut reader = LogReader::open(path).unwrap();
        assert_eq!(reader.sample("a/b ☂", 2).unwrap().unwrap(), samples[2]);
        assert_eq!(reader.sample("1", 1).unwrap().unwrap(), samples[0]);
        assert_eq!(reader.sample("1", 2).unwrap(), None);
        assert_eq!(reader.sample("..", 1).unwrap(), None);
        assert_eq!(reader.reductions().unwrap().unwrap(), reductions());
        let summaries: Result<Vec<_>> = reader.summaries().collect();
        let wanted: Vec<_> = samples.iter().map(EvalSample::summary).collect();
        assert_eq!(summaries.unwrap(), wanted);
    });
}

#[test]
fn a_log_can_be_read_at_any_time_and_survives_its_writer() {
    each(|path, compression| {
        let mut writer = LogWriter::create_packed(path, &log(), compression).unwrap();
        assert_eq!(read(path), (log(), vec![]));
        writer.add(&full(1, 1)).unwrap();
        assert_eq!(read(path), (log(), vec![]));
        writer.flush().unwrap();
        writer.flush().unwrap();
        writer.add(&full(2, 1)).unwrap();
        assert_eq!(read(path), (log(), vec![full(1, 1)]));
        writer.flush().unwrap();
        // Killed: it cleans nothing up.
        std::mem::forget(writer);

        let (header, samples) = read(path);
        assert_eq!(header.status, EvalStatus::Started);
        assert_eq!(samples, [full(1, 1), full(2, 1)]);
        let mut reader = LogReader::open(path).unwrap();
        let summaries: Result<Vec<_>> = reader.summaries().collect();
        assert_eq!(summaries.unwrap(), [full(1, 1).summary(), full(2, 1).summary()]);
        assert!(reader.reductions().unwrap().is_none());
    });
}

#[test]
fn a_sample_that_was_run_again_counts_once() {
    each(|path, compression| {
        let mut again = full(1, 1);
        again.error = None;
        let mut writer = LogWriter::create_packed(path, &log(), compression).unwrap();
        writer.add(&full(1, 1)).unwrap();
        writer.add(&full(2, 1)).unwrap();
        writer.flush().unwrap();
        writer.add(&again).unwrap();
        writer.flush().unwrap();
        let check = |path: &Path| {
            assert_eq!(read(path).1, [again.clone(), full(2, 1)]);
            let mut reader = LogReader::open(path).unwrap();
            let summaries: Result<Vec<_>> = reader.summaries().collect();
            let summaries = summaries.unwrap();
            assert_eq!(summaries.len(), 2);
            assert!(summaries.contains(&again.summary()), "{summaries:?}");
        };
        check(path);
        writer.finish(&finished(), None).unwrap();
        check(path);
    });
}

#[test]
fn a_log_without_samples_is_one() {
    each(|path, compression| {
        let writer = LogWriter::create_packed(path, &log(), compression).unwrap();
        writer.finish(&finished(), None).unwrap();
        assert_eq!(read(path), (finished(), vec![]));
        assert_eq!(LogReader::open(path).unwrap().summaries().count(), 0);
    });
}

#[test]
fn an_id_that_no_member_can_have_is_refused_and_the_log_goes_on() {
    each(|path, compression| {
        let mut writer = LogWriter::create_packed(path, &log(), compression).unwrap();
        let error = writer.add(&full("../out", 1)).unwrap_err().to_string();
        assert!(error.contains("`../out`") && error.contains("give it another"), "{error}");
        writer.add(&full(1, 1)).unwrap();
        writer.finish(&finished(), None).unwrap();
        assert_eq!(read(path).1, [full(1, 1)]);
    });
}

#[test]
fn what_cannot_be_written_leaves_the_old_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.eval");
    let mut writer = LogWriter::create(&path, &log()).unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = writer.flush().unwrap_err();
    assert!(matches!(error, Error::Io { doing: "write", .. }), "{error:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_header_is_read_wherever_its_fields_stand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    let text = r#"{"samples": [{"broken": tru}], "version": 1, "eval": {"created": "now",
        "task": "t", "model": "m", "new": [NaN]}, "status": "paused", "reductions": null}"#;
    fs::write(&path, text).unwrap();
    let mut reader = LogReader::open(&path).unwrap();
    let header = reader.header().unwrap();
    assert_eq!(header.status, EvalStatus::Other("paused".into()));
    assert_eq!(header.eval.extra["new"], Value::Array(vec![f64::NAN.into()]));
    assert!(reader.reductions().unwrap().is_none());
}

#[test]
fn a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    fs::write(&path, r#"{"version":3,"eval":{"created":"","task":"","model":""}}"#).unwrap();
    let error = LogReader::open(&path).unwrap().header().unwrap_err();
    assert!(matches!(error, Error::Version { version: 3, .. }), "{error}");
}

/// Summaries are journalled before they take much memory, not at a flush alone.
#[test]
fn many_samples_between_two_flushes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.eval");
    let mut writer = LogWriter::create(&path, &log()).unwrap();
    let samples: Vec<_> =
        (0..400).map(|n| EvalSample::new(n, 1, "long ".repeat(1000), "")).collect();
    for sample in &samples {
        writer.add(sample).unwrap();
    }
    writer.flush().unwrap();
    assert_eq!(LogReader::open(&path).unwrap().summaries().count(), 400);
    writer.finish(&finished(), None).unwrap();
    assert_eq!(read(&path).1, samples);
    assert_eq!(LogReader::open(&path).unwrap().summaries().count(), 400);
}

#[test]
fn a_null_score_is_written_as_unscored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    let mut sample = EvalSample::new(1, 1, "", "");
    sample.scores = Some([("judge".to_owned(), Score::new(Value::Null))].into());
    let mut writer = LogWriter::create(&path, &log()).unwrap();
    writer.add(&sample).unwrap();
    writer.finish(&finished(), None).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("\"judge\":{\"value\":NaN,"));
    assert!(read(&path).1[0].scores.as_ref().unwrap()["judge"].is_unscored());
}
