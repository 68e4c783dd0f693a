//! Samples.

use std::mem;

use ethos_core::{Completion, Content, Message, Tool};
use ethos_evallog as log;
use serde_json::{Value, json};

use super::message::{completion, message, output, unlogged, usage};
use crate::{
    Sample, Scores, State,
    state::{Ended, Reached, Step},
};

/// The column under which a sample's cluster stands in its metadata.
const CLUSTER: &str = "cluster";

pub(super) fn logged(
    model: &str,
    state: &State,
    scores: &Scores,
    now: &str,
    seconds: Option<f64>,
) -> Result<log::EvalSample, log::Error> {
    let sample = &state.sample;
    let mut logged = log::EvalSample::new(sample.id.as_str(), state.epoch.into(), "", "");
    logged.input = match sample.input.as_slice() {
        [only] if *only == Message::user(only.text()) => log::Input::Text(only.text().into_owned()),
        several => log::Input::Messages(several.iter().map(message).collect()),
    };
    logged.target = match sample.target.as_slice() {
        [] => log::Target::One(String::new()),
        [one] => log::Target::One(one.clone()),
        several => log::Target::Many(several.to_vec()),
    };
    logged.choices = (!sample.choices.is_empty()).then(|| sample.choices.clone());
    logged.metadata = object(&sample.metadata);
    if let Some(cluster) = &sample.cluster {
        logged.metadata.insert(CLUSTER.to_owned(), cluster.as_str().into());
    }
    logged.store = object(&state.store);
    logged.messages = state.messages.iter().map(message).collect();
    if let (Some(completion), Some(at)) = (&state.completion, state.answered()) {
        logged.output = output(model, completion, &state.messages[at]);
    } else {
        logged.output.model = model.to_owned();
    }
    let text = state.last_text();
    let scores =
        scores.iter().map(|(name, outcome)| (name.clone(), super::score::score(outcome, &text)));
    logged.scores = Some(scores.collect());
    logged.model_usage.insert(model.to_owned(), usage(state.usage));
    logged.turn_count = Some(state.turns.into());
    match &state.ended {
        None => {}
        Some(Ended::Failed(why)) => logged.error = Some(log::EvalError::new(why, why)),
        Some(Ended::Limit(limit)) => {
            let (kind, value) = match limit {
                Reached::Turns(turns) => ("turn", f64::from(*turns)),
                Reached::Tokens(tokens) => ("token", *tokens as f64),
                Reached::Seconds(seconds) => ("time", *seconds),
            };
            let mut logged_limit = log::EvalSampleLimit::new(kind, value);
            logged_limit.reason = Some(limit.to_string());
            logged.limit = Some(logged_limit);
        }
    }
    logged.total_time = seconds;
    logged.working_time = seconds;
    logged.completed_at = Some(now.to_owned());
    logged.events = events(model, state, now)?;
    Ok(logged)
}

/// What happened, step by step. The input of an answer is what came since the answer before, so that a long
/// conversation stands in its log once and not once for every turn; so do the tools, with the first answer.
fn events(model: &str, state: &State, now: &str) -> Result<Vec<log::Event>, log::Error> {
    let (mut seen, mut told_tools) = (0, false);
    let mut events = Vec::new();
    for step in &state.steps {
        events.push(match step {
            Step::Answer { after, completion, reused } => {
                let new = state.messages.get(seen..*after).unwrap_or_default();
                let new: Vec<log::ChatMessage> = new.iter().map(message).collect();
                let became = state.messages.get(*after).unwrap_or(&completion.message);
                seen = after + 1;
                let mut event = log::Event::model(&new, &output(model, completion, became), now, 0.0)?;
                if *reused {
                    event = event.with("cache", "read");
                }
                if !state.tools.is_empty() && !mem::replace(&mut told_tools, true) {
                    event = event.with("tools", json!(state.tools)).with("tool_choice", "auto");
                }
                event
            }
            Step::Scores { continuations, scored, .. } => {
                let data = json!({"continuations": continuations, "scored": scored});
                log::Event::info("score", data, now, 0.0)
            }
            Step::Tool { name, arguments, result } => {
                let (result, failed) = match result {
                    Ok(text) => (text.as_str(), false),
                    Err(why) => (why.as_str(), true),
                };
                let data = json!({"tool": name, "arguments": arguments, "result": result, "failed": failed});
                log::Event::info("tool", data, now, 0.0)
            }
            Step::Note { source, data } => log::Event::info(source, data.clone(), now, 0.0),
        });
    }
    Ok(events)
}

