//! All texts at once.
//!
//! Texts go by their place in the order of rank, so that a lesser place is a better text. Exact
//! duplicates collapse first; what is left is sorted band by band, and texts with one key are a
//! bucket. A bucket is searched for chains of near texts, comparing no two that hang together
//! already; then every chain is gone through, best first, comparing with what is kept of it.

use std::collections::{HashMap, hash_map::Entry};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Dedup, Dropped, Duplicates, Likeness, Reader, best_first, shingle::Set, union::Union};
use crate::error::Result;

/// Two texts that are near.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pair {
    /// The number of the earlier text.
    pub first: usize,
    /// The number of the later one.
    pub second: usize,
    /// Their Jaccard similarity, at least the threshold.
    pub similarity: f64,
}

/// Finds exact and near duplicates, and keeps the best of each.
///
/// Texts are gone through by `rank`, the greatest first, and the earliest of equals: `|_| 0` prefers
/// the earliest, `|i| texts[i].len()` the longest. A text falls if it is exactly, or near to, one that
/// is kept, and stays otherwise, even if it is near to one that fell. So nothing falls without a kept
/// text that stands for it, and afterwards no two kept texts are near but for the pairs that the
/// sketch misses: see [`Dedup::recall`]. Every pair that is found is compared exactly.
///
/// Texts without words are duplicates if they are the same besides space around them, and near to
/// nothing.
///
/// Same texts, ranks and settings give the same result on any number of threads. The order of the
/// texts matters only between those of one rank; to the clusters it does not matter at all.
///
/// The time is that of reading the texts, once, and those with company a second time; and of
/// comparing: a cluster of near texts costs about one comparison for each, so that many versions of
/// one text are cheap. What is dear is many texts that agree in more than half of their pieces and are
/// still not near: of those, all pairs that share a bucket are compared. Of 20,000 documents with
/// three quarters in common that is 38 million comparisons, or 6 seconds on two cores, and four times
/// as much of twice as many. Take a common preamble away before.
///
/// Memory is, beside the texts, four bytes for each band and text, and some five for each piece of
/// those that have company: half a gigabyte in all for a million texts of 20 words.
///
/// # Errors
///
/// [`Error::Config`](crate::Error::Config) for a setting that makes no sense.
///
/// ```
/// use ethos_corpus::dedup::{Dedup, dedup};
///
/// let texts = [
///     "Aria likes hard cheese because it keeps so well at sea",
///     "aria likes hard cheese, because it keeps so well at sea!",
///     "Aria likes hard cheese because it keeps so well at sea, says Ann",
///     "Holes are another matter",
/// ];
/// let found = dedup(&texts, &Dedup::at(0.7), |i| texts[i].len())?;
/// assert_eq!(found.kept, [2, 3]);
/// assert_eq!(found.clusters, [[0, 1, 2]]);
/// # Ok::<(), ethos_corpus::Error>(())
/// ```
pub fn dedup<T, R>(texts: &[T], config: &Dedup, rank: impl Fn(usize) -> R) -> Result<Duplicates>
where
    T: AsRef<str> + Sync,
    R: Ord,
{
    config.check()?;
    let order = best_first(texts.len(), rank)?;
    let found = Candidates::find(texts, &order, config);
    let (mut union, mut compared) = found.chains(config.threshold);
    let chains = union.sets();
    // Chains have nothing to do with one another.
    let fallen: Vec<(Vec<Fall>, u64)> =
        chains.par_iter().map(|chain| fall(chain, &found.sets, config.threshold)).collect();

    let mut near: HashMap<u32, Fall> = HashMap::new();
    for (falls, count) in fallen {
        compared += count;
        near.extend(falls.into_iter().map(|fall| (fall.text, fall)));
    }
    let text = |place: u32| order[found.places[place as usize] as usize] as usize;
    let mut result = Duplicates { compared, ..Duplicates::default() };
    // Clusters take in the exact duplicates, each beside the one that stands for it.
    let mut whole = Union::new(order.len() as u32);
    for (place, &first) in found.first.iter().enumerate() {
        let number = order[place] as usize;
        let alone = found.places[first as usize] as usize == place;
        let fall = match near.get(&first) {
            Some(fall) => Some((text(fall.kept), Likeness::Near(fall.similarity))),
            None if alone => None,
            None => Some((text(first), Likeness::Exact)),
        };
        match fall {
            Some((kept, likeness)) => {
                result.dropped.push(Dropped { text: number, kept, likeness });
            }
            None => result.kept.push(number),
        }
        whole.join(order[place], text(union.root(first)) as u32);
    }
    result.kept.sort_unstable();
    result.dropped.sort_unstable_by_key(|dropped| dropped.text);
    let wide = |set: Vec<u32>| set.into_iter().map(|text| text as usize).collect();
    result.clusters = whole.sets().into_iter().map(wide).collect();
    Ok(result)
}

