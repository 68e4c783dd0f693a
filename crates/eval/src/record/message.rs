//! Messages and answers.

use ethos_core::{Completion, Content, Message, Role, Stop, ToolCall, Usage};
use ethos_evallog as log;
use serde_json::Value;

pub(super) fn message(message: &Message) -> log::ChatMessage {
    let role = match &message.role {
        Role::System => log::Role::System,
        Role::Assistant => log::Role::Assistant,
        Role::Tool => log::Role::Tool,
        // Inspect has no others.
        _ => log::Role::User,
    };
    let mut logged = log::ChatMessage::new(role, message.text());
    if let Some(Content::Parts(parts)) = &message.content
        && let Ok(parts) = serde_json::from_value(Value::from(parts.clone()))
    {
        logged.content = log::Content::Parts(parts);
    }
    let calls: Vec<log::ToolCall> = message.tool_calls.iter().map(call).collect();
    logged.tool_calls = (!calls.is_empty()).then_some(calls);
    logged.tool_call_id = message.tool_call_id.as_deref().map(log::Value::from);
    logged
}

fn call(call: &ToolCall) -> log::ToolCall {
    match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(arguments)) => {
            let arguments = arguments.into_iter().map(|(name, value)| (name, value.into()));
            log::ToolCall::new(&call.id, &call.name, arguments.collect())
        }
        _ => {
            let raw = [("arguments".to_owned(), log::Value::from(call.arguments.as_str()))];
            let mut logged = log::ToolCall::new(&call.id, &call.name, raw.into());
            logged.parse_error = Some("the arguments are no JSON object".to_owned());
            logged
        }
    }
}

pub(super) fn unlogged(logged: &log::ChatMessage) -> Message {
    let role = match logged.role {
        log::Role::System => Role::System,
        log::Role::Assistant => Role::Assistant,
        log::Role::Tool => Role::Tool,
        _ => Role::User,
    };
    let mut message = Message::new(role, logged.text());
    if let Some(id) = logged.tool_call_id.as_ref().and_then(log::Value::as_str) {
        message.tool_call_id = Some(id.to_owned());
    }
    let calls = logged.tool_calls.iter().flatten().map(|call| {
        let raw = call.arguments.get("arguments").and_then(log::Value::as_str);
        let arguments = match raw.filter(|_| call.parse_error.is_some()) {
            Some(raw) => raw.to_owned(),
            None => serde_json::to_string(&call.arguments).unwrap_or_default(),
        };
        ToolCall::new(call.id.as_str(), call.function.as_str(), arguments)
    });
    message.tool_calls = calls.collect();
    message
}

/// An answer, under the message that it became.
pub(super) fn output(model: &str, completion: &Completion, became: &Message) -> log::ModelOutput {
    let stop = match &completion.stop {
        Stop::End => log::StopReason::Stop,
        Stop::Length => log::StopReason::MaxTokens,
        Stop::Refusal => log::StopReason::ContentFilter,
        Stop::ToolCalls => log::StopReason::ToolCalls,
        _ => log::StopReason::Unknown,
    };
    let mut answer = message(became);
    answer.model = Some(model.to_owned());
    answer.source = Some("generate".to_owned());
    if let Some(reasoning) = &completion.reasoning {
        let text = became.text().into_owned();
        let parts = [log::ContentPart::reasoning(reasoning), log::ContentPart::text(text)];
        answer.content = log::Content::Parts(parts.into());
    }
    let mut output = log::ModelOutput::new(model, became.text(), stop.clone());
    output.choices = vec![log::Choice::new(answer, stop)];
    output.usage = Some(usage(completion.usage));
    output
}

/// The answer in an output; `None` when there is none.
pub(super) fn completion(output: &log::ModelOutput) -> Option<Completion> {
    let choice = output.choices.first()?;
    let stop = match &choice.stop_reason {
        log::StopReason::Stop => Stop::End,
        log::StopReason::MaxTokens | log::StopReason::ModelLength => Stop::Length,
        log::StopReason::ContentFilter => Stop::Refusal,
        log::StopReason::ToolCalls => Stop::ToolCalls,
        other => Stop::Other(other.as_str().to_owned()),
    };
    let mut completion = Completion::new(choice.message.text()).with_stop(stop);
    completion.message = unlogged(&choice.message);
    if let log::Content::Parts(parts) = &choice.message.content {
        completion.reasoning = parts.iter().find_map(|part| part.reasoning.clone());
    }
    if let Some(usage) = &output.usage {
        let tokens = |count: i64| count.try_into().unwrap_or_default();
        completion.usage = Usage::new(tokens(usage.input_tokens), tokens(usage.output_tokens));
    }
    Some(completion)
}

pub(super) fn usage(usage: Usage) -> log::ModelUsage {
    let tokens = |count: u64| count.try_into().unwrap_or(i64::MAX);
    log::ModelUsage::new(tokens(usage.input), tokens(usage.output))
}
