//! Which documents hold prompts of an evaluation.
//!
//! An evaluation on what was trained on measures memory. [`decontaminate`] looks for runs of words, 13
//! of them by custom (GPT-3, arXiv 2005.14165 appendix C), that a document shares with a prompt,
//! whatever their case, spacing and punctuation.
//!
//! ```
//! use ethos_corpus::decontaminate::{Decontaminate, decontaminate};
//!
//! let prompts = ["Which cheese would you take on a long voyage?"];
//! let documents = ["The clerk asked which cheese WOULD you take, on a long voyage?", "Holes."];
//! let found = decontaminate(&documents, &prompts, &Decontaminate::default())?;
//! assert_eq!(found.kept, [1]);
//! let overlap = &found.overlaps[0];
//! assert_eq!(&documents[0][overlap.spans[0].clone()], "which cheese WOULD you take, on a long voyage");
//! # Ok::<(), ethos_corpus::Error>(())
//! ```

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Range,
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    dedup::words::{HashedMap, Reading, Words, mix, runs},
    error::{Error, Result},
};

/// What is looked for, and what falls for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decontaminate {
    /// Words of a run that must not be shared. A prompt with fewer is looked for as a whole.
    pub words: usize,
    /// Words that a prompt must have to be looked for. Shorter ones ("Hello!") are in every second
    /// document; they are named in [`Contamination::skipped`].
    pub shortest: usize,
    /// A document falls when it holds at least this share of the runs of a prompt, between 0 and 1; at
    /// 0 it falls for a single one.
    pub share: f64,
}

impl Default for Decontaminate {
    /// Runs of 13 words, prompts of 3 words and more, and a document falls for a single run.
    fn default() -> Self {
        Decontaminate { words: 13, shortest: 3, share: 0.0 }
    }
}

/// What documents hold of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Contamination {
    /// The numbers of the documents that stay, ascending.
    pub kept: Vec<usize>,
    /// The numbers of those that fall, ascending.
    pub dropped: Vec<usize>,
    /// All that is shared, by document and prompt; what is shared too little for the document to fall,
    /// too.
    pub overlaps: Vec<Overlap>,
    /// The numbers of the prompts that were not looked for, since they are too short.
    pub skipped: Vec<usize>,
}

/// What a document shares with a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Overlap {
    /// The number of the document.
    pub document: usize,
    /// The number of the prompt.
    pub prompt: usize,
    /// The bytes of the document in which the shared runs stand, in order; runs that overlap are one.
    pub spans: Vec<Range<usize>>,
    /// Distinct runs that are shared.
    pub runs: usize,
    /// The part of the prompt's distinct runs that this is.
    pub share: f64,
}

/// Looks for prompts of an evaluation in documents, and says which documents fall.
///
/// It takes the time to read the documents once. [`Evaluation`] is for documents that come one by one,
/// and for words that both may have.
///
/// # Errors
///
/// [`Error::Config`] for a setting that makes no sense.
pub fn decontaminate<D, P>(
    documents: &[D],
    prompts: &[P],
    config: &Decontaminate,
) -> Result<Contamination>
where
    D: AsRef<str> + Sync,
    P: AsRef<str>,
{
    Ok(Evaluation::new(prompts, config)?.decontaminate(documents))
}

/// The prompts of an evaluation, ready to be looked for.
#[derive(Clone, Debug)]
pub struct Evaluation {
    config: Decontaminate,
    /// Lengths of the runs that are looked for, in words.
    lengths: BTreeSet<usize>,
    /// Distinct runs of each prompt that count.
    counts: Vec<usize>,
    /// Runs and the prompts that have them, sorted.
    runs: Vec<(u64, u32)>,
    /// Where each run starts in that list.
    starts: HashedMap<u64, u32>,
    skipped: Vec<usize>,
}

