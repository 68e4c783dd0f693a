//! A writer that is killed, with SIGKILL and while it moves logs into place.

use std::{
    env, fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use ethos_evallog::*;

use crate::samples::{full, log};

/// Where a child writes; a child is whoever has it.
const LOG: &str = "ETHOS_EVALLOG_CHILD";

/// No test of its own: what the next one runs as a child, until it is killed.
#[test]
fn child() {
    let Some(path) = env::var_os(LOG) else { return };
    let mut writer = LogWriter::create(path, &log()).unwrap();
    for number in 1.. {
        writer.add(&full(number, 1)).unwrap();
        writer.flush().unwrap();
    }
}

#[test]
fn a_log_whose_writer_is_killed_is_whole_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut most = 0;
    for (round, ending) in ["eval", "json"].iter().cycle().take(16).enumerate() {
        let path = folder.path().join(format!("{round}.{ending}"));
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "killed::child", "--nocapture"])
            .env(LOG, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !path.exists() {
            thread::yield_now();
        }
        thread::sleep(Duration::from_millis(7 * round as u64));
        child.kill().unwrap();
        child.wait().unwrap();

        let mut reader = LogReader::open(&path).unwrap();
        assert_eq!(reader.header().unwrap(), log(), "{round}");
        let samples: Vec<EvalSample> = reader.samples().collect::<Result<_>>().unwrap();
        for (number, sample) in (1..).zip(&samples) {
            assert_eq!(*sample, full(number, 1), "{round}");
        }
        most = most.max(samples.len());
    }
    assert!(most > 10, "every writer was killed at once");
    let left = fs::read_dir(folder.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        !name.ends_with(".eval") && !name.ends_with(".json")
    });
    // What a kill leaves behind is a file that nobody takes for a log.
    assert!(left.count() <= 16);
}
