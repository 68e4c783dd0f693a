//! Logs and samples that use what the format has.

use ethos_evallog::*;

pub(crate) const TIME: &str = "2026-01-31T12:00:00+00:00";

pub(crate) fn log() -> EvalLog {
    let mut spec = EvalSpec::new("ethos/cheese_taste", "local/tiny", TIME);
    spec.task_id = "JZ5hC".into();
    spec.run_id = "run".into();
    spec.eval_id = "eval".into();
    spec.dataset.samples = Some(3);
    spec.dataset.sample_ids = Some(vec![1.into(), "a/b ☂".into()]);
    spec.tags = Some(vec!["quick".into()]);
    spec.metadata = Some(map([("seed", 7.into()), ("nan", f64::NAN.into())]));
    spec.config.epochs = Some(2);
    let mut log = EvalLog::new(spec);
    log.plan.steps.push(EvalPlanStep::new("generate", map([("tool_calls", "loop".into())])));
    log.plan.config.temperature = Some(0.5);
    log
}

pub(crate) fn finished() -> EvalLog {
    let mut log = log();
    let mut results = EvalResults::new(4, 3);
    let mut score = EvalScore::new("match")
        .with(EvalMetric::new("accuracy", 0.5))
        .with(EvalMetric::new("wilson_lo", f64::NAN));
    score.scored_samples = Some(2);
    score.unscored_samples = Some(1);
    results.scores.push(score);
    log.results = Some(results);
    log.status = EvalStatus::Success;
    log.stats.started_at = TIME.into();
    log.stats.completed_at = TIME.into();
    log.stats.model_usage.insert("local/tiny".into(), ModelUsage::new(3, 4));
    log
}

pub(crate) fn reductions() -> Vec<EvalSampleReductions> {
    let scores = [(1, Score::new(1.0)), (2, Score::unscored("refusal"))];
    let scores = scores.map(|(id, score)| EvalSampleScore::new(id, score));
    vec![EvalSampleReductions::new("match", scores.to_vec())]
}

/// A sample with whatever there is.
pub(crate) fn full(id: impl Into<SampleId>, epoch: i64) -> EvalSample {
    let mut sample = EvalSample::new(id, epoch, "Which cheese?", "Brie");
    let mut call = ChatMessage::new(Role::Assistant, "");
    call.content = Content::Parts(vec![
        ContentPart::reasoning("I should look."),
        ContentPart::text("Looking."),
    ]);
    call.tool_calls = Some(vec![ToolCall::new("c1", "shop", map([("cheese", "Brie".into())]))]);
    let mut answer = ChatMessage::new(Role::Tool, "sold out");
    answer.tool_call_id = Some("c1".into());
    answer.function = Some("shop".into());
    answer.error = Some(ToolError::new("timeout", "too slow"));
    sample.messages = vec![ChatMessage::new(Role::User, "Which cheese?"), call, answer];
    sample.output = ModelOutput::new("local/tiny", "Brie \"\\\n\u{1} 😀", StopReason::Stop);
    sample.output.usage = Some(ModelUsage::new(3, 4));
    let mut dict = Score::new(map([("harmful", 1.0.into()), ("verdict", f64::NAN.into())]));
    dict.explanation = Some("seen".into());
    let scores =
        [("match", Score::new("C")), ("judge", Score::unscored("grader_failed")), ("dict", dict)];
    sample.scores =
        Some(scores.into_iter().map(|(name, score)| (name.to_owned(), score)).collect());
    sample.metadata = map([("n", 1.into()), ("null", Value::Null), ("inf", f64::INFINITY.into())]);
    sample.store = map([("kept", Value::Array(vec![1.into(), "x".into(), Value::Null]))]);
    sample.events = vec![
        Event::info("ethos", map([("outcome", "refused".into())]), TIME, 0.0),
        Event::model(&sample.messages[..1], &sample.output, TIME, 0.5).unwrap(),
        Event::score(&Score::new("C"), TIME, 1.5).unwrap(),
    ];
    sample.error = Some(EvalError::new("it broke", "because"));
    sample.limit = Some(EvalSampleLimit::new("token", 100.0));
    sample.started_at = Some(TIME.into());
    sample.completed_at = Some(TIME.into());
    sample.total_time = Some(2.5);
    sample.uuid = Some(format!("uuid-{}-{epoch}", sample.id));
    sample.attachments.insert("abc".into(), "long".into());
    sample.model_usage.insert("local/tiny".into(), ModelUsage::new(3, 4));
    sample
}

pub(crate) fn map<const N: usize>(fields: [(&str, Value); N]) -> Map {
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
