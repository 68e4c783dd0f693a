//! How many requests a second `api` carries, and Python's `openai` client beside it.
//!
//! ```text
//! cargo bench -p ethos-api --bench throughput                       # 50,000 requests
//! cargo bench -p ethos-api --bench throughput -- 200000
//! cargo bench -p ethos-api --bench throughput -- --python venv/bin/python crates/api/benches/peer.py
//! ```
//!
//! The server is another process, which answers at once with 1 kB over connections that it keeps. The
//! client asks through the engine of `ethos-core` at concurrency 256, with a journal on the disk. The
//! peer asks the same server with `openai.AsyncOpenAI` under asyncio at the same concurrency, and keeps
//! nothing.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use ethos_api::{Endpoint, Limits, OpenAi};
use ethos_core::{Ask, Journal, Query, Reply, Request, ask_all};
use futures::{StreamExt, executor::block_on, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const CONCURRENCY: usize = 256;

fn main() {
    // cargo passes `--bench` and whatever the user adds; cargo runs benches in the crate's folder.
    let arguments: Vec<String> = env::args().skip(1).filter(|given| given != "--bench").collect();
    if arguments.first().is_some_and(|given| given == "serve") {
        return serve();
    }
    let requests = arguments.iter().find_map(|given| given.parse().ok()).unwrap_or(50_000);
    let python = arguments.iter().position(|given| given == "--python");
    let python = python.map(|at| (found(&arguments[at + 1]), found(&arguments[at + 2])));

    let mut server = Command::new(env::current_exe().unwrap())
        .arg("serve")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let url = url.trim();

    println!("{requests} requests, answers of 1 kB, concurrency {CONCURRENCY}, a server beside");
    // Connections, memory and the allocator's arenas are there afterwards.
    ask(url, requests / 10, "warm-up", &server);
    let ours = ask(url, requests, "ethos-api, with a journal", &server);
    if let Some((python, script)) = python {
        let before = cpu(server.id());
        let output = Command::new(python)
            .arg(script)
            .args([url, &(requests / 10).to_string(), &CONCURRENCY.to_string()])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let mut numbers = told.split_whitespace().map(|number| number.parse::<f64>().unwrap());
        let (rate, busy) = (numbers.next().unwrap(), numbers.next().unwrap());
        let served = cpu(server.id()) - before;
        println!("{:<28} {rate:>8.0}/s", "python openai, asyncio");
        println!(
            "    CPU: client {busy:.2} s, server {served:.2} s, of {} requests",
            requests / 10
        );
        println!("{:<28} {:>8.1}", "ratio", ours / rate);
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

/// A path as the caller means it, from wherever cargo was started.
fn found(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if !Path::new(path).exists() && root.exists() { root } else { path.into() }
}

/// Requests a second.
fn ask(url: &str, requests: u32, what: &str, server: &Child) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("journal.redb")).unwrap();
    let endpoint = Endpoint::new(url, "instant").with_key("sk-0123456789abcdef");
    let model = OpenAi::new(endpoint.with_limits(Limits::concurrent(CONCURRENCY))).unwrap();
    let asks = (0..requests).map(|n| {
        let query = Query::Complete(Request::user(format!("What of number {n}?")));
        Ask::new("bench", n.to_string(), query)
    });
    let read = |_: &_, reply: &Reply| Ok(reply.text()?.len());
    let (before, served) = (threads(), cpu(server.id()));
    let began = Instant::now();
    let mut answers = std::pin::pin!(ask_all(&model, &journal, stream::iter(asks), read, &()));
    block_on(async {
        while let Some(answer) = answers.next().await {
            assert_eq!(answer.unwrap().result.unwrap(), 1000);
        }
    });
    let took = began.elapsed().as_secs_f64();
    let (after, served) = (threads(), cpu(server.id()) - served);
    let rate = f64::from(requests) / took;
    println!("{what:<28} {rate:>8.0}/s   in {took:.2} s");
    let used = |name: &str| {
        let of = |list: &[(String, f64)]| -> f64 {
            list.iter().filter(|(known, _)| known == name).map(|(_, time)| time).sum()
        };
        of(&after) - of(&before)
    };
    let mut names: Vec<&String> = after.iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let mut parts: Vec<String> =
        names.iter().map(|name| format!("{name} {:.2} s", used(name))).collect();
    parts.push(format!("server {served:.2} s"));
    println!("    CPU: {}", parts.join(", "));
    rate
}

/// CPU seconds of the threads of this process, by name.
fn threads() -> Vec<(String, f64)> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return Vec::new() };
    tasks.flatten().filter_map(|task| stat(&task.path().join("stat"))).collect()
}

/// CPU seconds of a process.
fn cpu(process: u32) -> f64 {
    stat(Path::new(&format!("/proc/{process}/stat"))).map_or(0.0, |(_, time)| time)
}

fn stat(path: &Path) -> Option<(String, f64)> {
    let text = fs::read_to_string(path).ok()?;
    let (name, rest) = text.split_once('(')?.1.rsplit_once(')')?;
    let ticks = rest.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().ok());
    Some((name.to_owned(), ticks.sum::<Option<f64>>()? / 100.0))
}

/// The server: one thread, and as little as a server can do.
fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}/v1", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        let text = "So it is, and so it was. ".repeat(40);
        let body = format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"instant","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":9,"completion_tokens":200,"total_tokens":209}}}}"#
        );
        let answer: &str = Box::leak(Box::new(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )));
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                // A client that hangs up is no news.
                let _ = answer_all(stream, answer.as_bytes()).await;
            });
        }
    });
}

async fn answer_all(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = Vec::with_capacity(8192);
    loop {
        let end = loop {
            if let Some(at) = read.windows(4).position(|end| end == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
        let length = head.split("content-length:").nth(1).and_then(|rest| rest.split('\r').next());
        let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        while read.len() < end + length {
            stream.read_buf(&mut read).await?;
        }
        read.drain(..end + length);
        stream.write_all(answer).await?;
    }
}
