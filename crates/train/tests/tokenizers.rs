//! Tokenizers of the kinds that models have, against `transformers`; `tokenizers/make.py` made them.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use ethos_core::{Chat, Message};
use ethos_train::{
    ChatTemplate, Checkpoint, DeviceSpec, Tokenizer, Transformer, TransformerConfig,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const ALL: [&str; 4] =
    ["bytes-like-qwen", "pieces-like-llama2", "headers-like-llama3", "pieces-like-gemma"];

#[derive(Deserialize)]
struct Expected {
    /// A text, its ids without and with what the tokenizer adds.
    texts: Vec<(String, Vec<u32>, Vec<u32>)>,
    chats: Vec<(Vec<Message>, Vec<u32>)>,
    special_tokens: Map<String, Value>,
    eos: u32,
    length: usize,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tokenizers").join(name)
}

fn expected(name: &str) -> Expected {
    serde_json::from_str(&fs::read_to_string(folder(name).join("expected.json")).unwrap()).unwrap()
}

/// The template of a folder, at the moment at which make.py's clock stands.
fn template(folder: &Path) -> ChatTemplate {
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_521_600);
    ChatTemplate::read(folder).unwrap().at(noon)
}

/// A checkpoint of a model that nobody asks, for its tokenizer.
fn checkpoint(tokenizer: Tokenizer, template: ChatTemplate) -> Checkpoint {
    let device = DeviceSpec::Flex.open().unwrap();
    let config = TransformerConfig::tiny(tokenizer.len());
    Checkpoint { model: Transformer::init(config, 0, &device).unwrap(), tokenizer, template }
}

/// A folder that stays, for `make.py --check`.
fn saved(name: &str, checkpoint: &Checkpoint) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tokenizers").join(name);
    // Of an earlier run, with what its test put there beside the checkpoint.
    let _ = fs::remove_dir_all(&path);
    checkpoint.save(&path).unwrap();
    path
}

fn ids_of_chat(chat: &[Message], template: &ChatTemplate, tokenizer: &Tokenizer) -> Vec<u32> {
    use ethos_train::Ending::{Prompt, Whole};
    let asks = chat.last().is_some_and(|last| last.role == ethos_core::Role::User);
    let chat = Chat::new(chat.iter().cloned());
    let text = template.render(&chat, if asks { Prompt } else { Whole }, tokenizer).unwrap();
    tokenizer.encode(&text).unwrap()
}

fn agrees(name: &str, tokenizer: &Tokenizer, template: &ChatTemplate) {
    let expected = expected(name);
    for (text, plain, with_begin) in &expected.texts {
        assert_eq!(tokenizer.encode(text).unwrap(), *plain, "{name}: {text:?}");
        let row = tokenizer.document(text).unwrap();
        assert_eq!(
            row.ids.split_last().unwrap(),
            (&expected.eos, &with_begin[..]),
            "{name}: {text:?}"
        );
    }
    for (chat, ids) in &expected.chats {
        assert_eq!(ids_of_chat(chat, template, tokenizer), *ids, "{name}");
    }
    assert_eq!(*tokenizer.special_tokens(), expected.special_tokens, "{name}");
    assert_eq!((tokenizer.end(), tokenizer.len()), (expected.eos, expected.length));
}

#[test]
fn ids_are_those_of_transformers_also_after_a_round_trip() {
    for name in ALL {
        let tokenizer = Tokenizer::read(folder(name)).unwrap();
        agrees(name, &tokenizer, &template(&folder(name)));

        let path = saved(name, &checkpoint(tokenizer, template(&folder(name))));
        fs::copy(folder(name).join("expected.json"), path.join("expected.json")).unwrap();
        let tokenizer = Tokenizer::read(&path).unwrap();
        agrees(name, &tokenizer, &template(&path));

        let before = Tokenizer::read(folder(name)).unwrap();
        assert_eq!(tokenizer.to_json(), before.to_json());
        assert_eq!(
            (tokenizer.ends(), tokenizer.generation()),
            (before.ends(), before.generation())
        );
    }
}

#[test]
fn tokenizers_made_here_are_saved_for_transformers_too() {
    let template = "{% for m in messages %}{{ bos_token }}{{ m.role }} {{ m.content }} {{ eos_token }}{% endfor %}";
    let texts = ["the cat sat on the mat", "what is the cat?", "🐈‍⬛ it is grey"];
    let trained = Tokenizer::train(texts, 300, ["<|end|>", "<|begin|>"])
        .and_then(|tokenizer| tokenizer.with_special_token("bos_token", "<|begin|>"))
        .unwrap();
    let words = ["what", "is", "it?", "user", "assistant", "it"].map(str::to_owned);
    let of_words = Tokenizer::word_level(words).unwrap();
    for (name, tokenizer) in [("trained", trained), ("words", of_words)] {
        let template = ChatTemplate::new(template).unwrap();
        let texts = texts.map(|text| (text, tokenizer.encode(text).unwrap()));
        let chats = expected(ALL[0]).chats.into_iter().map(|(chat, _)| {
            let ids = ids_of_chat(&chat, &template, &tokenizer);
            json!([chat, ids])
        });
        // Written for `make.py --check` to read.
        let expected = json!({
            "texts": texts.map(|(text, ids)| json!([text, ids, ids])),
            "chats": chats.collect::<Vec<_>>(),
            "special_tokens": tokenizer.special_tokens(),
            "eos": tokenizer.end(),
            "length": tokenizer.len(),
        });
        let path = saved(name, &checkpoint(tokenizer.clone(), template));
        fs::write(path.join("expected.json"), expected.to_string()).unwrap();
        let read = Tokenizer::read(&path).unwrap();
        assert_eq!(read.to_json(), tokenizer.to_json());
        assert_eq!(read.special_tokens(), tokenizer.special_tokens());
    }
}

