//! Whatever stands in a log, known or not, comes back.

use std::io::Cursor;

use ethos_evallog::*;
use proptest::prelude::*;

use crate::samples::{finished, log};

fn number() -> impl Strategy<Value = Value> {
    let float = prop::num::f64::ANY.prop_map(Value::from);
    prop_oneof![float, any::<i64>().prop_map(Value::from), any::<u64>().prop_map(Value::from)]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let entries = prop::collection::vec((any::<String>(), inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            entries.prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Fields that no version of the format has.
fn unknown() -> impl Strategy<Value = Map> {
    let entries = prop::collection::vec(("x_[a-z]{1,4}", value()), 0..4);
    entries.prop_map(|entries| entries.into_iter().collect())
}

prop_compose! {
    fn sample()(
        id in prop_oneof![any::<i64>().prop_map(SampleId::from), "[^\0]{0,20}".prop_map(SampleId::from)],
        epoch in 1..4_i64,
        texts in any::<[String; 3]>(),
        score in value().prop_filter("null is no score", |value| *value != Value::Null),
        [mut extra, metadata, fields] in [unknown(), unknown(), unknown()],
    ) -> EvalSample {
        let [input, target, answer] = texts;
        let mut sample = EvalSample::new(id, epoch, input, target);
        sample.output = ModelOutput::new("m", answer, StopReason::from("resting"));
        sample.output.extra = extra.clone();
        let mut event = Event::new("from_tomorrow", "t", f64::NAN);
        event.fields = fields;
        sample.events.push(event);
        sample.scores = Some([("s".to_owned(), Score::new(score))].into());
        sample.metadata = metadata;
        sample.extra = std::mem::take(&mut extra);
        sample
    }
}

/// `NaN` is not itself.
fn shown(data: &impl std::fmt::Debug) -> String {
    format!("{data:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_unknown_survives(
        samples in prop::collection::vec(sample(), 0..4),
        extra in unknown(),
        ending in prop::sample::select(vec!["eval", "json"]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log").with_extension(ending);
        let mut header = finished();
        header.extra = extra.clone();
        header.eval.extra = extra;
        let mut writer = LogWriter::create(&path, &log()).unwrap();
        let mut wanted: Vec<EvalSample> = Vec::new();
        for sample in samples {
            match writer.add(&sample) {
                Ok(()) => {}
                Err(Error::Id { .. }) => continue,
                Err(error) => panic!("{error}"),
            }
            let same = |one: &EvalSample| {
                one.id.to_string() == sample.id.to_string() && one.epoch == sample.epoch
            };
            match wanted.iter().position(same) {
                Some(earlier) => wanted[earlier] = sample,
                None => wanted.push(sample),
            }
        }
        writer.finish(&header, None).unwrap();
        let mut reader = LogReader::open(&path).unwrap();
        prop_assert_eq!(reader.header().unwrap(), header);
        let found: Vec<EvalSample> = reader.samples().map(Result::unwrap).collect();
        prop_assert_eq!(shown(&found), shown(&wanted));
        for sample in wanted {
            let one = reader.sample(sample.id.clone(), sample.epoch).unwrap().unwrap();
            prop_assert_eq!(shown(&one), shown(&sample));
        }
    }

    /// A log that was cut or changed anywhere is read, or is an error.
    #[test]
    fn a_damaged_log_is_no_panic(
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        form in 0..3_usize,
    ) {
        let mut bytes = crate::hostile::SOUND[form].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // From the end mostly: that is where an archive starts.
        let cut = bytes.len().saturating_sub(cut.index(bytes.len() * 2));
        bytes.truncate(if cut == 0 { bytes.len() } else { cut });
        crate::hostile::read_all(Cursor::new(bytes));
    }
}
