use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

use ethos_api::{Endpoint, OpenAi, Retry, Timeouts};
use ethos_core::{
    Ask, Completion, Error, Failure, Journal, Model, ModelErrorKind, Query, Reason, Reply as Kept,
    Request, Stop, ask_all,
};
use futures::{TryStreamExt, executor::block_on, stream};
use serde_json::json;

use crate::{
    asking::kind,
    server::{Reply, Server, hasty},
};

fn ask(model: &OpenAi) -> Result<Completion, Error> {
    block_on(model.complete(&Request::user("so?")))
}

/// What a fault becomes when it stays, and how often it was asked.
fn stays(reply: Reply) -> (ModelErrorKind, String, usize) {
    let server = Server::replies(vec![reply]);
    let error = ask(&server.model()).unwrap_err();
    let text = error.to_string().replace(&server.url, "URL");
    (kind(&error), text, server.count())
}

/// Everything that passes: whatever a server may do before it answers.
pub(crate) fn passing() -> Vec<(Reply, &'static str)> {
    let good = || Reply::says("yes");
    let ended = |reason: &str| {
        let message = json!({"role": "assistant", "content": "half an ans"});
        json!({"choices": [{"message": message, "finish_reason": reason}]})
    };
    vec![
        (Reply::error(429, "rate_limit_exceeded", "slow"), "429"),
        (
            Reply::error(429, "rate_limit_exceeded", "slow").with("Retry-After", "0.02"),
            "429 and when",
        ),
        (
            Reply::error(429, "x", "slow").with("Retry-After", "Fri, 13 Nov 2020 10:00:00 GMT"),
            "a past date",
        ),
        (Reply::error(429, "x", "slow").with("Retry-After", "soon"), "nonsense"),
        (Reply::error(408, "x", "slow"), "408"),
        (Reply::error(409, "x", "busy"), "409"),
        (Reply::error(425, "x", "early"), "425"),
        (Reply::error(500, "x", "oh"), "500"),
        (Reply::error(503, "x", "oh"), "503"),
        (Reply::error(529, "overloaded_error", "full"), "529"),
        (
            Reply::new(502, "<html><h1>Bad Gateway</h1></html>").with("Content-Type", "text/html"),
            "a proxy's page",
        ),
        (Reply::new(200, "<html>maintenance</html>").with("Content-Type", "text/html"), "a page"),
        (Reply::new(200, ""), "nothing"),
        (Reply::new(200, r#"{"choices": [{"mess"#), "JSON that ends"),
        (Reply::new(200, "{not json}"), "no JSON"),
        (Reply::new(200, b"\xff\xfe{}".to_vec()), "no text"),
        (Reply::new(200, "[]"), "no object"),
        (Reply::json(json!({"choices": []})), "no choice"),
        (Reply::json(json!({"id": "x"})), "no choices"),
        (Reply::json(json!({"error": {"code": 502, "message": "upstream"}})), "an error inside"),
        (good().cut(20), "a body that is cut off"),
        (good().chunked().cut(20), "chunks that are cut off"),
        (good().announcing(10_000).closing(), "a body that is announced longer"),
        (good().with("X-Huge", "x".repeat(1 << 20)), "huge headers"),
        (Reply::hang_up(), "a closed connection"),
        (Reply::reset(), "a reset connection"),
        (good().after(0.7), "silence"),
        (good().slowly(20, 0.1), "a slow body"),
        (Reply::error(503, "x", "oh").with("Retry-After", "0.02"), "503 and when"),
        (Reply::error(429, "x", "slow").with("Retry-After", "0.02s"), "another form of when"),
        (
            Reply::json(json!({"type": "error", "error": {"type": "overloaded_error"}})),
            "Anthropic's error inside",
        ),
        (
            Reply::json(json!({"object": "error", "message": "oh", "code": 500})),
            "vLLM's error inside",
        ),
        (Reply::json(json!({"error": "loading"})), "an error in a word"),
        (Reply::json(json!({"choices": [null]})), "no choice in its place"),
        (Reply::json(ended("error")), "an answer broken off"),
        (Reply::json(ended("abort")), "an answer given up"),
        (Reply::new(200, r#"{"choices": []} and more"#), "garbage after JSON"),
        (good().with("Content-Length", "7"), "two lengths"),
        (good().preceded("so it goes\r\n"), "garbage before HTTP"),
        (
            Reply::new(200, "data: {\"choices\": []}\n\n")
                .with("Content-Type", "text/event-stream"),
            "a stream",
        ),
        (Reply::new(204, ""), "no content"),
    ]
}

#[test]
fn what_passes_is_repeated() {
    for (fault, what) in passing() {
        let server = Server::replies(vec![fault.clone(), fault, Reply::says("yes")]);
        let answer = ask(&server.model()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((answer.message.text().as_ref(), server.count()), ("yes", 3), "{what}");
    }
}

#[test]
fn with_a_third_of_faults_every_question_is_answered_and_every_attempt_accounted_for() {
    let faults = passing();
    let kinds = faults.len();
    // Three of ten, but not twice in a row for whoever asks again.
    let seen = Mutex::new(BTreeMap::new());
    let server = Server::start(move |asked| {
        let said = asked.json()["messages"][0]["content"].as_str().unwrap().to_owned();
        let n: usize = said.parse().unwrap();
        let mut seen = seen.lock().unwrap();
        let before = seen.entry(n).or_insert(0);
        *before += 1;
        match n % 10 {
            0..3 if *before <= 2 => faults[(n / 10 * 3 + n % 10) % kinds].0.clone(),
            5 => Reply::error(400, "content_filter", "no"),
            6 => Reply::error(400, "context_length_exceeded", "too long"),
            _ => Reply::says(&said),
        }
    });
    let (model, journal) = (server.model(), Journal::in_memory().unwrap());
    let asks = (0..400).map(|n| {
        let query = Query::Complete(Request::user(n.to_string()));
        Ask::new("test", n.to_string(), query).with_tries(0)
    });
    let read = |_: &_, reply: &Kept| Ok(reply.text()?.into_owned());
    let answers = ask_all(&model, &journal, stream::iter(asks), read, &());
    let answers: Vec<_> = block_on(answers.try_collect()).unwrap();
    let (mut refused, mut failed) = (0, 0);
    for answer in &answers {
        match (&answer.result, answer.id.item.parse::<usize>().unwrap() % 10) {
            (Err(Failure::Unusable(why)), 5) if why.reason == Reason::Refusal => refused += 1,
            (Err(Failure::Model(error)), 6) if error.is_refusal() => failed += 1,
            (Ok(said), 0..5 | 7..) => assert_eq!(said, &answer.id.item),
            (other, _) => panic!("{}: {other:?}", answer.id),
        }
    }
    assert_eq!((answers.len(), refused, failed), (400, 40, 40));
    let spent = model.spent();
    assert_eq!(spent.answers, 320);
    let attempts = spent.answers + spent.unknown + spent.refused;
    assert_eq!(attempts as usize, server.count(), "{spent:?}");
}

#[test]
fn what_stays_is_told_apart() {
    use ModelErrorKind::{Auth, BadRequest, Connection, Other, RateLimit, TimeLimit};
    for (fault, expected, times, words) in [
        (Reply::error(401, "invalid_api_key", "wrong key"), Auth, 1, "answered 401: wrong key"),
        (Reply::error(403, "x", "not here"), Auth, 1, "answered 403: not here"),
        (
            Reply::error(400, "context_length_exceeded", "too long"),
            BadRequest,
            1,
            "answered 400: too long",
        ),
        (
            Reply::error(404, "model_not_found", "no `m`"),
            BadRequest,
            1,
            "are the base URL and the model's name right",
        ),
        (Reply::error(422, "x", "what"), BadRequest, 1, "answered 422: what"),
        (Reply::error(429, "x", "slow"), RateLimit, 3, "answered 429: slow; tried 3 times"),
        (Reply::error(429, "insufficient_quota", "pay"), RateLimit, 1, "pay"),
        (Reply::error(529, "overloaded_error", "full"), RateLimit, 3, "full"),
        (Reply::error(500, "x", "oh").with("x-should-retry", "false"), Other, 1, "oh"),
        (Reply::error(400, "x", "oh").with("x-should-retry", "true"), BadRequest, 3, "oh"),
        (Reply::error(504, "x", "oh"), TimeLimit, 3, "oh"),
        (Reply::error(402, "x", "pay"), Other, 1, "answered 402: pay"),
        (Reply::error(413, "x", "too large"), BadRequest, 1, "answered 413: too large"),
        (Reply::error(429, "billing_hard_limit_reached", "pay"), RateLimit, 1, "pay"),
        (
            Reply::json(json!({"error": {"type": "invalid_request_error", "message": "too long"}})),
            BadRequest,
            1,
            "too long",
        ),
        (
            Reply::json(json!({"object": "error", "message": "too long", "code": 400})),
            BadRequest,
            1,
            "too long",
        ),
        (
            Reply::json(json!({"error": {"type": "overloaded_error", "message": "full"}})),
            RateLimit,
            3,
            "full",
        ),
        (
            Reply::json(
                json!({"choices": [{"finish_reason": "error", "message": {"content": "a"}}]}),
            ),
            Other,
            3,
            "broke the answer off",
        ),
        (
            Reply::new(503, "<html><body>Down for\n repair</body></html>")
                .with("Content-Type", "text/html"),
            Other,
            3,
            "answered 503: Down for repair",
        ),
        (
            Reply::new(200, "<html>log in</html>").with("Content-Type", "text/html; charset=x"),
            Other,
            3,
            "answered 200 with text/html, which is no JSON: log in",
        ),
        (Reply::new(200, r#"{"choices": [{"#), Connection, 3, "cut its JSON off"),
        (Reply::json(json!({"choices": []})), Other, 3, "no choice"),
        (Reply::says("yes").cut(20), Connection, 3, "cut its answer off"),
        (Reply::hang_up(), Connection, 3, "closed the connection"),
        (Reply::reset(), Connection, 3, "URL/chat/completions"),
        (Reply::says("yes").after(0.7), TimeLimit, 3, "within 0.5 s"),
        (Reply::says("yes").slowly(20, 0.1), TimeLimit, 3, "within 0.5 s"),
        (Reply::says("yes").announcing(1 << 40), Other, 1, "bytes of answer"),
    ] {
        let (kind, text, asked) = stays(fault);
        assert_eq!((kind, asked), (expected, times), "{text}");
        assert!(text.contains(words), "`{words}` in {text}");
    }
}

#[test]
fn redirections_are_not_followed_but_told() {
    let elsewhere = Server::replies(vec![Reply::says("yes")]);
    let to = format!("{}/chat/completions?token=abc", elsewhere.url);
    for status in [301, 302, 307, 308] {
        let (kind, text, asked) = stays(Reply::new(status, "").with("Location", &to));
        assert_eq!((kind, asked), (ModelErrorKind::Other, 1));
        assert!(text.contains(&elsewhere.url) && !text.contains("abc"), "{text}");
    }
    assert_eq!(elsewhere.count(), 0);
}

#[test]
fn a_filter_that_declines_is_an_answer() {
    for reply in [
        Reply::error(400, "content_filter", "the prompt was filtered"),
        Reply::json(json!({"error": {"code": "content_filter", "message": "the prompt"}})),
        Reply::json(
            json!({"choices": [{"message": {"content": [{"type": "refusal", "refusal": "the prompt"}]}}]}),
        ),
        Reply::json(
            json!({"choices": [{"message": {"content": "the prompt"}, "finish_reason": "content_filter"}]}),
        ),
        Reply::json(
            json!({"choices": [{"message": {"content": null, "refusal": "the prompt"}, "finish_reason": "stop"}]}),
        ),
    ] {
        let server = Server::replies(vec![reply]);
        let answer = ask(&server.model()).unwrap();
        assert_eq!((answer.stop, server.count()), (Stop::Refusal, 1));
        assert!(answer.message.text().starts_with("the prompt"));
    }
}

#[test]
fn servers_of_every_manner_are_understood() {
    for (reply, what) in [
        (Reply::says("yes").chunked(), "chunks"),
        (Reply::says("yes").chunked().slowly(7, 0.001), "small chunks"),
        (Reply::says("yes").http_1_0(), "HTTP/1.0"),
        (Reply::says("yes").with("Content-Type", "text/plain"), "another type"),
        (Reply::says("yes").with("Content-Type", "text/html; charset=latin1"), "a wrong type"),
        (Reply::says("yes").preceded("HTTP/1.1 100 Continue\r\n\r\n"), "an interim answer"),
        (Reply::says("yes").followed("\r\n"), "a line too many"),
        (Reply::says("yes").followed("HTTP/1.1 200 OK\r\n"), "more than is announced"),
        (
            Reply::new(
                200,
                "\u{feff} \n{\"choices\":[{\"message\":{\"content\":\"yes\"}}],\"error\":null}",
            ),
            "a mark before it",
        ),
        (
            Reply::json(
                json!({"choices": [{"message": {"content": "yes"}}], "usage": {"prompt_tokens": u64::MAX,
                "completion_tokens": u64::MAX}}),
            ),
            "more tokens than there are",
        ),
        (Reply::says("yes").closing(), "closes unannounced"),
        (Reply::says("yes").with("Connection", "close").closing(), "closes"),
        (Reply::new(201, r#"{"choices":[{"message":{"content":"yes"}}]}"#), "another status"),
    ] {
        let server = Server::replies(vec![reply]);
        let model = server.model();
        for _ in 0..4 {
            assert_eq!(ask(&model).unwrap().message.text(), "yes", "{what}");
        }
    }
}

#[test]
fn a_pause_that_is_asked_for_is_kept() {
    let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    for (name, value, least) in [
        // First, before the moment passes. It is given in whole seconds.
        ("Retry-After", later.as_str(), 0.9),
        ("Retry-After", "1", 1.0),
        ("retry-after-ms", "300", 0.3),
    ] {
        let server = Server::replies(vec![
            Reply::error(429, "x", "slow").with(name, value),
            Reply::says("yes"),
        ]);
        let began = Instant::now();
        ask(&server.model()).unwrap();
        let took = began.elapsed().as_secs_f64();
        assert!((least..least + 2.5).contains(&took), "{name}: {value} took {took}");
    }
}

#[test]
fn a_pause_that_does_not_fit_is_told() {
    let server = Server::replies(vec![Reply::error(429, "x", "slow").with("Retry-After", "3600")]);
    let began = Instant::now();
    match ask(&server.model()).unwrap_err() {
        Error::Model { kind: ModelErrorKind::RateLimit, retry_after, .. } => {
            assert_eq!(retry_after, Some(Duration::from_secs(3600)));
        }
        other => panic!("{other}"),
    }
    assert!(began.elapsed() < Duration::from_secs(2) && server.count() == 1);
}

#[test]
fn all_tries_together_have_a_limit() {
    let server = Server::replies(vec![Reply::error(500, "x", "oh").after(0.1)]);
    let retry = Retry { tries: 1000, pause: 0.01, longest: 0.01, total: 0.6, seed: Some(1) };
    let began = Instant::now();
    ask(&OpenAi::new(server.endpoint().with_retry(retry)).unwrap()).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!((3..8).contains(&server.count()), "{}", server.count());
}

#[test]
fn servers_that_are_not_there() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let model = OpenAi::new(hasty(Endpoint::new(format!("http://{nobody}/v1"), "m"))).unwrap();
    let error = ask(&model).unwrap_err();
    assert_eq!(kind(&error), ModelErrorKind::Connection);
    assert!(error.to_string().contains("cannot be reached; tried 3 times"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    // A server that accepts and says nothing, to a client that wants encryption.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/v1", silent.local_addr().unwrap());
    let times = Timeouts { connect: 0.2, answer: 0.4 };
    let endpoint = hasty(Endpoint::new(url, "m")).with_timeouts(times).with_retry(Retry::never());
    let error = ask(&OpenAi::new(endpoint).unwrap()).unwrap_err();
    assert_eq!(kind(&error), ModelErrorKind::TimeLimit, "{error}");
}

#[test]
fn a_proxy_is_asked_instead() {
    let proxy = Server::replies(vec![Reply::says("yes")]);
    let endpoint = hasty(Endpoint::new("http://models.invalid/v1", "m"));
    let url = proxy.url.replace("http://", "http://me:hush@").replace("/v1", "");
    let model = OpenAi::new(endpoint.with_proxy(url)).unwrap();
    assert_eq!(ask(&model).unwrap().message.text(), "yes");
    let asked = &proxy.asked()[0];
    assert_eq!(asked.path, "http://models.invalid/v1/chat/completions");
    assert!(asked.header("proxy-authorization").starts_with("Basic "));
    assert!(!format!("{model:?}").contains("hush"));
}
