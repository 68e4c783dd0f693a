//! A chat as its template sees it.

use ethos_core::{Chat, Content, Message, Request, Tool, ToolCall};
use serde_json::{Map, Value, json};

use super::{ChatTemplate, Compiled, failed};
use crate::{Error, Result, Tokenizer};

/// A chat with all that a template is given.
pub(super) struct Scene<'t> {
    compiled: &'t Compiled,
    pub(super) tokenizer: &'t Tokenizer,
    pub(super) messages: Vec<Value>,
    variables: Map<String, Value>,
    now: i64,
}

impl<'t> Scene<'t> {
    pub(super) fn new(
        template: &'t ChatTemplate,
        chat: &Chat,
        tokenizer: &'t Tokenizer,
    ) -> Result<Self> {
        // Data sets keep tools as a list or, where columns must be strings, as its JSON.
        let list = |name: &str| match chat.extra.get(name) {
            None | Some(Value::Null) => Ok(Value::Null),
            Some(Value::String(text)) => serde_json::from_str(text)
                .map_err(|e| Error::Template(format!("the chat's `{name}` are no JSON: {e}"))),
            Some(list) => Ok(list.clone()),
        };
        let tools = list("tools")?;
        let mut scene = Scene::with(template, &chat.messages, tools, tokenizer)?;
        scene.variables.insert("documents".to_owned(), list("documents")?);
        if let Some(Value::Object(more)) = chat.extra.get("chat_template_kwargs") {
            scene.variables.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Ok(scene)
    }

    pub(super) fn of_request(
        template: &'t ChatTemplate,
        request: &Request,
        tokenizer: &'t Tokenizer,
    ) -> Result<Self> {
        let tools: Vec<Value> = request.tools.iter().map(tool).collect();
        let tools = if tools.is_empty() { Value::Null } else { Value::Array(tools) };
        Scene::with(template, &request.messages, tools, tokenizer)
    }

    fn with(
        template: &'t ChatTemplate,
        messages: &[Message],
        tools: Value,
        tokenizer: &'t Tokenizer,
    ) -> Result<Self> {
        let compiled = template.chosen(!tools.is_null())?;
        let mut variables = tokenizer.special_tokens().clone();
        variables
            .extend(template.variables.iter().map(|(name, value)| (name.clone(), value.clone())));
        variables.insert("tools".to_owned(), tools);
        variables.insert("documents".to_owned(), Value::Null);
        let messages = messages.iter().map(message).collect();
        Ok(Scene { compiled, tokenizer, messages, variables, now: template.now() })
    }

    pub(super) fn has_generation(&self) -> bool {
        self.compiled.program.has_generation()
    }

    pub(super) fn render(&self, messages: &[Value], prompt: bool) -> Result<String> {
        self.render_marked(messages, prompt, None)
    }

    /// Renders, with marks around what the template says the model writes.
    pub(super) fn render_marked(
        &self,
        messages: &[Value],
        prompt: bool,
        marks: Option<[char; 2]>,
    ) -> Result<String> {
        let mut variables = self.variables.clone();
        variables.insert("messages".to_owned(), messages.into());
        variables.insert("add_generation_prompt".to_owned(), prompt.into());
        let rendered = self.compiled.program.render(&variables, marks, self.now);
        rendered.map_err(|fault| failed(&fault))
    }

    /// Renders up to the end of the last message's text, as `transformers` does.
    pub(super) fn continued(&self) -> Result<String> {
        // The space tells whether the template trims what follows the text.
        const TAG: &str = "CONTINUE_FINAL_MESSAGE_TAG ";
        let refused = |why: &str| {
            Err(Error::Template(format!("its last message cannot be continued: {why}")))
        };
        let mut messages = self.messages.clone();
        let content = messages.last_mut().and_then(|message| message.get_mut("content"));
        let text = match content {
            Some(Value::String(text)) => Some(text),
            Some(Value::Array(parts)) => {
                let mut texts = parts.iter_mut().rev().filter_map(|part| part.get_mut("text"));
                match texts.next() {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                }
            }
            _ => None,
        };
        let Some(text) = text else { return refused("it has no text") };
        let before = text.trim().to_owned();
        text.push_str(TAG);
        let rendered = self.render(&messages, false)?;
        match rendered.rfind(TAG.trim_end()) {
            Some(at) if rendered.contains(&before) => {
                let kept = rendered[at..].starts_with(TAG);
                let text = &rendered[..at];
                Ok(if kept { text } else { text.trim_end() }.to_owned())
            }
            _ => refused("the template does not show it whole"),
        }
    }
}

/// A tool as everyone writes it.
fn tool(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    })
}

fn message(message: &Message) -> Value {
    let mut fields = Map::new();
    fields.insert("role".to_owned(), message.role.as_str().into());
    fields.insert(
        "content".to_owned(),
        match &message.content {
            None => Value::Null,
            Some(Content::Text(text)) => text.as_str().into(),
            Some(Content::Parts(parts)) => parts.as_slice().into(),
        },
    );
    if !message.tool_calls.is_empty() {
        let calls: Vec<Value> = message.tool_calls.iter().map(tool_call).collect();
        fields.insert("tool_calls".to_owned(), calls.into());
    }
    if let Some(id) = &message.tool_call_id {
        fields.insert("tool_call_id".to_owned(), id.as_str().into());
    }
    fields.extend(message.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(fields)
}

fn tool_call(call: &ToolCall) -> Value {
    let mut fields = Map::new();
    if !call.id.is_empty() {
        fields.insert("id".to_owned(), call.id.as_str().into());
    }
    fields.insert("type".to_owned(), "function".into());
    let parsed = serde_json::from_str::<Map<String, Value>>(&call.arguments).ok();
    let arguments = parsed.map_or_else(|| call.arguments.as_str().into(), Value::Object);
    fields.insert("function".to_owned(), json!({ "name": call.name, "arguments": arguments }));
    fields.extend(call.extra.iter().map(|(name, value)| (name.clone(), value.clone())));
    Value::Object(fields)
}
