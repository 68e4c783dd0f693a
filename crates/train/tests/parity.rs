//! Agreement with `transformers`, `peft` and PyTorch on tiny random checkpoints; the scripts in `parity/`
//! made them. `parity/mutations.py` proves that these tests notice mistakes: it makes one at a time in
//! a copy of the library, and each must fail one of them.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    slice,
};

use ethos_train::{
    Batch, Device, DeviceSpec, FitConfig, LoraConfig, Overlong, Row, Schedule, Trainer,
    Transformer, pack,
};
use safetensors::SafeTensors;
use serde::Deserialize;

const ALL: [&str; 9] = [
    "llama2",
    "llama3",
    "llama-biased",
    "mistral",
    "mistral-window",
    "qwen2",
    "qwen2-window",
    "qwen3",
    "qwen3-biased",
];

#[derive(Deserialize)]
struct Expected {
    rows: Vec<Vec<u32>>,
    logits: Vec<Vec<f32>>,
    #[serde(default)]
    greedy: Vec<u32>,
    training: Option<Training>,
}

#[derive(Deserialize)]
struct Training {
    rows: Vec<Vec<u32>>,
    losses: Vec<f64>,
    norms: Vec<f64>,
    parameters: BTreeMap<String, Vec<f32>>,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/fixtures").join(name)
}

/// The one that `ETHOS_DEVICE` names, or flex.
fn device() -> Device {
    let name = std::env::var("ETHOS_DEVICE").unwrap_or_else(|_| "flex".to_owned());
    name.parse::<DeviceSpec>().unwrap().open().unwrap()
}

fn load(name: &str) -> (Transformer, Expected) {
    let folder = fixture(name);
    let expected = fs::read(folder.join("expected.json")).unwrap();
    (Transformer::load(folder, &device()).unwrap(), serde_json::from_slice(&expected).unwrap())
}

/// A row with a token at its end that is not read and not learnt.
fn with_end(ids: &[u32]) -> Row {
    let mut row = Row::learning_all(ids.to_owned());
    row.ids.push(0);
    row.weights.push(0.0);
    row
}

/// Rows in one sequence.
fn together(rows: &[Vec<u32>]) -> Batch {
    let length = rows.iter().map(Vec::len).sum();
    let rows: Vec<Row> = rows.iter().map(|ids| with_end(ids)).collect();
    pack(&rows, length, Overlong::Cut).unwrap().batch(&[0]).unwrap()
}

fn logits(model: &Transformer, batch: &Batch) -> Vec<f32> {
    model.logits(batch).into_data().iter::<f32>().collect()
}

/// How far apart two vectors are at most, relative to the largest value.
fn apart(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let far = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs());
    far.fold(0.0_f32, f32::max) / largest
}

#[test]
fn logits_alone_and_packed() {
    for name in ALL {
        let (model, expected) = load(name);
        let alone: Vec<f32> = expected
            .rows
            .iter()
            .flat_map(|row| logits(&model, &together(slice::from_ref(row))))
            .collect();
        let packed = logits(&model, &together(&expected.rows));
        let expected = expected.logits.concat();
        let far = [apart(&alone, &expected), apart(&packed, &expected)];
        assert!(far.iter().all(|far| *far < 1e-5), "{name}: {far:?}");
    }
}