impl Evaluation {
    /// Reads the prompts.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a setting that makes no sense.
    pub fn new<P: AsRef<str>>(prompts: &[P], config: &Decontaminate) -> Result<Self> {
        let wrong = |setting, message| Err(Error::Config { setting, message });
        if config.words == 0 {
            return wrong("words", "is a run of nothing; give it at least 1");
        }
        if !(0.0..=1.0).contains(&config.share) {
            return wrong("share", "must be between 0 and 1");
        }
        let mut this = Evaluation {
            config: config.clone(),
            lengths: BTreeSet::new(),
            counts: vec![0; prompts.len()],
            runs: Vec::new(),
            starts: HashedMap::default(),
            skipped: Vec::new(),
        };
        let mut words = Words::default();
        for (number, prompt) in prompts.iter().enumerate() {
            words.read(prompt.as_ref(), READING);
            let length = words.hashes.len().min(config.words);
            // A shortest beyond the runs' length would leave out every prompt.
            if length < config.shortest.clamp(1, config.words) {
                this.skipped.push(number);
                continue;
            }
            this.lengths.insert(length);
            let prompt_runs = runs(&words.hashes, length).map(|run| keyed(run, length));
            this.runs.extend(prompt_runs.map(|run| (run, number as u32)));
        }
        this.settle();
        Ok(this)
    }

    /// The same evaluation, in which runs of these texts do not count: of the spec, which prompts and
    /// documents both may quote, or of a preamble that is in all of them.
    pub fn allowing<T: AsRef<str>>(mut self, texts: &[T]) -> Self {
        let (mut words, mut allowed) = (Words::default(), HashSet::new());
        for text in texts {
            words.read(text.as_ref(), READING);
            for &length in &self.lengths {
                allowed.extend(runs(&words.hashes, length).map(|run| keyed(run, length)));
            }
        }
        self.runs.retain(|(run, _)| !allowed.contains(run));
        self.settle();
        self
    }

    /// The numbers of the prompts that are not looked for, since they are too short.
    pub fn skipped(&self) -> &[usize] {
        &self.skipped
    }

    /// What a document shares with each prompt; `number` is the document's in the result.
    pub fn find(&self, number: usize, document: &str) -> Vec<Overlap> {
        self.find_in(&mut Words::default(), number, document)
    }

    /// Whether a document falls for what it shares with a prompt.
    pub fn falls(&self, overlap: &Overlap) -> bool {
        overlap.runs > 0 && overlap.share >= self.config.share
    }

    /// Looks for the prompts in documents, on all threads, and says which documents fall.
    pub fn decontaminate<D: AsRef<str> + Sync>(&self, documents: &[D]) -> Contamination {
        let find = |words: &mut Words, (number, document): (usize, &D)| {
            self.find_in(words, number, document.as_ref())
        };
        let found: Vec<Vec<Overlap>> =
            documents.par_iter().enumerate().map_init(Words::default, find).collect();
        let mut all = Contamination { skipped: self.skipped.clone(), ..Contamination::default() };
        for (number, overlaps) in found.into_iter().enumerate() {
            match overlaps.iter().any(|overlap| self.falls(overlap)) {
                true => all.dropped.push(number),
                false => all.kept.push(number),
            }
            all.overlaps.extend(overlaps);
        }
        all
    }

    /// Sorts the runs, and counts them.
    fn settle(&mut self) {
        self.runs.sort_unstable();
        self.runs.dedup();
        self.counts.fill(0);
        self.starts.clear();
        for (at, &(run, prompt)) in self.runs.iter().enumerate() {
            self.counts[prompt as usize] += 1;
            self.starts.entry(run).or_insert(at as u32);
        }
    }

    fn find_in(&self, words: &mut Words, number: usize, document: &str) -> Vec<Overlap> {
        words.read(document, READING);
        // By prompt: the words that are shared, as ranges, and the distinct runs.
        let mut found: BTreeMap<u32, (Vec<Range<usize>>, HashSet<u64>)> = BTreeMap::new();
        for &length in &self.lengths {
            for (at, run) in runs(&words.hashes, length).enumerate() {
                let run = keyed(run, length);
                let Some(&start) = self.starts.get(&run) else { continue };
                let same =
                    self.runs[start as usize..].iter().take_while(|(other, _)| *other == run);
                for &(_, prompt) in same {
                    let (ranges, distinct) = found.entry(prompt).or_default();
                    distinct.insert(run);
                    match ranges.last_mut() {
                        // Runs that merely touch are two.
                        Some(last) if at < last.end => last.end = at + length,
                        _ => ranges.push(at..at + length),
                    }
                }
            }
        }
        let overlap = |(prompt, (ranges, distinct)): (u32, (Vec<Range<usize>>, HashSet<u64>))| {
            let bytes = |words_of: Range<usize>| {
                words.spans[words_of.start].start..words.spans[words_of.end - 1].end
            };
            Overlap {
                document: number,
                prompt: prompt as usize,
                spans: ranges.into_iter().map(bytes).collect(),
                runs: distinct.len(),
                share: distinct.len() as f64 / self.counts[prompt as usize] as f64,
            }
        };
        found.into_iter().map(overlap).collect()
    }
}

