//! A web server of the standard library: it answers what a function says, and remembers what it was
//! asked.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use ethos_api::{Endpoint, Limits, OpenAi, Retry, Timeouts};
use serde_json::{Value, json};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// How many came before.
    pub(crate) number: usize,
    /// Which connection it came by.
    pub(crate) connection: usize,
    pub(crate) at: Instant,
    pub(crate) path: String,
    /// By names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    version: &'static str,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    sized: Sized,
    wait: Duration,
    /// Bytes of the body after which there is a pause, and how long it is.
    pieces: Option<(usize, Duration)>,
    /// What comes before and after what HTTP has a place for.
    before: Vec<u8>,
    beyond: Vec<u8>,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum Sized {
    Length(Option<usize>),
    Chunked,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Stay,
    Close,
    /// After so many bytes of the body.
    Cut(usize),
    /// Before anything is said.
    HangUp,
    /// So that the client's system says that the connection was reset.
    Reset,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply {
            version: "HTTP/1.1",
            status,
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: body.into(),
            sized: Sized::Length(None),
            wait: Duration::ZERO,
            pieces: None,
            before: Vec::new(),
            beyond: Vec::new(),
            end: End::Stay,
        }
    }

    pub(crate) fn json(value: Value) -> Reply {
        Reply::new(200, value.to_string())
    }

    /// A good answer of chat completions.
    pub(crate) fn says(text: &str) -> Reply {
        Reply::json(json!({
            "id": "chatcmpl-1", "object": "chat.completion", "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }))
    }

    /// An error as OpenAI answers it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
        let error = json!({"message": message, "type": "invalid_request_error", "code": code});
        Reply::new(status, json!({"error": error}).to_string())
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Reply {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.to_string()));
        self
    }

    /// Nothing is said for a while.
    pub(crate) fn after(self, seconds: f64) -> Reply {
        Reply { wait: Duration::from_secs_f64(seconds), ..self }
    }

    /// The body comes in pieces.
    pub(crate) fn slowly(self, bytes: usize, seconds: f64) -> Reply {
        Reply { pieces: Some((bytes, Duration::from_secs_f64(seconds))), ..self }
    }

    /// The connection ends after so many bytes of the body.
    pub(crate) fn cut(self, bytes: usize) -> Reply {
        Reply { end: End::Cut(bytes), ..self }
    }

    pub(crate) fn announcing(self, bytes: usize) -> Reply {
        Reply { sized: Sized::Length(Some(bytes)), ..self }
    }

    pub(crate) fn chunked(self) -> Reply {
        Reply { sized: Sized::Chunked, ..self }
    }

    /// The connection is closed afterwards, unannounced.
    pub(crate) fn closing(self) -> Reply {
        Reply { end: End::Close, ..self }
    }

    /// After something else.
    pub(crate) fn preceded(self, before: &str) -> Reply {
        Reply { before: before.into(), ..self }
    }

    /// With more bytes than the length says.
    pub(crate) fn followed(self, beyond: &str) -> Reply {
        Reply { beyond: beyond.into(), ..self }
    }

    pub(crate) fn http_1_0(self) -> Reply {
        Reply { version: "HTTP/1.0", sized: Sized::Never, end: End::Close, ..self }
    }

    pub(crate) fn hang_up() -> Reply {
        Reply { end: End::HangUp, ..Reply::new(200, "") }
    }

    pub(crate) fn reset() -> Reply {
        Reply { end: End::Reset, ..Reply::new(200, "") }
    }

    /// Sends it; whether the connection can be used again.
    fn send(&self, stream: &mut TcpStream) -> std::io::Result<bool> {
        thread::sleep(self.wait);
        if self.end == End::HangUp {
            return Ok(false);
        }
        stream.write_all(&self.before)?;
        let mut text = format!("{} {} So\r\n", self.version, self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        match self.sized {
            Sized::Length(length) => {
                text += &format!("Content-Length: {}\r\n", length.unwrap_or(self.body.len()));
            }
            Sized::Chunked => text += "Transfer-Encoding: chunked\r\n",
            Sized::Never => {}
        }
        stream.write_all(format!("{text}\r\n").as_bytes())?;
        let body = match self.end {
            End::Cut(bytes) => &self.body[..bytes.min(self.body.len())],
            _ => &self.body[..],
        };
        let (piece, pause) = self.pieces.unwrap_or((usize::MAX, Duration::ZERO));
        for bytes in body.chunks(piece.min(1 << 20)) {
            if matches!(self.sized, Sized::Chunked) {
                stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
                stream.write_all(bytes)?;
                stream.write_all(b"\r\n")?;
            } else {
                stream.write_all(bytes)?;
            }
            thread::sleep(pause);
        }
        if matches!(self.sized, Sized::Chunked) && !matches!(self.end, End::Cut(_)) {
            stream.write_all(b"0\r\n\r\n")?;
        }
        stream.write_all(&self.beyond)?;
        Ok(self.end == End::Stay)
    }
}

/// A server on a port of this machine, until it is dropped.
pub(crate) struct Server {
    /// With `/v1`.
    pub(crate) url: String,
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    flying: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(play: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server {
            url: format!("http://{address}/v1"),
            address,
            asked: Arc::default(),
            flying: Arc::default(),
            most: Arc::default(),
            over: Arc::default(),
        };
        let (play, asked, over) = (Arc::new(play), server.asked.clone(), server.over.clone());
        let (flying, most) = (server.flying.clone(), server.most.clone());
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (play, asked) = (play.clone(), asked.clone());
                let (flying, most) = (flying.clone(), most.clone());
                // A client that hangs up is no news.
                thread::spawn(move || {
                    let serving =
                        Serving { connection, asked: &asked, flying: &flying, most: &most };
                    stream.and_then(|stream| serving.serve(stream, &*play))
                });
            }
        });
        server
    }

    /// Answers these, one after the other, then the last one for ever.
    pub(crate) fn replies(replies: Vec<Reply>) -> Server {
        Server::start(move |asked| replies[asked.number.min(replies.len() - 1)].clone())
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The most that it was asked at once.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        hasty(Endpoint::new(&self.url, "m"))
    }

    /// A model with little patience.
    pub(crate) fn model(&self) -> OpenAi {
        OpenAi::new(self.endpoint()).unwrap()
    }
}

