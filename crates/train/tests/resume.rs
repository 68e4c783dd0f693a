//! Training that is killed, with SIGKILL and at moments that it cannot foresee, ends with the parameters
//! of training that was not, to the bit. This binary runs itself as the child that is killed, on the
//! device that `ETHOS_DEVICE` names, or flex.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use ethos_train::{
    BatchSize, Device, DeviceSpec, FitConfig, FitProgress, LoraConfig, Row, Transformer,
    TransformerConfig, fit,
};

/// The folder of a child's work; a child is whoever has it.
const FOLDER: &str = "ETHOS_TESTS_CHILD";
/// Appears in that folder when a child has made so many steps that one has its checkpoint.
const UNDER_WAY: &str = "under-way";
const EVERY: usize = 4;
/// Milliseconds from then to a child's end. All children together are over long before a run is.
const MOMENTS: [u64; 5] = [0, 35, 3, 60, 11];

fn device() -> Device {
    let name = std::env::var("ETHOS_DEVICE").unwrap_or_else(|_| "flex".to_owned());
    name.parse::<DeviceSpec>().unwrap().open().unwrap()
}

/// Trains in the folder, and saves what comes of it there.
fn train(folder: &Path, lora: Option<LoraConfig>, checkpoints: bool) {
    let rows: Vec<Row> = (0..48u32)
        .map(|i| Row::learning_all((0..10).map(|j| (i * 5 + j * j) % 12).collect()))
        .collect();
    let model = Transformer::init(TransformerConfig::tiny(12), 1, &device()).unwrap();
    let config = FitConfig {
        lora,
        steps: Some(100),
        batch: BatchSize::Sequences(4),
        sequence: 32,
        learning_rate: 3e-3,
        checkpoint_every: EVERY,
        ..FitConfig::midtrain()
    };
    let made = AtomicUsize::new(0);
    // At least so slow on any machine that a child is killed before it is done.
    let slowly = |_: &FitProgress| {
        if made.fetch_add(1, Ordering::Relaxed) == EVERY {
            fs::write(folder.join(UNDER_WAY), "").unwrap();
        }
        thread::sleep(Duration::from_millis(5));
    };
    let training = folder.join("training");
    let model = fit(model, &rows, &config, checkpoints.then_some(&*training), &slowly).unwrap();
    if config.lora.is_some() {
        model.save_adapter(folder.join("model"), None).unwrap();
    } else {
        model.save(folder.join("model")).unwrap();
    }
}

/// Starts the test of this name as a child.
fn child(test: &str, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Kills a child that is under way, so long after.
fn kill(mut child: Child, folder: &Path, after: u64) {
    let under_way = folder.join(UNDER_WAY);
    while !under_way.exists() {
        if child.try_wait().unwrap().is_some() {
            finish(child);
            panic!("a child was done before it was killed");
        }
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(after));
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "a child was done before it was killed");
    fs::remove_file(under_way).unwrap();
}

fn survives_kills(test: &str, lora: Option<LoraConfig>, result: &str) {
    let (straight, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    train(straight.path(), lora, false);
    for after in MOMENTS {
        kill(child(test, killed.path()), killed.path(), after);
    }
    finish(child(test, killed.path()));
    let parameters = |folder: &Path| fs::read(folder.join("model").join(result)).unwrap();
    assert!(parameters(straight.path()) == parameters(killed.path()), "other parameters");
}

/// Dropout draws from the step's number, so that a resumed run has to draw the same.
fn adapter() -> Option<LoraConfig> {
    Some(LoraConfig { rank: 4, dropout: 0.1, ..LoraConfig::paper() })
}

fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// No test of its own: what a later one runs as a child.
#[test]
fn child_with_all_parameters() {
    if let Some(folder) = folder_of_child() {
        train(&folder, None, true);
    }
}

/// The same with an adapter.
#[test]
fn child_with_an_adapter() {
    if let Some(folder) = folder_of_child() {
        train(&folder, adapter(), true);
    }
}

#[test]
fn a_model_in_training_survives_kills_to_the_bit() {
    survives_kills("child_with_all_parameters", None, "model.safetensors");
}

#[test]
fn an_adapter_in_training_survives_kills_to_the_bit() {
    survives_kills("child_with_an_adapter", adapter(), "adapter_model.safetensors");
}