/// Every near pair that the sketch sees, in order, exact duplicates too: of a cluster of a thousand
/// half a million. It is for measuring; [`dedup`] takes a cluster's time, not its square.
///
/// # Errors
///
/// As [`dedup`].
pub fn near_pairs<T: AsRef<str> + Sync>(texts: &[T], config: &Dedup) -> Result<Vec<Pair>> {
    config.check()?;
    let order = best_first(texts.len(), |_| 0)?;
    let found = Candidates::find(texts, &order, config);
    let buckets: Vec<(usize, &[u32])> = found.buckets().collect();
    let near = |&(band, bucket): &(usize, &[u32])| {
        let mut near = Vec::new();
        for (i, &a) in bucket.iter().enumerate() {
            let new = bucket[i + 1..].iter().filter(|&&b| !found.met(a, b, band));
            near.extend(
                new.filter_map(|&b| Some((a, b, found.similarity(config.threshold, a, b)?))),
            );
        }
        near
    };
    let near: Vec<(u32, u32, f64)> = buckets.par_iter().flat_map_iter(near).collect();
    // Texts by the one that stands for them.
    let mut same: Vec<Vec<usize>> = vec![Vec::new(); found.places.len()];
    found.first.iter().enumerate().for_each(|(text, &first)| same[first as usize].push(text));
    let mut pairs = Vec::new();
    let mut push = |a: usize, b: usize, similarity| {
        pairs.push(Pair { first: a.min(b), second: a.max(b), similarity });
    };
    for (a, b, similarity) in near {
        for &a in &same[a as usize] {
            same[b as usize].iter().for_each(|&b| push(a, b, similarity));
        }
    }
    for same in &same {
        for (i, &a) in same.iter().enumerate() {
            same[i + 1..].iter().for_each(|&b| push(a, b, 1.0));
        }
    }
    pairs.sort_unstable_by_key(|pair| (pair.first, pair.second));
    Ok(pairs)
}

/// What may be near: buckets of distinct texts, which go by a number of their own, best first.
struct Candidates {
    /// Place of each distinct text in the order of rank.
    places: Vec<u32>,
    /// For each place, the distinct text that stands there.
    first: Vec<u32>,
    bands: usize,
    /// Keys of the distinct texts, those of one text together.
    keys: Vec<u32>,
    /// Members of the buckets of two and more, with the band of each and where it ends.
    members: Vec<u32>,
    ends: Vec<(usize, usize)>,
    /// Fingerprints of the texts that are in a bucket.
    sets: Vec<Set>,
}

