//! Any model as an OpenAI-compatible server, so that other programs can ask it.
//!
//! ```text
//! cargo run --release --example serve -- --model FOLDER      # http://127.0.0.1:8000/v1
//! cargo run --release --example serve                        # a script that says what it is told
//! ```
//!
//! Inspect AI then evaluates it by any of its tasks (`pip install inspect_ai inspect_evals openai`):
//!
//! ```text
//! export ETHOS_BASE_URL=http://127.0.0.1:8000/v1 ETHOS_API_KEY=none
//! inspect eval inspect_evals/agentic_misalignment --model openai-api/ethos/local \
//!     -T grader_model=openai-api/ethos/local
//! ```
//!
//! `POST /v1/chat/completions` (also `"stream": true`, sent as one piece), `GET /v1/models`. What a request
//! asks for and a model cannot do is an error that says so, never ignored. More: `--port N`, `--name NAME`,
//! `--device NAME`. It listens on this machine alone and asks for no key.

#![allow(clippy::print_stdout)] // a program speaks to its user

use std::{
    io::Read,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use ethos_core::{
    Completion, Error, Message, Model, ModelErrorKind, Request, Sampling, Scripted, Stop, Tool,
};
use ethos_train::{Checkpoint, DeviceSpec, LocalModel};
use futures::{executor::block_on, future::try_join_all};
use serde::Deserialize;
use serde_json::{Value, json};
use tiny_http::{Header, Method, Response, Server};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// More than any conversation; what is larger is refused unread.
const LARGEST: u64 = 64 << 20;

fn main() -> Result<()> {
    let mut args = pico_args::Arguments::from_env();
    let device = args.opt_value_from_str("--device")?.unwrap_or(DeviceSpec::Flex);
    let model: Option<PathBuf> = args.opt_value_from_str("--model")?;
    let port = args.opt_value_from_str("--port")?.unwrap_or(8000_u16);
    let name = args.opt_value_from_str("--name")?.unwrap_or_else(|| "local".to_owned());
    let rest = args.finish();
    anyhow::ensure!(rest.is_empty(), "what is {rest:?}? the top of this example has the options");

    let model: Arc<dyn Model> = match model {
        Some(folder) => {
            let checkpoint =
                Checkpoint::load(&folder, &device.open()?).context("not a model's folder")?;
            Arc::new(LocalModel::new(checkpoint)?)
        }
        None => Arc::new(Scripted::echo().with_concurrency(16)),
    };
    let server = Server::http(("127.0.0.1", port))
        .map_err(|error| anyhow::anyhow!("cannot listen on port {port}: {error}"))?;
    println!("http://{}/v1  model `{name}`: {}", server.server_addr(), model.id());

    // A thread for every request worth having in flight; the model decodes them together.
    let server = Arc::new(server);
    let workers = (0..model.concurrency().max(1) + 1).map(|_| {
        let (server, model, name) = (Arc::clone(&server), Arc::clone(&model), name.clone());
        thread::spawn(move || {
            while let Ok(mut request) = server.recv() {
                let (status, kind, body) = match answer(&mut request, &*model, &name) {
                    Ok((kind, body)) => (200, kind, body),
                    Err(refusal) => (refusal.status, JSON, refusal.body()),
                };
                let response = Response::from_string(body).with_status_code(status);
                let kind = Header::from_bytes("Content-Type", kind).ok();
                let response = kind.into_iter().fold(response, |r, header| r.with_header(header));
                // Whoever has gone needs no answer.
                let _ = request.respond(response);
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        let _ = worker.join();
    }
    Ok(())
}

const JSON: &str = "application/json";

/// Why there is no answer, as OpenAI's clients read it.
struct Refusal {
    status: u16,
    message: String,
}

impl Refusal {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Refusal { status, message: message.into() }
    }

    fn body(&self) -> String {
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

fn answer(
    request: &mut tiny_http::Request,
    model: &dyn Model,
    name: &str,
) -> Result<(&'static str, String), Refusal> {
    let path = request.url().split('?').next().unwrap_or_default().trim_end_matches('/').to_owned();
    match (request.method(), path.as_str()) {
        (Method::Get, "/v1/models") => {
            let entry = json!({"id": name, "object": "model", "created": 0, "owned_by": "ethos"});
            Ok((JSON, json!({"object": "list", "data": [entry]}).to_string()))
        }
        (Method::Post, "/v1/chat/completions") => {
            let mut text = String::new();
            let mut body = request.as_reader().take(LARGEST + 1);
            body.read_to_string(&mut text).map_err(|error| Refusal::new(400, error.to_string()))?;
            if text.len() as u64 > LARGEST {
                return Err(Refusal::new(413, "the request is larger than 64 MiB"));
            }
            let asked: Asked = serde_json::from_str(&text)
                .map_err(|error| Refusal::new(400, format!("not a request: {error}")))?;
            if asked.model.as_deref().is_some_and(|model| model != name) {
                return Err(Refusal::new(404, format!("there is one model here, `{name}`")));
            }
            let (streamed, number) = (asked.stream, asked.n.unwrap_or(1));
            let request = asked.request()?;
            let draws = (0..u64::from(number)).map(|draw| {
                let mut request = request.clone();
                // Several answers to one request are several draws.
                request.sampling.seed = request.sampling.seed.map(|seed| seed.wrapping_add(draw));
                async move { model.complete(&request).await }
            });
            let completions = block_on(try_join_all(draws))?;
            Ok(match streamed {
                false => (JSON, whole(name, &completions).to_string()),
                true => ("text/event-stream", pieces(name, &completions)),
            })
        }
        _ => Err(Refusal::new(404, "there are GET /v1/models and POST /v1/chat/completions")),
    }
}

/// What a request may say. What it may not is refused by name.
#[derive(Deserialize)]
struct Asked {
    model: Option<String>,
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
    stream: bool,
    n: Option<u8>,
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
    fn request(self) -> Result<Request, Refusal> {
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

fn whole(name: &str, completions: &[Completion]) -> Value {
    let choices = completions.iter().enumerate().map(|(index, completion)| {
        json!({"index": index, "message": message(completion), "finish_reason": reason(completion), "logprobs": null})
    });
    json!({
        "id": id(completions), "object": "chat.completion", "created": now(), "model": name,
        "choices": choices.collect::<Vec<_>>(), "usage": usage(completions),
    })
}

/// The same as a stream: a piece that says all, one that says why it ended, and the end.
fn pieces(name: &str, completions: &[Completion]) -> String {
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
