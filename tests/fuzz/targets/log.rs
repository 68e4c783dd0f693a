//! Any bytes are a log or an error, and what is read of one survives being written.

#![no_main]

use std::io::Cursor;

use ethos_evallog::{EvalSample, Limits, LogReader, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (sample, header, lists, members) = (1 << 20, 1 << 20, 1 << 20, 1000);
    let limits = Limits { sample, header, lists, members, ..Limits::default() };
    let Ok(mut reader) = LogReader::new(Cursor::new(bytes), "fuzzed", limits) else { return };
    if let Ok(header) = reader.header() {
        survives(&Value::of(&header).expect("it is JSON"));
    }
    let samples: Vec<EvalSample> = reader.samples().take(100).filter_map(Result::ok).collect();
    for sample in &samples {
        survives(&Value::of(sample).expect("it is JSON"));
        survives(&Value::of(&sample.summary()).expect("it is JSON"));
        let _ = reader.sample(sample.id.clone(), sample.epoch);
    }
    let _ = reader.summaries().take(100).count();
    let _ = reader.reductions();
});

fn survives(value: &Value) {
    let text = value.to_string();
    let again: Value = text.parse().expect("it is read back");
    assert_eq!(again, *value);
    assert_eq!(again.to_string(), text);
}
