//! Models and runs on disk.

mod adapter;
mod folder;
mod parts;
mod tensors;
mod text;
mod training;

use std::{fs, path::Path};

use ethos_core::jsonl;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub(crate) use self::training::{load_training, sampled_hash, save_training};
use self::{
    folder::replace_folder,
    parts::{CHECKPOINT, MODEL},
    tensors::{TensorFiles, bytes_of},
};
use crate::{
    ChatTemplate, Error, Precision, Result, Tokenizer, Transformer,
    model::{ConfigFile, Trained, parameters},
};

const CONFIG: &str = "config.json";

/// Larger weights are written in shards of at most so many bytes, as `transformers` does.
const LARGEST_SHARD: usize = 5_000_000_000;

/// A larger file of JSON is no configuration.
const LARGEST_JSON: u64 = 64 << 20;

/// A model with what it needs to read and write text. On disk, a folder that Hugging Face's tools read:
/// `config.json`, `model.safetensors`, `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`
/// and more.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The model.
    pub model: Transformer,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its chat template.
    pub template: ChatTemplate,
}

impl Checkpoint {
    /// Writes the folder, whole or not at all: it is made beside its place, as `NAME.partial` and then
    /// `NAME.whole`.
    ///
    /// `config.json` keeps what it said beside the shape when the model was read, and gets the special
    /// tokens of the tokenizer: `bos_token_id`, `eos_token_id`, `pad_token_id`, or `null` for one that the
    /// tokenizer does not name. `generation_config.json` has all end tokens, see [`Tokenizer::ends`].
    ///
    /// A folder that is there already is replaced if it holds a checkpoint, or a part of one, and
    /// nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] when the folder has no name of its own (`.`, `/`), or holds an adapter, a
    /// run in training or any other file, which would be lost; nothing has been written then.
    /// [`Error::Io`]; a checkpoint that was there before is then still there.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        replace_folder(folder.as_ref(), &CHECKPOINT, |folder| {
            save_model(folder, &self.model, self.tokenizer.token_ids())?;
            self.tokenizer.write(folder)?;
            self.template.write(folder)
        })
    }

    /// Reads the folder onto a device.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] naming the file and any tensor that is missing, unused or of another
    /// shape; nothing is left at its initial value in silence.
    pub fn load(folder: impl AsRef<Path>, device: &crate::Device) -> Result<Self> {
        Checkpoint::load_in(folder, Precision::F32, device)
    }

    /// The same, with weights in another precision, see [`Transformer::load_in`].
    ///
    /// # Errors
    ///
    /// As [`load`](Checkpoint::load).
    pub fn load_in(
        folder: impl AsRef<Path>,
        precision: Precision,
        device: &crate::Device,
    ) -> Result<Self> {
        let folder = folder.as_ref();
        let model = Transformer::load_in(folder, precision, device)?;
        let tokenizer = Tokenizer::read(folder)?;
        let template = ChatTemplate::read(folder)?;
        Ok(Checkpoint { model, tokenizer, template })
    }

    /// Hash of all that determines the answers: weights, shape, adapter, tokenizer, template.
    pub(crate) fn hash(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        let (model, tokenizer) = (&self.model, &self.tokenizer);
        let mut about = json!({
            "config": model.config(),
            "precision": model.precision(),
            "lora": model.lora(),
            "special_tokens": tokenizer.special_tokens(),
            "ends": tokenizer.ends(),
            "template": self.template.identity(),
        });
        about.sort_all_objects();
        for part in [&about.to_string(), tokenizer.to_json()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        for parameter in parameters(self.model.weights(), Trained::All) {
            hasher.update(parameter.name.as_bytes());
            hasher.update(&bytes_of(parameter.flat));
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

impl Transformer {
    /// Reads a model from a folder in Hugging Face's form: `config.json`, and `model.safetensors` or its
    /// shards with their index. Weights in f32, f16 or bf16 become f32.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] naming the file and any tensor that is missing, unused or of another
    /// shape, [`Error::Config`] when the architecture is not known. No parameter is left at an initial
    /// value.
    pub fn load(folder: impl AsRef<Path>, device: &crate::Device) -> Result<Self> {
        Transformer::load_in(folder, Precision::F32, device)
    }

    /// The same, with weights in another precision. One tensor at a time is read and converted: a model
    /// in bf16 never takes the memory of one in f32.
    ///
    /// # Errors
    ///
    /// As [`load`](Transformer::load).
    pub fn load_in(
        folder: impl AsRef<Path>,
        precision: Precision,
        device: &crate::Device,
    ) -> Result<Self> {
        let folder = folder.as_ref();
        let path = folder.join(CONFIG);
        let config = read_json::<ConfigFile>(&path)?.resolve()?;
        let file = read_json::<Map<String, Value>>(&path)?;
        let mut files = TensorFiles::of_folder(folder)?;
        if config.tie_word_embeddings {
            files.check_tied()?;
        }
        let model = Transformer::build(config, &mut files, precision, device)?;
        files.finish()?;
        Ok(model.with_file(file))
    }

    /// Writes the folder that [`load`](Transformer::load) and `transformers` read, whole or not at
    /// all, in the model's precision. An adapter is merged into what is written;
    /// [`save_adapter`](Transformer::save_adapter) writes it alone.
    ///
    /// `config.json` keeps what it said beside the shape when the model was read, end tokens among it. Of
    /// a model made here it says that there are none.
    ///
    /// A folder that is there already is replaced if it holds a model and nothing else: no tokenizer, as
    /// [`Checkpoint::save`] writes it, which would be lost.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] when the folder has no name of its own (`.`, `/`), or holds anything else;
    /// nothing has been written then. [`Error::Io`]; what was there before is then still there.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        replace_folder(folder.as_ref(), &MODEL, |folder| save_model(folder, self, Map::new()))
    }
}

/// Writes a model, with what `config.json` says otherwise than the file that the model was read from.
fn save_model(folder: &Path, model: &Transformer, more: Map<String, Value>) -> Result<()> {
    let model = model.clone().merged();
    let mut file = ConfigFile::over(model.file().clone(), model.config(), model.precision())?;
    file.extend(more);
    jsonl::write_json(folder.join(CONFIG), &file)?;
    tensors::write_folder(folder, parameters(model.weights(), Trained::All), LARGEST_SHARD)
}

/// Reads a configuration, unless it is absurdly large.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let size = fs::metadata(path).map_err(Error::io("read", path))?.len();
    if size > LARGEST_JSON {
        let message = format!("has {size} bytes, which no configuration has");
        return Err(Error::Checkpoint { path: path.to_owned(), message });
    }
    Ok(jsonl::read_json(path)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{folder::finish_replacing, tensors::write, *};
    use crate::{GenerationConfig, LoraConfig, TransformerConfig, model::Named};

    fn checkpoint(seed: u64) -> Checkpoint {
        let words = ["a", "b", "c"].map(str::to_owned);
        let tokenizer = Tokenizer::word_level(words).unwrap();
        let device = crate::testing::device();
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
        let names: Vec<_> =
            parameters(read.model.weights(), Trained::All).into_iter().map(|p| p.name).collect();
        assert_eq!(names[0], "model.embed_tokens.weight");
        assert!(names.contains(&"model.layers.2.self_attn.q_proj.weight".to_owned()));
        assert!(names.contains(&"model.layers.0.post_attention_layernorm.weight".to_owned()));
        assert_eq!(names.last().unwrap(), "lm_head.weight");
    }

    /// Answers of one must not be taken for those of the other.
    #[test]
    fn whatever_changes_an_answer_changes_the_hash() {
        let plain = checkpoint(3);
        let with_lora = |alpha| {
            let lora = LoraConfig { rank: 2, alpha, ..LoraConfig::paper() };
            let model = plain.model.clone().with_lora(&lora, 0).unwrap();
            Checkpoint { model, ..plain.clone() }
        };
        let templated = |template| Checkpoint { template, ..plain.clone() };
        let generation = |ends: &[u32]| {
            let generation = GenerationConfig { eos_token_id: ends.to_vec(), ..Default::default() };
            let tokenizer = plain.tokenizer.clone().with_generation(generation);
            Checkpoint { tokenizer, ..plain.clone() }
        };
        let template = |name: &str| (name.to_owned(), name.to_owned());
        let all = [
            plain.clone(),
            checkpoint(4),
            Checkpoint {
                model: plain.model.clone().in_precision(Precision::Bf16),
                ..plain.clone()
            },
            with_lora(1.0),
            with_lora(2.0),
            templated(ChatTemplate::new("y").unwrap()),
            templated(plain.template.clone().with("enable_thinking", false)),
            templated(plain.template.clone().with("enable_thinking", true)),
            templated(ChatTemplate::named([template("default"), template("tool_use")]).unwrap()),
            templated(ChatTemplate::named([template("default"), template("rag")]).unwrap()),
            generation(&[3]),
        ];
        let hashes: BTreeSet<String> = all.iter().map(|one| one.hash().unwrap()).collect();
        assert_eq!(hashes.len(), all.len());
        assert_eq!(plain.hash().unwrap(), checkpoint(3).hash().unwrap());
    }

    /// Whoever reads what is written must stop at the same tokens.
    #[test]
    fn special_tokens_and_unknown_fields_outlive_a_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let file = |name: &str| read_json::<Map<String, Value>>(&path.join(name)).unwrap();
        let device = crate::testing::device();

        checkpoint(3).model.save(&path).unwrap();
        assert_eq!(file("config.json")["eos_token_id"], Value::Null, "the class has 2");
        let mut config = file("config.json");
        config.insert("eos_token_id".to_owned(), 2.into());
        config.insert("pad_token_id".to_owned(), 3.into());
        config.insert("initializer_range".to_owned(), 0.02.into());
        jsonl::write_json(path.join("config.json"), &config).unwrap();
        let model = Transformer::load(&path, &device).unwrap();
        model.save(&path).unwrap();
        assert_eq!(file("config.json"), config);

        let tokenizer = checkpoint(3).tokenizer.with_special_token("bos_token", "a").unwrap();
        let written = Checkpoint { model, tokenizer, ..checkpoint(3) };
        written.save(&path).unwrap();
        for (name, value) in [
            ("bos_token_id", 2.into()),
            ("eos_token_id", 0.into()),
            ("pad_token_id", Value::Null),
            ("initializer_range", 0.02.into()),
        ] {
            assert_eq!(file("config.json")[name], value, "{name}");
        }
        assert_eq!(
            file("generation_config.json"),
            json!({ "eos_token_id": 0 }).as_object().unwrap().clone()
        );

        let ends = GenerationConfig { eos_token_id: vec![4, 99], ..Default::default() };
        let tokenizer = written.tokenizer.clone().with_generation(ends);
        Checkpoint { tokenizer, ..written }.save(&path).unwrap();
        assert_eq!(file("generation_config.json")["eos_token_id"], json!([4, 99, 0]));
        assert_eq!(file("config.json")["eos_token_id"], json!([0, 4]));
        let read = Checkpoint::load(&path, &device).unwrap();
        assert_eq!(read.tokenizer.ends(), [0, 4]);
        // What trains goes on with it.
        let config = crate::FitConfig { lora: None, ..crate::FitConfig::midtrain() };
        let run = folder.path().join("run");
        crate::Trainer::new(read.model, config.clone(), 3).unwrap().save(&run, &()).unwrap();
        let model = checkpoint(5).model;
        let (trainer, ()) = crate::Trainer::resume(&run, model, config, 3).unwrap().unwrap();
        assert_eq!(trainer.model().file()["initializer_range"], 0.02);
    }

    #[test]
    fn a_folder_left_whole_by_a_kill_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        checkpoint(4).save(&path).unwrap();
        checkpoint(3).save(folder.path().join("model.whole")).unwrap();
        finish_replacing(&path, &CHECKPOINT).unwrap();
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
        let weights = path.join("model.safetensors");
        let whole = parameters(checkpoint(3).model.weights(), Trained::All);

        write(&weights, whole[1..].to_vec()).unwrap();
        assert!(error().contains("no tensor `model.embed_tokens.weight`"), "{}", error());

        let mut extra = whole.clone();
        extra.push(Named { name: "surplus".to_owned(), ..whole[0].clone() });
        write(&weights, extra).unwrap();
        assert!(error().contains("surplus"), "{}", error());

        let mut misshapen = whole.clone();
        misshapen[0].shape.reverse();
        write(&weights, misshapen).unwrap();
        assert!(error().contains("[64, 5]"), "{}", error());

        let bytes = fs::read(&weights).unwrap();
        fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
        assert!(error().contains("not a whole safetensors file"), "{}", error());
    }

    /// Whatever stands in a folder, it is an error that names a file, at once and in little memory.
    #[test]
    fn hostile_folders_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        checkpoint(3).save(&path).unwrap();
        let device = crate::testing::device();
        let whole = fs::read(path.join("model.safetensors")).unwrap();
        let refused = |says: &str| {
            let error = Transformer::load(&path, &device).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        };
        let with_header = |header: &str| {
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend(header.as_bytes());
            fs::write(path.join("model.safetensors"), bytes).unwrap();
        };
        for length in [0, 4, 8, 9] {
            fs::write(path.join("model.safetensors"), &whole[..length]).unwrap();
            refused("not a whole safetensors file");
        }
        for size in [u64::MAX, 1 << 62, 1 << 33] {
            let bytes = [&size.to_le_bytes()[..], &whole[8..]].concat();
            fs::write(path.join("model.safetensors"), bytes).unwrap();
            refused("a header of");
        }
        let name = "model.embed_tokens.weight";
        for (shape, end) in [("[5, 64]", "1280"), ("[18446744073709551615, 2]", "4"), ("[-1]", "4")]
        {
            with_header(&format!(
                r#"{{"{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}}}"#
            ));
            refused("not a whole safetensors file");
        }
        with_header(&"[".repeat(1 << 20));
        refused("not a whole safetensors file");
        fs::write(path.join("model.safetensors"), &whole).unwrap();

        let config = fs::read_to_string(path.join("config.json")).unwrap();
        for (from, to, says) in [
            ("\"vocab_size\": 5", "\"vocab_size\": 2147483647", "wanted is [2147483647, 64]"),
            ("\"vocab_size\": 5", "\"vocab_size\": 18446744073709551615", "no model has"),
            ("\"vocab_size\": 5", "\"vocab_size\": -5", "config.json"),
            ("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 0", "`num_hidden_layers`"),
        ] {
            assert!(config.contains(from), "{config}");
            fs::write(path.join("config.json"), config.replace(from, to)).unwrap();
            refused(says);
        }
        let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        for text in [deep.as_str(), "", "[]", "{}", "{\"model_type\": 7}"] {
            fs::write(path.join("config.json"), text).unwrap();
            refused("config.json");
        }
        fs::write(path.join("config.json"), &config).unwrap();
        assert!(Transformer::load(&path, &device).is_ok());
    }
}
