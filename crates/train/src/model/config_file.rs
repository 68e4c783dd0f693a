//! `config.json` as Hugging Face writes it, with the defaults of each architecture where it is silent.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{
    Architecture, Precision, RopeScaling, TransformerConfig,
    config::MOST_LAYERS,
    rope_file::{RopeFile, check_partial},
};
use crate::{Error, Result};

/// The file, as far as it matters here; the rest is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConfigFile {
    #[serde(default)]
    architectures: Vec<String>,
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    /// Absent is not the same as `null`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    num_key_value_heads: Option<Option<usize>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head_dim: Option<usize>,
    max_position_embeddings: Option<usize>,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f64>,
    rope_scaling: Option<Map<String, Value>>,
    /// Where newer files have both of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_parameters: Option<Map<String, Value>>,
    tie_word_embeddings: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attention_bias: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mlp_bias: Option<bool>,
    hidden_act: Option<String>,
    /// Absent is not the same as `null`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    sliding_window: Option<Option<usize>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    use_sliding_window: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_window_layers: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer_types: Option<Vec<String>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

fn present<'de, D: Deserializer<'de>>(file: D) -> Result<Option<Option<usize>>, D::Error> {
    Option::deserialize(file).map(Some)
}

const SLIDING: &str = "sliding_attention";
const FULL: &str = "full_attention";

impl ConfigFile {
    /// The file of a model whose weights are stored in a precision, over the one that was read.
    pub(crate) fn over(
        mut read: Map<String, Value>,
        config: &TransformerConfig,
        precision: Precision,
    ) -> Result<Map<String, Value>> {
        let wrong = |e: serde_json::Error| Error::Config {
            what: "transformer",
            message: format!("its file cannot be written: {e}"),
        };
        // Newer names of what is written.
        for name in ["rope_parameters", "dtype"] {
            read.remove(name);
        }
        let value = serde_json::to_value(ConfigFile::of(config, precision)).map_err(wrong)?;
        let own: Map<String, Value> = serde_json::from_value(value).map_err(wrong)?;
        read.extend(own);
        Ok(read)
    }

    /// The file of a model, as far as its shape says it.
    fn of(config: &TransformerConfig, precision: Precision) -> Self {
        let llama = config.architecture == Architecture::Llama;
        let qwen = matches!(config.architecture, Architecture::Qwen2 | Architecture::Qwen3);
        let types = |slides: bool| if slides { SLIDING } else { FULL }.to_owned();
        let layers = 0..config.num_hidden_layers;
        let rest = [("torch_dtype", precision.name())].map(|(k, v)| (k.to_owned(), Value::from(v)));
        ConfigFile {
            architectures: vec![config.architecture.class().to_owned()],
            model_type: config.architecture.name().to_owned(),
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            intermediate_size: config.intermediate_size,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            num_key_value_heads: Some(Some(config.num_key_value_heads)),
            head_dim: Some(config.head_dim),
            max_position_embeddings: Some(config.max_position_embeddings),
            rms_norm_eps: Some(config.rms_norm_eps),
            rope_theta: Some(config.rope_theta),
            rope_scaling: config.rope_scaling.map(RopeScaling::to_file),
            rope_parameters: None,
            tie_word_embeddings: Some(config.tie_word_embeddings),
            attention_bias: (config.architecture != Architecture::Qwen2)
                .then_some(config.attention_bias),
            mlp_bias: llama.then_some(config.mlp_bias),
            hidden_act: Some("silu".to_owned()),
            sliding_window: (!llama).then_some(config.sliding_window),
            use_sliding_window: qwen.then_some(config.sliding_window.is_some()),
            max_window_layers: None,
            layer_types: qwen.then(|| layers.map(|layer| types(config.slides(layer))).collect()),
            rest: rest.into_iter().collect(),
        }
    }

