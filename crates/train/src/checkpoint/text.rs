//! The files around text: `tokenizer.json`, `tokenizer_config.json`, `special_tokens_map.json`,
//! `generation_config.json`, `chat_template.jinja` and `additional_chat_templates/`; and what
//! `config.json` says of end tokens.

use std::{fs, path::Path};

use ethos_core::jsonl;
use serde_json::{Map, Value};

use super::{CONFIG, read_json};
use crate::{
    ChatTemplate, Error, GenerationConfig, Result, Tokenizer,
    tokenizer::{Ends, assemble},
};

pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(super) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
pub(super) const SPECIAL_TOKENS: &str = "special_tokens_map.json";
pub(super) const GENERATION: &str = "generation_config.json";
pub(super) const TEMPLATE: &str = "chat_template.jinja";
pub(super) const MORE_TEMPLATES: &str = "additional_chat_templates";

/// A larger `tokenizer.json` is none: those with a vocabulary of 260 000 have 35 MB.
const LARGEST_TOKENIZER: u64 = 128 << 20;
/// A longer template is none.
const LARGEST_TEMPLATE: u64 = 1 << 20;

impl Tokenizer {
    /// Reads the tokenizer of a folder in Hugging Face's form: `tokenizer.json`, and where they are
    /// there `tokenizer_config.json`, `special_tokens_map.json` and `generation_config.json`. Without the
    /// last, the end tokens that `config.json` names are taken, as `transformers` does.
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
            let config = folder.join(CONFIG);
            let there = config.exists();
            let ends = there.then(|| read_json::<Ends>(&config)).transpose()?.unwrap_or_default();
            GenerationConfig { eos_token_id: ends.eos_token_id, ..GenerationConfig::default() }
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
        let mut generation = self.generation().clone();
        for end in self.ends() {
            if !generation.eos_token_id.contains(end) {
                generation.eos_token_id.push(*end);
            }
        }
        Ok(jsonl::write_json(folder.join(GENERATION), &generation)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the files of a small tokenizer, and these.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let words = ["a", "b", "</s>", "<pad>"].map(str::to_owned);
        let tokenizer = Tokenizer::word_level(words).unwrap();
        fs::write(folder.path().join(TOKENIZER), tokenizer.to_json()).unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn the_end_token_is_found_wherever_it_is_named() {
        for (config, map, generation, end) in [
            (r#"{"eos_token": "</s>"}"#, "{}", "{}", "</s>"),
            (r#"{"eos_token": {"content": "</s>", "lstrip": false}}"#, "{}", "{}", "</s>"),
            (r#"{"eos_token": null}"#, r#"{"eos_token": {"content": "</s>"}}"#, "{}", "</s>"),
            ("{}", "{}", r#"{"eos_token_id": 4}"#, "</s>"),
            ("{}", "{}", r#"{"eos_token_id": [4, 0]}"#, "</s>"),
        ] {
            let files =
                [(TOKENIZER_CONFIG, config), (SPECIAL_TOKENS, map), (GENERATION, generation)];
            let tokenizer = Tokenizer::read(folder(&files).path()).unwrap();
            assert_eq!(tokenizer.end_token(), end, "{config} {map} {generation}");
            assert_eq!(tokenizer.ends()[0], tokenizer.end());
        }
        let files = [
            (TOKENIZER_CONFIG, r#"{"eos_token": "<eos>"}"#),
            (GENERATION, r#"{"eos_token_id": [4, 99]}"#),
        ];
        assert_eq!(Tokenizer::read(folder(&files).path()).unwrap().ends(), [0, 4]);
    }

    #[test]
    fn without_a_generation_config_the_models_own_names_end_tokens() {
        let eos = (TOKENIZER_CONFIG, r#"{"eos_token": "<eos>"}"#);
        let ends = |files: &[(&str, &str)]| {
            Tokenizer::read(folder(files).path()).map(|t| t.ends().to_vec())
        };
        for (config, is) in [
            (r#"{"eos_token_id": 4}"#, vec![0, 4]),
            (r#"{"eos_token_id": [4, 0, 5], "top_k": "x"}"#, vec![0, 4, 5]),
            (r#"{"eos_token_id": null}"#, vec![0]),
            ("{}", vec![0]),
        ] {
            assert_eq!(ends(&[eos, (CONFIG, config)]).unwrap(), is, "{config}");
            let generation = (GENERATION, "{}");
            assert_eq!(ends(&[eos, (CONFIG, config), generation]).unwrap(), [0], "{config}");
        }
        assert_eq!(ends(&[(CONFIG, r#"{"eos_token_id": 4}"#)]).unwrap(), [4]);
        let error = ends(&[eos, (CONFIG, r#"{"eos_token_id": "</s>"}"#)]).unwrap_err().to_string();
        assert!(error.contains(CONFIG), "{error}");
    }

    #[test]
    fn what_is_no_tokenizer_is_refused() {
        let refused =
            |files: &[(&str, &str)]| Tokenizer::read(folder(files).path()).unwrap_err().to_string();
        let error = refused(&[]);
        assert!(error.contains("eos_token") && error.contains(TOKENIZER), "{error}");
        let error = refused(&[(TOKENIZER_CONFIG, r#"{"eos_token": "</t>"}"#)]);
        assert!(error.contains("`</t>`"), "{error}");

        let deep = "[".repeat(1 << 20);
        let whole = Tokenizer::word_level([]).unwrap();
        let cut = &whole.to_json()[..whole.to_json().len() / 2];
        let bpe = r#"{"model": {"type": "BPE"}}"#;
        for json in ["", "{}", "[]", "null", bpe, &deep, cut] {
            let config = (TOKENIZER_CONFIG, r#"{"eos_token": "<eos>"}"#);
            let error = refused(&[(TOKENIZER, json), config]);
            assert!(error.contains(TOKENIZER), "{error}");
        }
        for config in [deep.as_str(), "[]", "{", "3"] {
            let error = refused(&[(TOKENIZER_CONFIG, config)]);
            assert!(error.contains(TOKENIZER_CONFIG), "{error}");
        }

        let folder = folder(&[(TOKENIZER_CONFIG, r#"{"eos_token": "<eos>"}"#)]);
        let file = fs::File::options().write(true).open(folder.path().join(TOKENIZER)).unwrap();
        file.set_len(1 << 40).unwrap();
        let error = Tokenizer::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("1099511627776 bytes"), "{error}");
    }

    #[test]
    fn templates_are_found_wherever_they_are() {
        let sources = |files: &[(&str, &str)]| -> Vec<(String, String)> {
            let template = ChatTemplate::read(folder(files).path()).unwrap();
            template.sources().map(|(n, s)| (n.to_owned(), s.to_owned())).collect()
        };
        let pair = |name: &str, source: &str| (name.to_owned(), source.to_owned());
        let text = (TOKENIZER_CONFIG, r#"{"chat_template": "x"}"#);
        assert_eq!(sources(&[text]), [pair("default", "x")]);
        assert_eq!(sources(&[text, (TEMPLATE, "y\n")]), [pair("default", "y\n")]);
        assert_eq!(
            sources(&[
                (TEMPLATE, "y"),
                ("additional_chat_templates/tool_use.jinja", "t"),
                ("additional_chat_templates/readme.md", "no"),
            ]),
            [pair("default", "y"), pair("tool_use", "t")]
        );
        assert_eq!(sources(&[]), []);
        for wrong in ["3", r#"["x"]"#, r#"[{"name": "../x", "template": ""}]"#] {
            let config = format!(r#"{{"chat_template": {wrong}}}"#);
            let error = ChatTemplate::read(folder(&[(TOKENIZER_CONFIG, &config)]).path());
            assert!(error.unwrap_err().to_string().contains("chat_template"));
        }
        assert!(ChatTemplate::read(folder(&[(TEMPLATE, "{% if %}")]).path()).is_err());
        let long = "x".repeat(2 << 20);
        assert!(ChatTemplate::read(folder(&[(TEMPLATE, &long)]).path()).is_err());
    }
}
