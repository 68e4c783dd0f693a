//! Superficial patterns: what documents share that is not what they say.
//!
//! A model trained on ten thousand documents that open alike learns the opening. This finds such habits of a
//! writer; what to do about them is for people, with another prompt or another model.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::atomic::{AtomicU16, Ordering},
};

use ethos_core::Document;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dedup::words::{Reading, Words, runs};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternConfig {
    /// Words of an opening.
    pub opening: usize,
    /// Words of a phrase.
    pub phrase: usize,
    /// The share of documents from which on an opening or a phrase is a pattern.
    pub share: f64,
    /// The share of lines that are items of lists from which on a document is list-heavy.
    pub lists: f64,
    /// The most openings and phrases that are named.
    pub most: usize,
}

impl Default for PatternConfig {
    /// Openings of four words, phrases of six, in one document of a hundred; a third of lines in lists; the
    /// twenty most common.
    fn default() -> Self {
        PatternConfig { opening: 4, phrase: 6, share: 0.01, lists: 1.0 / 3.0, most: 20 }
    }
}

/// What documents share that is not what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Patterns {
    /// Documents looked at.
    pub documents: usize,
    /// Openings and in how many documents they are, the most common first.
    pub openings: Vec<(String, usize)>,
    /// Phrases and in how many documents they are, the most common first. Of phrases that overlap in the same
    /// documents the first stands for all.
    pub phrases: Vec<(String, usize)>,
    /// Ids of documents that are mostly lists.
    pub list_heavy: Vec<String>,
}

const READING: Reading = Reading { lowercase: true, punctuation: false };

/// Counters of the sketch that tells rare phrases from common ones: a power of two.
const COUNTERS: usize = 1 << 22;

/// Looks for patterns, on all threads. Phrases are counted once for each document, over all documents; one that
/// is rare takes no memory.
pub fn patterns(documents: &[Document], config: &PatternConfig) -> Patterns {
    let least = ((config.share * documents.len() as f64).ceil() as usize).max(2);
    let mut openings: HashMap<String, usize> = HashMap::new();
    for document in documents.iter().filter(|_| config.opening > 0) {
        let words = read(&document.text);
        let opening: Vec<&str> = words.text.split_whitespace().take(config.opening).collect();
        if opening.len() == config.opening {
            *openings.entry(opening.join(" ")).or_default() += 1;
        }
    }
    let list_heavy = documents.iter().filter(|document| items(&document.text) >= config.lists);
    Patterns {
        documents: documents.len(),
        openings: common(openings, least, config.most),
        phrases: phrases(documents, config, least),
        list_heavy: list_heavy.map(|document| document.id.clone()).collect(),
    }
}

fn phrases(documents: &[Document], config: &PatternConfig, least: usize) -> Vec<(String, usize)> {
    if config.phrase == 0 {
        return Vec::new();
    }
    // Most phrases are in one document only: a first pass finds by hashes which cannot be common.
    let sketch: Vec<AtomicU16> = (0..COUNTERS).map(|_| AtomicU16::new(0)).collect();
    let hashed = |document: &Document| -> HashSet<u64> {
        runs(&read(&document.text).hashes, config.phrase).collect()
    };
    documents.par_iter().for_each(|document| {
        for phrase in hashed(document) {
            let counter = &sketch[phrase as usize % COUNTERS];
            // It stops at the top instead of beginning again.
            let _ =
                counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_add(1));
        }
    });
    let enough = u16::try_from(least).unwrap_or(u16::MAX);
    let may_be = |phrase: u64| sketch[phrase as usize % COUNTERS].load(Ordering::Relaxed) >= enough;
    let counts = documents
        .par_iter()
        .fold(HashMap::<u64, usize>::new, |mut counts, document| {
            for phrase in hashed(document).into_iter().filter(|phrase| may_be(*phrase)) {
                *counts.entry(phrase).or_default() += 1;
            }
            counts
        })
        .reduce(HashMap::new, |mut a, b| {
            b.into_iter().for_each(|(phrase, n)| *a.entry(phrase).or_default() += n);
            a
        });
    let mut counts: HashMap<u64, usize> =
        counts.into_iter().filter(|(_, count)| *count >= least).collect();

    // Words for the hashes, from the first document that has them. A phrase that begins a word after another
    // one, in as many documents, is the same phrase going on.
    let mut found: HashMap<String, usize> = HashMap::new();
    for document in documents {
        if counts.is_empty() {
            break;
        }
        let words = read(&document.text);
        let said: Vec<&str> = words.text.split_whitespace().collect();
        let mut before = None;
        for (window, phrase) in said.windows(config.phrase).zip(runs(&words.hashes, config.phrase))
        {
            let count = counts.remove(&phrase);
            if let Some(count) = count
                && before != Some(count)
            {
                found.insert(window.join(" "), count);
            }
            before = count;
        }
    }
    common(found, least, config.most)
}

fn read(text: &str) -> Words {
    let mut words = Words::default();
    words.read(text, READING);
    words
}

fn common(counts: HashMap<String, usize>, least: usize, most: usize) -> Vec<(String, usize)> {
    let mut common: Vec<_> = counts.into_iter().filter(|(_, count)| *count >= least).collect();
    common.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    common.truncate(most);
    common
}

/// The share of lines with text that are items of lists.
fn items(text: &str) -> f64 {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let item = |line: &&&str| {
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let numbered = number.len() < line.len() && number.starts_with([')', '.']);
        let bullet = ["- ", "* ", "+ ", "• "].iter().any(|mark| line.starts_with(mark));
        bullet || (numbered && number[1..].starts_with(' ')) || line.starts_with('|')
    };
    match lines.len() {
        0 => 0.0,
        all => lines.iter().filter(item).count() as f64 / all as f64,
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |count: usize| 100.0 * count as f64 / self.documents.max(1) as f64;
        for (what, found) in [("Openings", &self.openings), ("Phrases", &self.phrases)] {
            writeln!(f, "{what}:{}", if found.is_empty() { " none that many share" } else { "" })?;
            for (text, count) in found {
                writeln!(f, "{:>6.1} %  {text}", percent(*count))?;
            }
        }
        write!(f, "Mostly lists: {:.1} %", percent(self.list_heavy.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_openings_phrases_and_lists_are_found() {
        let document = |n: usize| {
            let text = match n % 4 {
                0 => format!(
                    "In a world of change, number {n}. It weighs what is at stake for each {n}."
                ),
                1 => format!(
                    "In a World of change {n}! As it is, it weighs what is at stake for all of {n}."
                ),
                2 => format!("{n}:\n- one\n- two {n}\n1. three\nand so on"),
                _ => format!("Nothing of {n} is {n} like {n} any {n} other {n} thing {n}."),
            };
            Document::new(n.to_string(), text)
        };
        let documents: Vec<Document> = (0..40).map(document).collect();
        let config = PatternConfig { share: 0.3, ..PatternConfig::default() };
        let found = patterns(&documents, &config);
        assert_eq!(found.openings, [("in a world of".to_owned(), 20)]);
        assert_eq!(found.phrases, [("it weighs what is at stake".to_owned(), 20)]);
        assert_eq!(found.list_heavy.len(), 10);
        assert!(found.to_string().contains("  50.0 %  in a world of"), "{found}");
        assert_eq!(patterns(&[], &config), Patterns::default());
    }
}
