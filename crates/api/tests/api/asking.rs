use ethos_api::{Anthropic, Dialect, Endpoint, OpenAi};
use ethos_core::{
    Ask, Journal, Model, ModelErrorKind, Query, Reply as Kept, Request, Sampling, Stop, Usage,
    ask_all,
};
use futures::{TryStreamExt, executor::block_on, stream};
use serde_json::json;

use crate::server::{Reply, Server, hasty};

#[test]
fn chat_completions_are_asked_and_answered() {
    let server = Server::replies(vec![Reply::says("yes")]);
    let endpoint = server.endpoint().with_key("sk-key").with_field("top_a", 0.5);
    let model = OpenAi::new(endpoint.with_header("x-title", "ethos")).unwrap();
    let sampling = Sampling { max_tokens: Some(9), ..Sampling::default() };
    let answer = block_on(model.complete(&Request::user("so?").with_sampling(sampling))).unwrap();
    assert_eq!((answer.message.text().as_ref(), &answer.stop), ("yes", &Stop::End));
    assert_eq!(
        (answer.usage, answer.response_id.as_deref()),
        (Usage::new(10, 5), Some("chatcmpl-1"))
    );
    let asked = &server.asked()[0];
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(asked.header("authorization"), "Bearer sk-key");
    assert_eq!(
        (asked.header("content-type"), asked.header("x-title")),
        ("application/json", "ethos")
    );
    let expected = json!({"model": "m", "messages": [{"role": "user", "content": "so?"}],
        "stream": false, "max_tokens": 9, "top_a": 0.5});
    assert_eq!(asked.json(), expected);
}

#[test]
fn messages_are_asked_and_answered() {
    let server = Server::replies(vec![Reply::json(json!({
        "id": "msg_1", "type": "message", "content": [{"type": "text", "text": "yes"}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 1},
    }))]);
    for base in [server.url.clone(), server.url.replace("/v1", "")] {
        let model =
            Anthropic::new(hasty(Endpoint::new(base, "claude")).with_key("sk-ant")).unwrap();
        let answer = block_on(model.complete(&Request::user("so?"))).unwrap();
        assert_eq!((answer.message.text().as_ref(), answer.stop), ("yes", Stop::End));
        let asked = server.asked().pop().unwrap();
        assert_eq!(asked.path, "/v1/messages");
        assert_eq!(
            (asked.header("x-api-key"), asked.header("anthropic-version")),
            ("sk-ant", "2023-06-01")
        );
        assert_eq!(asked.json()["max_tokens"], 4096);
        let error = block_on(model.score(&Request::user("so?"), &[])).unwrap_err();
        assert_eq!(kind(&error), ModelErrorKind::Unsupported);
    }
}

#[test]
fn what_tells_answers_apart_is_in_the_key() {
    let of = |endpoint: Endpoint| OpenAi::new(endpoint).unwrap().id().key.clone();
    let new = |url: &str, model: &str| Endpoint::new(url, model);
    let plain = || new("http://h:1/v1", "m");
    let vllm = Dialect { logprobs: true, ..Dialect::vllm() };
    let keys = [
        of(plain()),
        of(new("http://h:2/v1", "m")),
        of(new("http://h:1/a/v1", "m")),
        of(new("http://h:1/v1", "m revision=2")),
        of(plain().with_revision("2")),
        of(plain().with_max_tokens(7)),
        of(plain().with_field("a", 1)),
        OpenAi::speaking(plain(), vllm).unwrap().id().key.clone(),
        Anthropic::new(plain()).unwrap().id().key.clone(),
    ];
    assert_eq!(keys[0], "openai h:1/v1 m");
    let unique: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(unique.len(), keys.len(), "{keys:?}");
    assert_eq!(of(plain().with_key("sk-1")), of(plain().with_key("sk-2")));
    let model = OpenAi::new(new("http://h:1/v1?key=secret", "m")).unwrap();
    assert_eq!(model.id().address.as_deref(), Some("http://h:1/v1"));
}

#[test]
fn a_server_that_scores() {
    let token = |text: &str, logprob: f64| json!({"7": {"logprob": logprob, "rank": 1, "decoded_token": text}});
    let server = Server::start(move |asked| {
        let body = asked.json();
        assert_eq!(
            (&body["prompt_logprobs"], &body["continue_final_message"]),
            (&json!(0), &json!(true))
        );
        let said = body["messages"][1]["content"].as_str().unwrap();
        let last = if said.ends_with("yes") { token(" yes", -0.5) } else { token(" noes", -2.0) };
        Reply::json(json!({"choices": [], "prompt_logprobs": [null, token("It is", -1.0), last]}))
    });
    let model = OpenAi::speaking(server.endpoint(), Dialect::vllm()).unwrap();
    let mut request = Request::user("so?");
    request.prefill = Some("It is".into());
    let scores = block_on(model.score(&request, &[" yes".into(), " noes".into()])).unwrap();
    assert_eq!(scores.iter().map(|score| score.logprob_sum).collect::<Vec<_>>(), [-0.5, -2.0]);
    let error = block_on(model.score(&request, &[" no".into()])).unwrap_err();
    assert_eq!(kind(&error), ModelErrorKind::Unsupported);
    let error = block_on(server.model().score(&request, &[" yes".into()])).unwrap_err();
    assert_eq!(kind(&error), ModelErrorKind::Unsupported);
    assert_eq!(
        kind(&block_on(server.model().complete(&request)).unwrap_err()),
        ModelErrorKind::Unsupported
    );
}

#[test]
fn the_engine_asks_many_and_none_twice() {
    // Every fifth question fails the first time.
    let failed = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let server = Server::start(move |asked| {
        let said = asked.json()["messages"][0]["content"].as_str().unwrap().to_owned();
        if said.ends_with(['0', '5']) && failed.lock().unwrap().insert(said) {
            return Reply::error(500, "server_error", "so it goes");
        }
        Reply::says("yes")
    });
    let (model, journal) = (server.model(), Journal::in_memory().unwrap());
    let run = || {
        let asks = (0..100).map(|n| {
            Ask::new("test", n.to_string(), Query::Complete(Request::user(n.to_string())))
        });
        let read = |_: &_, reply: &Kept| Ok(reply.text()?.into_owned());
        let answers = ask_all(&model, &journal, stream::iter(asks), read, &());
        let answers: Vec<_> = block_on(answers.try_collect()).unwrap();
        assert!(answers.iter().all(|answer| answer.result.as_ref().unwrap() == "yes"));
    };
    run();
    let asked = server.count();
    assert_eq!(asked, 120);
    run();
    assert_eq!(server.count(), asked);
}

#[test]
fn connections_are_kept() {
    let server = Server::replies(vec![Reply::says("yes")]);
    let model = server.model();
    for _ in 0..40 {
        block_on(model.complete(&Request::user("So?"))).unwrap();
    }
    let asked = server.asked();
    let connections: std::collections::BTreeSet<_> = asked.iter().map(|a| a.connection).collect();
    assert_eq!(asked.len(), 40);
    // One, and one more where an answer was there before its connection had come back.
    assert!(
        connections.len() <= 4,
        "{} connections, one request after the other",
        connections.len()
    );
}

pub(crate) fn kind(error: &ethos_core::Error) -> ModelErrorKind {
    match error {
        ethos_core::Error::Model { kind, .. } => *kind,
        other => panic!("{other}"),
    }
}
