//! Requests: redirections are followed, transient failures repeated, and the token goes home only.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use ureq::{
    Agent, Body, Proxy, SendBody,
    http::{HeaderMap, Method, Request, Response, StatusCode, header},
};

use crate::{
    Error, Result,
    address::{Origin, join, shown},
    answer::Answer,
    progress::Meter,
    token::Token,
};

/// How long to go on with a hub that does not answer well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// How often something is tried without getting a byte further, the first time counted.
    pub tries: u32,
    /// The pause before the second try, in seconds. It doubles with each; where the hub asks for a
    /// longer one of up to five minutes, that is kept.
    pub pause: f64,
    /// A connection that is silent for so long, in seconds, has failed.
    pub silence: f64,
}

impl Patience {
    /// For whoever waits before a screen, or a program over night: five tries, pauses of 1, 2, 4
    /// and 8 seconds, and a minute of silence.
    pub fn usual() -> Patience {
        Patience { tries: 5, pause: 1.0, silence: 60.0 }
    }

    /// The pause after `failures` of them.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let seconds = self.pause * 2f64.powi(failures.saturating_sub(1).min(16) as i32);
        Duration::try_from_secs_f64(seconds).unwrap_or_default().min(LONGEST_PAUSE)
    }
}

/// The longest pause that a hub can ask for: the window of its rate limits.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// More redirections than the hub, its storage and a renamed repository need together.
const REDIRECTIONS: usize = 8;

/// A client of one hub.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    agent: Agent,
    /// The hub's address, without a slash at its end.
    pub(crate) endpoint: String,
    pub(crate) token: Option<Token>,
    pub(crate) patience: Patience,
}

/// What is sent.
pub(crate) enum Payload<'a> {
    Nothing,
    Bytes { kind: &'static str, bytes: &'a [u8] },
    Piece(Piece<'a>),
}

/// A piece of a file, read while it is sent.
pub(crate) struct Piece<'a> {
    pub(crate) path: PathBuf,
    pub(crate) from: u64,
    pub(crate) size: u64,
    /// What the meter calls it.
    pub(crate) name: &'a str,
    pub(crate) meter: &'a Meter<'a>,
}

/// A request.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload<'a>,
    /// Whether it does no harm to send it again when nobody knows if it arrived.
    pub(crate) repeatable: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, url: String, payload: Payload<'a>) -> Call<'a> {
        Call { method, url, headers: HeaderMap::new(), payload, repeatable: true }
    }

    pub(crate) fn get(url: String) -> Call<'a> {
        Call::new(Method::GET, url, Payload::Nothing)
    }
}

