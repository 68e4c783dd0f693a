//! The base URL: what is asked, what is shown, and what tells two endpoints apart.

use reqwest::Url;

use crate::{Error, Result};

const BEGINS: &str = "it begins with `https://` or `http://`, like `https://api.openai.com/v1`";

/// A checked base URL.
#[derive(Clone)]
pub(crate) struct Address {
    /// Without a slash at its end, and without its query: what errors show.
    pub(crate) shown: String,
    /// Sent with every request; some services want a version there.
    query: Option<String>,
    /// Host, port and path.
    pub(crate) place: String,
    pub(crate) secure: bool,
    pub(crate) host: String,
}

impl Address {
    pub(crate) fn new(given: &str) -> Result<Address> {
        let wrong = |why| Error::Address { what: "base URL", why };
        let url = Url::parse(given.trim()).map_err(|_| wrong(BEGINS))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(wrong(BEGINS));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it holds a user or a password; give them in a header"));
        }
        if url.fragment().is_some() {
            return Err(wrong("it has no `#`"));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("it names no host"))?.to_owned();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let place = format!("{host}{port}{}", url.path().trim_end_matches('/'));
        Ok(Address {
            shown: format!("{}://{place}", url.scheme()),
            query: url.query().filter(|query| !query.is_empty()).map(str::to_owned),
            place,
            secure: url.scheme() == "https",
            host,
        })
    }

    /// The same address without `end`, where it ends so.
    pub(crate) fn without(mut self, end: &str) -> Address {
        for text in [&mut self.shown, &mut self.place] {
            if let Some(rest) = text.strip_suffix(end) {
                *text = rest.to_owned();
            }
        }
        self
    }

    /// The address of `path`, which begins with a slash.
    pub(crate) fn join(&self, path: &str) -> Result<Url> {
        let url = match &self.query {
            Some(query) => format!("{}{path}?{query}", self.shown),
            None => format!("{}{path}", self.shown),
        };
        let why = "it has no place for a path";
        Url::parse(&url).map_err(|_| Error::Address { what: "base URL", why })
    }

    /// The values of the query, which may be secrets.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let query = self.query.as_deref().unwrap_or_default();
        query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_and_what_is_shown() {
        let address = Address::new("https://API.example:8443/a/v1/?key=secret").unwrap();
        assert_eq!(address.shown, "https://api.example:8443/a/v1");
        assert_eq!(address.place, "api.example:8443/a/v1");
        assert_eq!(
            address.join("/chat").unwrap().as_str(),
            "https://api.example:8443/a/v1/chat?key=secret"
        );
        assert_eq!(address.secrets().collect::<Vec<_>>(), ["secret"]);
        assert_eq!(
            address.without("/v1").join("/v1/m").unwrap().as_str(),
            "https://api.example:8443/a/v1/m?key=secret"
        );
    }

    #[test]
    fn what_is_no_address_is_not_shown() {
        for bad in [
            "",
            "secret",
            "secret/v1",
            "ftp://secret/",
            "http://",
            "https://me:secret@host/v1",
            "https://secret@host/v1",
            "https://host/#secret",
        ] {
            let error = Address::new(bad).err().unwrap();
            assert!(!format!("{error} {error:?}").contains("secret"), "{bad}: {error}");
        }
        for bare in ["127.0.0.1:8000/v1", "localhost:8000/v1", "api.openai.com/v1"] {
            let error = Address::new(bare).err().unwrap().to_string();
            assert!(error.contains("`http://`"), "{bare}: {error}");
        }
    }
}
