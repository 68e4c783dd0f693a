//! Adapters on disk, in PEFT's format: `adapter_config.json` and `adapter_model.safetensors`.

use std::{collections::BTreeSet, path::Path};

use burn::tensor::TensorData;
use ethos_core::jsonl;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    folder::replace_folder,
    parts::ADAPTER,
    read_json,
    tensors::{self, TensorFiles},
};
use crate::{
    Error, LoraConfig, Result, Target, Transformer,
    model::{Lora, Named, Trained, parameters},
};

pub(super) const CONFIG: &str = "adapter_config.json";
pub(super) const WEIGHTS: &str = "adapter_model.safetensors";

/// What older versions of PEFT wrote.
const PICKLED: &str = "adapter_model.bin";

/// What PEFT puts before a tensor's name.
const PREFIX: &str = "base_model.model.";

/// The file, as far as it matters here; the rest is kept.
#[derive(Debug, Serialize, Deserialize)]
struct AdapterFile {
    peft_type: String,
    #[serde(default)]
    task_type: Option<String>,
    #[serde(default)]
    base_model_name_or_path: Option<String>,
    r: usize,
    lora_alpha: f64,
    #[serde(default)]
    lora_dropout: f64,
    #[serde(default)]
    use_rslora: bool,
    /// A list of names, or a pattern.
    target_modules: Value,
    #[serde(default = "no_bias")]
    bias: String,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    inference_mode: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

fn no_bias() -> String {
    "none".to_owned()
}

/// Settings of PEFT's `LoraConfig` that say nothing of what a trained adapter computes: where it came
/// from, how it was initialised, where it runs, and details of what has to be switched on elsewhere.
/// Whatever else is set is refused, also what a later PEFT comes up with.
const HARMLESS: [&str; 14] = [
    "auto_mapping",
    "corda_config",
    "ensure_weight_tying",
    "eva_config",
    "init_lora_weights",
    "layers_pattern",
    "loftq_config",
    "lora_ga_config",
    "megatron_config",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
];

/// Beginnings of an adapter that leave its base as it is; others take from the base what they give to the
/// adapter.
const BESIDE_ITS_BASE: [&str; 3] = ["eva", "gaussian", "orthogonal"];

fn set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

impl AdapterFile {
    fn of(config: &LoraConfig, base: Option<&str>) -> Self {
        let names = config.targets.iter().map(|target| Value::from(target.name()));
        AdapterFile {
            peft_type: "LORA".to_owned(),
            task_type: Some("CAUSAL_LM".to_owned()),
            base_model_name_or_path: base.map(str::to_owned),
            r: config.rank,
            lora_alpha: config.alpha,
            lora_dropout: config.dropout,
            use_rslora: config.rank_stabilized,
            target_modules: names.collect(),
            bias: no_bias(),
            fan_in_fan_out: false,
            inference_mode: true,
            rest: Map::new(),
        }
    }

    /// The adapter's shape, whose tensors a file names.
    fn resolve(&self, tensors: &TensorFiles) -> Result<LoraConfig, String> {
        if self.peft_type != "LORA" {
            return Err(format!("is of the type `{}`; known is LORA", self.peft_type));
        }
        if self.bias != "none" || self.fan_in_fan_out {
            return Err("has biases or transposed weights, which are not known".to_owned());
        }
        let mut others = self
            .rest
            .iter()
            .filter(|(name, value)| set(value) && !HARMLESS.contains(&name.as_str()));
        if let Some((name, _)) = others.next() {
            return Err(format!("sets `{name}`, which is not known"));
        }
        match self.rest.get("init_lora_weights") {
            None | Some(Value::Null | Value::Bool(_)) => {}
            Some(Value::String(how))
                if BESIDE_ITS_BASE.iter().any(|known| how.eq_ignore_ascii_case(known)) => {}
            Some(how) => {
                return Err(format!(
                    "has `init_lora_weights` {how}, which stands beside a changed base model; convert \
                     it with PEFT's `path_initial_model_for_weight_conversion`"
                ));
            }
        }
        let targets = match &self.target_modules {
            Value::Array(names) => names.iter().map(target).collect::<Result<_, _>>()?,
            // A pattern speaks of modules; those that it met are in the file.
            Value::String(_) => {
                let met = |target: &Target| {
                    let part = format!(".{target}.");
                    tensors.names().any(|name| name.contains(&part))
                };
                Target::ALL.into_iter().filter(met).collect::<BTreeSet<_>>()
            }
            _ => return Err("has no `target_modules`".to_owned()),
        };
        Ok(LoraConfig {
            rank: self.r,
            alpha: self.lora_alpha,
            rank_stabilized: self.use_rslora,
            dropout: self.lora_dropout,
            targets,
        })
    }
}

fn target(name: &Value) -> Result<Target, String> {
    let name = name.as_str().unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default();
    Target::ALL.into_iter().find(|target| target.name() == last && name == last).ok_or_else(|| {
        let known = Target::ALL.map(Target::name).join(", ");
        format!("names the module `{name}`; known are {known}, each in every block")
    })
}

impl Transformer {
    /// Writes the adapter alone in PEFT's format, whole or not at all. `base` names the model it stands
    /// beside, as `PeftModel.from_pretrained` wants it: a hub's name or a folder.
    ///
    /// A folder that is there already is replaced if it holds an adapter and nothing else: no weights of
    /// a base model, no run in training.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the model has no adapter, [`Error::Checkpoint`] when the folder has no name
    /// of its own (`.`, `/`), or holds anything else, which would be lost; nothing has been written then.
    /// [`Error::Io`] when it cannot be written; what was there before is then still there.
    pub fn save_adapter(&self, folder: impl AsRef<Path>, base: Option<&str>) -> Result<()> {
        replace_folder(folder.as_ref(), &ADAPTER, |folder| write_adapter(folder, self, base))
    }

