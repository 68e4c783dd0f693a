//! What went wrong with an attempt, and whether another may do better.

use std::{error::Error as StdError, fmt, time::Duration};

use ethos_core::ModelErrorKind;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::{
    http::{Answer, Broken},
    retry::should_retry,
    secret::Redactor,
};

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ModelErrorKind,
    /// Without the address.
    pub(crate) message: String,
    pub(crate) source: Option<Cause>,
    /// Whether it may pass.
    pub(crate) passing: bool,
    pub(crate) retry_after: Option<Duration>,
    /// Whether the server refused because of load.
    pub(crate) load: bool,
    /// Whether the server, or the account, takes nothing from anybody now.
    closed: bool,
    /// Whether it may be billed nevertheless.
    pub(crate) billed: bool,
}

impl Fault {
    fn new(kind: ModelErrorKind, message: impl Into<String>) -> Fault {
        Fault {
            kind,
            message: message.into(),
            source: None,
            passing: true,
            retry_after: None,
            load: false,
            closed: false,
            billed: true,
        }
    }

    /// How long whoever else asks the server should wait as well: its limits are of the account.
    pub(crate) fn rest(&self) -> Option<Duration> {
        self.retry_after.filter(|_| self.closed)
    }

    /// No answer arrived.
    pub(crate) fn broken(broken: Broken, redactor: &Redactor) -> Fault {
        use ModelErrorKind::{Connection, Other, TimeLimit};
        let cause = |error: &(dyn StdError + 'static)| Some(Cause::new(error, redactor));
        match broken {
            Broken::Connect(error) => Fault {
                source: cause(&error),
                billed: false,
                ..Fault::new(Connection, "cannot be reached")
            },
            Broken::ConnectTime => Fault {
                billed: false,
                ..Fault::new(TimeLimit, "could not be connected to within the time limit")
            },
            Broken::Time(limit) => {
                let message = format!("gave no whole answer within {} s", limit.as_secs_f64());
                Fault::new(TimeLimit, message)
            }
            Broken::Request(error) => Fault {
                source: cause(&error),
                billed: false,
                passing: false,
                ..Fault::new(Other, "cannot be sent this request")
            },
            Broken::Lost(error) => Fault {
                source: cause(&error),
                ..Fault::new(Connection, "closed the connection before it had answered")
            },
            Broken::Cut(error) => {
                Fault { source: cause(&error), ..Fault::new(Connection, "cut its answer off") }
            }
            Broken::TooLong(bytes) => Fault {
                passing: false,
                ..Fault::new(Other, format!("gave more than {bytes} bytes of answer"))
            },
        }
    }

    /// An answer with a status that is no success.
    pub(crate) fn status(answer: &Answer, redactor: &Redactor) -> Fault {
        let said = said(answer, redactor);
        let quota = quota(answer);
        Fault::of(answer.status, &answer.headers, answer.location(redactor), said, quota)
    }

    /// An error in a body whose status was success, as some routers send it, and the status that it names.
    pub(crate) fn hidden(status: Option<u16>, answer: &Answer, redactor: &Redactor) -> Fault {
        let said = said(answer, redactor);
        match status {
            Some(status) => Fault::of(status, &answer.headers, None, said, quota(answer)),
            None => Fault::new(
                ModelErrorKind::Other,
                format!("answered {} with an error{said}", answer.status),
            ),
        }
    }

    /// A body that is no answer.
    pub(crate) fn unreadable(why: &Unreadable, answer: &Answer, redactor: &Redactor) -> Fault {
        let status = answer.status;
        let kind = answer.content_type(redactor);
        match why {
            Unreadable::Ended => Fault::new(
                ModelErrorKind::Connection,
                format!("answered {status} and cut its JSON off{}", said(answer, redactor)),
            ),
            Unreadable::NoJson => Fault::new(
                ModelErrorKind::Other,
                format!(
                    "answered {status} with {kind}, which is no JSON{}",
                    said(answer, redactor)
                ),
            ),
            Unreadable::Lacks(what) => Fault::new(
                ModelErrorKind::Other,
                format!("answered {status} with JSON that has no {what}{}", said(answer, redactor)),
            ),
            Unreadable::BrokenOff => Fault::new(
                ModelErrorKind::Other,
                format!("answered {status} and broke the answer off{}", said(answer, redactor)),
            ),
        }
    }

    fn of(
        status: u16,
        headers: &HeaderMap,
        location: Option<String>,
        said: String,
        quota: bool,
    ) -> Fault {
        use ModelErrorKind::{Auth, BadRequest, Other, RateLimit, TimeLimit, Unsupported};
        let (kind, passing) = match status {
            401 | 403 => (Auth, false),
            408 | 504 => (TimeLimit, true),
            409 | 425 => (Other, true),
            429 => (RateLimit, !quota),
            529 => (RateLimit, true),
            501 => (Unsupported, true),
            500..=599 => (Other, true),
            402 => (Other, false),
            400..=499 => (BadRequest, false),
            _ => (Other, false),
        };
        let passing = should_retry(headers).unwrap_or(passing);
        let hint = match (status, location) {
            (300..=399, Some(to)) => {
                format!(" and redirects to {to}, which is not followed; give that base URL")
            }
            (404, _) => "; are the base URL and the model's name right?".to_owned(),
            _ => String::new(),
        };
        Fault {
            kind,
            message: format!("answered {status}{said}{hint}"),
            source: None,
            passing,
            retry_after: crate::retry::retry_after(headers, std::time::SystemTime::now()),
            load: matches!(status, 429 | 529) && !quota,
            closed: matches!(status, 429 | 503 | 529),
            billed: false,
        }
    }
}

/// Why a body is no answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// It ends within its JSON.
    Ended,
    /// It is no JSON.
    NoJson,
    /// It is, and has none of this.
    Lacks(&'static str),
    /// It says that the server broke the answer off.
    BrokenOff,
}

/// The chain of errors below, in words: other crates' errors may show what must not be seen.
#[derive(Debug)]
pub(crate) struct Cause {
    text: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    fn new(error: &(dyn StdError + 'static), redactor: &Redactor) -> Cause {
        let source = error.source().map(|source| Box::new(Cause::new(source, redactor)));
        Cause { text: redactor.error(&error.to_string()), source }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Characters of a server's own words that an error shows.
const WORDS: usize = 300;

/// What the server said, after a colon, or nothing.
fn said(answer: &Answer, redactor: &Redactor) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    // Redacted before it is cut off, lest the start of a key be left.
    let body = redactor.error(&body);
    let words = match serde_json::from_str::<Value>(&body) {
        // Written anew, lest an escape hide a key.
        Ok(value) => message(&value).unwrap_or_else(|| value.to_string()),
        Err(_) if body.trim_start().starts_with('<') => without_tags(&body),
        Err(_) => body,
    };
    let words = redactor.error(&words);
    let mut short: String = String::new();
    let mut count = 0;
    for word in words.split_whitespace() {
        for c in (!short.is_empty()).then_some(' ').into_iter().chain(word.chars()) {
            if count == WORDS {
                return format!(": {short}…");
            }
            count += 1;
            short.push(if c.is_control() { '\u{fffd}' } else { c });
        }
    }
    if short.is_empty() { short } else { format!(": {short}") }
}

/// The words of a page.
fn without_tags(page: &str) -> String {
    let mut words = String::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        words.push_str(&rest[..at]);
        words.push(' ');
        rest = &rest[at..];
        let low = |n: usize| rest.get(..n).unwrap_or_default().to_ascii_lowercase();
        let close = match () {
            () if low(7) == "<script" => "</script>",
            () if low(6) == "<style" => "</style>",
            () if low(4) == "<!--" => "-->",
            () => ">",
        };
        match rest.find(close) {
            Some(end) => rest = &rest[end + close.len()..],
            None => rest = "",
        }
    }
    words + rest
}

/// The message of an error, in the shapes that servers give it.
pub(crate) fn message(value: &Value) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Object(_) => None,
        other => Some(other.to_string()),
    };
    let error = &value["error"];
    [&error["message"], error, &value["message"], &value["detail"], &value["errors"]]
        .into_iter()
        .find_map(text)
}