#[test]
fn greedy_continuations() {
    for name in ALL {
        let (model, expected) = load(name);
        let mut ids = expected.rows[0][..4].to_vec();
        for _ in 0..expected.greedy.len() {
            let logits = logits(&model, &together(slice::from_ref(&ids)));
            let last = &logits[logits.len() - model.config().vocab_size..];
            let best = (0..).zip(last).max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            ids.push(best.0);
        }
        assert_eq!(ids[4..], expected.greedy, "{name}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    for name in ALL {
        let (model, expected) = load(name);
        let folder = tempfile::tempdir().unwrap();
        model.save(folder.path().join("model")).unwrap();
        let again = Transformer::load(folder.path().join("model"), &device()).unwrap();
        assert_eq!(again.config(), model.config(), "{name}");
        let batch = together(&expected.rows);
        assert_eq!(logits(&again, &batch), logits(&model, &batch), "{name}");
    }
}

/// The logits of a batch's tokens, without those of its padding.
fn logits_of_tokens(model: &Transformer, batch: &Batch) -> Vec<f32> {
    let logits = logits(model, batch);
    let places = logits.chunks(model.config().vocab_size).zip(&batch.segments);
    places.filter(|(_, segment)| **segment != 0).flat_map(|(logits, _)| logits.to_vec()).collect()
}

#[test]
fn padding_changes_no_logits() {
    for name in ALL {
        let (model, expected) = load(name);
        let rows: Vec<Row> = expected.rows.iter().map(|ids| with_end(ids)).collect();
        let filled: usize = expected.rows.iter().map(Vec::len).sum();
        let longest = expected.rows.iter().map(Vec::len).max().unwrap();
        // The rows a sequence each, the shorter one filled up; then both in one, with more and more
        // padding behind them.
        for length in [longest, filled - 1, filled + 1, filled + 7, 64] {
            let packed = pack(&rows, length, Overlong::Cut).unwrap();
            let batch = packed.batch(&(0..packed.len()).collect::<Vec<_>>()).unwrap();
            assert_eq!(batch.sequences(), 1 + usize::from(length < filled));
            assert_eq!(batch.ids.len() - filled, packed.packing().padding);
            assert!(packed.packing().padding > 0);
            let far = apart(&logits_of_tokens(&model, &batch), &expected.logits.concat());
            assert!(far < 1e-5, "{name}: in sequences of {length}: {far}");
        }
    }
}

/// As the script draws them.
fn many_tokens() -> Vec<u32> {
    let mut state = 1_u64;
    let draw = |_| {
        state = (1_103_515_245 * state + 12_345) % (1 << 31);
        (state >> 16) as u32 % 40
    };
    (0..4200).map(draw).collect()
}

/// How far the logits of the last few of many tokens are from those expected.
fn apart_at_the_end(model: &Transformer, expected: &Expected) -> f32 {
    let expected = expected.logits.concat();
    let logits = logits(model, &together(&[many_tokens()]));
    apart(&logits[logits.len() - expected.len()..], &expected)
}

#[test]
fn logits_after_four_thousand_tokens() {
    for (name, from, to) in [
        ("long-llama3", r#""factor": 8.0"#, r#""factor": 7.9"#),
        ("long-qwen3", r#""rope_theta": 1000000.0"#, r#""rope_theta": 1000100.0"#),
    ] {
        let (model, expected) = load(name);
        let far = apart_at_the_end(&model, &expected);
        assert!(far < 1e-5, "{name}: {far}");
        let far = apart_at_the_end(&with_config(name, from, to).unwrap(), &expected);
        assert!(far > 1e-3, "{name}: {to} makes no difference: {far}");
    }
}

/// Trains as the script did; losses and norms must agree. Gives the folder that `save` wrote.
fn train(
    name: &str,
    model: Transformer,
    lora: Option<LoraConfig>,
    training: &Training,
    save: impl Fn(&Transformer, &Path),
) -> tempfile::TempDir {
    let batch = together(&training.rows);
    let config = FitConfig {
        lora,
        learning_rate: 1e-2,
        warmup: 0.0,
        schedule: Schedule::Constant,
        weight_decay: 0.3,
        clip: 0.1,
        ..FitConfig::midtrain()
    };
    let mut trainer = Trainer::new(model, config, 20).unwrap();
    for (loss, norm) in training.losses.iter().zip(&training.norms) {
        let step = trainer.step(&batch).unwrap();
        assert!((step.loss / loss - 1.0).abs() < 1e-3, "{name}: {step:?}, {loss}");
        assert!((step.gradient_norm / norm - 1.0).abs() < 1e-3, "{name}: {step:?}, {norm}");
        assert!(*norm > 0.1, "{name}: the clip does not bite");
    }
    let folder = tempfile::tempdir().unwrap();
    save(trainer.model(), &folder.path().join("model"));
    folder
}

/// The parameters of a file must be those that the script ended with.
fn compare_parameters(name: &str, file: &Path, training: &Training) {
    let bytes = fs::read(file).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.len(), training.parameters.len());
    for (parameter, expected) in &training.parameters {
        let (found, _) = file.tensor(parameter).unwrap().data().as_chunks::<4>();
        let found: Vec<f32> = found.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let far = apart(&found, expected);
        assert!(far < 1e-3, "{name}: {parameter}: {far}");
    }
}

#[test]
fn twenty_steps_of_adamw() {
    for name in ["llama2", "mistral-window", "qwen2", "qwen3"] {
        let (model, expected) = load(name);
        let training = expected.training.unwrap();
        let folder = train(name, model, None, &training, |model, path| model.save(path).unwrap());
        compare_parameters(name, &folder.path().join("model/model.safetensors"), &training);
    }
}

/// Adapters and their bases.
const ADAPTERS: [(&str, &str); 2] = [("lora", "qwen3"), ("lora-tied", "qwen2")];

fn load_with_adapter(name: &str, base: &str) -> (Transformer, Expected) {
    let folder = fixture(name);
    let expected = fs::read(folder.join("expected.json")).unwrap();
    let model = load(base).0.with_adapter(folder).unwrap();
    (model, serde_json::from_slice(&expected).unwrap())
}

#[test]
fn an_adapter_beside_its_base_and_merged() {
    for (name, base) in ADAPTERS {
        let (model, expected) = load_with_adapter(name, base);
        let batch = together(&expected.rows);
        let found = [logits(&model, &batch), logits(&model.merged(), &batch)];
        let expected = expected.logits.concat();
        for found in found {
            let far = apart(&found, &expected);
            assert!(far < 1e-5, "{name}: {far}");
        }
    }
}

#[test]
fn twenty_steps_of_an_adapter() {
    for (name, base) in ADAPTERS {
        let (model, expected) = load_with_adapter(name, base);
        let training = expected.training.unwrap();
        let lora = model.lora().cloned();
        let folder = train(name, model, lora, &training, |model, path| {
            model.save_adapter(path, None).unwrap();
        });
        let file = folder.path().join("model/adapter_model.safetensors");
        compare_parameters(name, &file, &training);
    }
}

/// Loads a copy of a fixture whose `config.json` has another text in place of one.
fn with_config(name: &str, from: &str, to: &str) -> Result<Transformer, ethos_train::Error> {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(fixture(name)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let path = folder.path().join("config.json");
    let config = fs::read_to_string(&path).unwrap();
    assert!(config.contains(from), "{config}");
    fs::write(&path, config.replace(from, to)).unwrap();
    Transformer::load(folder.path(), &device())
}

#[test]
fn the_fixtures_notice_small_mistakes() {
    for (name, from, to) in [
        ("llama2", r#""rms_norm_eps": 1e-06"#, r#""rms_norm_eps": 1e-02"#),
        ("llama2", r#""rope_theta": 10000.0"#, r#""rope_theta": 9000.0"#),
        ("llama3", r#""factor": 8.0"#, r#""factor": 7.0"#),
        ("llama3", r#""high_freq_factor": 4.0"#, r#""high_freq_factor": 5.0"#),
        ("llama-biased", r#""factor": 2.0"#, r#""factor": 2.1"#),
        ("mistral-window", r#""sliding_window": 5"#, r#""sliding_window": 6"#),
        ("qwen2-window", r#""sliding_attention""#, r#""full_attention""#),
    ] {
        let (_, expected) = load(name);
        let model = with_config(name, from, to).unwrap();
        let far = apart(&logits(&model, &together(&expected.rows)), &expected.logits.concat());
        assert!(far > 1e-3, "{name}: {to} makes no difference: {far}");
    }
    // An architecture that lacks something says so by a tensor.
    for (name, from, to, says) in [
        ("qwen3", "\"qwen3\"", "\"llama\"", "q_norm.weight"),
        ("qwen2", "\"qwen2\"", "\"llama\"", "q_proj.bias"),
        (
            "llama2",
            "\"llama\"",
            "\"qwen2\"",
            "has no tensor `model.layers.0.self_attn.q_proj.bias`",
        ),
        ("llama2", r#""num_hidden_layers": 2"#, r#""num_hidden_layers": 1"#, "model.layers.1."),
        ("llama2", r#""vocab_size": 40"#, r#""vocab_size": 41"#, "[40, 16], wanted is [41, 16]"),
        ("llama2", "\"llama\"", "\"gpt2\"", "known are llama, mistral, qwen2, qwen3"),
    ] {
        let error = with_config(name, from, to).unwrap_err().to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
}
