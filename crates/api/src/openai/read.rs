//! Answers as chat completions have them, read tolerantly: fields are missing, `null`, or of another
//! type with one server or another.

use ethos_core::{Completion, Scored, Stop, ToolCall, Usage};
use serde_json::Value;

use crate::{client::Billed, dialect::ANSWER, fault::Unreadable, price::Cached, stop::stop};

/// The first choice of an answer. `structured` when its tool call is the answer.
pub(crate) fn completion(
    value: &Value,
    structured: bool,
) -> Result<Billed<Completion>, Unreadable> {
    let choice = value["choices"].get(0).ok_or(Unreadable::Lacks("choice"))?;
    let message = &choice["message"];
    let said = if message.is_object() { &message["content"] } else { &choice["text"] };
    let reason = choice["finish_reason"].as_str();
    // A router says so of a server behind it.
    if choice["error"].is_object() {
        return Err(Unreadable::BrokenOff);
    }
    // A filter may leave nothing of the message.
    let filtered = stop(reason, false) == Some(Stop::Refusal);
    if !message.is_object() && !said.is_string() && !filtered {
        return Err(Unreadable::Lacks("message in its choice"));
    }
    let (mut text, mut thoughts) = texts(said);
    for field in ["reasoning_content", "reasoning"] {
        if thoughts.is_empty()
            && let Some(reasoning) = message[field].as_str()
        {
            thoughts = reasoning.to_owned();
        }
    }
    let mut calls: Vec<ToolCall> =
        message["tool_calls"].as_array().into_iter().flatten().map(tool_call).collect();
    if calls.is_empty() && message["function_call"].is_object() {
        calls.push(function(&message["function_call"]));
    }
    let mut stop = stop(reason, !calls.is_empty()).ok_or(Unreadable::BrokenOff)?;
    if structured && let Some(at) = calls.iter().position(|call| call.name == ANSWER) {
        text = calls.remove(at).arguments;
        if stop == Stop::ToolCalls && calls.is_empty() {
            stop = Stop::End;
        }
    }
    if let Some(refusal) = refusal(message) {
        if text.is_empty() {
            text = refusal.to_owned();
        }
        stop = Stop::Refusal;
    }
    let mut completion = Completion::new(text);
    if completion.message.text().is_empty() && !calls.is_empty() {
        completion.message.content = None;
    }
    completion.message.tool_calls = calls;
    completion.reasoning = (!thoughts.is_empty()).then_some(thoughts);
    completion.stop = stop;
    completion.logprobs = logprobs(&choice["logprobs"]);
    completion.response_id = value["id"].as_str().map(str::to_owned);
    let (usage, cached) = usage(value);
    completion.usage = usage.unwrap_or_default();
    Ok(Billed { value: completion, usage, cached })
}

/// The words with which the model refuses: a field of the message, or a part of its content.
fn refusal(message: &Value) -> Option<&str> {
    let parts = message["content"].as_array().into_iter().flatten();
    let mut all = std::iter::once(message).chain(parts);
    all.find_map(|place| place["refusal"].as_str().filter(|refusal| !refusal.is_empty()))
}

