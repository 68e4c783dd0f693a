//! A run in training on disk.

use std::path::Path;

use burn::tensor::Tensor;
use ethos_core::jsonl;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Map;

use super::{
    adapter::write_adapter,
    folder::{finish_replacing, replace_folder},
    parts::{self, Kind},
    read_json, save_model,
    tensors::{self, TensorFiles, bytes_of},
};
use crate::{
    Error, FitConfig, Result, Transformer,
    model::{Named, Trained, parameters},
    optim::AdamW,
};

pub(super) const OPTIMIZER: &str = "optimizer.safetensors";
pub(super) const RUN: &str = "run.json";

/// What a run in training writes beside its tensors.
#[derive(Serialize, Deserialize)]
struct Run<S> {
    step: usize,
    steps: usize,
    config: FitConfig,
    /// Hash of the parameters that are not trained.
    frozen: String,
    state: S,
}

/// Hash of a few values of every parameter; all of them would take as long as a step. Training moves
/// them all.
pub(crate) fn sampled_hash(named: impl IntoIterator<Item = Named>) -> String {
    let mut hasher = blake3::Hasher::new();
    for parameter in named {
        let some = parameter.flat.dims()[0].min(16);
        hasher.update(&bytes_of(parameter.flat.narrow(0, 0, some)));
    }
    hasher.finalize().to_hex().to_string()
}

/// Tells models apart whose frozen parameters differ.
fn frozen(model: &Transformer) -> String {
    let mut named = Vec::new();
    if model.trained() == Trained::Factors {
        named = parameters(model.weights(), Trained::All);
        named.retain(|parameter| !parameter.name.contains(".lora."));
    }
    sampled_hash(named)
}

/// What is written of a run.
fn kind(model: &Transformer) -> &'static Kind {
    match model.trained() {
        Trained::All => &parts::RUN,
        Trained::Factors => &parts::ADAPTER_RUN,
    }
}

pub(crate) fn save_training<S: Serialize>(
    folder: &Path,
    model: &Transformer,
    optimizer: &AdamW,
    (config, steps): (&FitConfig, usize),
    state: &S,
) -> Result<()> {
    replace_folder(folder, kind(model), |folder| {
        match model.trained() {
            Trained::All => save_model(folder, model, Map::new())?,
            Trained::Factors => write_adapter(folder, model, None)?,
        }
        let named = parameters(model.weights(), model.trained());
        let moments = named.iter().zip(&optimizer.moments).flat_map(|(parameter, moments)| {
            let with = |what: &str, flat: &Tensor<1>| Named {
                name: format!("{}.{what}", parameter.name),
                shape: parameter.shape.clone(),
                flat: flat.clone(),
            };
            [with("mean", &moments.mean), with("square", &moments.square)]
        });
        tensors::write(&folder.join(OPTIMIZER), moments.collect())?;
        let (step, config, frozen) = (optimizer.updates, config.clone(), frozen(model));
        let run = Run { step, steps, config, frozen, state };
        Ok(jsonl::write_json(folder.join(RUN), &run)?)
    })
}

pub(crate) fn load_training<S: DeserializeOwned>(
    folder: &Path,
    model: &mut Transformer,
    optimizer: &mut AdamW,
    (config, steps): (&FitConfig, usize),
) -> Result<Option<S>> {
    finish_replacing(folder, kind(model))?;
    let path = folder.join(RUN);
    if !path.exists() {
        return Ok(None);
    }
    let run: Run<serde_json::Value> = read_json(&path)?;
    let other = |message: &str| {
        let message = format!("{message}; give this run another folder, or delete that one");
        Err(Error::Checkpoint { path: folder.to_owned(), message })
    };
    if !run.config.same_run(config) || run.steps != steps {
        return other("is of a run with another configuration");
    }
    if run.frozen != frozen(model) {
        return other("is of a run whose adapter stands beside another model");
    }
    let state = serde_json::from_value(run.state)
        .map_err(|e| Error::Checkpoint { path, message: format!("its state: {e}") })?;
    *model = match model.trained() {
        Trained::All => {
            let read = Transformer::load(folder, model.device())?;
            if read.config() != model.config() {
                return other("is of a model of another shape");
            }
            read
        }
        Trained::Factors => model.clone().without_lora().with_adapter(folder)?,
    };
    let mut files = TensorFiles::open(&folder.join(OPTIMIZER))?;
    let named = parameters(model.weights(), model.trained());
    for (parameter, moments) in named.iter().zip(&mut optimizer.moments) {
        let mut read = |what: &str| -> Result<Tensor<1>> {
            let values = files.take(&format!("{}.{what}", parameter.name), &parameter.shape)?;
            Ok(Tensor::from_floats(values.as_slice(), model.device()))
        };
        moments.mean = read("mean")?;
        moments.square = read("square")?;
    }
    files.finish()?;
    optimizer.updates = run.step;
    Ok(Some(state))
}
