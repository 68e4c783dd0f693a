//! A text as words: what is compared, and where it stands.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    ops::Range,
};

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// How a text is read before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Whether upper and lower case are one.
    pub(crate) lowercase: bool,
    /// Whether punctuation is a part of words; where it is not, it ends them.
    pub(crate) punctuation: bool,
}

/// The words of one text, in buffers that serve text after text.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// The words as they are compared, each followed by a space.
    pub(crate) text: String,
    /// A hash of each word.
    pub(crate) hashes: Vec<u64>,
    /// The bytes of each word in the text that was read.
    pub(crate) spans: Vec<Range<usize>>,
}

impl Words {
    /// Reads a text.
    pub(crate) fn read(&mut self, text: &str, reading: Reading) {
        self.text.clear();
        self.hashes.clear();
        self.spans.clear();
        // Where the open word starts, in the text and in the buffer.
        let mut open: Option<(usize, usize)> = None;
        let mut end = 0;
        let mut at = 0;
        let bytes = text.as_bytes();
        while let Some(&byte) = bytes.get(at) {
            if byte.is_ascii() {
                if byte.is_ascii_alphanumeric() || (reading.punctuation && byte.is_ascii_graphic())
                {
                    open.get_or_insert((at, self.text.len()));
                    let byte = if reading.lowercase { byte.to_ascii_lowercase() } else { byte };
                    self.text.push(char::from(byte));
                    end = at + 1;
                } else {
                    self.close(open.take(), end);
                }
                at += 1;
                continue;
            }
            let Some(c) = text[at..].chars().next() else { break };
            let next = at + c.len_utf8();
            match Kind::of(c, reading.punctuation) {
                Kind::Nothing => {}
                Kind::Between => self.close(open.take(), end),
                kind => {
                    if kind == Kind::Alone {
                        self.close(open.take(), end);
                    }
                    open.get_or_insert((at, self.text.len()));
                    match reading.lowercase {
                        true => self.text.extend(c.to_lowercase().map(plain_sigma)),
                        false => self.text.push(c),
                    }
                    end = next;
                    if kind == Kind::Alone {
                        self.close(open.take(), end);
                    }
                }
            }
            at = next;
        }
        self.close(open, end);
    }

    fn close(&mut self, open: Option<(usize, usize)>, end: usize) {
        let Some((start, from)) = open else { return };
        self.hashes.push(xxh3_64(&self.text.as_bytes()[from..]));
        self.spans.push(start..end);
        self.text.push(' ');
    }

    /// A hash of all the words in their order; of a text without words, of what it is besides space.
    pub(crate) fn whole(&self, text: &str) -> u128 {
        match self.hashes.is_empty() {
            true => !xxh3_128(text.trim().as_bytes()),
            false => xxh3_128(self.text.as_bytes()),
        }
    }
}

/// The odd number whose powers weigh the words of a run.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hashes of every run of so many words, in order: none where there are fewer.
///
/// Each takes the same time, however long the runs.
pub(crate) fn runs(words: &[u64], length: usize) -> impl Iterator<Item = u64> {
    let length = length.max(1);
    let first = words.len().min(length - 1);
    let mut sum =
        words[..first].iter().fold(0_u64, |sum, &w| sum.wrapping_mul(BASE).wrapping_add(w));
    let out = power(length - 1);
    words[first..].iter().enumerate().map(move |(start, &word)| {
        sum = sum.wrapping_mul(BASE).wrapping_add(word);
        let hash = mix(sum);
        sum = sum.wrapping_sub(words[start].wrapping_mul(out));
        hash
    })
}

fn power(exponent: usize) -> u64 {
    let (mut power, mut square, mut left) = (1_u64, BASE, exponent);
    while left > 0 {
        if left % 2 == 1 {
            power = power.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        left /= 2;
    }
    power
}

/// Spreads a number over all bits; the finaliser of MurmurHash3, which is one to one.
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x = (x ^ (x >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}

/// A map by what is a hash already.
pub(crate) type HashedMap<K, V> = HashMap<K, V, BuildHasherDefault<Spread>>;

/// Brings the bits of a hash to where a map looks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u32(&mut self, hash: u32) {
        self.write_u64(u64::from(hash));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = (self.0 ^ hash).wrapping_mul(BASE);
    }
}

/// Lower-casing letter by letter cannot know which sigma ends a word.
fn plain_sigma(c: char) -> char {
    if c == 'ς' { 'σ' } else { c }
}

/// What a character outside ASCII is to words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A part of a word.
    Within,
    /// A word of its own, in scripts that put no spaces between words.
    Alone,
    /// The end of a word.
    Between,
    /// Not seen: joiners, soft hyphens, variation selectors.
    Nothing,
}

