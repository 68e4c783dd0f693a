use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
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
