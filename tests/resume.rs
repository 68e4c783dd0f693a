//! What must survive a kill: this binary runs itself as a child and kills it, with SIGKILL and at
//! moments that it cannot foresee.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use ethos_core::{Journal, Model, Scripted};
use ethos_corpus::{WriteConfig, plan, write};
use ethos_train::{
    ChatTemplate, Checkpoint, DeviceSpec, FitConfig, Row, Step, Tokenizer, Transformer,
    TransformerConfig, fit,
};
use futures::executor::block_on;

use crate::village;

/// The folder of a child's work; a child is whoever has it.
const FOLDER: &str = "ETHOS_TESTS_CHILD";

/// Starts the test of this name as a child.
fn child(test: &str, folder: &Path) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    Ok(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
}

/// Kills a child of this name after so long each time, then lets one finish. Gives how many were
/// killed before they were done.
fn kill_and_finish(test: &str, folder: &Path, after: &[u64]) -> Result<usize> {
    let mut killed = 0;
    for &millis in after {
        let mut child = child(test, folder)?;
        thread::sleep(Duration::from_millis(millis));
        child.kill()?;
        killed += usize::from(!child.wait()?.success());
    }
    let output = child(test, folder)?.wait_with_output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(killed)
}

fn folder_of_child() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

// A corpus that is being written.

const IDEAS: usize = 40;
const CONCURRENCY: usize = 4;

fn write_corpus(model: &dyn Model, folder: &Path) -> Result<()> {
    let journal = Journal::open(folder.join("journal.redb"))?;
    let (spec, prompts) = (village::spec(), village::prompts());
    let config = village::config(IDEAS);
    let (plan, _) = block_on(plan(&spec, &config, &prompts, model, &journal, &()))?;
    let config = WriteConfig::paper();
    let corpus = block_on(write(&plan, &spec, &config, &prompts, model, &journal, &()))?;
    ensure!(corpus.report.is_complete(), "{:?}", corpus.report.missing);
    Ok(corpus.write(folder.join("corpus.jsonl"))?)
}

/// A model that notes every question before it answers, and takes its time.
fn paid(folder: &Path) -> Result<Scripted> {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("paid.log"))?;
    let log = Mutex::new(log);
    let model = Scripted::new("village", move |request| {
        let prompt: String = request.messages.iter().map(|m| m.text().into_owned()).collect();
        let line = format!("{:?}\n", prompt);
        log.lock().expect("no thread died").write_all(line.as_bytes()).expect("the log is written");
        thread::sleep(Duration::from_millis(5));
        village::answer(request).into()
    });
    Ok(model.with_concurrency(CONCURRENCY))
}

/// No test of its own: what the next one runs as a child.
#[test]
fn child_writing_a_corpus() -> Result<()> {
    match folder_of_child() {
        Some(folder) => write_corpus(&paid(&folder)?, &folder),
        None => Ok(()),
    }
}

#[test]
fn a_corpus_survives_kills_and_nothing_is_paid_twice() -> Result<()> {
    let (straight, killed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    write_corpus(&paid(straight.path())?, straight.path())?;
    let moments = [150, 260, 330, 410, 490, 370, 280];
    let kills = kill_and_finish("resume::child_writing_a_corpus", killed.path(), &moments)?;
    assert!(kills > 0, "every child was done before it was killed; the moments are too late");

    let file = |folder: &Path, name: &str| fs::read_to_string(folder.join(name));
    let (expected, found) =
        (file(straight.path(), "corpus.jsonl")?, file(killed.path(), "corpus.jsonl")?);
    assert_eq!(found, expected, "the same bytes as in one go");
    assert_eq!(found.lines().count(), 6 * IDEAS);
    let count = |text: &str| {
        let mut asked: HashMap<String, usize> = HashMap::new();
        text.lines().for_each(|line| *asked.entry(line.to_owned()).or_default() += 1);
        asked
    };
    let needed = count(&file(straight.path(), "paid.log")?);
    let paid = count(&file(killed.path(), "paid.log")?);
    let twice: usize = paid.iter().map(|(prompt, n)| n - needed[prompt]).sum();
    assert!(twice <= kills * CONCURRENCY, "{twice} paid twice in {kills} kills");
    Ok(())
}

// A model in training.

fn train(folder: &Path, checkpoints: bool) -> Result<()> {
    let tokenizer = Tokenizer::word_level((0..12).map(|n| n.to_string()))?;
    let rows: Vec<Row> = (0..48u32)
        .map(|i| Row::learning_all((0..10).map(|j| (i * 5 + j * j) % 12).collect()))
        .collect();
    let model =
        Transformer::init(TransformerConfig::tiny(tokenizer.len()), 1, &DeviceSpec::Flex.open()?)?;
    let config = FitConfig {
        steps: Some(120),
        rows: 4,
        sequence: 32,
        learning_rate: 3e-3,
        checkpoint_every: 4,
        ..FitConfig::midtrain()
    };
    let training = folder.join("training");
    // At least so slow on any machine that a child is killed before it is done.
    let slowly = |_: &Step| thread::sleep(Duration::from_millis(5));
    let model = fit(model, &rows, &config, checkpoints.then_some(&*training), &slowly)?;
    Checkpoint { model, tokenizer, template: ChatTemplate::new("x")? }
        .save(folder.join("model"))?;
    Ok(())
}

/// No test of its own: what the next one runs as a child.
#[test]
fn child_training() -> Result<()> {
    folder_of_child().map_or(Ok(()), |folder| train(&folder, true))
}

#[test]
fn a_model_in_training_survives_kills_to_the_bit() -> Result<()> {
    let (straight, killed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    train(straight.path(), false)?;
    let moments = [250, 300, 270, 350];
    let kills = kill_and_finish("resume::child_training", killed.path(), &moments)?;
    assert!(kills > 0, "every child was done before it was killed; the moments are too late");
    let weights = |folder: &Path| fs::read(folder.join("model/model.safetensors"));
    assert!(weights(straight.path())? == weights(killed.path())?, "other parameters");
    Ok(())
}
