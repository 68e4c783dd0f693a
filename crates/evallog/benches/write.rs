//! What writing a log costs.
//!
//! ```text
//! cargo bench -p ethos-evallog                # 8,100 samples of 10 kB
//! cargo bench -p ethos-evallog -- 100000
//! ```
//!
//! Samples are made as they are written, with a readable log put in place after every 500 of them. Peak
//! memory is printed after a tenth of them and at the end: it should hardly grow between.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{fs, path::Path, time::Instant};

use ethos_evallog::{
    ChatMessage, Compression, EvalLog, EvalSample, EvalSpec, EvalStatus, Event, LogReader,
    LogWriter, ModelOutput, Role, Score, StopReason,
};

const FLUSH: i64 = 500;
const TIME: &str = "2026-01-31T12:00:00+00:00";

fn main() {
    // cargo passes `--bench` and whatever the user adds.
    let samples = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(8_100);
    let folder = tempfile::tempdir().unwrap();
    println!("{samples} samples of {} bytes", bytes(&sample(1)));
    let forms = [
        ("eval, deflate", "a.eval", Compression::Deflate),
        #[cfg(feature = "zstd")]
        ("eval, zstd", "b.eval", Compression::Zstd),
        ("json", "c.json", Compression::Deflate),
    ];
    for (form, name, compression) in forms {
        let path = folder.path().join(name);
        let start = Instant::now();
        let early = write(&path, compression, samples);
        let written = start.elapsed();
        let late = peak_memory();
        let start = Instant::now();
        let mut reader = LogReader::open(&path).unwrap();
        let read = reader.samples().map(|sample| sample.unwrap().epoch).sum::<i64>();
        assert_eq!(read, samples);
        println!(
            "{form:<14} written in {:>5.2} s, read in {:>5.2} s, {:>5.1} MB; peak memory {early} MB after \
             a tenth, {late} MB at the end",
            written.as_secs_f64(),
            start.elapsed().as_secs_f64(),
            fs::metadata(&path).unwrap().len() as f64 / 1e6,
        );
    }
}

/// Gives the peak memory after a tenth.
fn write(path: &Path, compression: Compression, samples: i64) -> u64 {
    let mut log = EvalLog::new(EvalSpec::new("bench", "local/tiny", TIME));
    let mut writer = LogWriter::create_packed(path, &log, compression).unwrap();
    let mut early = 0;
    for number in 1..=samples {
        writer.add(&sample(number)).unwrap();
        if number % FLUSH == 0 {
            writer.flush().unwrap();
        }
        if number == samples / 10 {
            early = peak_memory();
        }
    }
    log.status = EvalStatus::Success;
    writer.finish(&log, None).unwrap();
    early
}

/// A question, an answer of changing words, the event of asking, a score.
fn sample(number: i64) -> EvalSample {
    let mut state = number as u64;
    let mut word = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("w{} ", (state >> 40) % 5_000)
    };
    let answer: String = (0..320).map(|_| word()).collect();
    let mut sample = EvalSample::new(number, 1, "What do you do?", "");
    sample.messages = vec![ChatMessage::new(Role::User, "What do you do?")];
    sample.output = ModelOutput::new("local/tiny", answer, StopReason::Stop);
    sample.messages.push(sample.output.choices[0].message.clone());
    let asked = Event::model(&sample.messages[..1], &sample.output, TIME, 0.0).unwrap();
    sample.events.push(asked);
    sample.scores = Some([("judge".to_owned(), Score::new(0.0))].into());
    sample
}

fn bytes(sample: &EvalSample) -> usize {
    ethos_evallog::Value::of(sample).unwrap().to_string().len()
}

/// In MB, where the system tells it.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or_default() / 1000
}
