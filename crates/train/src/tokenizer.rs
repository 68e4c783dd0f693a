//! From text to token ids and back.

use std::path::Path;

use tokenizers::{
    AddedToken, models::wordlevel::WordLevel, pre_tokenizers::whitespace::WhitespaceSplit,
};

use crate::{Error, Result, tokens::Row};

/// The end-of-text token of tokenizers made here.
const END: &str = "<eos>";
/// The word for words that are not in the vocabulary.
const UNKNOWN: &str = "<unk>";

/// A tokenizer in Hugging Face's format, with the token that ends a text.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    end: u32,
}

impl Tokenizer {
    /// A tokenizer whose tokens are words between spaces, for small worlds. Ids follow the order of
    /// `words`, after the end token (0) and the unknown word (1).
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when a word is there twice, is empty or holds a space.
    pub fn word_level(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut vocabulary = Vec::new();
        for word in [END, UNKNOWN].map(str::to_owned).into_iter().chain(words) {
            if word.is_empty() || word.contains(char::is_whitespace) {
                return Err(Error::Tokenizer(format!("`{word}` is not one word")));
            }
            vocabulary.push(word);
        }
        let ids: std::collections::HashMap<_, _> = vocabulary.iter().cloned().zip(0u32..).collect();
        if ids.len() < vocabulary.len() {
            let repeated = vocabulary.iter().zip(0u32..).find(|(word, id)| ids[*word] != *id);
            let word = repeated.map_or("", |(word, _)| word);
            return Err(Error::Tokenizer(format!("the word `{word}` is there twice")));
        }
        let words = WordLevel::builder()
            .vocab(ids.into_iter().collect())
            .unk_token(UNKNOWN.to_owned())
            .build()
            .map_err(failed)?;
        let mut inner = tokenizers::Tokenizer::new(words);
        inner.with_pre_tokenizer(Some(WhitespaceSplit));
        inner.add_special_tokens([AddedToken::from(END, true)]).map_err(failed)?;
        Ok(Tokenizer { inner, end: 0 })
    }

    /// Reads `tokenizer.json`; `end` names its end-of-text token.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the file is not a tokenizer or has no such token.
    pub fn read(path: impl AsRef<Path>, end: &str) -> Result<Self> {
        let path = path.as_ref();
        let inner = tokenizers::Tokenizer::from_file(path)
            .map_err(|e| Error::Tokenizer(format!("cannot read `{}`: {e}", path.display())))?;
        let end = inner.token_to_id(end).ok_or_else(|| {
            Error::Tokenizer(format!("`{}` has no token `{end}`", path.display()))
        })?;
        Ok(Tokenizer { inner, end })
    }

    /// Its `tokenizer.json`, the same bytes each time.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when it cannot be serialised.
    pub fn to_json(&self) -> Result<String> {
        // Through a value, whose maps are put in order: the vocabulary itself is a hash map.
        let text = self.inner.to_string(false).map_err(failed)?;
        let mut value: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| Error::Tokenizer(e.to_string()))?;
        value.sort_all_objects();
        Ok(value.to_string())
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
        self.end
    }

    /// The end token as it is written.
    pub fn end_token(&self) -> String {
        self.inner.id_to_token(self.end).unwrap_or_default()
    }

    /// Token ids of a text, no special tokens added.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer fails.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self.inner.encode_fast(text, false).map_err(failed)?.get_ids().to_vec())
    }

    /// Token ids of a text with the byte range of each.
    pub(crate) fn encode_with_offsets(&self, text: &str) -> Result<Vec<(u32, (usize, usize))>> {
        let encoding = self.inner.encode(text, false).map_err(failed)?;
        Ok(encoding.get_ids().iter().copied().zip(encoding.get_offsets().iter().copied()).collect())
    }

    /// The text of token ids, special tokens left out.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, true).map_err(failed)
    }

    /// A document as a training row: its tokens and the end token, with loss on all of them.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer fails.
    pub fn document(&self, text: &str) -> Result<Row> {
        let mut ids = self.encode(text)?;
        ids.push(self.end);
        Ok(Row::learning_all(ids))
    }
}

fn failed(error: tokenizers::Error) -> Error {
    Error::Tokenizer(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abc() -> Tokenizer {
        Tokenizer::word_level(["a", "b", "c"].map(str::to_owned)).unwrap()
    }

    #[test]
    fn words_are_tokens() {
        let tokenizer = abc();
        assert_eq!(tokenizer.encode("c a  b d").unwrap(), [4, 2, 3, 1]);
        assert_eq!(tokenizer.decode(&[4, 2, 0]).unwrap(), "c a");
        assert_eq!(tokenizer.encode("a<eos>b").unwrap(), [2, 0, 3]);
        assert_eq!((tokenizer.len(), tokenizer.end_token().as_str()), (5, "<eos>"));
    }

    #[test]
    fn a_file_round_trips_and_its_bytes_are_stable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, abc().to_json().unwrap()).unwrap();
        let read = Tokenizer::read(&path, "<eos>").unwrap();
        assert_eq!(read.encode("c a").unwrap(), [4, 2]);
        assert_eq!(read.to_json().unwrap(), abc().to_json().unwrap());
        assert!(Tokenizer::read(&path, "</s>").unwrap_err().to_string().contains("`</s>`"));
    }

    #[test]
    fn words_that_are_none_are_refused() {
        for words in [["a", "a"], ["a b", "c"], ["", "c"], ["<eos>", "c"]] {
            assert!(Tokenizer::word_level(words.map(str::to_owned)).is_err());
        }
    }
}