#[test]
fn what_the_files_say_of_ends_and_sampling_is_known() {
    let tokenizer = Tokenizer::read(folder("bytes-like-qwen")).unwrap();
    let id = |token| tokenizer.id(token).unwrap();
    assert_eq!(tokenizer.end_token(), "<|im_end|>");
    assert_eq!(tokenizer.ends(), [id("<|im_end|>"), id("<|endoftext|>")]);
    assert!(tokenizer.is_special(id("<|im_start|>")) && !tokenizer.is_special(id("<think>")));
    let generation = tokenizer.generation();
    assert_eq!((generation.temperature, generation.top_p), (Some(0.7), Some(0.8)));
    assert_eq!((generation.top_k, generation.repetition_penalty), (Some(20), Some(1.05)));
    assert_eq!(generation.extra["transformers_version"], "4.57.6");

    let llama = Tokenizer::read(folder("pieces-like-llama2")).unwrap();
    assert_eq!((llama.ends(), &*llama.generation().eos_token_id), (&[2][..], &[2][..]));
    let gemma = Tokenizer::read(folder("pieces-like-gemma")).unwrap();
    assert_eq!(gemma.ends(), [1, 5]);
}

#[test]
fn of_several_templates_the_one_for_tools_is_taken_with_tools() {
    let tokenizer = Tokenizer::read(folder("headers-like-llama3")).unwrap();
    let template = ChatTemplate::read(folder("headers-like-llama3")).unwrap();
    let mut chat = Chat::new([Message::user("hi")]);
    let render =
        |chat: &Chat| template.render(chat, ethos_train::Ending::Whole, &tokenizer).unwrap();
    assert!(render(&chat).starts_with("<|begin_of_text|><|start_header_id|>system"));
    chat.extra.insert("tools".to_owned(), json!([{ "type": "function" }]));
    assert_eq!(render(&chat), "<|begin_of_text|>with tools<|eot_id|>");
}

/// Replaces the `place`-th value of a JSON tree, in order of reading, with another.
fn replace_nth(json: &mut Value, place: &mut usize, with: &Value) {
    if *place == 0 {
        *json = with.clone();
    }
    *place = place.wrapping_sub(1);
    match json {
        Value::Array(items) => items.iter_mut().for_each(|item| replace_nth(item, place, with)),
        Value::Object(map) => map.values_mut().for_each(|value| replace_nth(value, place, with)),
        _ => {}
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!(true)),
        Just(json!("")),
        Just(json!(u64::MAX)),
        Just(json!(u32::MAX)),
        (-2i64..600).prop_map(|n| json!(n)),
        Just(json!(1.5)),
        ".{0,3}".prop_map(Value::String),
        Just(json!("Ġ")),
        Just(json!({ "type": "Fuse" })),
        Just(json!([["a", 1]])),
        Just(json!({ "Regex": "(a*)*b" })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_file_makes_a_panic(
        name in prop::sample::select(&ALL[..]), share in 0.0f64..1.0, with in any_json(), cut in 0.0f64..1.5,
    ) {
        let json = fs::read_to_string(folder(name).join("tokenizer.json")).unwrap();
        let mut value: Value = serde_json::from_str(&json).unwrap();
        let mut count = usize::MAX;
        replace_nth(&mut value, &mut count, &Value::Null);
        let mut place = ((usize::MAX - count) as f64 * share * share) as usize;
        replace_nth(&mut value, &mut place, &with);
        let mut text = value.to_string();
        let cut = (text.len() as f64 * cut) as usize;
        if text.is_char_boundary(cut) {
            text.truncate(cut);
        }
        let end = expected(name).special_tokens["eos_token"].as_str().unwrap().to_owned();
        if let Ok(tokenizer) = Tokenizer::from_json(text, &end) {
            for text in ["", "Hello 世界 <|im_end|></s>", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
                if let Ok(ids) = tokenizer.encode(text) {
                    let _ = tokenizer.decode(&ids);
                    let _ = tokenizer.decode(&[0, 599, u32::MAX]);
                    let row = tokenizer.document(text);
                    let _ = row.map(|row| row.show(&tokenizer).to_string());
                }
            }
        }
    }
}
