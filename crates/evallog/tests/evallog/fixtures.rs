//! Logs that Inspect wrote (tests/interop/make.py), read without Python.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ethos_evallog::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn read(path: &Path) -> (EvalLog, Vec<EvalSample>, Option<Vec<EvalSampleReductions>>) {
    let mut reader = LogReader::open(path).unwrap();
    let header = reader.header().unwrap();
    let samples: Result<Vec<_>> = reader.samples().collect();
    (header, samples.unwrap(), reader.reductions().unwrap())
}

/// Inspect's own archives are packed with zstd.
fn names() -> Vec<String> {
    let files = fs::read_dir(fixture("")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        names.filter(|name| cfg!(feature = "zstd") || name.ends_with(".json")).collect();
    names.sort();
    names
}

pub(crate) fn rewrite(from: &Path, to: &Path) {
    let mut reader = LogReader::open(from).unwrap();
    let header = reader.header().unwrap();
    let reductions = reader.reductions().unwrap();
    let mut writer = LogWriter::create(to, &header).unwrap();
    for sample in reader.samples() {
        writer.add(&sample.unwrap()).unwrap();
    }
    writer.finish(&header, reductions.as_deref()).unwrap();
}

#[test]
fn all_are_read_and_survive_being_written_in_both_forms() {
    let folder = tempfile::tempdir().unwrap();
    assert!(names().len() >= 2);
    for name in names() {
        let original = read(&fixture(&name));
        assert!(!original.1.is_empty(), "{name}");
        for ending in ["eval", "json"] {
            let path = folder.path().join(format!("{name}.{ending}"));
            rewrite(&fixture(&name), &path);
            assert_eq!(read(&path), original, "{name} as {ending}");
        }
    }
}

/// Field by field, also those that are not typed; only the order may change.
#[test]
fn documents_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for name in names().into_iter().filter(|name| name.ends_with(".json")) {
        let path = folder.path().join(&name);
        rewrite(&fixture(&name), &path);
        let value = |path: &Path| fs::read_to_string(path).unwrap().parse::<Value>().unwrap();
        assert_eq!(value(&path), value(&fixture(&name)), "{name}");
    }
}

#[test]
fn scores_that_could_not_be_had_are_told() {
    let (header, samples, reductions) = read(&fixture("nan.json"));
    assert_eq!(header.status, EvalStatus::Success);
    assert_eq!(header.tags, ["one", "two"]);
    let results = header.results.unwrap();
    assert_eq!(results.scores[0].unscored_samples, Some(2));
    assert_eq!(results.scores[0].metrics["accuracy"].value, Number::Float(0.5));
    let unscored = |sample: &EvalSample| sample.scores.as_ref().unwrap()["sometimes"].is_unscored();
    assert_eq!(samples.iter().map(unscored).collect::<Vec<_>>(), [true, true, false]);
    let scores = samples[0].scores.as_ref().unwrap();
    assert_eq!(scores["sometimes"].reason.as_deref(), Some("refusal"));
    assert!(samples[0].store["notes"].get("nan").unwrap().as_f64().unwrap().is_nan());
    assert!(reductions.unwrap()[0].samples[1].score.is_unscored());
}

#[cfg(feature = "zstd")]
#[test]
fn tools_dictionaries_epochs_and_limits_are_typed() {
    let (_, samples, _) = read(&fixture("tools.eval"));
    let call = &samples[0].messages[1].tool_calls.as_ref().unwrap()[0];
    assert_eq!((call.function.as_str(), &call.arguments["city"]), ("weather", &"Bergen".into()));
    assert_eq!(samples[0].messages[1].text(), "Looking.");
    assert_eq!(samples[0].messages[2].role, Role::Tool);
    assert_eq!(samples[0].output.choices[0].stop_reason, StopReason::Stop);
    assert!(samples[0].events.iter().any(|event| event.kind == "tool"));

    let (header, samples, _) = read(&fixture("dict_scores.eval"));
    let names: Vec<_> = header.results.as_ref().unwrap().scores.iter().map(|s| &s.name).collect();
    assert_eq!(names, ["harmful", "verdict"]);
    let value = &samples[0].scores.as_ref().unwrap()["verdicts"].value;
    assert!(value.get("harmful").unwrap().as_f64().is_some());

    let (header, samples, reductions) = read(&fixture("epochs.eval"));
    assert_eq!(header.eval.config.epochs, Some(3));
    assert_eq!(samples.len(), 6);
    assert_eq!(reductions.unwrap().len(), 4);

    let (_, samples, _) = read(&fixture("limits.eval"));
    assert_eq!(samples[0].limit.as_ref().unwrap().kind, "message");
    let path = fixture("limits.eval");
    let mut reader = LogReader::open(path).unwrap();
    let summary = reader.summaries().next().unwrap().unwrap();
    assert_eq!(summary, samples[0].summary());
}
