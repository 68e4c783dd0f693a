//! Requests as chat completions have them.

use ethos_core::{Message, ModelErrorKind, Request, Role, Sampling};
use serde_json::{Map, Value, json};

use crate::{Bound, Dialect, Endpoint, Prefill, Structure, dialect::ANSWER};

/// Why a request cannot be written.
pub(crate) type Wrong = (ModelErrorKind, String);

/// The body of a request.
pub(crate) fn body(
    request: &Request,
    endpoint: &Endpoint,
    dialect: &Dialect,
) -> Result<Value, Wrong> {
    let mut body = start(request, endpoint)?;
    if let Some(prefill) = &request.prefill {
        if dialect.prefill == Prefill::Unsupported {
            let message = "cannot begin an answer with a prefill in this dialect; where the server \
                           can, say how with `Dialect::prefill`";
            return Err((ModelErrorKind::Unsupported, message.into()));
        }
        go_on_from(&mut body, prefill, dialect.prefill);
    }
    let Sampling { temperature, top_k, top_p, max_tokens, stop, seed } = &request.sampling;
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    };
    set("temperature", number(*temperature, "temperature")?);
    set("top_p", number(*top_p, "top_p")?);
    set("top_k", top_k.map(Value::from));
    set("seed", seed.map(Value::from));
    set("stop", (!stop.is_empty()).then(|| json!(stop)));
    let bound = match dialect.bound {
        Bound::MaxTokens => "max_tokens",
        Bound::MaxCompletionTokens => "max_completion_tokens",
    };
    set(bound, max_tokens.or(endpoint.max_tokens).map(Value::from));
    if dialect.logprobs {
        set("logprobs", Some(true.into()));
    }
    let function = |name: &str, description: &str, parameters: &Value| {
        let function = json!({"name": name, "description": description, "parameters": parameters});
        json!({"type": "function", "function": function})
    };
    let tools = request.tools.iter().map(|t| function(&t.name, &t.description, &t.parameters));
    let mut tools: Vec<Value> = tools.collect();
    if let Some(schema) = &request.schema {
        match dialect.structure {
            Structure::Native => {
                let schema = json!({"name": ANSWER, "schema": schema, "strict": true});
                let format = json!({"type": "json_schema", "json_schema": schema});
                set("response_format", Some(format));
            }
            Structure::Tool => {
                tools.push(function(ANSWER, "Gives the answer.", schema));
                let choice = json!({"type": "function", "function": {"name": ANSWER}});
                set("tool_choice", Some(choice));
            }
            Structure::Off => {}
        }
    }
    set("tools", (!tools.is_empty()).then(|| tools.into()));
    body.extend(endpoint.fields.clone());
    Ok(body.into())
}

/// A request whose prompt is scored: the messages, and an assistant message that ends with the
/// continuation.
pub(crate) fn scoring(
    request: &Request,
    continuation: &str,
    endpoint: &Endpoint,
    dialect: &Dialect,
) -> Result<Value, Wrong> {
    let mut body = start(request, endpoint)?;
    let text = format!("{}{continuation}", request.prefill.as_deref().unwrap_or_default());
    go_on_from(&mut body, &text, Prefill::ContinueFinalMessage);
    let bound = match dialect.bound {
        Bound::MaxTokens => "max_tokens",
        Bound::MaxCompletionTokens => "max_completion_tokens",
    };
    body.insert(bound.into(), 1.into());
    body.insert("temperature".into(), 0.into());
    body.insert("prompt_logprobs".into(), 0.into());
    body.extend(endpoint.fields.clone());
    Ok(body.into())
}

fn start(request: &Request, endpoint: &Endpoint) -> Result<Map<String, Value>, Wrong> {
    let messages: Vec<Value> = request.messages.iter().map(message).collect::<Result<_, _>>()?;
    let mut body = Map::new();
    body.insert("model".into(), endpoint.model.as_str().into());
    body.insert("messages".into(), messages.into());
    // Some servers stream unless they are told.
    body.insert("stream".into(), false.into());
    Ok(body)
}

