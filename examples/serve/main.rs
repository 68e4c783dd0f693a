//! Any model as an OpenAI-compatible server, so that other programs can ask it.
//!
//! ```text
//! cargo run --release --example serve -- --model MODEL       # http://127.0.0.1:8000/v1
//! cargo run --release --example serve                        # a script that says what it is told
//! ```
//!
//! `MODEL` is a folder of Llama, Mistral, Qwen2 or Qwen3 as it is published, or a repository of the Hugging Face hub,
//! which is fetched. Inspect AI then evaluates it by any of its tasks (`pip install inspect_ai inspect_evals openai`):
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

#[path = "../help.rs"]
mod help;
#[path = "../published.rs"]
mod published;

/// What is asked.
mod asked;
/// What is answered.
mod said;

use std::{io::Read, path::PathBuf, sync::Arc, thread};

use anyhow::{Context, Result};
use ethos_core::{Model, Scripted};
use ethos_hub::Wanted;
use ethos_train::{Checkpoint, DeviceSpec, LocalModel};
use futures::{executor::block_on, future::try_join_all};
use serde_json::json;
use tiny_http::{Header, Method, Response, Server};

use crate::{
    asked::{Asked, Refusal},
    said::{pieces, whole},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// More than any conversation; what is larger is refused unread.
const LARGEST: u64 = 64 << 20;

fn main() -> Result<()> {
    if help::shown(include_str!("main.rs")) {
        return Ok(());
    }
    let mut args = pico_args::Arguments::from_env();
    let device = args.opt_value_from_str("--device")?.unwrap_or(DeviceSpec::Flex);
    let model: Option<PathBuf> = args.opt_value_from_str("--model")?;
    let port = args.opt_value_from_str("--port")?.unwrap_or(8000_u16);
    let name = args.opt_value_from_str("--name")?.unwrap_or_else(|| "local".to_owned());
    let rest = args.finish();
    anyhow::ensure!(rest.is_empty(), "what is {rest:?}? `--help` has the options");

    let model: Arc<dyn Model> = match model {
        Some(model) => {
            let folder = published::folder(model, &Wanted::model())?;
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

#[cfg(test)]
mod tests {
    use ethos_core::{Completion, Request, Stop, ToolCall, Usage};
    use serde_json::Value;
    use tiny_http::TestRequest;

    use super::*;

    /// Declines, breaks off or calls a tool as it is told; else says how it was asked.
    fn model() -> Scripted {
        Scripted::new("told", |request: &Request| {
            let said = match request.messages.last().map(|m| m.text().into_owned()).as_deref() {
                Some("decline") => Completion::new("I will not.").with_stop(Stop::Refusal),
                Some("go on") => Completion::new("and then").with_stop(Stop::Length),
                Some("call") => {
                    Completion::new("").with_tool_calls([ToolCall::new("c", "clock", "{")])
                }
                _ => Completion::new(json!(request.sampling).to_string()),
            };
            said.with_usage(Usage::new(7, 2))
        })
    }

    fn post(body: &'static str) -> Result<(&'static str, String), (u16, String)> {
        let request = TestRequest::new().with_method(Method::Post).with_body(body);
        let mut request = request.with_path("/v1/chat/completions").into();
        answer(&mut request, &model(), "local").map_err(|why| (why.status, why.body()))
    }

    fn json_of(body: &'static str) -> Value {
        let (kind, said) = post(body).unwrap();
        assert_eq!(kind, JSON);
        serde_json::from_str(&said).unwrap()
    }

    #[test]
    fn an_answer_is_that_of_a_chat_completion() {
        let said = json_of(
            r#"{"model": "local", "messages": [{"role": "user", "content": "how?"}],
                "temperature": 0.5, "max_completion_tokens": 9, "stop": "x", "seed": 4, "n": 2,
                "user": "unknown fields are none of our business"}"#,
        );
        let text = |n: usize| said["choices"][n]["message"]["content"].as_str().unwrap().to_owned();
        let asked = r#"{"temperature":0.5,"max_tokens":9,"stop":["x"],"seed":4}"#;
        assert_eq!(
            (text(0).as_str(), said["choices"][0]["finish_reason"].as_str()),
            (asked, Some("stop"))
        );
        assert!(text(1).contains(r#""seed":5"#), "a second answer is another draw: {}", text(1));
        assert_eq!(
            said["usage"],
            json!({"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11})
        );
    }

    #[test]
    fn why_an_answer_ended_is_told() {
        let ended = |body| {
            let said = json_of(body);
            (said["choices"][0]["finish_reason"].clone(), said["choices"][0]["message"].clone())
        };
        let (reason, message) = ended(r#"{"messages": [{"role": "user", "content": "decline"}]}"#);
        assert_eq!((reason, &message["refusal"]), (json!("content_filter"), &json!("I will not.")));
        let (reason, _) = ended(r#"{"messages": [{"role": "user", "content": "go on"}]}"#);
        assert_eq!(reason, "length");
        let (reason, message) = ended(r#"{"messages": [{"role": "user", "content": "call"}]}"#);
        assert_eq!(
            (reason, &message["tool_calls"][0]["function"]["name"]),
            (json!("tool_calls"), &json!("clock"))
        );
    }

    #[test]
    fn a_stream_is_sent_as_events() {
        let body = r#"{"messages": [{"role": "user", "content": "go on"}], "stream": true}"#;
        let (kind, said) = post(body).unwrap();
        assert_eq!(kind, "text/event-stream");
        let events: Vec<&str> =
            said.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
        assert_eq!(events.last(), Some(&"[DONE]"));
        let first: Value = serde_json::from_str(events[0]).unwrap();
        assert_eq!(first["choices"][0]["delta"]["content"], "and then");
        let second: Value = serde_json::from_str(events[1]).unwrap();
        assert_eq!(second["choices"][0]["finish_reason"], "length");
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        for (body, status, why) in [
            ("{", 400, "not a request"),
            (r#"{"messages": []}"#, 400, "`messages` is empty"),
            (r#"{"model": "gpt", "messages": []}"#, 404, "one model here, `local`"),
            (
                r#"{"messages": [{"role": "user", "content": "a"}], "logprobs": true}"#,
                400,
                "`logprobs` is not supported",
            ),
            (
                r#"{"messages": [{"role": "user", "content": "a"}], "tool_choice": "required"}"#,
                400,
                "required",
            ),
        ] {
            let (refused, body) = post(body).unwrap_err();
            assert_eq!(refused, status);
            let body: Value = serde_json::from_str(&body).unwrap();
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.contains(why), "{message}");
        }
    }
}
