//! A model in training.

use std::{fs, path::Path, thread, time::Duration};

use anyhow::Result;
use ethos_train::{
    BatchSize, ChatTemplate, Checkpoint, DeviceSpec, FitConfig, FitProgress, LoraConfig, Row,
    Tokenizer, Transformer, TransformerConfig, fit,
};

use super::{folder_of_child, kill_and_finish};

fn train(folder: &Path, lora: Option<LoraConfig>, checkpoints: bool) -> Result<()> {
    let tokenizer = Tokenizer::word_level((0..12).map(|n| n.to_string()))?;
    let rows: Vec<Row> = (0..48u32)
        .map(|i| Row::learning_all((0..10).map(|j| (i * 5 + j * j) % 12).collect()))
        .collect();
    let model =
        Transformer::init(TransformerConfig::tiny(tokenizer.len()), 1, &DeviceSpec::Flex.open()?)?;
    let config = FitConfig {
        lora,
        steps: Some(120),
        batch: BatchSize::Sequences(4),
        sequence: 32,
        learning_rate: 3e-3,
        checkpoint_every: 4,
        ..FitConfig::midtrain()
    };
    let training = folder.join("training");
    // At least so slow on any machine that a child is killed before it is done.
    let slowly = |_: &FitProgress| thread::sleep(Duration::from_millis(5));
    let model = fit(model, &rows, &config, checkpoints.then_some(&*training), &slowly)?;
    if config.lora.is_some() {
        model.save_adapter(folder.join("model"), None)?;
    } else {
        Checkpoint { model, tokenizer, template: ChatTemplate::new("x")? }
            .save(folder.join("model"))?;
    }
    Ok(())
}

/// Dropout draws from the step's number, so that a resumed run has to draw the same.
fn adapter() -> Option<LoraConfig> {
    Some(LoraConfig { rank: 4, dropout: 0.1, ..LoraConfig::paper() })
}

fn survives_kills(child: &str, lora: Option<LoraConfig>, result: &str) -> Result<()> {
    let (straight, killed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    train(straight.path(), lora, false)?;
    let kills = kill_and_finish(child, killed.path(), &[250, 300, 270, 350])?;
    assert!(kills > 0, "every child was done before it was killed; the moments are too late");
    let parameters = |folder: &Path| fs::read(folder.join("model").join(result));
    assert!(parameters(straight.path())? == parameters(killed.path())?, "other parameters");
    Ok(())
}

/// No test of its own: what a later one runs as a child.
#[test]
fn child() -> Result<()> {
    folder_of_child().map_or(Ok(()), |folder| train(&folder, None, true))
}

/// The same with an adapter.
#[test]
fn child_with_an_adapter() -> Result<()> {
    folder_of_child().map_or(Ok(()), |folder| train(&folder, adapter(), true))
}

#[test]
fn a_model_in_training_survives_kills_to_the_bit() -> Result<()> {
    survives_kills("resume::training::child", None, "model.safetensors")
}

#[test]
fn an_adapter_in_training_survives_kills_to_the_bit() -> Result<()> {
    let child = "resume::training::child_with_an_adapter";
    survives_kills(child, adapter(), "adapter_model.safetensors")
}
