//! Chats, templates, and what `transformers` made of them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use ethos_core::Chat;
use ethos_train::{ChatTemplate, GenerationConfig, Tokenizer};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
pub(crate) struct Cases<T> {
    #[serde(flatten)]
    pub(crate) head: Map<String, Value>,
    pub(crate) cases: Vec<T>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) template: String,
    pub(crate) own: bool,
    pub(crate) chat: String,
    pub(crate) whole: Outcome,
    pub(crate) prompt: Outcome,
    pub(crate) continued: Outcome,
}

/// A small template, and what `transformers` made of it.
#[derive(Deserialize)]
pub(crate) struct Template {
    pub(crate) template: String,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// What `transformers` did: the text, its hash and length, or an error.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", untagged)]
pub(crate) enum Outcome {
    Text {
        text: String,
    },
    Hash {
        fnv: String,
        length: usize,
    },
    Raised {
        raised: String,
    },
    Error {
        #[expect(dead_code, reason = "for whoever reads what failed")]
        error: Value,
    },
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates")
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

/// A template of ours, or a published one where that folder is present.
pub(crate) fn template(name: &str, own: bool) -> Option<ChatTemplate> {
    let folder = if own {
        folder().join("own")
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/templates")
    };
    let path = folder.join(format!("{name}.jinja"));
    if !own && !path.exists() {
        return None;
    }
    let source = fs::read_to_string(path).unwrap();
    // The moment at which make.py's clock stands.
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_741_496_823);
    Some(ChatTemplate::new(source).unwrap().at(time))
}

/// The chats by name, as data sets have them.
pub(crate) fn chats() -> Vec<(String, Chat)> {
    let tools = read::<Cases<Value>>("expected.json").head["tools"].clone();
    let chat = |mut chat: Map<String, Value>| {
        let name = chat["name"].as_str().unwrap().to_owned();
        let times = chat.get("repeat").and_then(Value::as_u64).unwrap_or(1) as usize;
        let messages = vec![chat["messages"].as_array().unwrap().clone(); times].concat();
        chat.insert("messages".to_owned(), messages.into());
        if chat.contains_key("tools") {
            chat.insert("tools".to_owned(), tools.clone());
        }
        if let Some(kwargs) = chat.remove("kwargs") {
            chat.insert("chat_template_kwargs".to_owned(), kwargs);
        }
        (name, serde_json::from_value(chat.into()).unwrap())
    };
    read::<Vec<Map<String, Value>>>("chats.json").into_iter().map(chat).collect()
}

pub(crate) fn chat(name: &str) -> Chat {
    chats().into_iter().find(|(other, _)| other == name).unwrap().1
}

/// Tokens that end an answer in one template or another, beside `</s>`.
const ENDS: [&str; 7] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
];

/// Other special tokens.
const SPECIAL: [&str; 21] = [
    "<pad>",
    "<unk>",
    "<|im_start|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|user|>",
    "<|assistant|>",
    "<|system|>",
    "<start_of_turn>",
    "<|start|>",
    "<|channel|>",
    "<|message|>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜call▁begin｜>",
    "<｜sep｜>",
    "<｜call▁end｜>",
    "<｜calls▁end｜>",
    "[INST]",
    "[/INST]",
    "[TOOL_CALLS]",
];

/// All special tokens, the end token among them.
pub(crate) const SPECIAL_TOKENS: [&str; 30] = {
    let mut all = ["</s>"; 30];
    all[1] = "<s>";
    let mut at = 0;
    while at < 28 {
        all[at + 2] = if at < 7 { ENDS[at] } else { SPECIAL[at - 7] };
        at += 1;
    }
    all
};

/// A byte-level tokenizer that knows the special tokens of all templates. With `ends`, it also knows
/// which of them end an answer.
pub(crate) fn tokenizer(ends: bool) -> Tokenizer {
    let texts = ["the sky is blue, the answer is brief and kind", "it is grey in the town"];
    let mut tokenizer =
        Tokenizer::train(texts, 256 + SPECIAL_TOKENS.len() + 40, SPECIAL_TOKENS).unwrap();
    for (name, token) in [("bos_token", "<s>"), ("pad_token", "<pad>"), ("unk_token", "<unk>")] {
        tokenizer = tokenizer.with_special_token(name, token).unwrap();
    }
    if !ends {
        return tokenizer;
    }
    let ids = ENDS.iter().map(|end| tokenizer.id(end).unwrap()).collect();
    tokenizer.with_generation(GenerationConfig { eos_token_id: ids, ..GenerationConfig::default() })
}

pub(crate) fn fnv(text: &str) -> String {
    let step = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}
