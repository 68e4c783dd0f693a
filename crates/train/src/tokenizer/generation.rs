//! `generation_config.json`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// How a model's publisher samples from it, as `generation_config.json` says it.
///
/// Only the end tokens are used, as [`Tokenizer::ends`](crate::Tokenizer::ends). The rest is for the
/// caller to read: a [`LocalModel`](crate::LocalModel) samples as a request says, without the
/// publisher's temperature and filters, and knows no repetition penalty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GenerationConfig {
    /// The tokens that end an answer, beside the tokenizer's own end token. One number or a list in
    /// the file.
    #[serde(
        default,
        deserialize_with = "one_or_many",
        serialize_with = "as_few",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub eos_token_id: Vec<u32>,
    /// Whether to sample at all; otherwise the likeliest token is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub do_sample: Option<bool>,
    /// What logits are divided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The share of probability that the likeliest tokens which are sampled from make up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How many of the likeliest tokens are sampled from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// What the logits of tokens that were there already are divided by (multiplied, where negative);
    /// never applied here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f64>,
    /// Fields we do not know, which survive a round trip.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The end tokens of a `config.json`, which stand there as in a `generation_config.json`.
#[derive(Default, Deserialize)]
pub(crate) struct Ends {
    #[serde(default, deserialize_with = "one_or_many")]
    pub(crate) eos_token_id: Vec<u32>,
}

/// End tokens as both files hold them.
pub(super) fn few(ids: &[u32]) -> Value {
    match ids {
        [id] => (*id).into(),
        ids => ids.into(),
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(u32),
        Many(Vec<u32>),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(OneOrMany::One(id)) => vec![id],
        Some(OneOrMany::Many(ids)) => ids,
    })
}

fn as_few<S: Serializer>(ids: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
    few(ids).serialize(serializer)
}
