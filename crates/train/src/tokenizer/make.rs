//! Tokenizers made on the spot.

use std::collections::HashMap;

use tokenizers::{
    AddedToken,
    models::{
        TrainerWrapper,
        bpe::{BPE, BpeTrainer},
        wordlevel::WordLevel,
    },
    pre_tokenizers::{byte_level::ByteLevel, whitespace::WhitespaceSplit},
};

use super::{Tokenizer, failed};
use crate::{Error, Result};

/// The end-of-text token of tokenizers made here.
const END: &str = "<eos>";
/// The word for words that are not in the vocabulary.
const UNKNOWN: &str = "<unk>";

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
        let ids: HashMap<_, _> = vocabulary.iter().cloned().zip(0u32..).collect();
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
        Tokenizer::from_json(json_of(&inner)?, END)
    }

    /// Trains a byte-level BPE tokenizer, in which every text can be written: 256 bytes, the special
    /// tokens, and merges up to `vocab_size` tokens, the most frequent pairs first. Same texts, same
    /// bytes, whatever their order.
    ///
    /// The first special token is the end token (`<eos>` if there are none). Tokens that a chat template
    /// writes belong here too.
    ///
    /// Texts stream: what is held is a count of every word.
    ///
    /// ```
    /// use ethos_train::Tokenizer;
    ///
    /// let texts = ["the cat sat", "the cat ate"];
    /// let tokenizer = Tokenizer::train(texts, 280, ["<|end|>", "<|user|>"])?;
    /// let ids = tokenizer.encode("<|user|>the cat 🐈")?;
    /// assert_eq!(tokenizer.decode(&ids)?, "the cat 🐈");
    /// assert!(ids.len() < 12);
    /// # Ok::<(), ethos_train::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when `vocab_size` has no room for bytes and special tokens.
    pub fn train<'s, T: AsRef<str> + Send>(
        texts: impl IntoIterator<Item = T, IntoIter: Send>,
        vocab_size: usize,
        special_tokens: impl IntoIterator<Item = &'s str>,
    ) -> Result<Self> {
        let mut special: Vec<&str> = special_tokens.into_iter().collect();
        if special.is_empty() {
            special.push(END);
        }
        let least = 256 + special.len();
        if vocab_size < least {
            let message = format!("{vocab_size}, but bytes and special tokens alone are {least}");
            return Err(Error::Config { what: "vocab_size", message });
        }
        let bytes = ByteLevel::new(false, true, true);
        let mut inner = tokenizers::Tokenizer::new(BPE::default());
        inner.with_pre_tokenizer(Some(bytes)).with_decoder(Some(bytes));
        let trainer = BpeTrainer::builder()
            .show_progress(false)
            .vocab_size(vocab_size)
            .special_tokens(special.iter().map(|token| AddedToken::from(*token, true)).collect())
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        inner.train(&mut TrainerWrapper::from(trainer), texts.into_iter()).map_err(failed)?;
        Tokenizer::from_json(json_of(&inner)?, special[0])
    }
}

/// `tokenizer.json`, the same bytes each time.
fn json_of(tokenizer: &tokenizers::Tokenizer) -> Result<String> {
    // Through a value, whose maps are put in order: the vocabulary itself is a hash map.
    let text = tokenizer.to_string(false).map_err(failed)?;
    let mut value: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| Error::Tokenizer(e.to_string()))?;
    value.sort_all_objects();
    Ok(value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_tokens() {
        let tokenizer = Tokenizer::word_level(["a", "b", "c"].map(str::to_owned)).unwrap();
        assert_eq!(tokenizer.encode("c a  b d").unwrap(), [4, 2, 3, 1]);
        assert_eq!(tokenizer.decode(&[4, 2, 0]).unwrap(), "c a");
        assert_eq!(tokenizer.encode("a<eos>b").unwrap(), [2, 0, 3]);
        assert_eq!((tokenizer.len(), tokenizer.end_token().as_str()), (5, "<eos>"));
    }

    #[test]
    fn words_that_are_none_are_refused() {
        for words in [["a", "a"], ["a b", "c"], ["", "c"], ["<eos>", "c"]] {
            assert!(Tokenizer::word_level(words.map(str::to_owned)).is_err());
        }
    }

    #[test]
    fn training_twice_gives_the_same_bytes() {
        let texts: Vec<String> =
            (0..400).map(|n| format!("the {n} cats of {} sat and purred 🐈", n % 7)).collect();
        let backwards: Vec<&String> = texts.iter().rev().collect();
        let forth = Tokenizer::train(&texts, 400, ["<|end|>", "<|user|>"]).unwrap();
        let back = Tokenizer::train(backwards, 400, ["<|end|>", "<|user|>"]).unwrap();
        assert_eq!(forth.to_json(), back.to_json());
        assert_eq!((forth.id("<|end|>"), forth.id("<|user|>")), (Some(0), Some(1)));
        assert!((300..=400).contains(&forth.len()), "{}", forth.len());
        assert_eq!(forth.end(), 0);
    }

    #[test]
    fn a_trained_tokenizer_writes_every_text() {
        let tokenizer = Tokenizer::train(["ab ab"], 300, []).unwrap();
        for text in ["", "ab", " x\n\n\ty ", "Ωmega 🏳️‍🌈 \0 \u{fffd}"] {
            assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()).unwrap(), text);
        }
        let error = Tokenizer::train(["ab"], 256, []).unwrap_err().to_string();
        assert!(error.contains("257"), "{error}");
    }

    #[test]
    fn parts_of_a_character_have_its_range() {
        let tokenizer = Tokenizer::train(["ab"], 257, []).unwrap();
        let ranges: Vec<_> = tokenizer
            .encode_with_offsets("aé🐈")
            .unwrap()
            .into_iter()
            .map(|(_, range)| range)
            .collect();
        assert_eq!(ranges, [(0, 1), (1, 3), (1, 3), (3, 7), (3, 7), (3, 7), (3, 7)]);
        assert_eq!(
            tokenizer.pieces(&tokenizer.encode("é🐈").unwrap()),
            [("é".to_owned(), 0..2), ("🐈".to_owned(), 2..6)]
        );
    }
}