/// Where an error has its codes: `code`, `type`, and Azure's inner one.
fn places(value: &Value) -> impl Iterator<Item = &Value> {
    let error = &value["error"];
    let inner = &error["innererror"]["code"];
    let all =
        [&error["code"], &error["type"], inner, &value["code"], &error["status"], &value["type"]];
    all.into_iter()
}

fn codes(value: &Value) -> impl Iterator<Item = &str> {
    places(value).filter_map(Value::as_str)
}

/// Whether the account has nothing left: that does not pass.
fn quota(answer: &Answer) -> bool {
    let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let known = ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"];
    codes(&value).any(|code| known.contains(&code))
}

/// Whether a body is an error, whatever its status.
pub(crate) fn is_error(value: &Value) -> bool {
    let error = match &value["error"] {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(all) => !all.is_empty(),
        _ => true,
    };
    error || value["object"] == "error" || value["type"] == "error"
}

/// The status that a body's error names: as a number, or by the names of OpenAI, Anthropic and vLLM.
pub(crate) fn named_status(value: &Value) -> Option<u16> {
    let number = |code: &Value| code.as_u64().or_else(|| code.as_str()?.parse().ok());
    let number = places(value).find_map(number).filter(|status| (400..600).contains(status));
    number.and_then(|status| status.try_into().ok()).or_else(|| codes(value).find_map(status_of))
}