    /// The model with the adapter of a folder in PEFT's format.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] naming what is not known (any setting of `adapter_config.json` that may
    /// change what the adapter computes; weights that are pickled), missing, unused or of another shape;
    /// [`Error::Config`] when the model has an adapter already.
    pub fn with_adapter(self, folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let path = folder.join(CONFIG);
        let file: AdapterFile = read_json(&path)?;
        let weights = folder.join(WEIGHTS);
        if !weights.exists() && folder.join(PICKLED).exists() {
            let message = format!(
                "has `{PICKLED}` and no `{WEIGHTS}`; pickled weights can run code and are not read: \
                 convert them with PEFT, whose `save_pretrained` writes safetensors"
            );
            return Err(Error::Checkpoint { path: folder.to_owned(), message });
        }
        let mut files = TensorFiles::open(&weights)?;
        let config = file
            .resolve(&files)
            .map_err(|message| Error::Checkpoint { path: path.clone(), message })?;
        // Where it stands and its shapes are those of a new one.
        let mut model = self.with_lora(&config, 0)?;
        let device = model.device().clone();
        model.try_update_weights(|weights| {
            for (number, target, projection) in weights.targets() {
                if let Some(lora) = &mut projection.lora {
                    let holder = target.holder();
                    let mut read = |factor: &str, shape: [usize; 2]| -> Result<TensorData> {
                        let name = format!(
                            "{PREFIX}model.layers.{number}.{holder}.{target}.lora_{factor}.weight"
                        );
                        Ok(TensorData::new(files.take(&name, &shape)?, shape))
                    };
                    let a = read("A", lora.a.dims())?;
                    let b = read("B", lora.b.dims())?;
                    *lora = Lora::new(a, b, &config, &device);
                }
            }
            Ok(())
        })?;
        files.finish()?;
        Ok(model)
    }
}

/// Writes the adapter's two files into a folder.
pub(super) fn write_adapter(folder: &Path, model: &Transformer, base: Option<&str>) -> Result<()> {
    let Some(config) = model.lora() else {
        let message = "the model has no adapter; `save` writes the model itself".to_owned();
        return Err(Error::Config { what: "lora", message });
    };
    jsonl::write_json(folder.join(CONFIG), &AdapterFile::of(config, base))?;
    let factors = parameters(model.weights(), Trained::Factors);
    let named = factors.into_iter().map(|factor| {
        let name = factor.name.replace(".lora.a", ".lora_A.weight");
        let name = name.replace(".lora.b", ".lora_B.weight");
        Named { name: format!("{PREFIX}{name}"), ..factor }
    });
    tensors::write(&folder.join(WEIGHTS), named.collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Batch, FitConfig, Row, Trainer, TransformerConfig};

    fn base() -> Transformer {
        Transformer::init(TransformerConfig::tiny(9), 1, &crate::testing::device()).unwrap()
    }

    fn batch() -> Batch {
        let rows: Vec<Row> = (0..3u32)
            .map(|i| Row::learning_all((0..8).map(|j| (i + j * j) % 9).collect()))
            .collect();
        Batch::apart(&rows.iter().collect::<Vec<_>>(), 7)
    }

    fn trained() -> Transformer {
        let targets = [Target::QProj, Target::DownProj].into();
        let lora = LoraConfig { rank: 3, rank_stabilized: true, targets, ..LoraConfig::paper() };
        let config = FitConfig { lora: Some(lora), ..FitConfig::midtrain() };
        let mut trainer = Trainer::new(base(), config, 5).unwrap();
        for _ in 0..5 {
            trainer.step(&batch()).unwrap();
        }
        trainer.into_model()
    }

    #[test]
    fn an_adapter_round_trips_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adapter");
        let model = trained();
        model.save_adapter(&path, Some("base")).unwrap();
        let read = base().with_adapter(&path).unwrap();
        assert_eq!(read.lora(), model.lora());
        let logits = |model: &Transformer| model.logits(&batch()).into_data();
        assert_eq!(logits(&read), logits(&model));
        assert_ne!(logits(&read), logits(&base()));
        assert!(read.with_adapter(&path).is_err(), "there is one already");
        assert!(base().save_adapter(&path, None).is_err(), "there is none");
    }

