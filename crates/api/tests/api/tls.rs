use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use ethos_api::{Endpoint, OpenAi, Retry};
use ethos_core::{Completion, Error, Model, ModelErrorKind, Request};
use futures::executor::block_on;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::{asking::kind, server::hasty};

/// Signed `server.pem`, which is for 127.0.0.1 and localhost. Its own key is thrown away.
const AUTHORITY: &str = include_str!("authority.pem");

fn encrypted() -> u16 {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            // A client that does not trust it hangs up.
            if stream.read(&mut [0; 8192]).is_ok_and(|read| read > 0) {
                let body = r#"{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]}"#;
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    port
}

fn ask(endpoint: Endpoint) -> Result<Completion, Error> {
    let model = OpenAi::new(hasty(endpoint).with_retry(Retry::never())).unwrap();
    block_on(model.complete(&Request::user("so?")))
}

#[test]
fn a_server_is_trusted_when_an_authority_vouches_for_it() {
    let port = encrypted();
    let endpoint = |host: &str| Endpoint::new(format!("https://{host}:{port}/v1"), "m");
    for host in ["127.0.0.1", "localhost"] {
        let answer = ask(endpoint(host).with_certificates(AUTHORITY)).unwrap();
        assert_eq!(answer.message.text(), "yes");
    }
    let error = ask(endpoint("127.0.0.1")).unwrap_err();
    assert_eq!(kind(&error), ModelErrorKind::Connection);
    let mut causes = String::new();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        causes += &format!("{error}; ");
        cause = error.source();
    }
    assert!(causes.contains("certificate"), "{causes}");
    // Encryption that is not there.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    thread::spawn(move || plain.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad\r\n\r\n"));
    let error = ask(Endpoint::new(format!("https://127.0.0.1:{port}/v1"), "m")).unwrap_err();
    assert_eq!(kind(&error), ModelErrorKind::Connection);
    let error = OpenAi::new(endpoint("h").with_certificates("nonsense")).unwrap_err();
    assert!(error.to_string().contains("BEGIN CERTIFICATE"), "{error}");
}

/// A proxy that opens a way to this port, or says 407, and what it was asked.
fn tunnel(port: u16, open: bool) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let own = listener.local_addr().unwrap().port();
    let kept = Arc::clone(&heads);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            kept.lock().unwrap().push(String::from_utf8(head).unwrap());
            if !open {
                let refusal =
                    "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(refusal.as_bytes()).unwrap();
                continue;
            }
            stream.write_all(b"HTTP/1.1 200 So\r\n\r\n").unwrap();
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut up, mut down) = (stream.try_clone().unwrap(), stream);
            let (mut to, mut from) = (server.try_clone().unwrap(), server);
            // Whoever hangs up first ends both.
            thread::spawn(move || io::copy(&mut up, &mut to));
            thread::spawn(move || io::copy(&mut from, &mut down));
        }
    });
    (own, heads)
}

#[test]
fn a_proxy_sees_where_encryption_goes_and_no_key() {
    let port = encrypted();
    for open in [true, false] {
        let (proxy, heads) = tunnel(port, open);
        let endpoint = Endpoint::new(format!("https://localhost:{port}/v1"), "m")
            .with_certificates(AUTHORITY)
            .with_key("sk-0123456789abcdef")
            .with_proxy(format!("http://me:hush-hush@127.0.0.1:{proxy}"));
        let answer = ask(endpoint);
        let head = heads.lock().unwrap()[0].clone();
        assert!(head.starts_with(&format!("CONNECT localhost:{port} HTTP/1.1\r\n")), "{head}");
        assert!(head.to_lowercase().contains("proxy-authorization: basic "), "{head}");
        assert!(!head.contains("sk-0123"), "{head}");
        match answer {
            Ok(answer) if open => assert_eq!(answer.message.text(), "yes"),
            Err(error) if !open => {
                assert_eq!(kind(&error), ModelErrorKind::Connection);
                assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
            }
            other => panic!("{open}: {other:?}"),
        }
    }
}
