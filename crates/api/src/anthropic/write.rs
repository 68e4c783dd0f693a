//! Requests as Anthropic's Messages have them.

use ethos_core::{Content, Message, ModelErrorKind, Request, Role, Sampling, ToolCall};
use serde_json::{Map, Value, json};

use super::THINKING;
use crate::{
    Endpoint, Structure,
    dialect::ANSWER,
    openai::{Wrong, number},
};

/// The body of a request whose answer has at most `most` tokens.
pub(crate) fn body(
    request: &Request,
    endpoint: &Endpoint,
    most: u32,
    structure: Structure,
) -> Result<Value, Wrong> {
    let wrong = |why: &str| (ModelErrorKind::BadRequest, why.to_owned());
    let mut system: Vec<Value> = Vec::new();
    let mut messages: Vec<Value> = Vec::new();
    for message in &request.messages {
        match &message.role {
            Role::System if messages.is_empty() => system.extend(parts(message)),
            Role::Other(role) if role == "developer" && messages.is_empty() => {
                system.extend(parts(message));
            }
            Role::User => messages.push(json!({"role": "user", "content": content(message)})),
            Role::Assistant => messages.push(assistant(message)?),
            Role::Tool => result(message, &mut messages)?,
            Role::System => {
                return Err(wrong(
                    "a system message stands after the conversation began; Anthropic takes them at \
                     its beginning only",
                ));
            }
            other => {
                let role = other.as_str();
                return Err(wrong(&format!(
                    "a message has the role `{role}`, which Anthropic lacks"
                )));
            }
        }
    }
    if let Some(prefill) = &request.prefill {
        messages.push(json!({"role": "assistant", "content": prefill}));
    }
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    };
    set("model", Some(endpoint.model.as_str().into()));
    set("max_tokens", Some(most.into()));
    set(
        "system",
        match &system[..] {
            [] => None,
            // The usual case, in the usual form.
            [only] if only["type"] == "text" && only.as_object().is_some_and(|o| o.len() == 2) => {
                Some(only["text"].clone())
            }
            _ => Some(system.clone().into()),
        },
    );
    set("messages", Some(messages.into()));
    let Sampling { temperature, top_k, top_p, max_tokens: _, stop, seed: _ } = &request.sampling;
    set("temperature", number(*temperature, "temperature")?);
    set("top_p", number(*top_p, "top_p")?);
    set("top_k", top_k.map(Value::from));
    set("stop_sequences", (!stop.is_empty()).then(|| json!(stop)));
    let tool = |name: &str, description: &str, schema: &Value| json!({"name": name, "description": description, "input_schema": schema});
    let tools = request.tools.iter().map(|t| tool(&t.name, &t.description, &t.parameters));
    let mut tools: Vec<Value> = tools.collect();
    if let Some(schema) = &request.schema {
        match structure {
            Structure::Native => {
                let format = json!({"type": "json_schema", "schema": schema});
                set("output_config", Some(json!({"format": format})));
            }
            Structure::Tool => {
                tools.push(tool(ANSWER, "Gives the answer.", schema));
                set("tool_choice", Some(json!({"type": "tool", "name": ANSWER})));
            }
            Structure::Off => {}
        }
    }
    set("tools", (!tools.is_empty()).then(|| tools.into()));
    body.extend(endpoint.fields.clone());
    Ok(body.into())
}

/// A content as it is: a text, or blocks.
fn content(message: &Message) -> Value {
    match &message.content {
        Some(Content::Parts(_)) => parts(message).into(),
        _ => message.text().into_owned().into(),
    }
}

/// A content as blocks.
fn parts(message: &Message) -> Vec<Value> {
    match &message.content {
        None => Vec::new(),
        Some(Content::Text(text)) => vec![json!({"type": "text", "text": text})],
        Some(Content::Parts(parts)) => parts.iter().map(part).collect(),
    }
}

/// Images as OpenAI writes them, in Anthropic's form; all else as it is.
fn part(part: &Value) -> Value {
    let Some(url) = part["image_url"]["url"].as_str() else { return part.clone() };
    let data = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    let source = match data {
        Some((kind, data)) => json!({"type": "base64", "media_type": kind, "data": data}),
        None => json!({"type": "url", "url": url}),
    };
    json!({"type": "image", "source": source})
}