/// The state that a sample of a log was in when it was scored.
pub(crate) fn state(logged: &log::EvalSample) -> State {
    let input = match &logged.input {
        log::Input::Text(text) => vec![Message::user(text.as_str())],
        log::Input::Messages(messages) => messages.iter().map(unlogged).collect(),
    };
    let mut sample = Sample::chat(logged.id.to_string(), input);
    sample.target = match &logged.target {
        log::Target::One(target) if target.is_empty() => Vec::new(),
        log::Target::One(target) => vec![target.clone()],
        log::Target::Many(targets) => targets.clone(),
    };
    sample.choices = logged.choices.clone().unwrap_or_default();
    sample.metadata = plain(&logged.metadata);
    if let Some(Value::String(cluster)) = sample.metadata.shift_remove(CLUSTER) {
        sample.cluster = Some(cluster);
    }
    let mut state = State::new(sample, logged.epoch.try_into().unwrap_or(1));
    state.messages = logged.messages.iter().map(|message| whole(message, logged)).collect();
    state.completion = completion(&logged.output);
    if let Some(Completion { usage, .. }) = &state.completion {
        state.usage = *usage;
    }
    if let Some(all) = logged.model_usage.get(&logged.output.model) {
        let tokens = |count: i64| count.try_into().unwrap_or_default();
        state.usage = ethos_core::Usage::new(tokens(all.input_tokens), tokens(all.output_tokens));
    }
    state.turns = logged.turn_count.and_then(|turns| turns.try_into().ok()).unwrap_or_default();
    state.store = plain(&logged.store);
    state.ended = match (&logged.error, &logged.limit) {
        (Some(error), _) => Some(Ended::Failed(error.message.clone())),
        (None, Some(limit)) => Some(Ended::Limit(match limit.kind.as_str() {
            "turn" | "message" => Reached::Turns(limit.limit as u32),
            "token" => Reached::Tokens(limit.limit as u64),
            _ => Reached::Seconds(limit.limit),
        })),
        (None, None) => None,
    };
    let scored = logged.events.iter().rev().find_map(|event| {
        let data = event.fields.get("data").filter(|_| event.kind == "info")?;
        let scored = data.get("scored").filter(|_| data.get("continuations").is_some())?;
        serde_json::from_value(scored.clone().into()).ok()
    });
    state.scored = scored.unwrap_or_default();
    state.tools = tools(logged);
    state
}

/// The tools that the model had when it was first asked. What is no tool is left out.
fn tools(logged: &log::EvalSample) -> Vec<Tool> {
    let asked = logged.events.iter().find(|event| event.kind == "model");
    let tools = asked.and_then(|event| event.fields.get("tools")?.as_array());
    let tool =
        |tool: &log::Value| serde_json::from_value(attached(tool.clone().into(), logged)).ok();
    tools.into_iter().flatten().filter_map(tool).collect()
}

/// A message with its long text.
fn whole(message: &log::ChatMessage, logged: &log::EvalSample) -> Message {
    let mut message = unlogged(message);
    if let Value::String(text) = attached(message.text().into(), logged) {
        message.content = Some(Content::Text(text));
    }
    message
}

/// A value with its long texts, which stand apart in logs of Inspect AI.
fn attached(value: Value, logged: &log::EvalSample) -> Value {
    match value {
        Value::String(text) => {
            let hash = text.strip_prefix("attachment://");
            let found = hash.and_then(|hash| logged.attachments.get(hash)).cloned();
            Value::String(found.unwrap_or(text))
        }
        Value::Array(all) => all.into_iter().map(|one| attached(one, logged)).collect(),
        Value::Object(all) => {
            all.into_iter().map(|(name, one)| (name, attached(one, logged))).collect()
        }
        other => other,
    }
}

pub(super) fn object(map: &serde_json::Map<String, Value>) -> log::Map {
    map.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
}

pub(super) fn plain(map: &log::Map) -> serde_json::Map<String, Value> {
    map.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
}
