//! Inspect itself reads our logs, and we read and write its.
//!
//! Run by .ci/inspect: `ETHOS_INSPECT_PYTHON` names a Python that has `inspect_ai`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ethos_evallog::*;

use crate::{
    fixtures::rewrite,
    samples::{finished, full, log, reductions},
};

/// Runs a script beside this; nothing where there is no Python with Inspect.
fn python(script: &str, arguments: &[&Path]) -> Option<String> {
    let Some(python) = std::env::var_os("ETHOS_INSPECT_PYTHON") else {
        println!(
            "skipped: ETHOS_INSPECT_PYTHON names no Python with inspect_ai (.ci/inspect does)"
        );
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(script);
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    let (out, err) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    let out = String::from_utf8(out).unwrap();
    assert!(output.status.success(), "{out}\n{err}");
    Some(out)
}

fn write_all(folder: &Path) {
    let forms = [
        ("deflate.eval", Compression::Deflate),
        #[cfg(feature = "zstd")]
        ("zstd.eval", Compression::Zstd),
        ("plain.json", Compression::Deflate),
    ];
    for (name, compression) in forms {
        let samples = [full(1, 1), full("a/b ☂", 1), full("a/b ☂", 2), full(r"\frac", 1)];
        let path = folder.join(format!("finished-{name}"));
        let mut writer = LogWriter::create_packed(&path, &log(), compression).unwrap();
        samples.iter().for_each(|sample| writer.add(sample).unwrap());
        writer.finish(&finished(), Some(&reductions())).unwrap();

        // Its writer dies with one sample in the log that is in place, and another one underway.
        let path = folder.join(format!("started-{name}"));
        let mut writer = LogWriter::create_packed(&path, &log(), compression).unwrap();
        writer.add(&samples[0]).unwrap();
        writer.flush().unwrap();
        writer.add(&samples[1]).unwrap();
    }
    for (name, status, end) in [
        ("failed.eval", EvalStatus::Error, Some(EvalError::new("it broke", "because"))),
        ("cancelled.json", EvalStatus::Cancelled, None),
    ] {
        let mut header = finished();
        (header.status, header.error, header.results) = (status, end, None);
        let writer = LogWriter::create(folder.join(name), &log()).unwrap();
        writer.finish(&header, None).unwrap();
    }
    // Under the name that Inspect would give it, so that its lists show it.
    let path = folder.join(file_name(&log().eval) + ".eval");
    LogWriter::create(path, &log()).unwrap().finish(&finished(), None).unwrap();
}

#[test]
fn inspect_reads_our_logs() {
    let folder = tempfile::tempdir().unwrap();
    write_all(folder.path());
    let Some(seen) = python("check.py", &[folder.path()]) else { return };
    let Value::Object(mut seen) = seen.parse().unwrap() else { panic!("{seen}") };
    let listed = seen.shift_remove("listed").unwrap();
    let shown = file_name(&log().eval) + ".eval";
    assert_eq!(
        listed.get(&shown),
        Some(&Value::Array(vec!["cheese-taste".into(), "JZ5hC".into()]))
    );
    assert_eq!(seen.len(), if cfg!(feature = "zstd") { 9 } else { 7 });
    for (name, log) in seen {
        let parts: &[&str] = match name.split('-').next() {
            Some("finished") => &[SPEC, r#"{"status":"success"}"#, SAMPLE, RESULTS, ALL],
            Some("started") => &[SPEC, r#"{"status":"started","usage":{}}"#, SAMPLE, ONE],
            Some("failed.eval") => &[SPEC, r#"{"status":"error","error":"it broke"}"#],
            Some("cancelled.json") => &[SPEC, r#"{"status":"cancelled"}"#],
            _ => &[SPEC, r#"{"status":"success","reductions":null}"#, RESULTS],
        };
        let mut wanted = Map::new();
        for part in parts {
            let Value::Object(part) = part.parse().unwrap() else { panic!("{part}") };
            wanted.extend(part);
        }
        for (field, value) in log.as_object().unwrap() {
            let wanted = wanted.get(field).unwrap_or(&Value::Null);
            let nothing = *wanted == Value::Null && *value == Value::Array(vec![]);
            assert!(value == wanted || nothing, "{name}: {field} is {value}, not {wanted}");
        }
    }
}

const SPEC: &str = r#"{"task":"ethos/cheese_taste","tags":["quick"],"metadata":{"seed":7,"nan":NaN},
    "plan":["generate"],"temperature":0.5,"usage":{"local/tiny":7}}"#;
const SAMPLE: &str = r#"{"scores":{"match":"C","judge":NaN,"dict":{"harmful":1.0,"verdict":NaN}},
    "reasons":{"match":null,"judge":"grader_failed","dict":null},
    "messages":[["user","Which cheese?"],["assistant","Looking."],["tool","sold out"]],
    "call":{"cheese":"Brie"},"events":["info","model","score"],
    "completion":"Brie \"\\\n\u0001 😀","sample_metadata":{"n":1,"null":null,"inf":Infinity},
    "store":{"kept":[1,"x",null]},"limit":["token",100.0],"sample_error":"it broke"}"#;
const RESULTS: &str = r#"{"metrics":{"accuracy":0.5,"wilson_lo":NaN},"completed":3}"#;
const ALL: &str = r#"{"samples":[[1,1],["\\frac",1],["a/b ☂",1],["a/b ☂",2]],
    "reductions":[[1,1.0],[2,NaN]]}"#;
const ONE: &str = r#"{"samples":[[1,1]]}"#;

#[test]
fn logs_of_inspect_lose_nothing() {
    if cfg!(not(feature = "zstd")) {
        println!("skipped: Inspect's own archives are packed with zstd");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [theirs, ours] = ["theirs", "ours"].map(|name| folder.path().join(name));
    if python("make.py", &[&theirs]).is_none() {
        return;
    }
    let logs: Vec<PathBuf> =
        fs::read_dir(&theirs).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(logs.len() >= 18, "{logs:?}");
    for log in logs {
        for ending in ["eval", "json"] {
            let name = log.file_name().unwrap().to_str().unwrap();
            rewrite(&log, &ours.join(format!("{name}.{ending}")));
        }
    }
    python("compare.py", &[&theirs, &ours]);
}
