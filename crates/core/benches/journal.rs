//! What durable asking costs.
//!
//! ```text
//! cargo bench -p ethos-core --bench journal               # 100,000 asks
//! cargo bench -p ethos-core --bench journal -- 1000000
//! ```
//!
//! An instant `Scripted` answers with 1 kB at concurrency 64. Asking is measured against bare redb,
//! which commits the same bytes, 64 rows at a time, in the same run: a durable commit costs what the
//! disk makes it cost.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use ethos_core::{Ask, Journal, Query, Reply, Request, Scripted, ask_all};
use futures::{StreamExt, executor::block_on, stream};
use redb::{Database, TableDefinition};

const CONCURRENCY: usize = 64;

fn main() {
    // cargo passes `--bench` and whatever the user adds.
    let rows = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");

    let asked = time(|| ask(&path, rows, false));
    let reused = time(|| ask(&path, rows, true));
    let memory = peak_memory();
    let raw = time(|| raw_redb(&folder.path().join("raw.redb"), rows));

    println!("{rows} asks, answers of 1 kB, concurrency {CONCURRENCY}");
    println!("{:<28} {:>10.0}/s", "journalled asks", rate(rows, asked));
    println!("{:<28} {:>10.0}/s", "bare redb, 64 rows a commit", rate(rows, raw));
    println!("{:<28} {:>10.2}", "ratio", raw.as_secs_f64() / asked.as_secs_f64());
    println!("{:<28} {:>10.0}/s", "reused from the journal", rate(rows, reused));
    println!("{:<28} {:>10}", "peak memory of asking, MB", memory.unwrap_or_default());
}

fn ask(path: &Path, rows: u32, again: bool) {
    let answer = "So it is, and so it was. ".repeat(40);
    let model = Scripted::new("instant", move |_| answer.as_str().into());
    let model = model.with_concurrency(CONCURRENCY);
    let journal = Journal::open(path).unwrap();
    let asks = (0..rows).map(|n| {
        let query = Query::Complete(Request::user(format!("What of number {n}?")));
        Ask::new("bench", n.to_string(), query)
    });
    let read = |_: &_, reply: &Reply| Ok(reply.text()?.len());
    let mut answers = std::pin::pin!(ask_all(&model, &journal, stream::iter(asks), read, &()));
    block_on(async {
        while let Some(answer) = answers.next().await {
            let answer = answer.unwrap();
            assert_eq!((answer.result.unwrap(), answer.reused), (1000, again));
        }
    });
}

fn raw_redb(path: &Path, rows: u32) {
    const TABLE: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("rows");
    let store = Database::builder().set_cache_size(64 << 20).create(path).unwrap();
    let value = [b'x'; 1000];
    let numbers: Vec<u32> = (0..rows).collect();
    for numbers in numbers.chunks(CONCURRENCY) {
        let change = store.begin_write().unwrap();
        {
            let mut table = change.open_table(TABLE).unwrap();
            for n in numbers {
                // Keys in no order, as hashes are.
                let key = blake3::hash(&n.to_le_bytes());
                table.insert(key.as_bytes(), value.as_slice()).unwrap();
            }
        }
        change.commit().unwrap();
    }
}

fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn rate(rows: u32, took: Duration) -> f64 {
    f64::from(rows) / took.as_secs_f64()
}

/// The most memory that this process has held, in MB; Linux only.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1000)
}
