//! `transformers` and `peft` read what is written here, and compute the same with it. Runs where
//! `ETHOS_PYTHON` names a Python that has them, as `.ci/libtorch` does; says so where it does not.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ethos_train::{
    Batch, ChatTemplate, Checkpoint, DeviceSpec, FitConfig, GenerationConfig, LoraConfig, Overlong,
    Precision, Row, Target, Tokenizer, Trainer, Transformer, pack,
};
use serde_json::{Value, json};

const ROW: [u32; 12] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/fixtures")
}

fn logits(model: &Transformer) -> Vec<f32> {
    let batch = batch(ROW.into_iter().chain([0]).collect());
    model.logits(&batch).into_data().iter::<f32>().collect()
}

/// One row; its last token is not read.
fn batch(ids: Vec<u32>) -> Batch {
    let length = ids.len() - 1;
    pack(&[Row::learning_all(ids)], length, Overlong::Cut).unwrap().batch(&[0]).unwrap()
}

/// What the script is to look at: a folder, that of its base where it is an adapter, the logits, and
/// the tokens at which an answer ends, as `eos_token_id` says them.
fn case(folder: &Path, base: Option<&Path>, model: &Transformer, ends: &Value) -> Value {
    json!({ "folder": folder, "base": base, "row": ROW, "logits": logits(model), "ends": ends })
}

/// A copy of a fixture whose `config.json` names an end token that is not its class's.
fn with_end(name: &str, folder: &Path, end: &Value) -> PathBuf {
    let copy = folder.join(format!("{name}-base"));
    fs::create_dir(&copy).unwrap();
    for file in fs::read_dir(fixtures().join(name)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    let path = copy.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config["eos_token_id"] = end.clone();
    fs::write(&path, config.to_string()).unwrap();
    copy
}

#[test]
fn transformers_and_peft_read_what_is_written() {
    let Some(python) = std::env::var_os("ETHOS_PYTHON") else {
        eprintln!("skipped: ETHOS_PYTHON names no Python with transformers and peft");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let device = DeviceSpec::Flex.open().unwrap();
    let mut cases = Vec::new();
    // All kinds, among them one (qwen2) whose output layer is its embedding.
    let names = [
        "llama2",
        "llama3",
        "llama-biased",
        "mistral",
        "mistral-window",
        "qwen2",
        "qwen2-window",
        "qwen3",
    ];
    for name in names {
        let end = json!(7);
        let base = with_end(name, folder.path(), &end);
        let model = Transformer::load(&base, &device).unwrap();
        let written = folder.path().join(name);
        model.save(&written).unwrap();
        cases.push(case(&written, None, &model, &end));

        // With a tokenizer, whose end tokens are others.
        for ends in [json!(0), json!([5, 0])] {
            let words = (2..model.config().vocab_size).map(|n| format!("w{n}"));
            let more = GenerationConfig {
                eos_token_id: ends.as_array().map_or(Vec::new(), |_| vec![5]),
                ..GenerationConfig::default()
            };
            let tokenizer = Tokenizer::word_level(words).unwrap().with_generation(more);
            let written = folder.path().join(format!("{name}-checkpoint-{ends}"));
            let template = ChatTemplate::new("x").unwrap();
            Checkpoint { model: model.clone(), tokenizer, template }.save(&written).unwrap();
            cases.push(case(&written, None, &model, &ends));
        }
        // Made here, where nothing is known of special tokens.
        let made = Transformer::init(model.config().clone(), 1, &device).unwrap();
        let written = folder.path().join(format!("{name}-made"));
        made.save(&written).unwrap();
        cases.push(case(&written, None, &made, &Value::Null));

        let targets = [Target::QProj, Target::KProj, Target::UpProj, Target::DownProj].into();
        let lora = LoraConfig { rank: 2, alpha: 4.0, targets, ..LoraConfig::paper() };
        for rank_stabilized in [false, true] {
            let lora = LoraConfig { rank_stabilized, ..lora.clone() };
            let config =
                FitConfig { lora: Some(lora), learning_rate: 3e-2, ..FitConfig::midtrain() };
            let mut trainer = Trainer::new(model.clone(), config, 4).unwrap();
            let batch = batch(ROW.to_vec());
            for _ in 0..4 {
                trainer.step(&batch).unwrap();
            }
            let trained = trainer.into_model();
            let written = folder.path().join(format!("{name}-adapter-{rank_stabilized}"));
            trained.save_adapter(&written, None).unwrap();
            cases.push(case(&written, Some(&base), &trained, &end));
            // Merged, and in half the bits.
            let half = trained.merged().in_precision(Precision::Bf16);
            let written = folder.path().join(format!("{name}-half-{rank_stabilized}"));
            half.save(&written).unwrap();
            cases.push(case(&written, None, &half.in_precision(Precision::F32), &end));
        }
    }
    let path = folder.path().join("cases.json");
    fs::write(&path, serde_json::to_vec(&cases).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/read.py");
    let output = Command::new(python).arg(script).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().count(), cases.len(), "{said}");
}
