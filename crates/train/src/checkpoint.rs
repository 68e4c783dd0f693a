//! Models and runs on disk.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::{Tensor, TensorData};
use ethos_core::jsonl;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    ChatTemplate, Error, FitConfig, Result, Row, Tokenizer, Transformer, TransformerConfig,
    model::{Named, parameters, update},
    optim::AdamW,
};

const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const WEIGHTS: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const RUN: &str = "run.json";

/// A model with what it needs to read and write text. On disk, a folder that Hugging Face's tools read:
/// `config.json`, `tokenizer.json`, `tokenizer_config.json`, `model.safetensors`.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The model.
    pub model: Transformer,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its chat template.
    pub template: ChatTemplate,
}

#[derive(Serialize, Deserialize)]
struct ConfigFile {
    architectures: Vec<String>,
    model_type: String,
    hidden_act: String,
    torch_dtype: String,
    #[serde(flatten)]
    config: TransformerConfig,
}

#[derive(Serialize, Deserialize)]
struct TokenizerConfigFile {
    tokenizer_class: String,
    eos_token: String,
    chat_template: String,
}

impl Checkpoint {
    /// Writes the folder, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; a checkpoint that was there before is then still there.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        replace_folder(folder.as_ref(), |folder| {
            save_config(folder, self.model.config())?;
            let tokenizer = folder.join(TOKENIZER);
            fs::write(&tokenizer, self.tokenizer.to_json()?)
                .map_err(Error::io("write", &tokenizer))?;
            let about = TokenizerConfigFile {
                tokenizer_class: "PreTrainedTokenizerFast".to_owned(),
                eos_token: self.tokenizer.end_token(),
                chat_template: self.template.source().to_owned(),
            };
            jsonl::write_json(folder.join(TOKENIZER_CONFIG), &about)?;
            write_tensors(&folder.join(WEIGHTS), parameters(self.model.weights()))
        })
    }

    /// Reads the folder onto a device.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] naming the file and any tensor that is missing, unused or of another
    /// shape; nothing is left at its initial value in silence.
    pub fn load(folder: impl AsRef<Path>, device: &crate::Device) -> Result<Self> {
        let folder = folder.as_ref();
        let file: ConfigFile = jsonl::read_json(folder.join(CONFIG))?;
        if file.model_type != "llama" {
            return Err(Error::Checkpoint {
                path: folder.join(CONFIG),
                message: format!("is of architecture `{}`; known is llama", file.model_type),
            });
        }
        let mut model = Transformer::init(file.config, 0, device)?;
        read_weights(&folder.join(WEIGHTS), &mut model)?;
        let about: TokenizerConfigFile = jsonl::read_json(folder.join(TOKENIZER_CONFIG))?;
        let tokenizer = Tokenizer::read(folder.join(TOKENIZER), &about.eos_token)?;
        let template = ChatTemplate::new(about.chat_template)?;
        Ok(Checkpoint { model, tokenizer, template })
    }

    /// Hash of all that determines the answers: weights, shape, tokenizer, template.
    pub(crate) fn hash(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        let config = serde_json::to_string(self.model.config()).unwrap_or_default();
        for part in [&config, &self.tokenizer.to_json()?, self.template.source()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        for parameter in parameters(self.model.weights()) {
            hasher.update(parameter.name.as_bytes());
            hasher.update(&bytes_of(parameter.flat));
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// Hash of the rows that a run is trained on.
pub(crate) fn hash_of_rows(rows: &[Row]) -> String {
    let mut hasher = blake3::Hasher::new();
    for row in rows {
        hasher.update(&(row.ids.len() as u64).to_le_bytes());
        for (id, weight) in row.ids.iter().zip(&row.weights) {
            hasher.update(&id.to_le_bytes()).update(&weight.to_le_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// What a run in training writes beside its tensors.
#[derive(Serialize, Deserialize)]
struct Run<S> {
    step: usize,
    steps: usize,
    config: FitConfig,
    state: S,
}

pub(crate) fn save_training<S: Serialize>(
    folder: &Path,
    model: &Transformer,
    optimizer: &AdamW,
    (config, steps): (&FitConfig, usize),
    state: &S,
) -> Result<()> {
    replace_folder(folder, |folder| {
        save_config(folder, model.config())?;
        let named = parameters(model.weights());
        let moments = named.iter().zip(&optimizer.moments).flat_map(|(parameter, moments)| {
            let with = |what: &str, flat: &Tensor<1>| Named {
                name: format!("{}.{what}", parameter.name),
                shape: parameter.shape.clone(),
                flat: flat.clone(),
            };
            [with("mean", &moments.mean), with("square", &moments.square)]
        });
        write_tensors(&folder.join(OPTIMIZER), moments.collect())?;
        write_tensors(&folder.join(WEIGHTS), named)?;
        let run = Run { step: optimizer.updates, steps, config: config.clone(), state };
        Ok(jsonl::write_json(folder.join(RUN), &run)?)
    })
}

pub(crate) fn load_training<S: DeserializeOwned>(
    folder: &Path,
    model: &mut Transformer,
    optimizer: &mut AdamW,
    (config, steps): (&FitConfig, usize),
) -> Result<Option<S>> {
    finish_replacing(folder)?;
    let path = folder.join(RUN);
    if !path.exists() {
        return Ok(None);
    }
    let run: Run<serde_json::Value> = jsonl::read_json(&path)?;
    let other = |message: &str| {
        let message = format!("{message}; give this run another folder, or delete that one");
        Err(Error::Checkpoint { path: folder.to_owned(), message })
    };
    if run.config != *config || run.steps != steps {
        return other("is of a run with another configuration");
    }
    let shape: ConfigFile = jsonl::read_json(folder.join(CONFIG))?;
    if shape.config != *model.config() {
        return other("is of a model of another shape");
    }
    let state = serde_json::from_value(run.state)
        .map_err(|e| Error::Checkpoint { path, message: format!("its state: {e}") })?;
    read_weights(&folder.join(WEIGHTS), model)?;
    let named = parameters(model.weights());
    let names = named.iter().flat_map(|p| {
        ["mean", "square"].map(|what| (format!("{}.{what}", p.name), p.shape.clone()))
    });
    let values = read_tensors(&folder.join(OPTIMIZER), names.collect(), model.device())?;
    for (moments, pair) in optimizer.moments.iter_mut().zip(values.chunks_exact(2)) {
        moments.mean = pair[0].clone();
        moments.square = pair[1].clone();
    }
    optimizer.updates = run.step;
    Ok(Some(state))
}

fn save_config(folder: &Path, config: &TransformerConfig) -> Result<()> {
    let file = ConfigFile {
        architectures: vec!["LlamaForCausalLM".to_owned()],
        model_type: "llama".to_owned(),
        hidden_act: "silu".to_owned(),
        torch_dtype: "float32".to_owned(),
        config: config.clone(),
    };
    Ok(jsonl::write_json(folder.join(CONFIG), &file)?)
}

fn read_weights(path: &Path, model: &mut Transformer) -> Result<()> {
    let named = parameters(model.weights());
    let names = named.into_iter().map(|parameter| (parameter.name, parameter.shape)).collect();
    let mut values = read_tensors(path, names, model.device())?.into_iter();
    model.update_weights(|weights| update(weights, &mut |_, _, old| values.next().unwrap_or(old)));
    Ok(())
}

fn bytes_of(flat: Tensor<1>) -> Vec<u8> {
    flat.into_data().iter::<f32>().flat_map(f32::to_le_bytes).collect()
}

fn write_tensors(path: &Path, tensors: Vec<Named>) -> Result<()> {
    let bytes: Vec<_> = tensors.into_iter().map(|t| (t.name, t.shape, bytes_of(t.flat))).collect();
    let failed = |e: safetensors::SafeTensorError| Error::Checkpoint {
        path: path.to_owned(),
        message: format!("cannot be written: {e}"),
    };
    let mut views = Vec::new();
    for (name, shape, bytes) in &bytes {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(failed)?;
        views.push((name.as_str(), view));
    }
    // transformers wants to be told who wrote the file.
    let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize_to_file(views, Some(about), path).map_err(failed)
}

/// The tensors of a file, flat, in the order asked for: all of them and no others.
fn read_tensors(
    path: &Path,
    expected: Vec<(String, Vec<usize>)>,
    device: &crate::Device,
) -> Result<Vec<Tensor<1>>> {
    let wrong = |message: String| Error::Checkpoint { path: path.to_owned(), message };
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|e| wrong(format!("is not a whole safetensors file: {e}")))?;
    let mut unused: Vec<&str> = file.names();
    unused.retain(|name| !expected.iter().any(|(known, _)| known == name));
    unused.sort_unstable();
    if !unused.is_empty() {
        return Err(wrong(format!("holds tensors the model has not: {}", unused.join(", "))));
    }
    let mut values = Vec::new();
    for (name, shape) in expected {
        let view = file.tensor(&name).map_err(|_| wrong(format!("has no tensor `{name}`")))?;
        if view.dtype() != Dtype::F32 || view.shape() != shape {
            return Err(wrong(format!(
                "`{name}` is {:?} {:?}, wanted is F32 {shape:?}",
                view.dtype(),
                view.shape()
            )));
        }
        let floats: Vec<f32> = view
            .data()
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        let count = floats.len();
        values.push(Tensor::from_data(TensorData::new(floats, [count]), device));
    }
    Ok(values)
}

/// Fills a folder beside `folder`, then puts it in its place. A kill at any point leaves the old
/// folder or the new one, the latter perhaps still under its other name, see [`finish_replacing`].
fn replace_folder(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    finish_replacing(folder)?;
    let (partial, whole) = (beside(folder, "partial"), beside(folder, "whole"));
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?;
    }
    fs::create_dir_all(&partial).map_err(Error::io("create", &partial))?;
    fill(&partial)?;
    fs::rename(&partial, &whole).map_err(Error::io("rename", &partial))?;
    finish_replacing(folder)
}

/// A folder with the ending `whole` is complete and newer than the one without: it takes its place.
fn finish_replacing(folder: &Path) -> Result<()> {
    let whole = beside(folder, "whole");
    if whole.exists() {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(Error::io("remove", folder))?;
        }
        fs::rename(&whole, folder).map_err(Error::io("rename", &whole))?;
    }
    Ok(())
}

fn beside(folder: &Path, ending: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    folder.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceSpec;

    fn checkpoint(seed: u64) -> Checkpoint {
        let words = ["a", "b", "c"].map(str::to_owned);
        let tokenizer = Tokenizer::word_level(words).unwrap();
        let device = DeviceSpec::Flex.open().unwrap();
        let config = TransformerConfig { num_key_value_heads: 2, ..TransformerConfig::tiny(5) };
        let model = Transformer::init(config, seed, &device).unwrap();
        Checkpoint { model, tokenizer, template: ChatTemplate::new("x").unwrap() }
    }

    #[test]
    fn a_checkpoint_round_trips_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/model");
        let written = checkpoint(3);
        checkpoint(4).save(&path).unwrap();
        written.save(&path).unwrap();
        let read = Checkpoint::load(&path, written.model.device()).unwrap();
        assert_eq!(read.hash().unwrap(), written.hash().unwrap());
        assert_ne!(read.hash().unwrap(), checkpoint(4).hash().unwrap());
        let names: Vec<_> = parameters(read.model.weights()).into_iter().map(|p| p.name).collect();
        assert_eq!(names[0], "model.embed_tokens.weight");
        assert!(names.contains(&"model.layers.2.self_attn.q_proj.weight".to_owned()));
        assert!(names.contains(&"model.layers.0.post_attention_layernorm.weight".to_owned()));
        assert_eq!(names.last().unwrap(), "lm_head.weight");
    }

    #[test]
    fn a_folder_left_whole_by_a_kill_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        checkpoint(4).save(&path).unwrap();
        checkpoint(3).save(folder.path().join("model.whole")).unwrap();
        finish_replacing(&path).unwrap();
        let read = Checkpoint::load(&path, checkpoint(3).model.device()).unwrap();
        assert_eq!(read.hash().unwrap(), checkpoint(3).hash().unwrap());
    }

    #[test]
    fn tensors_that_are_not_right_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        checkpoint(3).save(&path).unwrap();
        let error = || {
            let device = checkpoint(3).model.device().clone();
            Checkpoint::load(&path, &device).unwrap_err().to_string()
        };
        let weights = path.join(WEIGHTS);
        let whole = parameters(checkpoint(3).model.weights());

        write_tensors(&weights, whole[1..].to_vec()).unwrap();
        assert!(error().contains("no tensor `model.embed_tokens.weight`"), "{}", error());

        let mut extra = whole.clone();
        extra.push(Named { name: "surplus".to_owned(), ..whole[0].clone() });
        write_tensors(&weights, extra).unwrap();
        assert!(error().contains("surplus"), "{}", error());

        let mut misshapen = whole.clone();
        misshapen[0].shape.reverse();
        write_tensors(&weights, misshapen).unwrap();
        assert!(error().contains("[64, 5]"), "{}", error());

        let bytes = fs::read(&weights).unwrap();
        fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
        assert!(error().contains("not a whole safetensors file"), "{}", error());
    }
}