/// The status that goes with an error's name.
pub(crate) fn status_of(name: &str) -> Option<u16> {
    Some(match name {
        "invalid_request_error" | "context_length_exceeded" | "BadRequestError" => 400,
        "authentication_error" | "invalid_api_key" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" | "model_not_found" | "NotFoundError" => 404,
        "request_too_large" => 413,
        "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" => 429,
        "api_error" | "server_error" | "internal_server_error" | "InternalServerError" => 500,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => return None,
    })
}

/// The provider's words, where its filters declined the request: that is an answer, not an error.
pub(crate) fn declined(answer: &Answer, redactor: &Redactor) -> Option<String> {
    if !matches!(answer.status, 400 | 403 | 422) {
        return None;
    }
    let value: Value = serde_json::from_slice(&answer.body).ok()?;
    let known = [
        "content_filter",
        "content_policy_violation",
        "ResponsibleAIPolicyViolation",
        "invalid_prompt",
        "content_filter_error",
        "moderation_blocked",
    ];
    let coded = codes(&value).any(|code| known.contains(&code));
    let flagged = value["error"]["metadata"].get("flagged_input").is_some();
    let words = message(&value).unwrap_or_default();
    // Anthropic has no code for it.
    let worded = words.contains("content filtering policy");
    (coded || flagged || worded).then(|| redactor.error(&words))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: impl ToString) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: body.to_string().into_bytes() }
    }

    #[test]
    fn servers_are_quoted_in_short() {
        let said = |body: &str| said(&answer(500, body), &Redactor::default());
        assert_eq!(said(r#"{"error":{"message":"too\nmany"}}"#), ": too many");
        assert_eq!(said(r#"{"error":"loading"}"#), ": loading");
        assert_eq!(said(r#"{"detail":[{"loc":1}]}"#), r#": [{"loc":1}]"#);
        assert_eq!(said(r#"{"x":1}"#), r#": {"x":1}"#);
        let page = "<html><style>a{}</style><h1>502</h1> Bad\n<b>Gateway</b>";
        assert_eq!(said(page), ": 502 Bad Gateway");
        assert_eq!(said("<html"), "");
        assert_eq!(said(&"ä".repeat(400)), format!(": {}…", "ä".repeat(300)));
    }

    #[test]
    fn filters_are_told_from_mistakes() {
        let of = |status, value| declined(&answer(status, value), &Redactor::default());
        let azure = json!({"error": {"code": "content_filter", "message": "no", "status": 400}});
        assert_eq!(of(400, azure.clone()).unwrap(), "no");
        assert_eq!(of(500, azure), None);
        let router =
            json!({"error": {"code": 403, "message": "m", "metadata": {"flagged_input": "x"}}});
        assert_eq!(of(403, router).unwrap(), "m");
        assert_eq!(of(400, json!({"error": {"code": "context_length_exceeded"}})), None);
        let words = "Output blocked by content filtering policy";
        let anthropic =
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": words}});
        assert_eq!(of(400, anthropic).unwrap(), words);
    }

    #[test]
    fn errors_under_a_status_of_success_are_known_by_their_names() {
        for (value, expected) in [
            (json!({"error": {"code": 502, "message": "upstream"}}), Some(502)),
            (json!({"error": {"code": "429"}}), Some(429)),
            (
                json!({"error": {"type": "invalid_request_error", "code": "invalid_api_key"}}),
                Some(401),
            ),
            (json!({"type": "error", "error": {"type": "overloaded_error"}}), Some(529)),
            (json!({"object": "error", "type": "BadRequestError", "code": 400}), Some(400)),
            (json!({"error": "loading"}), None),
            (json!({"error": {"code": 7}}), None),
        ] {
            assert!(is_error(&value));
            assert_eq!(named_status(&value), expected, "{value}");
        }
        for value in [json!({"error": null}), json!({"error": {}}), json!({"error": ""}), json!({})]
        {
            assert!(!is_error(&value), "{value}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let words = prop_oneof![Just("error"), Just("message"), Just("code"), Just("detail")];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((words.clone(), inner), 0..4).prop_map(|pairs| {
                    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Value>()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_body_is_survived(value in any_json(), text in ".{0,80}", status in 300u16..600) {
            for answer in [answer(status, value), answer(status, text)] {
                let redactor = Redactor::default();
                let _ = (declined(&answer, &redactor), Fault::status(&answer, &redactor));
            }
        }
    }
}
