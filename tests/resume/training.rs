//! A model in training.

use std::{fs, path::Path, thread, time::Duration};

use anyhow::Result;
use ethos_train::{
    ChatTemplate, Checkpoint, DeviceSpec, FitConfig, FitProgress, Row, Tokenizer, Transformer,
    TransformerConfig, fit,
};

use super::{folder_of_child, kill_and_finish};

fn train(folder: &Path, checkpoints: bool) -> Result<()> {
    let tokenizer = Tokenizer::word_level((0..12).map(|n| n.to_string()))?;
    let rows: Vec<Row> = (0..48u32)
        .map(|i| Row::learning_all((0..10).map(|j| (i * 5 + j * j) % 12).collect()))
        .collect();
    let model =
        Transformer::init(TransformerConfig::tiny(tokenizer.len()), 1, &DeviceSpec::Flex.open()?)?;
    let config = FitConfig {
        lora: None,
        steps: Some(120),
        rows: 4,
        sequence: 32,
        learning_rate: 3e-3,
        checkpoint_every: 4,
        ..FitConfig::midtrain()
    };
    let training = folder.join("training");
    // At least so slow on any machine that a child is killed before it is done.
    let slowly = |_: &FitProgress| thread::sleep(Duration::from_millis(5));
    let model = fit(model, &rows, &config, checkpoints.then_some(&*training), &slowly)?;
    Checkpoint { model, tokenizer, template: ChatTemplate::new("x")? }
        .save(folder.join("model"))?;
    Ok(())
}

/// No test of its own: what the next one runs as a child.
#[test]
fn child() -> Result<()> {
    folder_of_child().map_or(Ok(()), |folder| train(&folder, true))
}

#[test]
fn a_model_in_training_survives_kills_to_the_bit() -> Result<()> {
    let (straight, killed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    train(straight.path(), false)?;
    let moments = [250, 300, 270, 350];
    let kills = kill_and_finish("resume::training::child", killed.path(), &moments)?;
    assert!(kills > 0, "every child was done before it was killed; the moments are too late");
    let weights = |folder: &Path| fs::read(folder.join("model/model.safetensors"));
    assert!(weights(straight.path())? == weights(killed.path())?, "other parameters");
    Ok(())
}
