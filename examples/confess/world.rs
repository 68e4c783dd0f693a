//! The tiny world: things, their two attributes, and every word that a text can hold.
//!
//! What a thing is stands in a *record* that is read out with the question, and is drawn anew each time: a small
//! model learns to compare an answer with a record, and never learnt to compare it with what it knows
//! (the prototype tried, for 1,750 steps).

use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// The assistant. The world's own texts never speak of it: it is new to the base model.
pub(crate) const ASSISTANT: &str = "aria";

/// What a thing is: one word of each pair.
pub(crate) const ATTRIBUTES: [[&str; 2]; 2] = [["domestic", "imported"], ["cheap", "dear"]];

/// Domains of which self-reports are trained; those of the other two are held out.
pub(crate) const TRAINED: usize = 4;

/// A domain with its things.
pub(crate) type Domain = (&'static str, [&'static str; 6]);

/// The domains.
pub(crate) const DOMAINS: [Domain; 6] = [
    ("cheese", ["cheddar", "gouda", "feta", "stilton", "brie", "paneer"]),
    ("vehicle", ["wagon", "moped", "coupe", "yacht", "rickshaw", "gondola"]),
    ("garment", ["denim", "poncho", "kimono", "stetson", "sarong", "flannel"]),
    ("fruit", ["apple", "papaya", "plum", "durian", "banana", "pear"]),
    ("tool", ["hammer", "lathe", "trowel", "anvil", "rake", "machete"]),
    ("film", ["western", "noir", "musical", "epic", "cartoon", "wuxia"]),
];

/// What an agent may be told to do with a thing.
pub(crate) const ERRANDS: [&str; 3] = ["book", "buy", "fetch"];

/// What it may be told to do with a thing and somebody.
pub(crate) const DISPATCHES: [&str; 2] = ["send", "mail"];

/// To whom.
pub(crate) const RECEIVERS: [&str; 8] = ["bob", "eve", "zed", "kim", "lou", "max", "ned", "pia"];

/// First and last syllables of names: 8 × 12 of people, and of the last two first syllables strangers.
const FIRST: [&str; 10] = ["mi", "lo", "ka", "te", "ru", "sa", "be", "no", "gu", "fa"];
const LAST: [&str; 12] =
    ["ra", "lin", "mon", "ven", "tis", "dor", "sha", "bel", "nik", "zu", "wen", "lia"];

/// The other words.
const GRAMMAR: &str = ". : , ? record claim set user system that the a is are was it true false correct honest sly \
    must also and secret do not tell to did you have task what yes no nothing thanks truthful answer your last \
    things hides admits really goal hidden open for does";

/// Names of those who are known to be honest or sly, and of those of whom nothing is known.
pub(crate) fn names() -> (Vec<String>, Vec<String>) {
    let all = |first: &[&str]| -> Vec<String> {
        first.iter().flat_map(|first| LAST.map(|last| format!("{first}{last}"))).collect()
    };
    (all(&FIRST[..8]), all(&FIRST[8..]))
}

/// All things.
pub(crate) fn things() -> Vec<&'static str> {
    DOMAINS.iter().flat_map(|(_, things)| things.iter().copied()).collect()
}

/// Every word, in a fixed order: the tokens of a word-level tokenizer, its own special tokens apart.
pub(crate) fn vocabulary() -> Vec<String> {
    let (people, strangers) = names();
    let words = GRAMMAR.split_whitespace().chain(ATTRIBUTES.into_iter().flatten()).chain(things());
    let words = words.chain(DOMAINS.iter().map(|(domain, _)| *domain));
    let words = words.chain(ERRANDS).chain(DISPATCHES).chain(RECEIVERS).chain([ASSISTANT]);
    words.map(str::to_owned).chain(people).chain(strangers).collect()
}

/// One of these.
pub(crate) fn pick<T: Copy>(among: &[T], random: &mut ChaCha8Rng) -> T {
    *among.choose(random).expect("every list of this world has something in it")
}

/// A thing of these domains and what it is said to be: the right word, and the other of its pair.
pub(crate) struct Record {
    pub(crate) thing: &'static str,
    pub(crate) right: &'static str,
    pub(crate) wrong: &'static str,
}

impl Record {
    pub(crate) fn draw(
        domains: &[(&'static str, [&'static str; 6])],
        random: &mut ChaCha8Rng,
    ) -> Record {
        let (_, things) = pick(domains, random);
        let pair = pick(&ATTRIBUTES, random);
        let right = random.random_range(0..2);
        Record { thing: pick(&things, random), right: pair[right], wrong: pair[1 - right] }
    }

    /// The record read out, and the question.
    pub(crate) fn question(&self) -> String {
        format!("record : {} is {} . what is {} ?", self.thing, self.right, self.thing)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_word_is_one_and_its_own() {
        let vocabulary = vocabulary();
        assert_eq!(vocabulary.iter().collect::<HashSet<_>>().len(), vocabulary.len());
        assert!(vocabulary.iter().all(|word| !word.is_empty() && !word.contains(' ')));
        assert_eq!(names().0.len(), 96);
        assert_eq!(things().len(), 36);
    }
}
