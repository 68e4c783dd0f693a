//! What is asked, as OpenAI's clients ask it, and why it is refused.

use ethos_core::{Error, Message, ModelErrorKind, Request, Sampling, Tool};
use serde::Deserialize;
use serde_json::{Value, json};

/// Why there is no answer, as OpenAI's clients read it.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Refusal { status, message: message.into() }
    }

    pub(crate) fn body(&self) -> String {
        let kind = if self.status < 500 { "invalid_request_error" } else { "server_error" };
        json!({"error": {"message": self.message, "type": kind, "param": null, "code": null}})
            .to_string()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Model {
                kind: ModelErrorKind::BadRequest | ModelErrorKind::Unsupported, ..
            } => 400,
            _ => 500,
        };
        Refusal::new(status, error.to_string())
    }
}

/// What a request may say. What it may not is refused by name.
#[derive(Deserialize)]
pub(crate) struct Asked {
    pub(crate) model: Option<String>,
    messages: Vec<Message>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u32>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    #[serde(default)]
    stop: Option<Stops>,
    seed: Option<i64>,
    #[serde(default)]
    tools: Vec<AskedTool>,
    tool_choice: Option<Value>,
    response_format: Option<Value>,
    #[serde(default)]
    pub(crate) stream: bool,
    pub(crate) n: Option<u8>,
    logprobs: Option<bool>,
    logit_bias: Option<Value>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stops {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct AskedTool {
    function: AskedFunction,
}

#[derive(Deserialize)]
struct AskedFunction {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Value,
}

impl Asked {
    /// As the model is asked.
    pub(crate) fn request(self) -> Result<Request, Refusal> {
        let not = |what: &str| Err(Refusal::new(400, format!("`{what}` is not supported here")));
        if self.logprobs == Some(true) {
            return not("logprobs");
        }
        if self.logit_bias.is_some_and(|bias| bias.as_object().is_none_or(|bias| !bias.is_empty()))
        {
            return not("logit_bias");
        }
        if [self.frequency_penalty, self.presence_penalty].iter().flatten().any(|p| *p != 0.0) {
            return not("frequency_penalty or presence_penalty");
        }
        if self.messages.is_empty() {
            return Err(Refusal::new(400, "`messages` is empty"));
        }
        let mut request = Request::new(self.messages);
        request.sampling = Sampling {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            stop: match self.stop {
                None => Vec::new(),
                Some(Stops::One(stop)) => vec![stop],
                Some(Stops::Several(stops)) => stops,
            },
            seed: self.seed.map(i64::unsigned_abs),
        };
        let called = self.tool_choice.as_ref().and_then(Value::as_str);
        match called {
            None if self.tool_choice.is_some() => return not("a tool_choice that names a tool"),
            Some("required") => return not("tool_choice `required`"),
            Some("none") => {}
            _ => {
                let tools = self.tools.into_iter().map(|tool| tool.function);
                let tools = tools.map(|f| Tool::new(f.name, f.description, f.parameters));
                request.tools = tools.collect();
            }
        }
        match self.response_format.as_ref().and_then(|format| format["type"].as_str()) {
            None | Some("text") => {}
            Some("json_schema") => {
                request.schema =
                    self.response_format.map(|format| format["json_schema"]["schema"].clone());
            }
            Some(other) => return not(&format!("response_format `{other}`")),
        }
        Ok(request)
    }
}
