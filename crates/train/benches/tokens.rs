//! What tokenising, packing and reading rows take.
//!
//! ```text
//! cargo bench -p ethos-train --bench tokens               # 40 MB of text
//! cargo bench -p ethos-train --bench tokens -- 400
//! ```
//!
//! A byte-level BPE tokenizer of 8,000 tokens is trained on a tenth of the text, which is made of words
//! of syllables as frequent as Zipf has it. Then it is tokenised on one thread and on all, against
//! tokenising alone; a million rows are packed; and every batch of an epoch is read from disk.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use ethos_train::{
    BatchSize, Error, Order, OrderConfig, Overlong, Row, RowFile, Rows, Tokenizer, pack,
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

fn main() {
    // cargo passes `--bench` and whatever the user adds.
    let megabytes = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(40);
    let folder = tempfile::tempdir().unwrap();
    let texts = texts(megabytes * 1_000_000);
    let tokenizer = Tokenizer::train(&texts[..texts.len() / 10], 8_000, ["<eos>"]).unwrap();
    let size = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    println!("{} texts, {size:.0} MB", texts.len());

    let alone = time(|| texts.iter().for_each(|text| drop(tokenizer.encode(text).unwrap())));
    println!("{:<34} {:>8.1} MB/s", "tokenizer alone, one thread", size / alone.as_secs_f64());
    let all = std::thread::available_parallelism().unwrap().get();
    for threads in [1, all] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let path = folder.path().join("rows");
        let took = time(|| {
            let items = texts.iter().map(Ok::<_, Error>);
            let tokenise = |text: &&String| tokenizer.document(text);
            pool.install(|| RowFile::write(&path, "", items, tokenise, &())).unwrap();
        });
        let what = format!("tokenised to a file, {threads} threads");
        println!("{what:<34} {:>8.1} MB/s", size / took.as_secs_f64());
    }

    let rows = RowFile::open(folder.path().join("rows")).unwrap();
    let tokens = rows.digest().unwrap().tokens as f64;
    println!("{:<34} {:>8.1} million", "tokens", tokens / 1e6);
    let config = OrderConfig {
        batch: BatchSize::Sequences(32),
        sequence: 4096,
        overlong: Overlong::Split,
        seed: 0,
    };
    let mut order = Order::new(&rows, config).unwrap();
    let steps = order.steps(1).unwrap();
    let took = time(|| (0..steps).for_each(|step| drop(order.batch(step).unwrap())));
    println!("{:<34} {:>8.1} million tokens/s", "batches read", tokens / 1e6 / took.as_secs_f64());
    let took = time(|| rows.verify().unwrap());
    println!("{:<34} {:>8.1} million tokens/s", "verified", tokens / 1e6 / took.as_secs_f64());

    let rows = Lengths::new(1_000_000);
    let took = time(|| {
        let packed = pack(&rows, 8192, Overlong::Split).unwrap();
        let packing = packed.packing();
        println!(
            "{:<34} {:>8.3} %",
            "a million rows packed, filled",
            100.0 * packing.share_filled()
        );
    });
    println!("{:<34} {:>8.2} s", "a million rows packed, in", took.as_secs_f64());
}

/// Rows that have lengths, about as documents have, and nothing else.
struct Lengths(Vec<u32>);

impl Lengths {
    fn new(rows: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let length = |random: &mut ChaCha8Rng| (random.random_range(3.0_f64..9.6).exp()) as u32;
        Lengths((0..rows).map(|_| length(&mut random)).collect())
    }
}

impl Rows for Lengths {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn tokens(&self, row: usize) -> usize {
        self.0[row] as usize
    }

    fn read(
        &self,
        _: usize,
        tokens: std::ops::Range<usize>,
        into: &mut Row,
    ) -> ethos_train::Result<()> {
        into.ids.resize(into.ids.len() + tokens.len(), 0);
        into.weights.resize(into.ids.len(), 1.0);
        Ok(())
    }

    fn learns(&self, _: usize, tokens: std::ops::Range<usize>) -> ethos_train::Result<bool> {
        Ok(!tokens.is_empty())
    }
}

/// Texts of some 4 kB, so many bytes in all.
fn texts(bytes: usize) -> Vec<String> {
    const SYLLABLES: [&str; 16] = [
        "ba", "ren", "to", "li", "ms", "ka", "shi", "or", "en", "du", "pre", "ing", "es", "vo",
        "th", "qua",
    ];
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let word = |random: &mut ChaCha8Rng| -> String {
        (0..random.random_range(1..5)).map(|_| *SYLLABLES.choose(random).unwrap()).collect()
    };
    let words: Vec<String> = (0..30_000).map(|_| word(&mut random)).collect();
    let mut texts = vec![String::new()];
    let mut left = bytes;
    while left > 0 {
        if texts.last().unwrap().len() > 4_000 {
            texts.push(String::new());
        }
        // Zipf: the logarithm of the rank is uniform.
        let rank = (random.random_range(0.0..(words.len() as f64).ln())).exp() as usize;
        let text = texts.last_mut().unwrap();
        *text += &words[rank];
        *text += if random.random_ratio(1, 12) { ". " } else { " " };
        left = left.saturating_sub(words[rank].len() + 1);
    }
    texts
}

fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}