/// With three tries, short pauses and short limits.
pub(crate) fn hasty(endpoint: Endpoint) -> Endpoint {
    endpoint
        .with_retry(Retry { tries: 3, pause: 0.01, longest: 0.05, total: 5.0, seed: Some(1) })
        .with_timeouts(Timeouts { connect: 1.0, answer: 0.5 })
        .with_limits(Limits::concurrent(64))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

struct Serving<'a> {
    connection: usize,
    asked: &'a Mutex<Vec<Asked>>,
    flying: &'a AtomicUsize,
    most: &'a AtomicUsize,
}

impl Serving<'_> {
    fn serve(&self, mut stream: TcpStream, play: &dyn Fn(&Asked) -> Reply) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        // So small that a byte can be left unread, which makes the system reset the connection.
        let mut reader = BufReader::with_capacity(1, stream.try_clone()?);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
            let mut headers = BTreeMap::new();
            loop {
                let mut line = Vec::new();
                reader.read_until(b'\n', &mut line)?;
                let line = String::from_utf8_lossy(&line).into_owned();
                let Some((name, value)) = line.trim_end().split_once(':') else { break };
                headers.insert(name.to_lowercase(), value.trim().to_owned());
            }
            let length = headers.get("content-length").and_then(|text| text.parse().ok());
            // The last byte, a brace, stays unread until it is known that nothing is to be reset.
            let mut body = vec![b'}'; length.unwrap_or(0)];
            let last = body.len().saturating_sub(1);
            reader.read_exact(&mut body[..last])?;
            let left = body.len() - last;
            let request = {
                let mut asked = self.asked.lock().unwrap();
                let (number, at) = (asked.len(), Instant::now());
                let connection = self.connection;
                asked.push(Asked { number, connection, at, path, headers, body });
                asked[number].clone()
            };
            let flying = self.flying.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(flying, Ordering::SeqCst);
            let reply = play(&request);
            if reply.end != End::Reset {
                reader.read_exact(&mut vec![0; left])?;
            }
            let stays = reply.end != End::Reset && reply.send(&mut stream).unwrap_or(false);
            self.flying.fetch_sub(1, Ordering::SeqCst);
            if !stays {
                return Ok(());
            }
        }
    }
}
