//! One request and its answer.

use std::{error::Error as StdError, io, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use reqwest::{
    Client, Method, NoProxy, Proxy, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION},
    redirect, retry,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::{
    Error, Result, Secret,
    retry::{Timeouts, seconds},
    secret::Redactor,
};

/// An answer longer than this is none: 64 MiB.
const LONGEST: usize = 64 << 20;

/// Proxies, by what is asked through them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    pub(crate) all: Option<Secret>,
    pub(crate) http: Option<Secret>,
    pub(crate) https: Option<Secret>,
    /// Hosts that are asked directly, as `NO_PROXY` lists them.
    pub(crate) except: Option<String>,
}

/// A client of one server.
pub(crate) struct Http {
    client: Client,
    headers: HeaderMap,
    limit: Duration,
}

/// What is sent.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The type of the body, where it is not JSON.
    pub(crate) kind: Option<HeaderValue>,
    /// Cheap to clone: the next attempt needs it too.
    pub(crate) body: Bytes,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// There was no connection.
    Connect(reqwest::Error),
    /// There was none in time.
    ConnectTime,
    /// There was no whole answer in time.
    Time(Duration),
    /// The request cannot be sent at all.
    Request(reqwest::Error),
    /// The connection ended before the answer began.
    Lost(reqwest::Error),
    /// It ended within the answer.
    Cut(reqwest::Error),
    /// The answer is longer than so many bytes.
    TooLong(usize),
}

impl Http {
    pub(crate) fn new(
        secure: bool,
        headers: HeaderMap,
        timeouts: &Timeouts,
        proxies: &Proxies,
        certificates: &[Vec<u8>],
    ) -> Result<Http> {
        let connect = seconds("`Timeouts::connect`", timeouts.connect)?;
        let limit = seconds("`Timeouts::answer`", timeouts.answer)?;
        let failed = |source: reqwest::Error| Error::Client { source: source.without_url().into() };
        // Without redirections: a key must not follow them, and a POST that becomes a GET is none.
        // Without the environment's proxies, which `from_env` reads.
        let mut client = Client::builder()
            .tls_backend_preconfigured(tls(secure || proxies.secure(), certificates)?)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .connect_timeout(connect)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true);
        for proxy in proxies.list()? {
            client = client.proxy(proxy);
        }
        Ok(Http { client: client.build().map_err(failed)?, headers, limit })
    }

    /// Sends JSON and gives the whole answer, whatever its status.
    pub(crate) async fn post(
        &self,
        url: Url,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<Answer, Broken> {
        let sent = Sent { method: Method::POST, url, kind: None, body: body.into() };
        self.send(sent, within, LONGEST).await
    }

    /// Sends something and gives the whole answer, of so many bytes at most, whatever its status.
    pub(crate) async fn send(
        &self,
        sent: Sent,
        within: Duration,
        longest: usize,
    ) -> Result<Answer, Broken> {
        let limit = self.limit.min(within);
        let Sent { method, url, kind, body } = sent;
        let exchange = async {
            let mut headers = self.headers.clone();
            headers.extend(kind.map(|kind| (CONTENT_TYPE, kind)));
            let request = self.client.request(method, url).headers(headers).body(body);
            let response = request.send().await.map_err(|error| sending(error.without_url()))?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            read(response, longest).await.map(|body| Answer { status, headers, body })
        };
        tokio::time::timeout(limit, exchange).await.unwrap_or(Err(Broken::Time(limit)))
    }
}