const READING: Reading = Reading { lowercase: true, punctuation: false };

/// A run by its words and its length.
fn keyed(run: u64, length: usize) -> u64 {
    mix(run ^ length as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(words: usize, share: f64) -> Decontaminate {
        Decontaminate { words, shortest: 2, share }
    }

    #[test]
    fn says_what_is_shared_and_where() {
        let prompts = ["one two three four five six", "Two, THREE!", "no", "four five six seven"];
        let documents = ["zero one two three x; four five six. seven", "Three two", "two... three"];
        let found = decontaminate(&documents, &prompts, &config(3, 0.0)).unwrap();
        assert_eq!(found.kept, [1]);
        assert_eq!(found.dropped, [0, 2]);
        assert_eq!(found.skipped, [2]);
        let shown: Vec<_> = found
            .overlaps
            .iter()
            .map(|o| {
                let texts: Vec<_> =
                    o.spans.iter().map(|s| &documents[o.document][s.clone()]).collect();
                (o.document, o.prompt, texts, o.runs, o.share)
            })
            .collect();
        assert_eq!(
            shown,
            [
                (0, 0, vec!["one two three", "four five six"], 2, 0.5),
                (0, 1, vec!["two three"], 1, 1.0),
                (0, 3, vec!["four five six. seven"], 2, 1.0),
                (2, 1, vec!["two... three"], 1, 1.0),
            ]
        );
    }

    #[test]
    fn falls_by_share_and_not_for_what_is_allowed() {
        let prompts = ["a b c d e f"];
        let documents = ["x a b c d y", "a b c", "a b c d e f"];
        let found = decontaminate(&documents, &prompts, &config(3, 0.5)).unwrap();
        assert_eq!(found.dropped, [0, 2]);
        assert_eq!(found.overlaps.len(), 3);
        let evaluation = Evaluation::new(&prompts, &config(3, 0.0)).unwrap();
        let found = evaluation.allowing(&["A b, c d"]).decontaminate(&documents);
        assert_eq!(found.dropped, [2]);
        assert_eq!(found.overlaps[0].share, 1.0);
        assert!(decontaminate(&documents, &prompts, &config(0, 0.5)).is_err());
        assert!(decontaminate(&documents, &prompts, &config(3, f64::NAN)).is_err());
    }

    proptest! {
        #[test]
        fn agrees_with_looking_at_every_run(
            documents in prop::collection::vec("[ab]( [ab]){0,12}", 0..4),
            prompts in prop::collection::vec("[ab]( [ab]){0,8}", 0..4),
            words in 1usize..6,
        ) {
            let found = decontaminate(&documents, &prompts, &config(words, 0.0)).unwrap();
            let split = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
            for (d, document) in documents.iter().enumerate() {
                for (p, prompt) in prompts.iter().enumerate() {
                    let (document, prompt) = (split(document), split(prompt));
                    let length = prompt.len().min(words);
                    let looked_for = length >= 2.min(words);
                    let of = |text: &[String]| -> BTreeSet<Vec<String>> {
                        text.windows(length).map(<[String]>::to_vec).collect()
                    };
                    let shared = of(&document).intersection(&of(&prompt)).count();
                    let overlap = found.overlaps.iter().find(|o| o.document == d && o.prompt == p);
                    prop_assert_eq!(overlap.map_or(0, |o| o.runs), if looked_for { shared } else { 0 });
                }
            }
        }
    }
}
