//! Data larger than memory: a file of its own, since it looks at what the whole process holds.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use ethos_train::{BatchSize, Error, Order, OrderConfig, Overlong, Row, RowFile, Rows};

const ROWS: u32 = 300_000;

/// Megabytes that the process holds (`VmRSS`), or has held at most (`VmHWM`).
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1000
}

/// 50 to 149 tokens of its own, with loss on the later half.
fn row(number: &u32) -> ethos_train::Result<Row> {
    let tokens = 50 + (number.wrapping_mul(2_654_435_761) >> 16) % 100;
    let ids = (0..tokens).map(|token| number ^ token).collect();
    let weights = (0..tokens).map(|token| if token < tokens / 2 { 0.0 } else { 1.0 }).collect();
    Ok(Row { ids, weights })
}

#[test]
fn rows_on_disk_take_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows");
    let before = memory("VmRSS");
    let rows = RowFile::write(&path, "", (0..ROWS).map(Ok::<_, Error>), row, &()).unwrap();
    let size = std::fs::metadata(&path).unwrap().len() / 1_000_000;
    assert!(size > 115, "{size} MB are no test");
    assert_eq!(rows.row(123_456).unwrap(), row(&123_456).unwrap());

    let config = OrderConfig {
        batch: BatchSize::Sequences(64),
        sequence: 2048,
        overlong: Overlong::Cut,
        seed: 1,
    };
    let mut order = Order::new(&rows, config).unwrap();
    let steps = order.steps(1).unwrap();
    let weight: f64 = (0..steps).map(|step| order.batch(step).unwrap().weight()).sum();
    assert_eq!(weight, rows.digest().unwrap().learnt as f64, "everything was read");
    assert_eq!(order.packing(0).unwrap().cut, 0);

    let grown = memory("VmHWM").saturating_sub(before);
    assert!(grown < 50, "{size} MB of rows took {grown} MB of memory");
}