fn message(message: &Message) -> Result<Value, Wrong> {
    // The loss weight is for fine-tuning; servers refuse it. What Anthropic wants back is not OpenAI's.
    let mut message = message.clone();
    message.weight = None;
    message.extra.shift_remove(crate::anthropic::THINKING);
    if message.role == Role::Tool && message.tool_call_id.is_none() {
        let why = "a tool message answers no call; give it the `tool_call_id`";
        return Err((ModelErrorKind::BadRequest, why.into()));
    }
    serde_json::to_value(message)
        .map_err(|error| (ModelErrorKind::BadRequest, format!("a message is no JSON: {error}")))
}

fn go_on_from(body: &mut Map<String, Value>, text: &str, how: Prefill) {
    if let Some(messages) = body.get_mut("messages").and_then(Value::as_array_mut) {
        messages.push(json!({"role": "assistant", "content": text}));
    }
    if how == Prefill::ContinueFinalMessage {
        body.insert("add_generation_prompt".into(), false.into());
        body.insert("continue_final_message".into(), true.into());
    }
}

/// A number of the sampling, which JSON must be able to hold.
pub(crate) fn number(number: Option<f64>, name: &str) -> Result<Option<Value>, Wrong> {
    match number {
        Some(number) if !number.is_finite() => {
            Err((ModelErrorKind::BadRequest, format!("`{name}` is {number}")))
        }
        number => Ok(number.map(Value::from)),
    }
}

#[cfg(test)]
mod tests {
    use ethos_core::{Completion, Tool, ToolCall};

    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::new("http://localhost/v1", "m")
    }

    fn written(request: &Request, dialect: &Dialect) -> String {
        body(request, &endpoint(), dialect).unwrap().to_string()
    }

    #[test]
    fn a_plain_request() {
        let mut request = Request::new([Message::system("s"), Message::user("u").with_weight(0.0)]);
        request.sampling = Sampling {
            temperature: Some(0.5),
            max_tokens: Some(7),
            stop: vec!["x".into()],
            seed: Some(1),
            top_k: Some(3),
            ..Sampling::default()
        };
        assert_eq!(
            written(&request, &Dialect::openai()),
            r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}],"stream":false,"temperature":0.5,"top_k":3,"seed":1,"stop":["x"],"max_completion_tokens":7}"#
        );
        request.sampling = Sampling { max_tokens: Some(7), ..Sampling::default() };
        assert!(written(&request, &Dialect::compatible()).ends_with(r#""max_tokens":7}"#));
        request.sampling.temperature = Some(f64::NAN);
        assert!(body(&request, &endpoint(), &Dialect::openai()).is_err());
    }

    #[test]
    fn tools_and_schemas() {
        let mut request = Request::user("u");
        request.schema = Some(json!({"type": "object"}));
        assert!(written(&request, &Dialect::openai()).ends_with(
            r#""response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"},"strict":true}}}"#
        ));
        let off = Dialect { structure: Structure::Off, ..Dialect::openai() };
        assert!(written(&request, &off).ends_with(r#""stream":false}"#));
        request.tools = vec![Tool::new("f", "does", json!({}))];
        let call = ToolCall::new("c1", "f", "{broken");
        request.messages.push(Completion::new("").with_tool_calls([call]).message);
        request.messages.push(Message::tool("c1", "r"));
        let tool = Dialect { structure: Structure::Tool, ..Dialect::openai() };
        let written = written(&request, &tool);
        for part in [
            r#""tool_choice":{"type":"function","function":{"name":"answer"}}"#,
            r#""tools":[{"type":"function","function":{"name":"f","description":"does","parameters":{}}},"#,
            r#"{"role":"tool","content":"r","tool_call_id":"c1"}"#,
            r#""tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{broken"}}]"#,
        ] {
            assert!(written.contains(part), "{part} in {written}");
        }
    }

    #[test]
    fn a_prefill_is_sent_or_refused() {
        let mut request = Request::user("u");
        request.prefill = Some("Once".into());
        let (kind, message) = body(&request, &endpoint(), &Dialect::openai()).unwrap_err();
        assert_eq!(kind, ModelErrorKind::Unsupported);
        assert!(message.contains("Dialect::prefill"));
        let last = r#"{"role":"assistant","content":"Once"}],"stream":false"#;
        let plain = Dialect { prefill: Prefill::LastMessage, ..Dialect::compatible() };
        assert!(written(&request, &plain).ends_with(&format!("{last}}}")));
        assert!(written(&request, &Dialect::vllm()).ends_with(&format!(
            r#"{last},"add_generation_prompt":false,"continue_final_message":true}}"#
        )));
    }
}