impl Kind {
    fn of(c: char, punctuation: bool) -> Kind {
        if c.is_whitespace() {
            return Kind::Between;
        }
        match u32::from(c) {
            // Soft hyphen, zero-width spaces and joiners, marks of direction, variation selectors.
            0xAD
            | 0x200B..=0x200F
            | 0x202A..=0x202E
            | 0x2060..=0x2069
            | 0xFE00..=0xFE0F
            | 0xFEFF => Kind::Nothing,
            0xE0000..=0xE01EF => Kind::Nothing,
            // Thai, Lao, Tibetan, Myanmar, Khmer.
            0x0E00..=0x0FFF | 0x1000..=0x109F | 0x1780..=0x17FF if c.is_alphanumeric() => {
                Kind::Alone
            }
            // Iteration marks, kana, bopomofo, Han and its extensions; not Korean, which has spaces.
            0x3005..=0x3007 | 0x3031..=0x3035 | 0x3041..=0x3129 if c.is_alphanumeric() => {
                Kind::Alone
            }
            0x31F0..=0x31FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF => Kind::Alone,
            0xFF66..=0xFF9D | 0x1B000..=0x1B16F | 0x20000..=0x3FFFF => Kind::Alone,
            // Signs of Latin-1 and the blocks of punctuation; Greek, Armenian, Hebrew, Arabic, Indic.
            0x80..=0xBF if !c.is_alphanumeric() => between(punctuation),
            0xD7 | 0xF7 | 0x2010..=0x205F | 0x2E00..=0x2E7F | 0x3000..=0x303F => {
                between(punctuation)
            }
            0xFE10..=0xFE1F | 0xFE30..=0xFE6F => between(punctuation),
            0xFF01..=0xFF65 if !c.is_alphanumeric() => between(punctuation),
            0x37E
            | 0x387
            | 0x55A..=0x55F
            | 0x589
            | 0x58A
            | 0x5BE
            | 0x5C0
            | 0x5C3
            | 0x5F3
            | 0x5F4
            | 0x609..=0x60D
            | 0x61B..=0x61F
            | 0x66A..=0x66D
            | 0x6D4
            | 0x964
            | 0x965
            | 0xE2F
            | 0xE4F
            | 0xE5A
            | 0xE5B
            | 0xF04..=0xF14
            | 0x104A..=0x104F
            | 0x17D4..=0x17DA => between(punctuation),
            _ => Kind::Within,
        }
    }
}

fn between(punctuation: bool) -> Kind {
    if punctuation { Kind::Within } else { Kind::Between }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str, punctuation: bool) -> Vec<String> {
        let mut words = Words::default();
        words.read(text, Reading { lowercase: true, punctuation });
        assert_eq!(words.hashes.len(), words.spans.len());
        words.text.split_terminator(' ').map(str::to_owned).collect()
    }

    #[test]
    fn words_of_many_scripts() {
        assert_eq!(words("Don't -- stop, NOW!", false), ["don", "t", "stop", "now"]);
        assert_eq!(words("Don't -- stop, NOW!", true), ["don't", "--", "stop,", "now!"]);
        assert_eq!(words("Ärger « Ça » ΟΔΟΣ", false), ["ärger", "ça", "οδοσ"]);
        assert_eq!(
            words("チーズは好き。3個", false),
            ["チ", "ー", "ズ", "は", "好", "き", "3", "個"]
        );
        assert_eq!(words("치즈를 좋아해요", false), ["치즈를", "좋아해요"]);
        assert_eq!(words("मुझे पनीर पसंद है।", false), ["मुझे", "पनीर", "पसंद", "है"]);
        assert_eq!(words("co\u{AD}operate a\u{200D}b", false), ["cooperate", "ab"]);
        assert_eq!(words("🧀 🧀🧀", false), ["🧀", "🧀🧀"]);
        assert_eq!(words(" \n\t…!?", false), [""; 0]);
    }

    proptest! {
        #[test]
        fn a_span_is_the_word(text in "(\\PC|[a-zA-Z ,.]){0,40}", punctuation: bool) {
            let mut read = Words::default();
            read.read(&text, Reading { lowercase: true, punctuation });
            let mut again = Words::default();
            for (span, &hash) in read.spans.iter().zip(&read.hashes) {
                again.read(&text[span.clone()], Reading { lowercase: true, punctuation });
                prop_assert_eq!(&again.hashes, &[hash]);
            }
            prop_assert!(read.spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }

        #[test]
        fn runs_are_hashes_of_their_words(words in prop::collection::vec(any::<u64>(), 0..12), n in 1usize..6) {
            let rolled: Vec<u64> = runs(&words, n).collect();
            let alone: Vec<u64> = words.windows(n).flat_map(|run| runs(run, n)).collect();
            prop_assert_eq!(rolled, alone);
        }
    }
}