    /// The model's shape, nothing left open.
    pub(crate) fn resolve(self) -> Result<TransformerConfig> {
        let wrong = |message: String| Error::Config { what: "transformer", message };
        let known = Architecture::ALL.into_iter().find(|known| known.name() == self.model_type);
        let architecture = known.ok_or_else(|| {
            let names = Architecture::ALL.map(Architecture::name).join(", ");
            wrong(format!("architecture `{}` is not known; known are {names}", self.model_type))
        })?;
        self.refuse_what_is_not_computed()?;
        let (sliding_window, sliding_layers) = self.windows(architecture)?;
        let rope = self.rope()?;
        let (heads, width) = (self.num_attention_heads, self.hidden_size);
        let head_dim = match (self.head_dim, architecture) {
            (Some(size), _) => size,
            (None, Architecture::Qwen3) => 128,
            (None, _) if heads > 0 && width.is_multiple_of(heads) => width / heads,
            (None, _) => {
                return Err(wrong(format!("{heads} heads do not divide a width of {width}")));
            }
        };
        let (groups, positions) = match architecture {
            Architecture::Llama => (heads, 2048),
            Architecture::Mistral => (8, 131_072),
            Architecture::Qwen2 | Architecture::Qwen3 => (32, 32_768),
        };
        let config = TransformerConfig {
            architecture,
            vocab_size: self.vocab_size,
            hidden_size: width,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: heads,
            num_key_value_heads: match self.num_key_value_heads {
                Some(given) => given.unwrap_or(heads),
                None => groups,
            },
            head_dim,
            max_position_embeddings: self.max_position_embeddings.unwrap_or(positions),
            rms_norm_eps: self.rms_norm_eps.unwrap_or(1e-6),
            rope_theta: rope.theta.or(self.rope_theta).unwrap_or(10_000.0),
            rope_scaling: rope.scaling,
            tie_word_embeddings: self.tie_word_embeddings.unwrap_or(false),
            attention_bias: match architecture {
                Architecture::Llama | Architecture::Qwen3 => self.attention_bias.unwrap_or(false),
                Architecture::Mistral | Architecture::Qwen2 => false,
            },
            mlp_bias: architecture == Architecture::Llama && self.mlp_bias.unwrap_or(false),
            sliding_window,
            sliding_layers,
        };
        config.check()?;
        Ok(config)
    }

    /// Settings that change what a model computes, and that we do not compute.
    fn refuse_what_is_not_computed(&self) -> Result<()> {
        let wrong = |message: String| Err(Error::Config { what: "transformer", message });
        match self.hidden_act.as_deref() {
            None | Some("silu" | "swish") => {}
            Some(other) => {
                return wrong(format!("activation `{other}` is not known; known is silu"));
            }
        }
        check_partial(&self.rest)?;
        match self.rest.get("attention_dropout") {
            None | Some(Value::Null) => {}
            Some(share) if share.as_f64() == Some(0.0) => {}
            Some(_) => {
                let message = "`attention_dropout` is not supported; set it to 0, which changes \
                               nothing but training";
                return wrong(message.to_owned());
            }
        }
        match self.rest.get("quantization_config") {
            None | Some(Value::Null) => Ok(()),
            Some(_) => wrong("its weights are quantized; use the original ones".to_owned()),
        }
    }

    /// The rotary settings, which may stand under an older name and a newer one.
    fn rope(&self) -> Result<RopeFile> {
        let read =
            |file: &Option<Map<String, Value>>| file.as_ref().map(RopeFile::read).transpose();
        match (read(&self.rope_parameters)?, read(&self.rope_scaling)?) {
            (Some(newer), Some(older)) if newer.scaling != older.scaling => {
                let message =
                    "`rope_parameters` and `rope_scaling` say different things; remove one";
                Err(Error::Config { what: "rotary scaling", message: message.to_owned() })
            }
            (newer, older) => {
                let (scaling, theta) = (newer.or(older), |rope: RopeFile| rope.theta);
                let theta = newer.and_then(theta).or(older.and_then(theta));
                Ok(RopeFile { theta, ..scaling.unwrap_or_default() })
            }
        }
    }

