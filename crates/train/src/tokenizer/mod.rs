//! From text to token ids and back.

mod assemble;
mod generation;
mod make;

use std::{fmt, ops::Range, sync::Arc};

use serde_json::{Map, Value};

pub(crate) use self::assemble::assemble;
pub(crate) use self::generation::Ends;
pub use self::generation::GenerationConfig;
use crate::{Error, Result, tokens::Row};

/// A tokenizer in Hugging Face's format, with what its folder says beside it: special tokens, and how
/// the model is sampled by default.
///
/// Cheap to clone, and can be used from several threads at once.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    /// `tokenizer.json`, as it was read.
    json: Arc<str>,
    about: Arc<About>,
}

/// What is known of a tokenizer beside `tokenizer.json`.
#[derive(Clone, Debug, Default)]
struct About {
    /// The token that ends a text.
    end: u32,
    /// All tokens that end an answer.
    ends: Vec<u32>,
    /// Special tokens as they are written, and whether they end an answer.
    specials: Vec<(String, bool)>,
    /// Special tokens by the names that templates know them by.
    named: Map<String, Value>,
    /// The token that documents begin with.
    begin: Option<u32>,
    /// `tokenizer_config.json` without its templates, and `special_tokens_map.json`.
    config: Map<String, Value>,
    map: Map<String, Value>,
    generation: GenerationConfig,
}

impl Tokenizer {
    /// A tokenizer of the text of a `tokenizer.json`; `end` names its end-of-text token.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the text is not a tokenizer or it has no such token.
    pub fn from_json(json: impl Into<String>, end: &str) -> Result<Self> {
        let mut config = Map::new();
        config.insert("tokenizer_class".to_owned(), "PreTrainedTokenizerFast".into());
        config.insert("clean_up_tokenization_spaces".to_owned(), false.into());
        config.insert("eos_token".to_owned(), end.into());
        assemble(json.into(), config, Map::new(), GenerationConfig::default())
    }

    /// Its `tokenizer.json`: the bytes that were read, or the same each time for a tokenizer made here.
    pub fn to_json(&self) -> &str {
        &self.json
    }

    /// How many tokens there are.
    #[allow(clippy::len_without_is_empty)] // it never is: the end token is always there
    pub fn len(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The id of a token.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The token that ends a text.
    pub fn end(&self) -> u32 {
        self.about.end
    }

    /// The end token as it is written.
    pub fn end_token(&self) -> String {
        self.inner.id_to_token(self.about.end).unwrap_or_default()
    }

    /// All tokens at which an answer ends: the end token, and those that `generation_config.json` names,
    /// or `config.json` where the former is not there (a chat model ends its turn with another token than
    /// its texts).
    pub fn ends(&self) -> &[u32] {
        &self.about.ends
    }

    /// The special tokens by name (`bos_token`, `eos_token`, `pad_token`, …), as templates see them.
    pub fn special_tokens(&self) -> &Map<String, Value> {
        &self.about.named
    }

    /// Whether a token is special: a mark that texts do not hold by right.
    pub fn is_special(&self, id: u32) -> bool {
        let token = self.inner.get_added_vocabulary().get_added_tokens_decoder().get(&id);
        token.is_some_and(|token| token.special)
    }

    /// How the model's publisher samples from it. Only its end tokens are used here; the rest is for the
    /// caller, see [`GenerationConfig`].
    pub fn generation(&self) -> &GenerationConfig {
        &self.about.generation
    }

    /// The same tokenizer with other defaults for sampling. Their end tokens are taken on.
    pub fn with_generation(self, generation: GenerationConfig) -> Self {
        let mut about = (*self.about).clone();
        about.generation = generation;
        Tokenizer { about: Arc::new(about), ..self }.with_ends()
    }

    /// The same tokenizer with a name (`bos_token`, `pad_token`, …) for one of its tokens, by which
    /// templates know it. The token becomes special.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when there is no such token.
    pub fn with_special_token(self, name: &str, token: &str) -> Result<Self> {
        if self.id(token).is_none() {
            return Err(Error::Tokenizer(format!("it has no token `{token}` to be its {name}")));
        }
        let mut about = (*self.about).clone();
        about.config.insert(name.to_owned(), token.into());
        let json = self.json.to_string();
        assemble(json, about.config, about.map, about.generation)
    }

    /// Token ids of a text, no special tokens added. Special tokens that the text spells out are read
    /// as such.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(guarded(|| self.inner.encode_fast(text, false))?.get_ids().to_vec())
    }

    /// Token ids of a text with the byte range of each. Tokens that are parts of one character all have
    /// its whole range.
    pub(crate) fn encode_with_offsets(&self, text: &str) -> Result<Vec<(u32, (usize, usize))>> {
        let encoding = guarded(|| self.inner.encode(text, false))?;
        Ok(encoding.get_ids().iter().copied().zip(encoding.get_offsets().iter().copied()).collect())
    }