    #[test]
    fn what_is_not_known_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adapter");
        trained().save_adapter(&path, None).unwrap();
        let config = path.join(CONFIG);
        let whole: Map<String, Value> =
            serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
        let with = |name: &str, value: Value| {
            let mut changed = whole.clone();
            changed.insert(name.to_owned(), value);
            fs::write(&config, serde_json::to_vec(&changed).unwrap()).unwrap();
            base().with_adapter(&path)
        };
        for (name, value, says) in [
            ("peft_type", "IA3".into(), "`IA3`"),
            ("use_dora", true.into(), "`use_dora`"),
            ("modules_to_save", vec!["lm_head"].into(), "`modules_to_save`"),
            ("layers_to_transform", 0.into(), "`layers_to_transform`"),
            ("arrow_config", serde_json::json!({"top_k": 2}), "`arrow_config`"),
            ("use_something_new", true.into(), "`use_something_new`"),
            ("init_lora_weights", "pissa_niter_4".into(), "\"pissa_niter_4\""),
            ("init_lora_weights", "olora".into(), "path_initial_model_for_weight_conversion"),
            ("init_lora_weights", "corda".into(), "path_initial_model_for_weight_conversion"),
            ("init_lora_weights", "loftq".into(), "path_initial_model_for_weight_conversion"),
            ("init_lora_weights", "lora_ga".into(), "path_initial_model_for_weight_conversion"),
            ("target_modules", vec!["lm_head"].into(), "`lm_head`"),
            ("target_modules", vec!["q_proj", "k_proj"].into(), "k_proj.lora_A.weight"),
            ("target_modules", vec!["q_proj"].into(), "has not: base_model.model"),
            ("r", 4.into(), "wanted is [4, 64]"),
            ("r", 0.into(), "`rank`"),
            ("bias", "all".into(), "biases"),
        ] {
            let error = with(name, value).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        for (name, value) in [
            ("init_lora_weights", Value::Null),
            ("init_lora_weights", false.into()),
            ("init_lora_weights", true.into()),
            ("init_lora_weights", "gaussian".into()),
            ("init_lora_weights", "eva".into()),
            ("init_lora_weights", "orthogonal".into()),
            ("eva_config", serde_json::json!({"rho": 2.0})),
            ("megatron_core", "megatron.core".into()),
            ("qalora_group_size", 16.into()),
            ("peft_version", "0.18.0".into()),
            ("use_something_new", false.into()),
            ("something_newer", serde_json::json!({})),
        ] {
            assert!(with(name, value.clone()).is_ok(), "{name} {value}");
        }
        let by_pattern = with("target_modules", r".*\.(q|down)_proj".into()).unwrap();
        assert_eq!(by_pattern.lora(), trained().lora());
    }

    #[test]
    fn pickled_weights_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adapter");
        trained().save_adapter(&path, None).unwrap();
        fs::rename(path.join(WEIGHTS), path.join(PICKLED)).unwrap();
        let error = base().with_adapter(&path).unwrap_err().to_string();
        assert!(error.contains(PICKLED) && error.contains("save_pretrained"), "{error}");
    }
}
