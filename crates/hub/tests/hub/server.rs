//! A web server of the standard library: it answers what a function says, and remembers what it was
//! asked.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// By names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.path.contains(part)
    }

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
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    announced: Option<usize>,
    cut: Option<usize>,
    silent: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        let body = body.into();
        Reply { status, headers: Vec::new(), body, announced: None, cut: None, silent: false }
    }

    pub(crate) fn json(value: Value) -> Reply {
        Reply::new(200, value.to_string())
    }

    /// An error as the hub answers it.
    pub(crate) fn error(status: u16, code: &str) -> Reply {
        let reply = Reply::new(status, r#"{"error":"so says the server"}"#);
        if code.is_empty() { reply } else { reply.with("X-Error-Code", code) }
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Reply {
        self.headers.push((name.into(), value.to_string()));
        self
    }

    /// The connection ends after so many bytes of the body.
    pub(crate) fn cut(self, bytes: usize) -> Reply {
        Reply { cut: Some(bytes), ..self }
    }

    /// The header says that the body has so many bytes.
    pub(crate) fn announcing(self, bytes: usize) -> Reply {
        Reply { announced: Some(bytes), ..self }
    }

    /// Nothing comes, and the connection stays.
    pub(crate) fn silent() -> Reply {
        Reply { silent: true, ..Reply::new(200, "") }
    }

    /// These bytes, or the range of them that was asked for.
    pub(crate) fn range(bytes: &[u8], asked: &Asked) -> Reply {
        let range = asked.header("range").strip_prefix("bytes=").and_then(|r| r.split_once('-'));
        let Some((from, to)) = range else {
            return Reply::new(200, bytes);
        };
        let from: usize = from.parse().unwrap();
        let to = to.parse().unwrap_or(usize::MAX).min(bytes.len() - 1);
        if from > to {
            return Reply::new(416, "");
        }
        let range = format!("bytes {from}-{to}/{}", bytes.len());
        Reply::new(206, &bytes[from..=to]).with("Content-Range", range)
    }

    /// Sends it; whether the connection can be used again.
    fn send(&self, stream: &mut TcpStream, head: bool) -> std::io::Result<bool> {
        if self.silent {
            thread::sleep(Duration::from_secs(3));
            return Ok(false);
        }
        let length = self.announced.unwrap_or(self.body.len());
        let mut text = format!("HTTP/1.1 {} So\r\nContent-Length: {length}\r\n", self.status);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{text}\r\n").as_bytes())?;
        if head {
            return Ok(true);
        }
        stream.write_all(&self.body[..self.cut.unwrap_or(self.body.len())])?;
        Ok(self.cut.is_none() && length == self.body.len())
    }
}

/// A server on a port of this machine, until it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    address: std::net::SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(play: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server {
            url: format!("http://{address}"),
            address,
            asked: Arc::default(),
            over: Arc::default(),
        };
        let (play, asked, over) = (Arc::new(play), server.asked.clone(), server.over.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (play, asked) = (play.clone(), asked.clone());
                // A client that hangs up is no news.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &*play, &asked)));
            }
        });
        server
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often it was asked for something whose path holds `part`.
    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        self.asked().iter().filter(|asked| asked.is(method, part)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    mut stream: TcpStream,
    play: &dyn Fn(&Asked) -> Reply,
    asked: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split_whitespace().map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body)?;
        let request = Asked { method, path, headers, body };
        asked.lock().unwrap().push(request.clone());
        if !play(&request).send(&mut stream, request.method == "HEAD")? {
            return Ok(());
        }
    }
}
