//! The files around text: `tokenizer.json`, `tokenizer_config.json`, `special_tokens_map.json`,
//! `generation_config.json`, `chat_template.jinja` and `additional_chat_templates/`.

use std::{fs, path::Path};

use ethos_core::jsonl;
use serde_json::{Map, Value};

use super::read_json;
use crate::{ChatTemplate, Error, GenerationConfig, Result, Tokenizer, tokenizer::assemble};

const TOKENIZER: &str = "tokenizer.json";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
const SPECIAL_TOKENS: &str = "special_tokens_map.json";
const GENERATION: &str = "generation_config.json";
const TEMPLATE: &str = "chat_template.jinja";
const MORE_TEMPLATES: &str = "additional_chat_templates";

/// A larger `tokenizer.json` is none: those with a vocabulary of 260 000 have 35 MB.
const LARGEST_TOKENIZER: u64 = 128 << 20;
/// A longer template is none.
const LARGEST_TEMPLATE: u64 = 1 << 20;

impl Tokenizer {
    /// Reads the tokenizer of a folder in Hugging Face's form: `tokenizer.json`, and where they are
    /// there `tokenizer_config.json`, `special_tokens_map.json` and `generation_config.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when there is no `tokenizer.json`, [`Error::Checkpoint`] when it is not a tokenizer,
    /// or nothing says which token ends a text.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let path = folder.join(TOKENIZER);
        let json = read_text(&path, LARGEST_TOKENIZER)?;
        let mut config = read_map(&folder.join(TOKENIZER_CONFIG))?;
        // Templates are `ChatTemplate`'s.
        config.remove("chat_template");
        let map = read_map(&folder.join(SPECIAL_TOKENS))?;
        let generation = folder.join(GENERATION);
        let generation = if generation.exists() {
            read_json::<GenerationConfig>(&generation)?
        } else {
            GenerationConfig::default()
        };
        assemble(json, config, map, generation).map_err(|error| match error {
            Error::Tokenizer(message) => Error::Checkpoint { path, message },
            other => other,
        })
    }

    /// Writes the files that [`read`](Tokenizer::read) reads and `transformers` loads.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        write_text(&folder.join(TOKENIZER), self.to_json())?;
        let (config, map) = self.files();
        jsonl::write_json(folder.join(TOKENIZER_CONFIG), config)?;
        let map = if map.is_empty() { self.special_tokens() } else { map };
        jsonl::write_json(folder.join(SPECIAL_TOKENS), map)?;
        if *self.generation() != GenerationConfig::default() {
            jsonl::write_json(folder.join(GENERATION), self.generation())?;
        }
        Ok(())
    }
}

impl ChatTemplate {
    /// Reads the templates of a folder in Hugging Face's form: `chat_template.jinja` with
    /// `additional_chat_templates/`, or else the `chat_template` of `tokenizer_config.json`, a string or
    /// a list of named ones. A folder without any gives [`ChatTemplate::none`].
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] when a file is too large or not what it should be, [`Error::Template`] when
    /// a template's syntax is wrong.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let default = folder.join(TEMPLATE);
        let mut templates = Vec::new();
        if default.exists() {
            templates.push(("default".to_owned(), read_text(&default, LARGEST_TEMPLATE)?));
        }
        let more = folder.join(MORE_TEMPLATES);
        if more.is_dir() {
            let entries = fs::read_dir(&more).map_err(Error::io("read", &more))?;
            for entry in entries {
                let path = entry.map_err(Error::io("read", &more))?.path();
                if path.extension().is_some_and(|extension| extension == "jinja")
                    && let Some(name) = path.file_stem().and_then(|name| name.to_str())
                {
                    templates.push((name.to_owned(), read_text(&path, LARGEST_TEMPLATE)?));
                }
            }
            // The order of a folder's entries is the file system's.
            templates.sort();
        }
        if templates.is_empty() {
            let path = folder.join(TOKENIZER_CONFIG);
            templates = listed(&read_map(&path)?)
                .map_err(|message| Error::Checkpoint { path, message: message.to_owned() })?;
        }
        ChatTemplate::named(templates)
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        for (name, source) in self.sources() {
            let path = if name == "default" {
                folder.join(TEMPLATE)
            } else {
                let more = folder.join(MORE_TEMPLATES);
                fs::create_dir_all(&more).map_err(Error::io("create", &more))?;
                more.join(format!("{name}.jinja"))
            };
            write_text(&path, source)?;
        }
        Ok(())
    }
}

/// The templates that `tokenizer_config.json` holds.
fn listed(config: &Map<String, Value>) -> Result<Vec<(String, String)>, &'static str> {
    let wrong = "its `chat_template` is neither a text nor a list of `name` and `template`";
    match config.get("chat_template") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(source)) => Ok(vec![("default".to_owned(), source.clone())]),
        Some(Value::Array(list)) => {
            let text = |entry: &Value, field: &str| Some(entry.get(field)?.as_str()?.to_owned());
            let pair = |entry| {
                // A name becomes a file's.
                let name = text(entry, "name").filter(|name| !name.contains(['/', '\\', '\0']));
                Some((name?, text(entry, "template")?))
            };
            list.iter().map(|entry| pair(entry).ok_or(wrong)).collect()
        }
        Some(_) => Err(wrong),
    }
}

fn read_map(path: &Path) -> Result<Map<String, Value>> {
    if path.exists() { read_json(path) } else { Ok(Map::new()) }
}

fn read_text(path: &Path, most: u64) -> Result<String> {
    let size = fs::metadata(path).map_err(Error::io("read", path))?.len();
    if size > most {
        let message = format!("has {size} bytes, where {most} are the most");
        return Err(Error::Checkpoint { path: path.to_owned(), message });
    }
    fs::read_to_string(path).map_err(Error::io("read", path))
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(Error::io("write", path))
}