/// Text and reasoning of a content: a text, or parts.
fn texts(content: &Value) -> (String, String) {
    let (mut text, mut thoughts) = (String::new(), String::new());
    match content {
        Value::String(said) => text.push_str(said),
        Value::Array(parts) => {
            for part in parts {
                match (&part["text"], &part["thinking"]) {
                    (Value::String(said), _) => text.push_str(said),
                    (_, Value::String(thought)) => thoughts.push_str(thought),
                    (_, thought @ Value::Array(_)) => thoughts.push_str(&texts(thought).0),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    (text, thoughts)
}

fn tool_call(value: &Value) -> ToolCall {
    serde_json::from_value(value.clone()).unwrap_or_else(|_| {
        let mut call = function(&value["function"]);
        if let Some(id) = value["id"].as_str() {
            call.id = id.to_owned();
        }
        call
    })
}

/// A call whose shape nobody documents: what is there is kept.
fn function(value: &Value) -> ToolCall {
    let arguments = match &value["arguments"] {
        Value::String(text) => text.clone(),
        Value::Null if value["name"].is_string() => String::new(),
        Value::Null => value.to_string(),
        other => other.to_string(),
    };
    ToolCall::new("", value["name"].as_str().unwrap_or_default(), arguments)
}

/// All of them, or none.
fn logprobs(value: &Value) -> Option<Vec<f32>> {
    let tokens = value["content"].as_array()?;
    tokens.iter().map(|token| token["logprob"].as_f64().map(|logprob| logprob as f32)).collect()
}

fn usage(value: &Value) -> (Option<Usage>, Cached) {
    let usage = &value["usage"];
    let count = |field: &str| tokens(&usage[field]);
    let cached = tokens(&usage["prompt_tokens_details"]["cached_tokens"]);
    // DeepSeek's name for it.
    let cached = cached.or_else(|| count("prompt_cache_hit_tokens"));
    let (input, output) = (count("prompt_tokens"), count("completion_tokens"));
    let total = count("total_tokens");
    let known = match (input, output, total) {
        (Some(input), Some(output), _) => Some(Usage::new(input, output)),
        (Some(input), None, Some(total)) => Some(Usage::new(input, total.saturating_sub(input))),
        _ => None,
    };
    (known, Cached { read: cached.unwrap_or_default(), written: 0 })
}

/// A number of tokens; some servers write `12.0`.
pub(crate) fn tokens(value: &Value) -> Option<u64> {
    let whole = |number: f64| (number >= 0.0 && number.fract() == 0.0).then_some(number as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(whole))
}

/// A token of the prompt, and its log-probability where it has one.
pub(crate) type Token = (String, Option<f64>);

/// The prompt's tokens, as vLLM gives them: the first has no probability, each other a map from
/// token ids, in which the token that stands in the prompt is the first.
pub(crate) fn prompt_logprobs(value: &Value) -> Result<Billed<Vec<Token>>, Unreadable> {
    let lacks = Unreadable::Lacks("`prompt_logprobs`");
    let tokens = value["prompt_logprobs"].as_array().ok_or(lacks.clone())?;
    let mut read = Vec::with_capacity(tokens.len());
    for token in tokens {
        let Some(token) = token.as_object().and_then(|map| map.values().next()) else {
            read.push((String::new(), None));
            continue;
        };
        let text = token["decoded_token"].as_str().ok_or(lacks.clone())?;
        let logprob = token["logprob"].as_f64().ok_or(lacks.clone())?;
        read.push((text.to_owned(), Some(logprob)));
    }
    let (usage, cached) = usage(value);
    Ok(Billed { value: read, usage, cached })
}

/// The score of the tokens that spell the continuation at the end; `None` when none do.
pub(crate) fn score(tokens: &[Token], continuation: &str) -> Option<Scored> {
    let (mut left, mut sum, mut count) = (continuation, 0.0, 0);
    for (text, logprob) in tokens.iter().rev() {
        if left.is_empty() {
            break;
        }
        left = left.strip_suffix(text.as_str()).filter(|_| !text.is_empty())?;
        sum += (*logprob)?;
        count += 1;
    }
    left.is_empty().then(|| Scored::new(sum, count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(choice: Value) -> Completion {
        completion(&json!({"choices": [choice]}), false).unwrap().value
    }

    #[test]
    fn an_answer_with_everything() {
        let value = json!({
            "id": "r1", "object": "chat.completion", "unknown": [1],
            "choices": [{
                "index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "yes", "reasoning_content": "hm",
                    "tool_calls": null, "refusal": null},
                "logprobs": {"content": [{"token": "yes", "logprob": -0.5}]},
            }],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 1}},
        });
        let Billed { value: answer, usage, cached } = completion(&value, false).unwrap();
        assert_eq!((answer.message.text().as_ref(), answer.stop), ("yes", Stop::End));
        assert_eq!(
            (answer.reasoning.as_deref(), answer.response_id.as_deref()),
            (Some("hm"), Some("r1"))
        );
        assert_eq!((usage, cached), (Some(Usage::new(3, 2)), Cached { read: 1, written: 0 }));
        assert_eq!(answer.logprobs, Some(vec![-0.5]));
    }

    #[test]
    fn answers_as_servers_vary_them() {
        assert_eq!(read(json!({"message": {"content": "a"}})).stop, Stop::Other("unknown".into()));
        assert_eq!(read(json!({"text": "a", "finish_reason": "stop"})).message.text(), "a");
        let parts = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
            {"type": "text", "text": "a"}, {"type": "text", "text": "b"}, 7]);
        let answer = read(json!({"message": {"content": parts}, "finish_reason": "stop"}));
        assert_eq!(
            (answer.message.text().as_ref(), answer.reasoning.as_deref()),
            ("ab", Some("hm"))
        );
        let refused =
            read(json!({"message": {"content": null, "refusal": "no"}, "finish_reason": "stop"}));
        assert_eq!((refused.message.text().as_ref(), refused.stop), ("no", Stop::Refusal));
        let part = json!([{"type": "refusal", "refusal": "no"}]);
        let refused = read(json!({"message": {"content": part}, "finish_reason": "stop"}));
        assert_eq!((refused.message.text().as_ref(), refused.stop), ("no", Stop::Refusal));
        let filtered = read(json!({"finish_reason": "content_filter"}));
        assert_eq!((filtered.message.text().as_ref(), filtered.stop), ("", Stop::Refusal));
        let empty = read(json!({"message": {"content": null}, "finish_reason": "length"}));
        assert_eq!((empty.message.text().as_ref(), empty.stop), ("", Stop::Length));
        for nothing in
            [json!({}), json!({"choices": []}), json!({"choices": [{}]}), json!({"choices": null})]
        {
            assert!(matches!(completion(&nothing, false), Err(Unreadable::Lacks(_))), "{nothing}");
        }
        for broken in [
            json!({"message": {"content": "half"}, "finish_reason": "error"}),
            json!({"message": {"content": "half"}, "finish_reason": "stop", "error": {"code": 502}}),
        ] {
            let value = json!({"choices": [broken]});
            assert_eq!(completion(&value, false), Err(Unreadable::BrokenOff), "{value}");
        }
    }

    #[test]
    fn tokens_as_servers_count_them() {
        let of = |value: Value| usage(&json!({"usage": value}));
        let floats = json!({"prompt_tokens": 3.0, "completion_tokens": 2.0});
        assert_eq!(of(floats).0, Some(Usage::new(3, 2)));
        let total = json!({"prompt_tokens": 3, "total_tokens": 5, "prompt_cache_hit_tokens": 1});
        assert_eq!(of(total), (Some(Usage::new(3, 2)), Cached { read: 1, written: 0 }));
        for nothing in
            [json!(null), json!({"prompt_tokens": 3}), json!({"prompt_tokens": -1}), json!([1])]
        {
            assert_eq!(of(nothing).0, None);
        }
    }

    #[test]
    fn tool_calls_survive_whatever_their_shape() {
        let calls = json!([
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{broken"}},
            {"function": {"name": "g", "arguments": {"a": 1}}},
            {"id": 7, "function": {"name": "h"}},
            {"strange": true},
        ]);
        let answer = read(
            json!({"message": {"content": null, "tool_calls": calls}, "finish_reason": "stop"}),
        );
        assert_eq!((answer.stop, answer.message.content), (Stop::ToolCalls, None));
        let calls: Vec<_> = (answer.message.tool_calls.iter())
            .map(|call| (call.id.as_str(), call.name.as_str(), call.arguments.as_str()))
            .collect();
        assert_eq!(calls[..3], [("c1", "f", "{broken"), ("", "g", r#"{"a":1}"#), ("", "h", "")]);
        assert_eq!(calls.len(), 4);
        let structured = json!({"choices": [{"finish_reason": "stop", "message": {"tool_calls": [
            {"id": "c", "function": {"name": "answer", "arguments": "{\"a\":1}"}}]}}]});
        let answer = completion(&structured, true).unwrap().value;
        assert_eq!((answer.message.text().as_ref(), answer.stop), (r#"{"a":1}"#, Stop::End));
        assert!(answer.message.tool_calls.is_empty());
    }

    #[test]
    fn continuations_are_scored_on_boundaries_of_tokens() {
        let token = |text: &str, logprob: f64| json!({"5": {"logprob": logprob, "rank": 1, "decoded_token": text}});
        let value = json!({"prompt_logprobs": [null, token("Is", -1.0), token(" it", -2.0), token("?", -4.0)]});
        let tokens = prompt_logprobs(&value).unwrap().value;
        let it = score(&tokens, " it?").unwrap();
        assert_eq!((it.logprob_sum, it.tokens, it.counts_end), (-6.0, 2, false));
        assert_eq!(score(&tokens, "t?"), None);
        assert_eq!(score(&tokens, "other"), None);
        assert_eq!(score(&tokens, "").unwrap().tokens, 0);
        assert!(prompt_logprobs(&json!({"choices": []})).is_err());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let words = prop::sample::select(vec![
            "choices",
            "message",
            "content",
            "tool_calls",
            "function",
            "arguments",
            "name",
            "id",
            "finish_reason",
            "usage",
            "prompt_tokens",
            "logprobs",
            "refusal",
            "text",
            "thinking",
            "function_call",
            "prompt_logprobs",
            "decoded_token",
            "logprob",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 48, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((words.clone(), inner), 0..5).prop_map(|pairs| {
                    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Value>()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_answer_is_survived(value in any_json(), message in any_json(), structured: bool) {
            let _ = (completion(&value, structured), prompt_logprobs(&value));
            let near = json!({"choices": [{"message": message.clone(), "finish_reason": value.clone()}], "usage": message.clone(), "prompt_logprobs": message});
            let _ = (completion(&near, structured), prompt_logprobs(&near));
        }
    }
}
