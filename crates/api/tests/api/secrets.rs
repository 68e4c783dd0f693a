use std::error::Error as StdError;

use ethos_api::{Anthropic, Endpoint, OpenAi, Retry};
use ethos_core::{Ask, Journal, Model, Query, Reply as Kept, Request, ask_all};
use futures::{TryStreamExt, executor::block_on, stream};
use serde_json::{Value, json};

use crate::server::{Asked, Reply, Server};

const KEYS: [&str; 6] = [
    "sk-proj-0123456789abcdefABCDEF",
    r#"odd"key\with/every%kind+of=sign&more"#,
    "<b>key</b>'s & \"quotes\"",
    "clé-été-schlüssel-ключ",
    "a key with spaces {and} $braces",
    "~!@#$%^&*()_+`-={}|[]:;,.?",
];

/// All that a program could log of an error.
fn all(error: &dyn StdError) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(" {error} {error:?}");
        cause = error.source();
    }
    text
}

fn assert_hidden(text: &str, key: &str, what: &str) {
    for spelling in [key.to_owned(), Value::from(key).to_string().trim_matches('"').to_owned()] {
        assert!(!text.contains(&spelling), "{what} shows `{key}`: {text}");
    }
}

/// Servers that send the key back, in every way that they can think of.
fn echoes() -> Vec<fn(&str) -> Reply> {
    fn html(key: &str) -> String {
        let key = key.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!("<p>{}</p>", key.replace('"', "&quot;").replace('\'', "&#x27;"))
    }
    vec![
        |key| Reply::error(401, "invalid_api_key", &format!("Incorrect API key provided: {key}.")),
        |key| Reply::new(401, json!({"detail": {"headers": {"authorization": key}}}).to_string()),
        |key| Reply::new(500, format!("panic: bad key {key}")),
        |key| Reply::new(502, html(key)).with("Content-Type", "text/html"),
        |key| Reply::new(200, html(key)).with("Content-Type", "text/html"),
        |key| Reply::json(json!({"error": {"message": key, "code": key}})),
        |key| Reply::json(json!({"nothing": key})),
        |key| Reply::new(400, format!("{}{key}", "x".repeat(290))),
        |key| {
            Reply::new(
                400,
                json!({"error": {"code": "content_filter", "message": key}}).to_string(),
            )
        },
        |key| {
            Reply::new(307, "").with("Location", format!("https://{key}@elsewhere/{key}?key={key}"))
        },
        |key| Reply::new(200, "x").with("Content-Type", key),
        |key| Reply::new(200, format!("{{\"choices\": \"{key}")),
    ]
}

fn sent(asked: &Asked) -> &str {
    asked.header("authorization").strip_prefix("Bearer ").unwrap_or(asked.header("x-api-key"))
}

#[test]
fn no_error_shows_a_key_that_a_server_sends_back() {
    for echo in echoes() {
        let server = Server::start(move |asked| echo(sent(asked)));
        for key in KEYS {
            let endpoint = || server.endpoint().with_key(key).with_retry(Retry::never());
            let models: [Box<dyn Model>; 2] = [
                Box::new(OpenAi::new(endpoint()).unwrap()),
                Box::new(Anthropic::new(endpoint()).unwrap()),
            ];
            for model in models {
                match block_on(model.complete(&Request::user("so?"))) {
                    Err(error) => assert_hidden(&all(&error), key, "an error"),
                    Ok(answer) => assert_hidden(&format!("{answer:?}"), key, "an answer"),
                }
            }
        }
    }
}

