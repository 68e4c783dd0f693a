//! Near-duplicates of generated documents: how many are found, how fast, and in how much memory.
//!
//! ```text
//! cargo bench -p ethos-corpus --bench dedup
//! cargo bench -p ethos-corpus --bench dedup -- …/python     # and datasketch after it, by this Python
//! cargo bench -p ethos-corpus --bench dedup -- short 1000000   # only short ones, for their memory
//! cargo bench -p ethos-corpus --bench dedup -- index 1000000   # the same, added to an index
//! ```
//!
//! Documents are made by seed. Words follow Zipf's law, and every third document has versions: copies in
//! which words are replaced until their similarity is between 0.6 and 1. What is near is known from all
//! pairs, compared by sets of strings. datasketch gets the same documents, runs of words and threshold,
//! and asks its index for each document before it adds it, as its documentation has it.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    collections::{BTreeSet, HashSet},
    env, fs,
    path::Path,
    process::Command,
    time::Instant,
};

use ethos_core::jsonl;
use ethos_corpus::dedup::{Dedup, Index, dedup, near_pairs};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const THRESHOLD: f64 = 0.8;

fn main() {
    // cargo passes `--bench` and whatever the user adds.
    let arguments: Vec<String> = env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if let [what, count] = &arguments[..] {
        let texts = generate(count.parse().unwrap(), 20, 3);
        match &**what {
            "short" => _ = timed("short", &texts),
            _ => _ = indexed("index", &texts),
        }
        return;
    }
    println!("{} threads, threshold {THRESHOLD}", rayon::current_num_threads());

    println!("\nagainst all pairs");
    println!(
        "{:>8} {:>6} {:>9} {:>9} {:>9} {:>10}",
        "texts", "words", "near", "precision", "recall", "0.80-0.85"
    );
    for (count, words) in [(4000, 20), (4000, 60), (3000, 300), (800, 2000)] {
        quality(&generate(count, words, 1), words);
    }

    println!("\nas many documents as there are");
    for count in [10_000, 100_000, 1_000_000] {
        timed("short", &generate(count, 20, 3));
    }
    for count in [1000, 10_000, 50_000] {
        timed("300 words", &generate(count, 300, 4));
    }
    for count in [1000, 10_000] {
        timed("12 kB", &generate(count, 2000, 5));
    }
    // What is dear: most of each document is one preamble, and none is near to another.
    let preamble = generate(1, 300, 7).concat();
    for count in [5000, 20_000] {
        let own = generate(count, 90, 8);
        let texts: Vec<String> = own.iter().map(|own| format!("{preamble} {own}")).collect();
        timed("preamble", &texts);
    }

    let Some(python) = arguments.first() else {
        println!("\nno Python was named: datasketch was not run");
        return;
    };
    println!("\nbeside datasketch");
    for (name, count, words) in
        [("short", 20_000, 20), ("300 words", 5000, 300), ("12 kB", 1500, 2000)]
    {
        beside(python, name, &generate(count, words, 6));
    }
}

/// Documents of about this many words, every third one followed by two versions of it.
fn generate(count: usize, words: usize, seed: u64) -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut texts = Vec::with_capacity(count);
    while texts.len() < count {
        let length = rng.random_range(words * 3 / 4..=words * 5 / 4);
        let document: Vec<u32> = (0..length).map(|_| word(&mut rng)).collect();
        texts.push(written(&document));
        if texts.len() % 5 != 3 {
            continue;
        }
        for _ in 0..2 {
            // One replaced word takes up to five runs from either side.
            let most = (length / 40).max(1);
            let mut version = document.clone();
            for _ in 0..rng.random_range(0..=most) {
                let at = rng.random_range(0..length);
                // At the edges fewer runs go, so that short documents have near versions too.
                let at = if length < 40 { at % 3 } else { at };
                version[at] = word(&mut rng);
            }
            texts.push(written(&version));
        }
    }
    texts.truncate(count);
    texts
}

/// A word's number: the n-th most frequent of 50,000 words, by Zipf's law.
fn word(rng: &mut ChaCha8Rng) -> u32 {
    (50_000_f64.powf(rng.random_range(0.0..1.0))) as u32
}

/// Words of about six letters with the space, frequent ones shorter.
fn written(words: &[u32]) -> String {
    const SYLLABLES: [&str; 16] = [
        "ka", "re", "mi", "to", "su", "lan", "ber", "dol", "fi", "gu", "hen", "jo", "pa", "qui",
        "vo", "zel",
    ];
    let mut text = String::with_capacity(words.len() * 7);
    for &word in words {
        let mut left = word;
        while left > 0 {
            text.push_str(SYLLABLES[(left % 16) as usize]);
            left /= 16;
        }
        text.push(' ');
    }
    text.pop();
    text
}