fn assistant(message: &Message) -> Result<Value, Wrong> {
    if message.tool_calls.is_empty() {
        return Ok(json!({"role": "assistant", "content": content(message)}));
    }
    let thinking = message.extra.get(THINKING).and_then(Value::as_array);
    let mut blocks = thinking.cloned().unwrap_or_default();
    // An empty text is none: Anthropic refuses it.
    blocks.extend(parts(message).into_iter().filter(|part| part["text"] != ""));
    for call in &message.tool_calls {
        let (id, name, input) = (&call.id, &call.name, input(call)?);
        blocks.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
    }
    Ok(json!({"role": "assistant", "content": blocks}))
}

fn input(call: &ToolCall) -> Result<Value, Wrong> {
    if call.arguments.trim().is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(input)) => Ok(input.into()),
        _ => {
            let why = format!(
                "the arguments of a call of `{}` are no JSON object; Anthropic takes no others",
                call.name
            );
            Err((ModelErrorKind::BadRequest, why))
        }
    }
}

/// The result of a call; those that follow each other are one message.
fn result(message: &Message, messages: &mut Vec<Value>) -> Result<(), Wrong> {
    let Some(id) = &message.tool_call_id else {
        let why = "a tool message answers no call; give it the `tool_call_id`";
        return Err((ModelErrorKind::BadRequest, why.into()));
    };
    let block = json!({"type": "tool_result", "tool_use_id": id, "content": content(message)});
    let last = messages.last_mut().and_then(|last| last["content"].as_array_mut());
    match last {
        Some(blocks) if blocks.iter().all(|block| block["type"] == "tool_result") => {
            blocks.push(block);
        }
        _ => messages.push(json!({"role": "user", "content": [block]})),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ethos_core::{Completion, Tool};

    use super::*;

    fn written(request: &Request, structure: Structure) -> Result<String, Wrong> {
        let endpoint = Endpoint::new("http://localhost", "m");
        body(request, &endpoint, 9, structure).map(|body| body.to_string())
    }

    #[test]
    fn a_plain_request() {
        let mut request = Request::new([Message::system("s"), Message::user("u")]);
        request.sampling = Sampling {
            top_k: Some(3),
            stop: vec!["x".into()],
            seed: Some(1),
            ..Sampling::default()
        };
        request.prefill = Some("Once".into());
        assert_eq!(
            written(&request, Structure::Native).unwrap(),
            r#"{"model":"m","max_tokens":9,"system":"s","messages":[{"role":"user","content":"u"},{"role":"assistant","content":"Once"}],"top_k":3,"stop_sequences":["x"]}"#
        );
        request.messages.push(Message::system("late"));
        assert!(written(&request, Structure::Native).unwrap_err().1.contains("system message"));
    }

    #[test]
    fn tool_calls_and_their_results() {
        let calls = [ToolCall::new("c1", "f", r#"{"a":1}"#), ToolCall::new("c2", "f", "")];
        let mut asked = Completion::new("").with_tool_calls(calls).message;
        asked.extra.insert(
            THINKING.into(),
            json!([{"type": "thinking", "thinking": "hm", "signature": "s"}]),
        );
        let mut request = Request::new([
            Message::user("u"),
            asked,
            Message::tool("c1", "r1"),
            Message::tool("c2", "r2"),
            Message::user("and?"),
        ]);
        request.tools = vec![Tool::new("f", "does", json!({"type": "object"}))];
        let body = written(&request, Structure::Native).unwrap();
        assert!(body.contains(
            r#"[{"role":"user","content":"u"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"tool_use","id":"c1","name":"f","input":{"a":1}},{"type":"tool_use","id":"c2","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"r1"},{"type":"tool_result","tool_use_id":"c2","content":"r2"}]},{"role":"user","content":"and?"}]"#
        ), "{body}");
        assert!(body.ends_with(
            r#""tools":[{"name":"f","description":"does","input_schema":{"type":"object"}}]}"#
        ));
        request.messages[1].tool_calls[0].arguments = "{broken".into();
        assert!(written(&request, Structure::Native).unwrap_err().1.contains("no JSON object"));
    }

    #[test]
    fn schemas_and_images() {
        let image = json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}}, {"type": "text", "text": "?"}]);
        let message = json!({"role": "user", "content": image});
        let mut request = Request::new([serde_json::from_value(message).unwrap()]);
        request.schema = Some(json!({"type": "object"}));
        let native = written(&request, Structure::Native).unwrap();
        assert!(native.contains(r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"image","source":{"type":"url","url":"https://x/y.png"}},{"type":"text","text":"?"}"#));
        assert!(native.ends_with(
            r#""output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}"#
        ));
        let tool = written(&request, Structure::Tool).unwrap();
        assert!(tool.contains(r#""tool_choice":{"type":"tool","name":"answer"}"#));
        assert!(!written(&request, Structure::Off).unwrap().contains("schema"));
    }
}
