//! Answers as Anthropic's Messages have them.

use ethos_core::{Completion, Stop, ToolCall, Usage};
use serde_json::Value;

use super::THINKING;
use crate::{
    client::Billed, dialect::ANSWER, fault::Unreadable, openai::tokens, price::Cached, stop::stop,
};

/// An answer. `structured` when its tool call is the answer.
pub(crate) fn completion(
    value: &Value,
    structured: bool,
) -> Result<Billed<Completion>, Unreadable> {
    let reason = value["stop_reason"].as_str();
    let (mut text, mut reasoning) = (String::new(), String::new());
    let (mut calls, mut thinking) = (Vec::new(), Vec::new());
    let blocks = match &value["content"] {
        Value::Array(blocks) => blocks.as_slice(),
        // Servers that only speak like Anthropic's are not so strict.
        Value::String(said) => {
            text.push_str(said);
            &[]
        }
        _ if reason.is_some() => &[],
        _ => return Err(Unreadable::Lacks("content")),
    };
    for block in blocks {
        match block["type"].as_str() {
            Some("text") => text.push_str(block["text"].as_str().unwrap_or_default()),
            Some("thinking") => {
                reasoning.push_str(block["thinking"].as_str().unwrap_or_default());
                thinking.push(block.clone());
            }
            Some("redacted_thinking") => thinking.push(block.clone()),
            Some("tool_use") => calls.push(tool_call(block)),
            _ => {}
        }
    }
    let mut stop = stop(reason, !calls.is_empty()).ok_or(Unreadable::BrokenOff)?;
    if structured && let Some(at) = calls.iter().position(|call: &ToolCall| call.name == ANSWER) {
        text = calls.remove(at).arguments;
        if stop == Stop::ToolCalls && calls.is_empty() {
            stop = Stop::End;
        }
    }
    let empty = text.is_empty();
    let mut completion = Completion::new(text);
    if !calls.is_empty() {
        if empty {
            completion.message.content = None;
        }
        if !thinking.is_empty() {
            completion.message.extra.insert(THINKING.into(), thinking.into());
        }
    }
    completion.message.tool_calls = calls;
    completion.reasoning = (!reasoning.is_empty()).then_some(reasoning);
    completion.stop = stop;
    completion.response_id = value["id"].as_str().map(str::to_owned);
    let (usage, cached) = usage(&value["usage"]);
    completion.usage = usage.unwrap_or_default();
    Ok(Billed { value: completion, usage, cached })
}

fn tool_call(block: &Value) -> ToolCall {
    let text = |field: &str| block[field].as_str().unwrap_or_default();
    let arguments = match &block["input"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        input => input.to_string(),
    };
    ToolCall::new(text("id"), text("name"), arguments)
}

/// Anthropic counts what its cache gave, and took, beside the input.
fn usage(usage: &Value) -> (Option<Usage>, Cached) {
    let count = |field: &str| tokens(&usage[field]);
    let read = count("cache_read_input_tokens").unwrap_or_default();
    let written = count("cache_creation_input_tokens").unwrap_or_default();
    let known = count("input_tokens").zip(count("output_tokens")).map(|(input, output)| {
        Usage::new(input.saturating_add(read).saturating_add(written), output)
    });
    (known, Cached { read, written })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_with_everything() {
        let value = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "text", "text": "so"},
                {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
                {"type": "from_the_future"},
            ],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5},
        });
        let Billed { value: answer, usage, cached } = completion(&value, false).unwrap();
        assert_eq!((answer.message.text().as_ref(), answer.stop), ("so", Stop::ToolCalls));
        assert_eq!(answer.reasoning.as_deref(), Some("hm"));
        assert_eq!(answer.message.tool_calls, [ToolCall::new("c1", "f", r#"{"a":1}"#)]);
        assert_eq!(answer.message.extra[THINKING][0]["signature"], "s");
        assert_eq!((usage, cached), (Some(Usage::new(7, 5)), Cached { read: 4, written: 0 }));
    }

    #[test]
    fn answers_end_in_many_ways() {
        let read = |reason: &str| {
            let value = json!({"content": [{"type": "text", "text": "a"}], "stop_reason": reason});
            completion(&value, false).unwrap().value.stop
        };
        assert_eq!(read("end_turn"), Stop::End);
        assert_eq!(read("max_tokens"), Stop::Length);
        assert_eq!(read("refusal"), Stop::Refusal);
        assert_eq!(read("pause_turn"), Stop::Other("pause_turn".into()));
        let empty = completion(&json!({"content": [], "stop_reason": "end_turn"}), false).unwrap();
        assert_eq!((empty.value.message.text().as_ref(), empty.usage), ("", None));
        assert!(completion(&json!({"type": "message"}), false).is_err());
        let said = |content: Value| {
            let value = json!({"content": content, "stop_reason": "refusal"});
            completion(&value, false).unwrap().value
        };
        assert_eq!(said(json!("no")).message.text(), "no");
        assert_eq!((said(json!(null)).stop, said(json!([])).stop), (Stop::Refusal, Stop::Refusal));
        let structured = json!({"content": [{"type": "tool_use", "name": "answer", "input": {"a": 1}}], "stop_reason": "tool_use"});
        let answer = completion(&structured, true).unwrap().value;
        assert_eq!((answer.message.text().as_ref(), answer.stop), (r#"{"a":1}"#, Stop::End));
    }

    proptest! {
        #[test]
        fn any_block_is_survived(
            kind in prop::sample::select(vec!["text", "thinking", "tool_use", "x"]),
            field in prop::sample::select(vec!["text", "thinking", "input", "name", "id"]),
            n: i64, text in ".{0,8}", structured: bool, pick in 0usize..5,
        ) {
            let any = [json!(null), json!(n), json!(text), json!([n]), json!({"a": text})];
            let block = json!({"type": kind, field: any[pick]});
            let usage = json!({"input_tokens": n, "output_tokens": any[pick]});
            let value = json!({"content": [block, any[pick]], "stop_reason": any[pick], "usage": usage});
            let _ = completion(&value, structured);
        }
    }
}