fn quality(texts: &[String], words: usize) {
    let sets: Vec<HashSet<String>> = texts
        .iter()
        .map(|text| {
            let words: Vec<&str> = text.split(' ').collect();
            words.windows(5.min(words.len())).map(|run| run.join(" ")).collect()
        })
        .collect();
    let mut near = BTreeSet::new();
    let mut edge = BTreeSet::new();
    for (a, first) in sets.iter().enumerate() {
        for (b, second) in sets.iter().enumerate().skip(a + 1) {
            let (few, many) =
                if first.len() < second.len() { (first, second) } else { (second, first) };
            if (few.len() as f64) < THRESHOLD * many.len() as f64 {
                continue;
            }
            // Of near sets at most every fifth piece is not shared.
            let probe = few.len().div_ceil(5) + 1;
            if few.iter().take(probe).all(|piece| !many.contains(piece)) {
                continue;
            }
            let shared = few.iter().filter(|piece| many.contains(*piece)).count();
            let similarity = shared as f64 / (few.len() + many.len() - shared) as f64;
            if similarity >= THRESHOLD {
                near.insert((a, b));
            }
            if (THRESHOLD..THRESHOLD + 0.05).contains(&similarity) {
                edge.insert((a, b));
            }
        }
    }
    let config = Dedup::at(THRESHOLD);
    let found: BTreeSet<(usize, usize)> =
        near_pairs(texts, &config).unwrap().iter().map(|pair| (pair.first, pair.second)).collect();
    let right = found.intersection(&near).count() as f64;
    let on_edge = found.intersection(&edge).count() as f64 / edge.len() as f64;
    println!(
        "{:>8} {words:>6} {:>9} {:>9.4} {:>9.4} {on_edge:>10.4}",
        texts.len(),
        near.len(),
        right / found.len() as f64,
        right / near.len() as f64,
    );
    // And of what stays no two are near, but for the pairs missed.
    let kept = dedup(texts, &config, |_| 0).unwrap().kept;
    let kept: HashSet<usize> = kept.into_iter().collect();
    let left = near.iter().filter(|(a, b)| kept.contains(a) && kept.contains(b)).count();
    println!("{:>8} pairs are left among the {} kept", left, kept.len());
}

fn timed(name: &str, texts: &[String]) -> f64 {
    let bytes: usize = texts.iter().map(String::len).sum();
    let began = Instant::now();
    let found = dedup(texts, &Dedup::at(THRESHOLD), |_| 0).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let speed = texts.len() as f64 / seconds;
    println!(
        "{name:<10} {:>8} texts {:>6.0} MB {seconds:>8.2} s {speed:>9.0} texts/s {:>8} fall {:>8} compared; peak memory {} MB",
        texts.len(),
        bytes as f64 / 1e6,
        found.dropped.len(),
        found.compared,
        peak_memory().unwrap_or_default(),
    );
    speed
}

fn indexed(name: &str, texts: &[String]) -> f64 {
    let began = Instant::now();
    let mut index = Index::new(&Dedup::at(THRESHOLD)).unwrap();
    let standings = index.add_all(texts).unwrap();
    let speed = texts.len() as f64 / began.elapsed().as_secs_f64();
    let fell = standings.iter().filter(|standing| !standing.is_kept()).count();
    println!(
        "{name:<10} {speed:>9.0} texts/s by an index, {fell} fall; peak memory {} MB",
        peak_memory().unwrap_or_default()
    );
    speed
}

fn beside(python: &str, name: &str, texts: &[String]) {
    let folder = tempfile::tempdir().unwrap();
    let (rows, result) = (folder.path().join("texts.jsonl"), folder.path().join("result.json"));
    jsonl::write(&rows, texts.iter().map(|text| json!({ "text": text }))).unwrap();
    let ours = timed(name, texts);
    let by_index = indexed("", texts);

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/dedup_peer.py");
    let status = Command::new(python)
        .arg(script)
        .args([&rows, &result])
        .arg(THRESHOLD.to_string())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let theirs: Value = serde_json::from_str(&fs::read_to_string(result).unwrap()).unwrap();
    let speed = texts.len() as f64 / theirs["seconds"].as_f64().unwrap();
    println!(
        "{:<10} {speed:>9.0} texts/s by datasketch {}, {} fall: {:.0} times, {:.0} times by the index",
        "",
        theirs["version"].as_str().unwrap(),
        theirs["near"],
        ours / speed,
        by_index / speed,
    );
}

/// The most memory that this process has held, in MB; Linux only.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1000)
}
