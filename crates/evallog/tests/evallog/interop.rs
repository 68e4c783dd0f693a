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
    let seen: Value = seen.parse().unwrap();
    let wanted =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/seen.json"));
    let mut wanted: Value = wanted.unwrap().parse().unwrap();
    if cfg!(not(feature = "zstd"))
        && let Value::Object(logs) = &mut wanted
    {
        logs.retain(|name, _| !name.contains("zstd"));
    }
    assert_eq!(seen, wanted, "{seen}");
}

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
