//! What must survive a kill: this binary runs itself as a child and kills it, with SIGKILL and at
//! moments that it cannot foresee. Training has such a test of its own, in `crates/train`.

/// Asks over a journal: fifty kills.
mod asks;
/// A corpus that is being written.
mod corpus;
/// Asks over a journal whose disk is full.
mod disk;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};

/// The folder of a child's work; a child is whoever has it.
const FOLDER: &str = "ETHOS_TESTS_CHILD";

/// Starts the test of this name as a child.
fn child(test: &str, folder: &Path, environment: &[(&str, String)]) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    Ok(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
}

/// Kills a child of this name after so long each time, then lets one finish. Gives how many were
/// killed before they were done.
fn kill_and_finish(test: &str, folder: &Path, after: &[u64]) -> Result<usize> {
    let mut killed = 0;
    for &millis in after {
        let mut child = child(test, folder, &[])?;
        thread::sleep(Duration::from_millis(millis));
        child.kill()?;
        killed += usize::from(!child.wait()?.success());
    }
    finish(child(test, folder, &[])?)?;
    Ok(killed)
}

fn finish(child: Child) -> Result<()> {
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}