impl Http {
    pub(crate) fn new(proxy: Option<Proxy>) -> Http {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Sizes, ranges and hashes are those of the files, not of something compressed.
            .accept_encoding("identity")
            .user_agent(concat!("ethos-hub/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections_per_host(16)
            .max_idle_connections(32)
            .proxy(proxy)
            .build();
        Http {
            agent: config.new_agent(),
            endpoint: "https://huggingface.co".into(),
            token: None,
            patience: Patience::usual(),
        }
    }

    /// An address below the hub's.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.endpoint)
    }

    /// Whether the token belongs there.
    fn is_home(&self, url: &str) -> bool {
        Origin::of(url).is_some_and(|origin| Some(origin) == Origin::of(&self.endpoint))
    }

    /// The answer to `call`, of whatever status, after redirections and repetitions.
    pub(crate) fn call(&self, call: &Call) -> Result<Answer> {
        let mut failures = 0;
        loop {
            failures += 1;
            let last = failures >= self.patience.tries.max(1);
            let pause = match self.follow(call) {
                Ok(answer) => match answer.try_again(call.repeatable) {
                    Some(asked) if !last && asked <= LONGEST_PAUSE => {
                        tracing::warn!(url = shown(&answer.url), status = answer.status(), "again");
                        asked.max(self.patience.pause(failures))
                    }
                    _ => return Ok(answer),
                },
                Err(Error::Unreachable { url, source }) if call.repeatable && !last => {
                    tracing::warn!(url, error = %source, "again");
                    self.patience.pause(failures)
                }
                Err(error) => return Err(error),
            };
            thread::sleep(pause);
        }
    }

    fn follow(&self, call: &Call) -> Result<Answer> {
        let mut url = call.url.clone();
        for _ in 0..=REDIRECTIONS {
            let home = self.is_home(&url);
            let response = self.send(call, &url, home)?;
            let answer = |response, url: String| Answer {
                response,
                url,
                home,
                endpoint: self.endpoint.clone(),
                token: self.token.is_some(),
            };
            let Some(location) = redirection(&response, &call.method) else {
                return Ok(answer(response, url));
            };
            let Some(next) = join(&url, &location) else {
                let why = "it is no address of the web";
                return Err(refused(&url, &location, why));
            };
            // The headers of a file are the hub's, also where its storage has the file.
            if call.method == Method::HEAD && !self.is_home(&next) {
                return Ok(answer(response, url));
            }
            let secure = |url: &str| Origin::of(url).is_some_and(|origin| origin.secure);
            if secure(&url) && !secure(&next) {
                return Err(refused(&url, &next, "it gives up encryption"));
            }
            url = next;
        }
        Err(refused(&call.url, &url, "there were too many redirections before it"))
    }

    /// One request and its answer, without redirections.
    fn send(&self, call: &Call, url: &str, home: bool) -> Result<Response<Body>> {
        let mut request = Request::builder().method(call.method.clone()).uri(url);
        if let Some(headers) = request.headers_mut() {
            headers.extend(call.headers.clone());
            if let Some(token) = self.token.as_ref().filter(|_| home) {
                headers.insert(header::AUTHORIZATION, token.header());
            }
            match &call.payload {
                Payload::Nothing => {}
                Payload::Bytes { kind, .. } => {
                    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
                }
                Payload::Piece(piece) => {
                    headers.insert(header::CONTENT_LENGTH, piece.size.into());
                }
            }
        }
        let failed = |source: ureq::Error| unreachable(url, source);
        let sent = match &call.payload {
            Payload::Nothing => request.body(()).map(|request| self.run(request)),
            Payload::Bytes { bytes, .. } => request.body(*bytes).map(|request| self.run(request)),
            Payload::Piece(piece) => {
                let mut reader = Reader::open(piece)?;
                let body = SendBody::from_reader(&mut reader);
                let sent = request.body(body).map(|request| self.run(request));
                if let Some(error) = reader.failed {
                    return Err(Error::io("read", &piece.path)(error));
                }
                if !matches!(&sent, Ok(Ok(response)) if response.status().is_success()) {
                    piece.meter.lost(piece.name, reader.sent);
                }
                sent
            }
        };
        sent.map_err(|error| failed(error.into()))?.map_err(failed)
    }

    fn run(&self, request: Request<impl ureq::AsSendBody>) -> Result<Response<Body>, ureq::Error> {
        let silence = Duration::try_from_secs_f64(self.patience.silence).ok();
        let request = self
            .agent
            .configure_request(request)
            .timeout_resolve(silence)
            .timeout_connect(silence)
            .timeout_recv_response(silence)
            .timeout_per_read(silence)
            .timeout_per_write(silence)
            .build();
        self.agent.run(request)
    }
}

/// Where `response` redirects a request of this method that can be sent on.
fn redirection(response: &Response<Body>, method: &Method) -> Option<String> {
    let plain = matches!(*method, Method::GET | Method::HEAD);
    let redirects = match response.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => plain,
        _ => false,
    };
    let location = response.headers().get(header::LOCATION).filter(|_| redirects)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

fn refused(url: &str, to: &str, why: &'static str) -> Error {
    let (url, to) = (shown(url).into(), shown(to).into());
    Error::Redirect { url, to, why }
}

pub(crate) fn unreachable(
    url: &str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    Error::Unreachable { url: shown(url).into(), source: Box::new(source) }
}

/// Reads a piece of a file and reports what it read as sent.
struct Reader<'a> {
    file: io::Take<File>,
    piece: &'a Piece<'a>,
    sent: u64,
    failed: Option<io::Error>,
}

impl<'a> Reader<'a> {
    fn open(piece: &'a Piece<'a>) -> Result<Reader<'a>> {
        let open = || {
            let mut file = File::open(&piece.path)?;
            file.seek(SeekFrom::Start(piece.from))?;
            Ok(file.take(piece.size))
        };
        let file = open().map_err(Error::io("read", &piece.path))?;
        Ok(Reader { file, piece, sent: 0, failed: None })
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.file.read(buffer) {
            Ok(0) if self.sent < self.piece.size && !buffer.is_empty() => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter meanwhile"))
            }
            read => read,
        };
        match read {
            Ok(read) => {
                self.sent += read as u64;
                self.piece.meter.sent(self.piece.name, read as u64);
                Ok(read)
            }
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let patience = Patience { pause: 0.5, ..Patience::usual() };
        let pauses: Vec<f64> = (1..5).map(|n| patience.pause(n).as_secs_f64()).collect();
        assert_eq!(pauses, [0.5, 1.0, 2.0, 4.0]);
        assert_eq!(patience.pause(1_000_000), LONGEST_PAUSE);
        assert_eq!(Patience { pause: -1.0, ..patience }.pause(1), Duration::ZERO);
    }
}