    /// The sliding window, and the blocks in which it slides.
    fn windows(&self, architecture: Architecture) -> Result<(Option<usize>, Vec<bool>)> {
        let window = match architecture {
            Architecture::Llama => None,
            Architecture::Mistral => self.sliding_window.unwrap_or(Some(4096)),
            Architecture::Qwen2 | Architecture::Qwen3 => match self.use_sliding_window {
                Some(true) => self.sliding_window.unwrap_or(Some(4096)),
                _ => None,
            },
        };
        if window.is_none() || architecture == Architecture::Mistral {
            return Ok((window, Vec::new()));
        }
        let slides = |kind: &String| match kind.as_str() {
            SLIDING => Ok(true),
            FULL => Ok(false),
            other => Err(Error::Config {
                what: "transformer",
                message: format!("layer type `{other}` is not known"),
            }),
        };
        let layers = match &self.layer_types {
            Some(types) => types.iter().map(slides).collect::<Result<_>>()?,
            // Refused later.
            None if self.num_hidden_layers > MOST_LAYERS => Vec::new(),
            None => {
                let from = self.max_window_layers.unwrap_or(28);
                (0..self.num_hidden_layers).map(|layer| layer >= from).collect()
            }
        };
        Ok((window, layers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(model_type: &str, more: &str) -> ConfigFile {
        let json = format!(
            r#"{{"model_type": "{model_type}", "vocab_size": 9, "hidden_size": 8,
                "intermediate_size": 12, "num_hidden_layers": 3, "num_attention_heads": 4{more}}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn what_a_file_leaves_open_is_its_architectures_default() {
        let llama = file("llama", "").resolve().unwrap();
        assert_eq!((llama.head_dim, llama.num_key_value_heads, llama.rope_theta), (2, 4, 1e4));
        // Absent, there are as many as the class says; `null` is one for each head.
        for (kind, groups) in [("mistral", "(8)"), ("qwen2", "(32)"), ("qwen3", "(32)")] {
            let error = file(kind, "").resolve().unwrap_err().to_string();
            assert!(error.contains(groups), "{error}");
            let null = file(kind, r#", "num_key_value_heads": null"#).resolve().unwrap();
            assert_eq!(null.num_key_value_heads, 4);
        }
        let mistral = file("mistral", r#", "num_key_value_heads": 2"#).resolve().unwrap();
        assert_eq!(mistral.sliding_window, Some(4096));
        let null = r#", "num_key_value_heads": 2, "sliding_window": null"#;
        assert_eq!(file("mistral", null).resolve().unwrap().sliding_window, None);
        let qwen3 = file("qwen3", r#", "num_key_value_heads": 2, "sliding_window": 5"#);
        let qwen3 = qwen3.resolve().unwrap();
        assert_eq!((qwen3.head_dim, qwen3.sliding_window), (128, None));
        let window = r#", "num_key_value_heads": 2, "sliding_window": 5, "use_sliding_window": true,
            "max_window_layers": 1"#;
        let qwen2 = file("qwen2", window).resolve().unwrap();
        assert_eq!(qwen2.sliding_layers, [false, true, true]);
    }

    #[test]
    fn a_shape_survives_its_file() {
        let scaling = r#", "rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8,
            "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 32}"#;
        let window = r#", "num_key_value_heads": 2, "sliding_window": 5, "use_sliding_window": true,
            "max_window_layers": 1"#;
        for (kind, more) in [("llama", scaling), ("qwen2", window), ("qwen3", window)] {
            let config = file(kind, more).resolve().unwrap();
            let json = ConfigFile::over(Map::new(), &config, Precision::F32).unwrap();
            let read: ConfigFile = serde_json::from_value(json.into()).unwrap();
            assert_eq!(read.resolve().unwrap(), config);
        }
        assert_eq!(file("llama", scaling).resolve().unwrap().rope_theta, 5e5);
    }

    /// A file has fields that are no part of a shape, and other names for some that are.
    #[test]
    fn what_a_file_says_beside_the_shape_is_kept() {
        let read = serde_json::json!({
            "model_type": "qwen2", "vocab_size": 9, "hidden_size": 8, "intermediate_size": 12,
            "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
            "eos_token_id": [4, 7], "initializer_range": 0.02, "layer_types": null,
            "dtype": "float16", "rope_parameters": {"rope_theta": 5e5}, "mine": {"a": [null]},
        });
        let Value::Object(read) = read else { panic!("it is one") };
        let config = serde_json::from_value::<ConfigFile>(Value::Object(read.clone()));
        let config = config.unwrap().resolve().unwrap();
        let written = ConfigFile::over(read.clone(), &config, Precision::Bf16).unwrap();
        for name in ["eos_token_id", "initializer_range", "mine"] {
            assert_eq!(written[name], read[name], "{name}");
        }
        assert_eq!(
            (&written["rope_theta"], &written["torch_dtype"]),
            (&5e5.into(), &"bfloat16".into())
        );
        assert!(!written.contains_key("dtype") && !written.contains_key("rope_parameters"));
        let again: ConfigFile = serde_json::from_value(Value::Object(written)).unwrap();
        assert_eq!(again.resolve().unwrap(), config);
    }

    #[test]
    fn what_is_not_computed_is_refused() {
        for (kind, more, says) in [
            ("gemma2", "", "known are llama, mistral, qwen2, qwen3"),
            ("llama", r#", "hidden_act": "gelu""#, "`gelu`"),
            ("llama", r#", "rope_scaling": {"type": "yarn", "factor": 4}"#, "`yarn`"),
            ("llama", r#", "rope_scaling": {"type": "linear"}"#, "`factor`"),
            ("llama", r#", "quantization_config": {"bits": 4}"#, "quantized"),
            ("llama", r#", "partial_rotary_factor": 0.5"#, "partial_rotary_factor"),
            ("llama", r#", "partial_rotary_factor": "half""#, "partial_rotary_factor"),
            ("llama", r#", "attention_dropout": 0.1"#, "`attention_dropout`"),
            ("llama", r#", "rms_norm_eps": 0"#, "`rms_norm_eps`"),
            ("llama", r#", "rms_norm_eps": -1e-6"#, "`rms_norm_eps`"),
            ("llama", r#", "rope_theta": 0.0"#, "`rope_theta`"),
            ("llama", r#", "rope_parameters": {"rope_theta": -1}"#, "`rope_theta`"),
            ("llama", r#", "rope_scaling": {"factor": 4}"#, "no `rope_type`"),
            (
                "llama",
                r#", "rope_scaling": {"type": "linear", "factor": 4}, "rope_parameters": {}"#,
                "different things",
            ),
            ("llama", r#", "num_key_value_heads": 3"#, "does not divide"),
            ("llama", r#", "head_dim": 9223372036854775807"#, "no model has"),
        ] {
            let error = file(kind, more).resolve().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    /// Each layer is an allocation before a tensor is read.
    #[test]
    fn so_many_layers_has_no_model() {
        for layers in [10_001, i32::MAX as usize, usize::MAX] {
            let sliding = r#""use_sliding_window": true"#;
            let json = format!(
                r#"{{"model_type": "qwen2", "vocab_size": 9, "hidden_size": 8, {sliding},
                    "intermediate_size": 12, "num_hidden_layers": {layers},
                    "num_attention_heads": 4, "num_key_value_heads": 2}}"#
            );
            let file: ConfigFile = serde_json::from_str(&json).unwrap();
            let error = file.resolve().unwrap_err().to_string();
            assert!(
                error.contains("`num_hidden_layers`") && error.contains("no model has"),
                "{error}"
            );
        }
    }
}