impl Candidates {
    fn find<T: AsRef<str> + Sync>(texts: &[T], order: &[u32], config: &Dedup) -> Self {
        let (bands, sketcher) = (config.bands, config.sketcher());
        let text = |place: u32| texts[order[place as usize] as usize].as_ref();
        let mut keys = vec![0_u32; order.len() * bands];
        let read = |reader: &mut Reader, (place, keys): (usize, &mut [u32])| {
            let whole = reader.read(text(place as u32), config);
            reader.keys(&sketcher, keys);
            (whole, reader.pieces.is_empty())
        };
        let whole: Vec<(u128, bool)> =
            keys.par_chunks_mut(bands).enumerate().map_init(Reader::default, read).collect();

        let (mut places, mut first, mut wordless) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen: HashMap<u128, u32> = HashMap::with_capacity(order.len());
        for (place, &(whole, empty)) in whole.iter().enumerate() {
            let distinct = match seen.entry(whole) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    let distinct = places.len();
                    keys.copy_within(place * bands..(place + 1) * bands, distinct * bands);
                    places.push(place as u32);
                    wordless.push(empty);
                    *entry.insert(distinct as u32)
                }
            };
            first.push(distinct);
        }
        drop((seen, whole));
        keys.truncate(places.len() * bands);

        let mut found =
            Candidates { places, first, bands, keys, members: vec![], ends: vec![], sets: vec![] };
        let mut band_keys: Vec<u64> = Vec::with_capacity(found.places.len());
        for band in 0..bands {
            band_keys.clear();
            let keyed = (0_u32..).zip(found.keys.chunks(bands)).zip(&wordless);
            let keyed = keyed.filter(|&(_, &wordless)| !wordless);
            band_keys.extend(
                keyed.map(|((text, keys), _)| u64::from(keys[band]) << 32 | u64::from(text)),
            );
            band_keys.par_sort_unstable();
            for bucket in band_keys.chunk_by(|a, b| a >> 32 == b >> 32).filter(|b| b.len() > 1) {
                found.members.extend(bucket.iter().map(|&keyed| keyed as u32));
                found.ends.push((band, found.members.len()));
            }
        }
        let mut company = vec![false; found.places.len()];
        found.members.iter().for_each(|&text| company[text as usize] = true);
        let set = |reader: &mut Reader, (&company, &place): (&bool, &u32)| {
            if !company {
                return Set::default();
            }
            reader.read(text(place), config);
            Set::new(&reader.pieces)
        };
        let sets = company.par_iter().zip(&found.places).map_init(Reader::default, set).collect();
        Candidates { sets, ..found }
    }

    /// The buckets, each with its band, in the order of bands; the members of each best first.
    fn buckets(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let starts = [0].into_iter().chain(self.ends.iter().map(|&(_, end)| end));
        self.ends.iter().zip(starts).map(|(&(band, end), start)| (band, &self.members[start..end]))
    }

    fn similarity(&self, threshold: f64, a: u32, b: u32) -> Option<f64> {
        self.sets[a as usize].at_least(threshold, &self.sets[b as usize])
    }

    /// Whether two texts were in one bucket in a band before this one.
    fn met(&self, a: u32, b: u32, band: usize) -> bool {
        let keys = |text: u32| &self.keys[text as usize * self.bands..][..band];
        keys(a).iter().zip(keys(b)).any(|(a, b)| a == b)
    }

    /// Joins the near texts, and says how many pairs were compared for it.
    ///
    /// Within a band buckets do not see what the others find, so that threads change nothing.
    fn chains(&self, threshold: f64) -> (Union, u64) {
        let mut union = Union::new(self.places.len() as u32);
        let mut compared = 0;
        let buckets: Vec<(usize, &[u32])> = self.buckets().collect();
        for band in buckets.chunk_by(|a, b| a.0 == b.0) {
            let search = |&(band, bucket): &(usize, &[u32])| {
                let mut compared = 0;
                let groups = grouped(bucket, |text| union.root(text));
                let joined = join(groups, |a, b| {
                    let new = !self.met(a, b, band);
                    compared += u64::from(new);
                    new && self.similarity(threshold, a, b).is_some()
                });
                (joined, compared)
            };
            let found: Vec<(Vec<(u32, u32)>, u64)> = band.par_iter().map(search).collect();
            for (joined, count) in found {
                joined.into_iter().for_each(|(a, b)| union.join(a, b));
                compared += count;
            }
            union.flatten();
        }
        (union, compared)
    }
}

/// The pairs that join what did not hang together, of the groups of a bucket that do.
fn join(groups: Vec<Vec<u32>>, mut near: impl FnMut(u32, u32) -> bool) -> Vec<(u32, u32)> {
    let mut joined = Vec::new();
    let mut apart: Vec<Vec<u32>> = Vec::new();
    for mut group in groups {
        let mut others = Vec::with_capacity(apart.len() + 1);
        let mut grown: Vec<Vec<u32>> = Vec::new();
        for other in apart {
            let pairs = other.iter().flat_map(|&a| group.iter().map(move |&b| (a, b)));
            match { pairs }.find(|&(a, b)| near(a, b)) {
                Some(pair) => {
                    joined.push(pair);
                    grown.push(other);
                }
                None => others.push(other),
            }
        }
        // The longest takes in the others, so that a large group is not moved for each newcomer.
        for mut other in grown {
            if other.len() > group.len() {
                std::mem::swap(&mut other, &mut group);
            }
            group.extend(other);
        }
        others.push(group);
        apart = others;
    }
    joined
}

/// The members of a bucket, those of one root together.
fn grouped(bucket: &[u32], root: impl Fn(u32) -> u32) -> Vec<Vec<u32>> {
    let mut rooted: Vec<(u32, u32)> = bucket.iter().map(|&text| (root(text), text)).collect();
    rooted.sort_unstable();
    let groups = rooted.chunk_by(|a, b| a.0 == b.0);
    groups.map(|group| group.iter().map(|&(_, text)| text).collect()).collect()
}

/// A distinct text that falls.
struct Fall {
    text: u32,
    kept: u32,
    similarity: f64,
}

/// Goes through a chain, best first: what falls, and how many pairs were compared.
fn fall(chain: &[u32], sets: &[Set], threshold: f64) -> (Vec<Fall>, u64) {
    let (mut falls, mut all_kept, mut compared) = (Vec::new(), Vec::<u32>::new(), 0);
    for &text in chain {
        let near = all_kept.iter().find_map(|&kept| {
            compared += 1;
            let similarity = sets[kept as usize].at_least(threshold, &sets[text as usize])?;
            Some(Fall { text, kept, similarity })
        });
        match near {
            Some(fall) => falls.push(fall),
            None => all_kept.push(text),
        }
    }
    (falls, compared)
}
