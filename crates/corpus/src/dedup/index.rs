//! Texts as they come.

use std::collections::{HashMap, hash_map::Entry};

use rayon::prelude::*;

use super::{Dedup, Likeness, Reader, shingle::Set, sketch::Sketcher, words::HashedMap};
use crate::error::{Error, Result};

/// Texts that are added one after the other, and what each is near to.
///
/// What [`dedup`](super::dedup) is for texts that are all there, this is for rounds of generation: what
/// falls is asked for again, and compared with all that was kept before. The first to come is kept,
/// whatever comes later. On the same texts, in the same order, it keeps what `dedup` keeps with equal
/// ranks, but for pairs that `dedup` finds only because others join them.
///
/// Texts are numbered in the order in which they are added, those that fall too. Only those that are
/// kept take memory: their fingerprints, four bytes for each piece, and about 20 bytes for each band.
/// A text is compared with the kept ones that it shares a bucket with, until one is near.
#[derive(Debug)]
pub struct Index {
    config: Dedup,
    sketcher: Sketcher,
    /// Texts that were added.
    added: usize,
    /// The kept text that has exactly these words.
    exact: HashMap<u128, u32>,
    kept: Vec<Kept>,
    /// For each band, the latest kept text with a key.
    latest: Vec<HashedMap<u32, u32>>,
    /// For each kept text and band, the one before it with the same key, or none.
    before: Vec<u32>,
}

/// What became of a text that was added.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Standing {
    /// It is near to nothing, and kept.
    Kept,
    /// It falls.
    Dropped {
        /// The number of the first kept text that it is near to.
        kept: usize,
        /// How like they are.
        likeness: Likeness,
    },
}

impl Standing {
    /// Whether the text is kept.
    pub fn is_kept(&self) -> bool {
        *self == Standing::Kept
    }
}

#[derive(Debug)]
struct Kept {
    number: usize,
    set: Set,
    /// Whether it was taken out again.
    gone: bool,
}

/// A text that was read.
struct Read {
    whole: u128,
    keys: Box<[u32]>,
    set: Set,
}

/// No text.
const NONE: u32 = u32::MAX;

/// Texts that are read and looked up together.
const BLOCK: usize = 4096;

impl Index {
    /// An index without texts.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a setting that makes no sense.
    pub fn new(config: &Dedup) -> Result<Self> {
        config.check()?;
        Ok(Index {
            sketcher: config.sketcher(),
            added: 0,
            exact: HashMap::new(),
            kept: Vec::new(),
            latest: vec![HashedMap::default(); config.bands],
            before: Vec::new(),
            config: config.clone(),
        })
    }

    /// How many texts were added.
    pub fn added(&self) -> usize {
        self.added
    }

    /// The numbers of the texts that are kept, ascending.
    pub fn kept(&self) -> impl Iterator<Item = usize> {
        self.kept.iter().filter(|kept| !kept.gone).map(|kept| kept.number)
    }

    /// The first kept text that this one is near to, and how like they are; the text is not added.
    pub fn near(&self, text: &str) -> Option<(usize, Likeness)> {
        let read = self.read(&mut Reader::default(), text);
        let (kept, likeness) = self.find(&read, 0)?;
        Some((self.kept[kept as usize].number, likeness))
    }

    /// Adds a text, and says what became of it.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when 4,294,967,295 texts are kept already.
    pub fn add(&mut self, text: &str) -> Result<Standing> {
        let read = self.read(&mut Reader::default(), text);
        let found = self.find(&read, 0);
        self.settle(read, found)
    }

    /// Adds texts in their order, and says what became of each: as [`add`](Self::add) one after the
    /// other, on all threads.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add); the texts before are added.
    pub fn add_all<T: AsRef<str> + Sync>(&mut self, texts: &[T]) -> Result<Vec<Standing>> {
        let mut standings = Vec::with_capacity(texts.len());
        for block in texts.chunks(BLOCK) {
            let before = self.kept.len() as u32;
            let this = &*self;
            let look = |reader: &mut Reader, text: &T| {
                let read = this.read(reader, text.as_ref());
                let found = this.find(&read, 0);
                (read, found)
            };
            let read: Vec<_> = block.par_iter().map_init(Reader::default, look).collect();
            for (read, found) in read {
                // Of the kept ones the first counts, and those of this block come after all others.
                let found = found.or_else(|| self.find(&read, before));
                standings.push(self.settle(read, found)?);
            }
        }
        Ok(standings)
    }

    /// Takes a text out again, if it is kept: what is near to it is new from now on.
    pub(crate) fn forget(&mut self, number: usize) {
        if let Ok(place) = self.kept.binary_search_by_key(&number, |kept| kept.number) {
            let kept = &mut self.kept[place];
            (kept.set, kept.gone) = (Set::new(&[]), true);
        }
    }

    fn read(&self, reader: &mut Reader, text: &str) -> Read {
        let whole = reader.read(text, &self.config);
        let mut keys = Box::default();
        // A text without words has no neighbours.
        if !reader.pieces.is_empty() {
            keys = vec![0; self.config.bands].into_boxed_slice();
            reader.keys(&self.sketcher, &mut keys);
        }
        Read { whole, keys, set: Set::new(&reader.pieces) }
    }

    /// The first of the kept texts, from this one on, that is near; by its place among the kept.
    fn find(&self, read: &Read, from: u32) -> Option<(u32, Likeness)> {
        if let Some(&kept) = self.exact.get(&read.whole)
            && kept >= from
            && !self.kept[kept as usize].gone
        {
            return Some((kept, Likeness::Exact));
        }
        let mut found = Vec::new();
        for (band, key) in read.keys.iter().enumerate() {
            let mut next = self.latest[band].get(key).copied().unwrap_or(NONE);
            while next != NONE && next >= from {
                found.push(next);
                next = self.before[next as usize * self.config.bands + band];
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().find_map(|kept| {
            let Kept { set, gone, .. } = &self.kept[kept as usize];
            let similarity = set.at_least(self.config.threshold, &read.set).filter(|_| !gone)?;
            Some((kept, Likeness::Near(similarity)))
        })
    }

    fn settle(&mut self, read: Read, found: Option<(u32, Likeness)>) -> Result<Standing> {
        if let Some((kept, likeness)) = found {
            self.added += 1;
            return Ok(Standing::Dropped { kept: self.kept[kept as usize].number, likeness });
        }
        let place = u32::try_from(self.kept.len()).ok().filter(|&place| place != NONE);
        let Some(place) = place else {
            return Err(Error::Config {
                setting: "texts",
                message: "are more than an index holds; shard them first",
            });
        };
        self.exact.insert(read.whole, place);
        if read.keys.is_empty() {
            self.before.resize(self.before.len() + self.config.bands, NONE);
        }
        for (latest, &key) in self.latest.iter_mut().zip(&read.keys) {
            self.before.push(match latest.entry(key) {
                Entry::Occupied(mut entry) => entry.insert(place),
                Entry::Vacant(entry) => {
                    entry.insert(place);
                    NONE
                }
            });
        }
        self.kept.push(Kept { number: self.added, set: read.set, gone: false });
        self.added += 1;
        Ok(Standing::Kept)
    }
}
