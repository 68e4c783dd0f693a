//! What variables of the environment do, in a process that has them, and what it logs meanwhile.

use std::{
    fmt::{self, Write},
    net::TcpListener,
    process::Command,
    sync::Mutex,
};

use ethos_api::{Anthropic, OpenAi};
use ethos_core::{Model, Request};
use futures::executor::block_on;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::server::{Reply, Server};

const KEY: &str = "sk-0123456789abcdef";

/// Which model a child asks; a child is whoever has it.
const CHILD: &str = "ETHOS_TESTS_CHILD";

/// All that was logged, at any level and by whatever crate.
static LOGGED: Mutex<String> = Mutex::new(String::new());

struct Logs;

impl Subscriber for Logs {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Values);
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Values);
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut Values);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Values;

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut logged = LOGGED.lock().unwrap();
        let _ = writeln!(logged, "{field}: {value:?}");
    }
}

/// No test of its own: what the others run as a child.
#[test]
fn child_asking() {
    let Ok(provider) = std::env::var(CHILD) else { return };
    tracing::subscriber::set_global_default(Logs).unwrap();
    let model: Box<dyn Model> = match provider.as_str() {
        "anthropic" => Box::new(Anthropic::from_env("m").unwrap()),
        _ => Box::new(OpenAi::from_env("m").unwrap()),
    };
    let said = match block_on(model.complete(&Request::user("so?"))) {
        Ok(answer) => answer.message.text().into_owned(),
        Err(error) => error.to_string(),
    };
    println!("said: {said}\n{}", LOGGED.lock().unwrap());
}

/// What a child with these variables printed.
fn child(provider: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "environment::child_asking", "--nocapture"]).env(CHILD, provider);
    for (name, _) in std::env::vars() {
        if name.to_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn addresses_keys_and_proxies_are_read_and_no_log_shows_a_key() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://me:hush-hush@{nobody}");
    // The first attempt fails, with the key in its words, so that something is logged.
    let server = Server::start(|asked| match asked.number {
        n if n.is_multiple_of(2) => {
            let key = asked.header("authorization").replace("Bearer ", "");
            Reply::error(500, "x", &format!("bad key {key}{}", asked.header("x-api-key")))
        }
        _ if asked.path.ends_with("/messages") => {
            Reply::new(200, r#"{"content": "yes", "stop_reason": "end_turn"}"#)
        }
        _ => Reply::says("yes"),
    });
    let told = [
        ("OPENAI_BASE_URL", server.url.as_str()),
        ("OPENAI_API_KEY", KEY),
        ("OPENAI_ORG_ID", "org-1"),
        ("ANTHROPIC_BASE_URL", server.url.as_str()),
        ("ANTHROPIC_API_KEY", KEY),
        ("HTTP_PROXY", nobody.as_str()),
        ("NO_PROXY", "example.org,127.0.0.1"),
    ];
    for provider in ["openai", "anthropic"] {
        let printed = child(provider, &told);
        assert!(printed.contains("said: yes"), "{printed}");
        assert!(printed.contains("bad key (hidden)"), "{printed}");
        for secret in [KEY, "hush-hush"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
    let asked = server.asked();
    assert_eq!(asked[1].header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(asked[1].header("openai-organization"), "org-1");
    assert_eq!(asked[3].header("x-api-key"), KEY);

    // And through the proxy, where nothing speaks against it.
    let proxy = Server::replies(vec![Reply::says("yes")]);
    let through = proxy.url.replace("/v1", "");
    let told = [
        ("OPENAI_BASE_URL", "http://models.invalid/v1"),
        ("OPENAI_API_KEY", KEY),
        ("http_proxy", through.as_str()),
        ("NO_PROXY", "example.org"),
    ];
    assert!(child("openai", &told).contains("said: yes"));
    assert_eq!(proxy.asked()[0].path, "http://models.invalid/v1/chat/completions");
}

#[test]
fn a_lost_connection_is_told_once() {
    let server = Server::replies(vec![Reply::hang_up(), Reply::hang_up(), Reply::says("yes")]);
    let told = [("OPENAI_BASE_URL", server.url.as_str()), ("OPENAI_API_KEY", KEY)];
    let printed = child("openai", &told);
    assert!(printed.contains("said: yes"), "{printed}");
    assert_eq!(server.count(), 3);
    let warned = format!("{}/chat/completions closed the connection", server.url);
    assert_eq!(printed.matches(&warned).count(), 1, "{printed}");
    assert_eq!(printed.matches("it is tried up to 8 times").count(), 1, "{printed}");
}