#[test]
fn no_part_of_a_header_and_no_password_of_a_proxy_is_shown() {
    let key = "sk-0123456789abcdef";
    // The server quotes the key, without the word before it; the proxy quotes what it was sent.
    let server = Server::start(|asked| {
        let sent =
            format!("{} {}", asked.header("authorization"), asked.header("proxy-authorization"));
        let quoted: Vec<_> = sent.split(' ').filter(|word| word.len() > 6).collect();
        Reply::error(400, "x", &format!("wrong: {}, p@ss-word", quoted.join(" and ")))
    });
    let proxy = server.url.replace("http://", "http://me:p%40ss-word@").replace("/v1", "");
    for proxy in [proxy.as_str(), proxy.trim_start_matches("http://")] {
        let endpoint = server.endpoint().with_header("Authorization", format!("Bearer {key}"));
        let model = OpenAi::new(endpoint.with_proxy(proxy)).unwrap();
        let shown = all(&block_on(model.complete(&Request::user("so?"))).unwrap_err());
        assert!(shown.contains("(hidden) and (hidden), (hidden)"), "{shown}");
        for secret in [key, "p%40ss-word", "p@ss-word", "bWU6cEBzcy13b3Jk"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn no_debug_shows_a_secret() {
    for key in KEYS {
        let endpoint = Endpoint::new("https://host.example/v1?sig=hush-hush", "m")
            .with_key(key)
            .with_header("x-other-key", format!("{key}-other"))
            .with_proxy("http://me:hush-hush@proxy:1");
        let model = OpenAi::new(endpoint.clone()).unwrap();
        let claude = Anthropic::new(endpoint.clone()).unwrap();
        let shown = format!("{endpoint:?} {model:#?} {claude:?} {:?} {}", model.id(), model.id());
        assert_hidden(&shown, key, "Debug");
        assert!(!shown.contains("hush-hush"), "{shown}");
    }
    let wrong = Endpoint::new("https://me:hush-hush@host.example/v1", "m");
    let error = OpenAi::new(wrong.clone()).unwrap_err();
    assert!(!format!("{wrong:?} {}", all(&error)).contains("hush-hush"));
    let error = OpenAi::new(Endpoint::new("http://h/v1", "m").with_key("hush\nhush")).unwrap_err();
    assert!(!all(&error).contains("hush"));
    let wrong = Endpoint::new("http://h/v1", "m").with_proxy("socks5://me:hush-hush@proxy:1");
    assert!(!all(&OpenAi::new(wrong).unwrap_err()).contains("hush-hush"));
    let nobody =
        Endpoint::new("http://127.0.0.1:1/v1?sig=hush-hush", "m").with_retry(Retry::never());
    let error = block_on(OpenAi::new(nobody).unwrap().complete(&Request::user("so?"))).unwrap_err();
    assert!(!all(&error).contains("hush-hush"), "{}", all(&error));
}

#[test]
fn no_journal_keeps_a_key() {
    let server = Server::start(|asked| match asked.number % 2 {
        0 => Reply::says(&format!("your key is {}", sent(asked))),
        // The same in an escape for every character.
        _ if asked.number % 4 == 1 => {
            let units = sent(asked).encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            let key: String = units.collect();
            let body =
                format!(r#"{{"choices": [{{"message": {{"content": "your key is {key}"}}}}]}}"#);
            Reply::new(200, body)
        }
        _ => Reply::error(400, "content_filter", &format!("your key is {}", sent(asked))),
    });
    let folder = tempfile::tempdir().unwrap();
    for (n, key) in KEYS.into_iter().enumerate() {
        let path = folder.path().join(format!("{n}.redb"));
        let model = OpenAi::new(server.endpoint().with_key(key)).unwrap();
        let journal = Journal::open(&path).unwrap();
        let asks = (0..4)
            .map(|n| Ask::new("t", n.to_string(), Query::Complete(Request::user(n.to_string()))));
        let read = |_: &_, _: &Kept| Ok(());
        let answers = ask_all(&model, &journal, stream::iter(asks), read, &());
        let _: Vec<_> = block_on(answers.try_collect()).unwrap();
        drop(journal);
        let bytes = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(bytes.contains("your key is"));
        assert_hidden(&bytes, key, "the journal");
    }
}
