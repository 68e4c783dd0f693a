//! What is answered, as OpenAI's clients read it.

use std::time::{SystemTime, UNIX_EPOCH};

use ethos_core::{Completion, Stop};
use serde_json::{Value, json};

/// All in one.
pub(crate) fn whole(name: &str, completions: &[Completion]) -> Value {
    let choices = completions.iter().enumerate().map(|(index, completion)| {
        json!({"index": index, "message": message(completion), "finish_reason": reason(completion), "logprobs": null})
    });
    json!({
        "id": id(completions), "object": "chat.completion", "created": now(), "model": name,
        "choices": choices.collect::<Vec<_>>(), "usage": usage(completions),
    })
}

/// The same as a stream: a piece that says all, one that says why it ended, and the end.
pub(crate) fn pieces(name: &str, completions: &[Completion]) -> String {
    let piece = |choices: Vec<Value>, usage: Value| {
        let piece = json!({
            "id": id(completions), "object": "chat.completion.chunk", "created": now(), "model": name,
            "choices": choices, "usage": usage,
        });
        format!("data: {piece}\n\n")
    };
    let each = completions.iter().enumerate();
    let said = each.clone().map(|(index, completion)| {
        let mut delta = message(completion);
        for (number, call) in delta
            .get_mut("tool_calls")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .enumerate()
        {
            call["index"] = number.into();
        }
        json!({"index": index, "delta": delta, "finish_reason": null})
    });
    let ended = each.map(|(index, completion)| {
        json!({"index": index, "delta": {}, "finish_reason": reason(completion)})
    });
    let pieces = [
        piece(said.collect(), Value::Null),
        piece(ended.collect(), Value::Null),
        piece(Vec::new(), usage(completions)),
    ];
    pieces.concat() + "data: [DONE]\n\n"
}

fn message(completion: &Completion) -> Value {
    let mut message = json!(completion.message);
    if let Some(reasoning) = &completion.reasoning {
        message["reasoning_content"] = reasoning.as_str().into();
    }
    if completion.stop == Stop::Refusal {
        message["refusal"] = completion.message.text().into();
    }
    message
}

fn reason(completion: &Completion) -> &str {
    match &completion.stop {
        Stop::Length => "length",
        Stop::Refusal => "content_filter",
        Stop::ToolCalls => "tool_calls",
        _ => "stop",
    }
}

fn usage(completions: &[Completion]) -> Value {
    // The request is read once for all of its answers.
    let input = completions.iter().map(|completion| completion.usage.input).max().unwrap_or(0);
    let output: u64 = completions.iter().map(|completion| completion.usage.output).sum();
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
}

fn id(completions: &[Completion]) -> String {
    let known = completions.iter().find_map(|completion| completion.response_id.clone());
    known.unwrap_or_else(|| format!("chatcmpl-{}", now()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