async fn read(mut response: reqwest::Response, longest: usize) -> Result<Vec<u8>, Broken> {
    let announced = response.content_length().unwrap_or_default();
    if announced > longest as u64 {
        return Err(Broken::TooLong(longest));
    }
    // What is announced need not come.
    let mut body = Vec::with_capacity((announced as usize).min(64 << 10));
    let cut = |error: reqwest::Error| Broken::Cut(error.without_url());
    while let Some(chunk) = response.chunk().await.map_err(cut)? {
        if body.len() + chunk.len() > longest {
            return Err(Broken::TooLong(longest));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn sending(error: reqwest::Error) -> Broken {
    if error.is_connect() {
        if timed_out(&error) { Broken::ConnectTime } else { Broken::Connect(error) }
    } else if error.is_builder() {
        Broken::Request(error)
    } else {
        Broken::Lost(error)
    }
}

fn timed_out(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    error.is_timeout()
}

impl Answer {
    pub(crate) fn succeeded(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Where it redirects to, as errors show it.
    pub(crate) fn location(&self, redactor: &Redactor) -> Option<String> {
        let location = self.headers.get(LOCATION)?;
        let location = redactor.error(&String::from_utf8_lossy(location.as_bytes()));
        let shown = location.split(['?', '#']).next().unwrap_or_default();
        // A user and a password stand before an `@`.
        let place = shown.rsplit_once('@').map_or(shown, |(_, place)| place);
        Some(format!("`{}`", place.chars().take(200).collect::<String>()))
    }

    /// Its content type, as errors show it.
    pub(crate) fn content_type(&self, redactor: &Redactor) -> String {
        let kind = self.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let kind = redactor.error(&String::from_utf8_lossy(kind));
        let kind: String = kind.split(';').next().unwrap_or_default().chars().take(80).collect();
        if kind.trim().is_empty() { "something without a type".into() } else { kind }
    }
}

/// ring's TLS with the certificates of the platform and these, in PEM; with none where nothing is
/// encrypted, so that a machine without certificates can still ask a server of its own.
fn tls(secure: bool, certificates: &[Vec<u8>]) -> Result<ClientConfig> {
    let failed = |source: rustls::Error| Error::Client { source: source.into() };
    let provider = Arc::new(ring::default_provider());
    let mut more = Vec::new();
    for pem in certificates {
        let before = more.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            more.push(certificate.map_err(|source| Error::Client { source: source.into() })?);
        }
        if more.len() == before {
            let why = "it is in PEM, and begins with `-----BEGIN CERTIFICATE-----`";
            let given = format!("{} bytes without one", pem.len());
            return Err(Error::Setting { what: "a certificate", given, why });
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let config = if secure {
        let verifier = Verifier::new_with_extra_roots(more, provider).map_err(failed)?;
        config.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        config.with_root_certificates(RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}

impl Proxies {
    fn each(&self) -> impl Iterator<Item = &Secret> {
        [&self.http, &self.https, &self.all].into_iter().flatten()
    }

    fn secure(&self) -> bool {
        self.each().any(|url| url.expose().starts_with("https:"))
    }

    fn list(&self) -> Result<Vec<Proxy>> {
        let except = self.except.as_deref().and_then(NoProxy::from_string);
        let mut list = Vec::new();
        for url in self.each().map(Secret::expose).filter(|url| !url.is_empty()) {
            // The client's own error may show the address, and the address hold a password.
            let why = "it is like `http://host:3128`; SOCKS is not spoken";
            let wrong = || Error::Address { what: "proxy", why };
            let is = |proxy: &Option<Secret>| proxy.as_ref().is_some_and(|p| p.expose() == url);
            if url.starts_with("socks") {
                return Err(wrong());
            }
            let proxy = match () {
                () if is(&self.all) => Proxy::all(url),
                () if is(&self.https) && is(&self.http) => Proxy::all(url),
                () if is(&self.https) => Proxy::https(url),
                () => Proxy::http(url),
            };
            list.push(proxy.map_err(|_| wrong())?.no_proxy(except.clone()));
        }
        Ok(list)
    }

    /// Passwords of the proxies, as they are written and as they are sent.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for url in self.each().map(Secret::expose) {
            // As with the client: a proxy without a scheme is one of HTTP.
            let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
            let Ok(url) = Url::parse(&full) else { continue };
            let Some(password) = url.password() else { continue };
            let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let sent = format!("{}:{}", plain(url.username()), plain(password));
            secrets.extend([password.to_owned(), plain(password), BASE64_STANDARD.encode(sent)]);
        }
        secrets
    }
}
