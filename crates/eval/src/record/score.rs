//! Scores and outcomes.

use ethos_evallog as log;
use serde_json::{Map, Value, json};

use crate::{Evidence, Outcome, Score, run::Run};

type Missing = fn(String) -> Outcome<Score>;

/// The words under which Inspect's logs say why there is no score; where it has one, its own.
const REASONS: [(&str, Missing); 7] = [
    ("refusal", Outcome::Refused),
    ("cut_off", Outcome::CutOff),
    ("invalid_response_format", Outcome::Unreadable),
    ("judge_unclear", Outcome::JudgeUnclear),
    ("grader_failed", Outcome::JudgeUnreadable),
    ("judge_refused", Outcome::JudgeRefused),
    ("infrastructure", Outcome::Infrastructure),
];

/// An outcome as a score; `text` is what evidence points into.
pub(super) fn score(outcome: &Outcome<Score>, text: &str) -> log::Score {
    let score = match outcome {
        Outcome::Scored(score) => score,
        missing => {
            let kind = missing.kind();
            let word = REASONS.iter().find(|(_, make)| make(String::new()).kind() == kind);
            let mut logged = log::Score::unscored(word.map_or(kind, |(word, _)| word));
            logged.explanation = missing.why().map(str::to_owned);
            return logged;
        }
    };
    let mut logged = log::Score::new(log::Number::Float(score.value));
    logged.answer.clone_from(&score.answer);
    logged.explanation.clone_from(&score.explanation);
    let mut metadata = score.metadata.clone();
    if !score.evidence.is_empty() {
        let evidence = score.evidence.iter().map(|Evidence { span, shows }| {
            let words = text.get(span.clone()).unwrap_or_default();
            json!({"begin": span.start, "end": span.end, "shows": shows, "text": words})
        });
        metadata.insert("evidence".to_owned(), evidence.collect());
    }
    let metadata: log::Map =
        metadata.into_iter().map(|(name, value)| (name, value.into())).collect();
    logged.metadata = (!metadata.is_empty()).then_some(metadata);
    logged
}

/// The outcome in a score. Inspect's letters are numbers: C and P for right and half right, I and N for
/// wrong and no answer.
pub(super) fn outcome(logged: &log::Score) -> Outcome<Score> {
    let value = match &logged.value {
        log::Value::Bool(yes) => Some(f64::from(*yes)),
        log::Value::Number(number) => Some(number.as_f64()).filter(|value| value.is_finite()),
        log::Value::String(text) => match text.as_str() {
            "C" => Some(1.0),
            "P" => Some(0.5),
            "I" | "N" => Some(0.0),
            other => other.parse().ok().filter(|value: &f64| value.is_finite()),
        },
        _ => None,
    };
    let why = logged.explanation.clone();
    let Some(value) = value else {
        let reason = logged.reason.as_deref().unwrap_or_default();
        let known = REASONS.iter().find(|(word, _)| *word == reason);
        let why = why.unwrap_or_else(|| match reason {
            "" => "there is no score".to_owned(),
            reason => reason.replace('_', " "),
        });
        return known.map_or(Outcome::Unreadable as Missing, |(_, make)| *make)(why);
    };
    let mut score = Score::new(value);
    score.answer.clone_from(&logged.answer);
    score.explanation = why;
    let metadata = logged.metadata.iter().flatten();
    score.metadata = metadata.map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let places = score.metadata.get("evidence").and_then(Value::as_array);
    let evidence: Option<Vec<Evidence>> = places
        .map(|places| places.iter().filter_map(|place| place_of(place.as_object()?)).collect());
    if let Some(evidence) = evidence {
        score.evidence = evidence;
        score.metadata.shift_remove("evidence");
    }
    Outcome::Scored(score)
}

fn place_of(place: &Map<String, Value>) -> Option<Evidence> {
    let at = |name: &str| usize::try_from(place.get(name)?.as_u64()?).ok();
    let shows = place.get("shows")?.as_str()?.to_owned();
    Some(Evidence { span: at("begin")?..at("end")?, shows })
}

/// What a log says of its measures as a whole.
pub(super) fn results(run: &Run) -> Vec<log::EvalScore> {
    run.measures
        .iter()
        .filter_map(|measure| {
            let tally = run.tally(&measure.name);
            if tally.total() == 0 {
                return None;
            }
            let mut result = log::EvalScore::new(measure.name.as_str());
            result.scored_samples = Some(tally.scored.trials as i64);
            result.unscored_samples = Some(tally.missing.total() as i64);
            let missing = json!({"kind": measure.kind, "missing": tally.missing});
            result.metadata = Some([("ethos".to_owned(), missing.into())].into());
            if let Ok(estimate) = run.estimate(&measure.name, 0.95) {
                let mut numbers = vec![("mean", Some(estimate.mean)), ("stderr", estimate.se)];
                let interval = estimate.interval;
                numbers.push(("ci95_low", interval.map(|interval| interval.low)));
                numbers.push(("ci95_high", interval.map(|interval| interval.high)));
                if tally.missing.total() > 0 {
                    numbers.push(("if_missing_low", estimate.bounds.map(|(low, _)| low)));
                    numbers.push(("if_missing_high", estimate.bounds.map(|(_, high)| high)));
                }
                for (name, value) in numbers {
                    if let Some(value) = value {
                        result = result.with(log::EvalMetric::new(name, value));
                    }
                }
            }
            Some(result)
        })
        .collect()
}

/// The mean over the epochs of each sample, for the viewer; the errors are not taken from it.
pub(super) fn reductions(run: &Run) -> Vec<log::EvalSampleReductions> {
    run.measures
        .iter()
        .map(|measure| {
            let mut samples: Vec<(&str, Vec<f64>)> = Vec::new();
            for (sample, outcome) in run.outcomes(&measure.name) {
                if samples.last().is_none_or(|(id, _)| *id != sample.id) {
                    samples.push((&sample.id, Vec::new()));
                }
                if let (Some((_, values)), Some(score)) = (samples.last_mut(), outcome.score()) {
                    values.push(score.value);
                }
            }
            let reduced = samples.into_iter().map(|(id, values)| {
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                log::EvalSampleScore::new(id, log::Score::new(log::Number::Float(mean)))
            });
            let mut reductions =
                log::EvalSampleReductions::new(measure.name.as_str(), reduced.collect());
            reductions.reducer = Some("mean".to_owned());
            reductions
        })
        .collect()
}
