//! Puts a tokenizer together from its files.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokenizers::{AddedToken, PostProcessorWrapper};

use super::{About, GenerationConfig, Tokenizer, failed, guarded};
use crate::{Error, Result};

/// The names of special tokens.
const NAMES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// A tokenizer of the text of `tokenizer.json`, with what stands in `tokenizer_config.json`,
/// `special_tokens_map.json` and `generation_config.json`.
pub(crate) fn assemble(
    json: String,
    config: Map<String, Value>,
    map: Map<String, Value>,
    generation: GenerationConfig,
) -> Result<Tokenizer> {
    // First, since `tokenizers` panics on some of what is not JSON.
    let post: PostProcessing =
        serde_json::from_str(&json).map_err(|e| Error::Tokenizer(format!("it is no JSON: {e}")))?;
    let mut inner = guarded(|| tokenizers::Tokenizer::from_bytes(json.as_bytes()))?;
    // What a file says of cutting off and padding is no part of what tokens a text has.
    inner.with_truncation(None).map_err(failed)?;
    inner.with_padding(None);
    // Neither is what it does afterwards: it adds tokens, which is done here, and takes whitespace off
    // the ranges of tokens.
    inner.with_post_processor(None::<PostProcessorWrapper>);
    add_tokens(&mut inner, &config)?;
    let named = names(&config, &map);
    make_special(&mut inner, &named)?;

    let first_end = generation.eos_token_id.first();
    let end = match named.get("eos_token").and_then(Value::as_str) {
        Some(token) => inner
            .token_to_id(token)
            .ok_or_else(|| Error::Tokenizer(format!("it has no end token `{token}`")))?,
        None => {
            first_end.copied().filter(|id| inner.id_to_token(*id).is_some()).ok_or_else(|| {
                Error::Tokenizer(
                    "nothing names its end token; set `eos_token` in tokenizer_config.json"
                        .to_owned(),
                )
            })?
        }
    };
    let begin = begin(&inner, &config, &named, &post);
    let about = About { end, named, begin, config, map, generation, ..About::default() };
    let tokenizer = Tokenizer { inner: Arc::new(inner), json: json.into(), about: Arc::new(about) };
    Ok(tokenizer.with_ends())
}

/// A token, which may be written as its text or as an object.
fn text_of(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

/// The special tokens by name.
fn names(config: &Map<String, Value>, map: &Map<String, Value>) -> Map<String, Value> {
    // Newer files say everything in one place, and the other may be stale.
    let stale = config.contains_key("added_tokens_decoder");
    let find = |name: &str| {
        let older = if stale { None } else { map.get(name) };
        config.get(name).filter(|token| !token.is_null()).or(older)
    };
    let mut named = Map::new();
    for name in NAMES {
        if let Some(token) = find(name).and_then(text_of) {
            named.insert(name.to_owned(), token.into());
        }
    }
    if let Some(Value::Array(more)) = find("additional_special_tokens") {
        let more: Vec<Value> = more.iter().filter_map(text_of).map(Value::from).collect();
        if !more.is_empty() {
            named.insert("additional_special_tokens".to_owned(), more.into());
        }
    }
    if let Some(Value::Object(more)) = config.get("extra_special_tokens") {
        for (name, token) in more {
            if let Some(token) = text_of(token) {
                named.insert(name.clone(), token.into());
            }
        }
    }
    named
}

/// Adds tokens that only `tokenizer_config.json` knows.
fn add_tokens(inner: &mut tokenizers::Tokenizer, config: &Map<String, Value>) -> Result<()> {
    let Some(Value::Object(decoder)) = config.get("added_tokens_decoder") else { return Ok(()) };
    let mut tokens: Vec<(u32, &Value)> =
        decoder.iter().filter_map(|(id, token)| Some((id.parse().ok()?, token))).collect();
    tokens.sort_by_key(|(id, _)| *id);
    for (id, token) in tokens {
        let Some(text) = text_of(token) else { continue };
        if inner.get_added_vocabulary().get_vocab().contains_key(text) {
            continue;
        }
        let is = |flag: &str| token.get(flag).and_then(Value::as_bool).unwrap_or(false);
        let added = AddedToken::from(text, is("special"))
            .lstrip(is("lstrip"))
            .rstrip(is("rstrip"))
            .single_word(is("single_word"))
            .normalized(is("normalized"));
        inner.add_tokens([added]).map_err(failed)?;
        if inner.token_to_id(text) != Some(id) {
            let message =
                format!("tokenizer_config.json gives `{text}` the id {id}, which is taken");
            return Err(Error::Tokenizer(message));
        }
    }
    Ok(())
}

/// Makes sure that the named tokens of the vocabulary are read whole.
fn make_special(inner: &mut tokenizers::Tokenizer, named: &Map<String, Value>) -> Result<()> {
    let tokens = named.values().flat_map(|value| match value {
        Value::Array(tokens) => tokens.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect::<Vec<_>>(),
    });
    for token in tokens {
        let is_added = inner.get_added_vocabulary().get_vocab().contains_key(token);
        if !is_added && !token.is_empty() && inner.token_to_id(token).is_some() {
            inner.add_special_tokens([AddedToken::from(token, true)]).map_err(failed)?;
        }
    }
    Ok(())
}

/// The token that texts begin with, if the tokenizer puts one there.
fn begin(
    inner: &tokenizers::Tokenizer,
    config: &Map<String, Value>,
    named: &Map<String, Value>,
    post: &PostProcessing,
) -> Option<u32> {
    let token = named.get("bos_token")?.as_str()?;
    // Of these classes, `transformers` goes by the configuration; else by the tokenizer.
    let class = config.get("tokenizer_class").and_then(Value::as_str).unwrap_or_default();
    let adds = if class.starts_with("Llama") || class.starts_with("Gemma") {
        config.get("add_bos_token").and_then(Value::as_bool).unwrap_or(true)
    } else {
        begins_with(&post.post_processor, token)
    };
    inner.token_to_id(token).filter(|_| adds)
}

/// What `tokenizer.json` says is done to the tokens of a text.
#[derive(Deserialize)]
struct PostProcessing {
    #[serde(default)]
    post_processor: Value,
}

/// Whether a post-processor puts this token before a text.
fn begins_with(processor: &Value, token: &str) -> bool {
    match processor.get("type").and_then(Value::as_str) {
        Some("TemplateProcessing") => {
            processor.pointer("/single/0/SpecialToken/id").and_then(Value::as_str) == Some(token)
        }
        Some("Sequence") => {
            let parts = processor.get("processors").and_then(Value::as_array);
            parts.is_some_and(|parts| parts.iter().any(|part| begins_with(part, token)))
        }
        Some("BertProcessing" | "RobertaProcessing") => {
            processor.pointer("/cls/0").and_then(Value::as_str) == Some(token)
        }
        _ => false,
    }
}