    /// The text of token ids, special tokens left out.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        guarded(|| self.inner.decode(ids, true))
    }

    /// A document as a training row: its tokens and the end token, with loss on all of them. Where the
    /// tokenizer begins texts with a token (`bos_token`), so does the row.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer fails.
    pub fn document(&self, text: &str) -> Result<Row> {
        let mut ids: Vec<u32> = self.about.begin.into_iter().collect();
        ids.append(&mut self.encode(text)?);
        ids.push(self.about.end);
        Ok(Row::learning_all(ids))
    }

    /// The special tokens as they are written, and whether they end an answer.
    pub(crate) fn specials(&self) -> impl Iterator<Item = (&str, bool)> {
        self.about.specials.iter().map(|(token, is_end)| (token.as_str(), *is_end))
    }

    /// Whether tokens are words between spaces, so that a text is its tokens joined by spaces.
    pub(crate) fn is_of_words(&self) -> bool {
        self.inner.get_decoder().is_none()
    }

    /// The text of each token, with the places of the tokens that it takes: one that is only a part of
    /// a character stands with those that complete it.
    pub(crate) fn pieces(&self, ids: &[u32]) -> Vec<(String, Range<usize>)> {
        let written = |id: u32| self.inner.id_to_token(id).unwrap_or_else(|| format!("#{id}"));
        let mut pieces = Vec::new();
        let mut stream = self.inner.decode_stream(false);
        let mut start = 0;
        for (place, &id) in ids.iter().enumerate() {
            let text = if self.is_of_words() || self.is_special(id) {
                // What came before and is no text yet will never be.
                if start < place {
                    pieces.push(("\u{fffd}".to_owned(), start..place));
                    start = place;
                }
                stream = self.inner.decode_stream(false);
                Some(written(id))
            } else {
                match guarded(|| stream.step(id)) {
                    Ok(text) => text,
                    Err(_) => Some(written(id)),
                }
            };
            if let Some(text) = text {
                pieces.push((text, start..place + 1));
                start = place + 1;
            }
        }
        if start < ids.len() {
            pieces.push(("\u{fffd}".to_owned(), start..ids.len()));
        }
        pieces
    }

    /// Special tokens by the names that `config.json` has for their ids, `null` where there is none.
    pub(crate) fn token_ids(&self) -> Map<String, Value> {
        let id = |name: &str| {
            let token = self.about.named.get(name).and_then(Value::as_str);
            token.and_then(|token| self.id(token)).map_or(Value::Null, Value::from)
        };
        let ids = [
            ("bos_token_id", id("bos_token")),
            ("eos_token_id", generation::few(self.ends())),
            ("pad_token_id", id("pad_token")),
        ];
        ids.map(|(name, id)| (name.to_owned(), id)).into_iter().collect()
    }

    /// `tokenizer_config.json` without templates, and `special_tokens_map.json`.
    pub(crate) fn files(&self) -> (&Map<String, Value>, &Map<String, Value>) {
        (&self.about.config, &self.about.map)
    }

    /// With the end tokens that all its parts name.
    fn with_ends(self) -> Self {
        let mut about = (*self.about).clone();
        about.ends = vec![about.end];
        let named = about.generation.eos_token_id.iter().copied();
        for end in named.filter(|end| self.inner.id_to_token(*end).is_some()) {
            if !about.ends.contains(&end) {
                about.ends.push(end);
            }
        }
        let added = self.inner.get_added_vocabulary().get_added_tokens_decoder();
        let mut specials: Vec<(String, bool)> = added
            .iter()
            .filter(|(id, token)| token.special || about.ends.contains(id))
            .map(|(id, token)| (token.content.clone(), about.ends.contains(id)))
            .filter(|(token, _)| !token.is_empty())
            .collect();
        specials.sort();
        about.specials = specials;
        Tokenizer { about: Arc::new(about), ..self }
    }
}

/// Runs what `tokenizers` does with a file that may be hostile: there are files that pass for tokenizers
/// and then make it panic, in reading (a merge whose second part is shorter than the prefix of such
/// parts) or later (a decoder that strips more than there is). That is an error like others here.
fn guarded<T>(run: impl FnOnce() -> tokenizers::Result<T>) -> Result<T> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(done) => done.map_err(failed),
        Err(_) => Err(Error::Tokenizer("it is not a sound tokenizer".to_owned())),
    }
}

fn failed(error: tokenizers::Error) -> Error {
    Error::Tokenizer(error.to_string())
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer")
            .field("tokens", &self.len())
            .field("end", &self.end_token())
            .finish_non_exhaustive()
    }
}
