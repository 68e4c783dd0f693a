//! Where a model is reached, and on what terms.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
};

use ethos_core::ModelId;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde_json::{Map, Value};

use crate::{
    Budget, Error, Limits, Prices, Result, Retry, Runtime, Secret, Timeouts,
    address::Address,
    batches::Bills,
    budget::Meter,
    client::Client,
    http::{Http, Proxies},
    limits::Rates,
    pace::Pace,
    retry::Pauses,
    secret::Redactor,
};

/// Where a model is reached, and on what terms. [`OpenAi`](crate::OpenAi) and
/// [`Anthropic`](crate::Anthropic) are made of one.
///
/// `Debug` shows no key, no header and no password.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) base_url: String,
    pub(crate) model: String,
    pub(crate) key: Option<Secret>,
    headers: Vec<(String, Secret)>,
    pub(crate) fields: Map<String, Value>,
    revision: Option<String>,
    pub(crate) max_tokens: Option<u32>,
    timeouts: Timeouts,
    retry: Retry,
    limits: Limits,
    prices: Prices,
    budget: Option<Budget>,
    pub(crate) proxies: Proxies,
    certificates: Vec<Vec<u8>>,
    runtime: Option<Runtime>,
}

impl Endpoint {
    /// The model of this name below this address, such as `https://api.openai.com/v1` or
    /// `http://127.0.0.1:8000/v1`.
    ///
    /// Without more it sends no key, keeps to [`Timeouts::usual`] and [`Retry::usual`], has at most 32
    /// requests in flight and goes through no proxy.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Endpoint {
            base_url: base_url.into(),
            model: model.into(),
            key: None,
            headers: Vec::new(),
            fields: Map::new(),
            revision: None,
            max_tokens: None,
            timeouts: Timeouts::usual(),
            retry: Retry::usual(),
            limits: Limits::concurrent(32),
            prices: Prices::new(),
            budget: None,
            proxies: Proxies::default(),
            certificates: Vec::new(),
            runtime: None,
        }
    }

    /// The same with a key.
    pub fn with_key(self, key: impl Into<Secret>) -> Self {
        Endpoint { key: Some(key.into()), ..self }
    }

    /// The same with a header more, whose value is kept as secret as the key. A header that is sent
    /// anyway, like `authorization`, is replaced.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with a field in the body of every request, for what this server has and others lack
    /// (`thinking`, `chat_template_kwargs`, `provider`, …). Part of the model's key, and no place for
    /// secrets.
    pub fn with_field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// The same, saying which version stands behind the name. Part of the model's key: give one where
    /// the server's model changes, or where a query of the base URL chooses it.
    pub fn with_revision(self, revision: impl Into<String>) -> Self {
        Endpoint { revision: Some(revision.into()), ..self }
    }

    /// The same with a longest answer, in tokens, for requests that set none. Part of the model's key.
    pub fn with_max_tokens(self, max_tokens: u32) -> Self {
        Endpoint { max_tokens: Some(max_tokens), ..self }
    }

    /// The same with other time limits.
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Endpoint { timeouts, ..self }
    }

    /// The same with other repeats.
    pub fn with_retry(self, retry: Retry) -> Self {
        Endpoint { retry, ..self }
    }

    /// The same with other limits.
    pub fn with_limits(self, limits: Limits) -> Self {
        Endpoint { limits, ..self }
    }

    /// The same with prices, so that what is spent is known. A table that has others and lacks the model is an error.
    pub fn with_prices(self, prices: Prices) -> Self {
        Endpoint { prices, ..self }
    }

    /// The same within a budget, which others may share. It needs the model's price, and a bound of
    /// the answer's length.
    pub fn with_budget(self, budget: &Budget) -> Self {
        Endpoint { budget: Some(budget.clone()), ..self }
    }

    /// The same through an HTTP proxy, `http://user:password@host:3128`.
    pub fn with_proxy(self, url: impl Into<Secret>) -> Self {
        Endpoint { proxies: Proxies { all: Some(url.into()), ..Proxies::default() }, ..self }
    }

    /// The same, trusting these certificates of authorities too, in PEM: for servers of one's own. Those
    /// of the platform are trusted anyway.
    pub fn with_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificates.push(pem.into());
        self
    }

    /// The same on this runtime.
    pub fn with_runtime(self, runtime: impl Into<Runtime>) -> Self {
        Endpoint { runtime: Some(runtime.into()), ..self }
    }

    /// What a service makes of it: `service` begins the key, `traits` are what else tells answers apart,
    /// and `path` is asked below the address.
    pub(crate) fn client(
        &self,
        service: &str,
        traits: &str,
        address: Address,
        path: &str,
        mut headers: HeaderMap,
    ) -> Result<Client> {
        self.retry.check()?;
        self.limits.check()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let agent = concat!("ethos-api/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        for (name, value) in &self.headers {
            let why = "it is no name of a header";
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::Setting {
                what: "a header",
                given: name.clone(),
                why,
            })?;
            headers.insert(header, value.header(&format!("header `{name}`"), "")?);
        }
        let passwords = self.proxies.secrets();
        let secrets = (self.key.iter().map(|key| (key.expose(), true)))
            .chain(self.headers.iter().flat_map(|(name, value)| {
                let sure = secretive(name);
                parts(value.expose()).map(move |part| (part, sure))
            }))
            .chain(address.secrets().map(|value| (value, false)))
            .chain(passwords.iter().map(|password| (password.as_str(), true)));
        let redactor = Redactor::new(secrets);
        let price = self.prices.0.get(&self.model).copied();
        if price.is_none() && !self.prices.0.is_empty() {
            return Err(Error::NoPrice { model: self.model.clone() });
        }
        let meter = Meter::new(&self.model, price, self.budget.clone())?;
        let mut id = ModelId::new(self.id(service, &address, traits));
        id.address = Some(address.shown.clone());
        let http =
            Http::new(address.secure, headers, &self.timeouts, &self.proxies, &self.certificates)?;
        let runtime = self.runtime.clone().map_or_else(|| Runtime::new(1), Ok)?;
        Ok(Client {
            id,
            url: address.join(path)?,
            path: path.to_owned(),
            shown: format!("{}{path}", address.shown),
            http,
            retry: self.retry.clone(),
            pauses: Pauses::new(&self.retry),
            rates: Rates::new(&self.limits),
            pace: Pace::new(self.limits.concurrency),
            most: self.limits.concurrency,
            meter: Arc::new(meter),
            bills: Bills::default(),
            redactor,
            runtime,
            count: AtomicU64::new(0),
            lost: AtomicBool::new(false),
        })
    }

    /// Service, place, model, and whatever else changes answers; parts cannot run into each other.
    fn id(&self, service: &str, address: &Address, traits: &str) -> String {
        let part = |text: &str| {
            let mut part = String::new();
            for c in text.chars() {
                match c {
                    '%' => part += "%25",
                    c if c.is_whitespace() => part += &format!("%{:X}", u32::from(c)),
                    c => part.push(c),
                }
            }
            part
        };
        let mut id = format!("{service} {} {}", part(&address.place), part(&self.model));
        if let Some(revision) = &self.revision {
            id += &format!(" revision={}", part(revision));
        }
        if let Some(most) = self.max_tokens {
            id += &format!(" max_tokens={most}");
        }
        if !self.fields.is_empty() {
            id += &format!(" fields={}", Value::from(self.fields.clone()));
        }
        id + traits
    }
}

/// What of a header's value a server may quote: all of it, and what follows `Bearer` or `Basic`.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let rest = value.split_once(' ').map(|(_, rest)| rest.trim());
    [Some(value), rest].into_iter().flatten()
}

/// Whether a header of this name surely holds a secret.
fn secretive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "auth", "token", "secret", "cookie"].iter().any(|part| name.contains(part))
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = Address::new(&self.base_url).map(|address| address.shown);
        let base_url = shown.unwrap_or_else(|_| "(no address)".into());
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Endpoint")
            .field("base_url", &base_url)
            .field("model", &self.model)
            .field("key", &self.key)
            .field("headers", &headers)
            .field("fields", &self.fields)
            .field("revision", &self.revision)
            .field("max_tokens", &self.max_tokens)
            .field("timeouts", &self.timeouts)
            .field("retry", &self.retry)
            .field("limits", &self.limits)
            .field("prices", &self.prices)
            .field("budget", &self.budget)
            .field("proxies", &self.proxies)
            .field("certificates", &self.certificates.len())
            .field("runtime", &self.runtime)
            .finish()
    }
}
