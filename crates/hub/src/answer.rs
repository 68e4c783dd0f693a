//! Answers: what they hold, or what their status means.

use std::{io::Read, time::Duration};

use serde::de::DeserializeOwned;
use ureq::{
    Body,
    http::{Response, header::RETRY_AFTER},
};

use crate::{Error, Repo, Result, address::shown, http::unreachable};

/// An answer of the hub, or of a storage that it redirected to.
pub(crate) struct Answer {
    pub(crate) response: Response<Body>,
    /// Where it came from, after redirections.
    pub(crate) url: String,
    /// Whether that is the hub itself.
    pub(crate) home: bool,
    /// The hub.
    pub(crate) endpoint: String,
    /// Whether there is a token.
    pub(crate) token: bool,
}

/// No page of a listing comes near it: a thousand files with long names are 300 KB.
const LONGEST_JSON: u64 = 64 << 20;
/// As much of an error's text as is worth showing.
const LONGEST_MESSAGE: usize = 300;

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// A header, where there is one that is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// How long to wait at least before it is worth trying again; `None` where it is not.
    pub(crate) fn try_again(&self, repeatable: bool) -> Option<Duration> {
        // A store's 403 may mean that the signed address has expired; the hub gives a fresh one.
        let again = match self.status() {
            429 => true,
            408 | 500 | 502 | 503 | 504 => repeatable,
            403 => repeatable && !self.home,
            _ => false,
        };
        again.then(|| self.retry_after().unwrap_or_default())
    }

    fn retry_after(&self) -> Option<Duration> {
        self.header(RETRY_AFTER.as_str())?.trim().parse().ok().map(Duration::from_secs)
    }

    /// The answer, if its status is a success or a redirection that was left alone.
    ///
    /// `file` is what was asked for, if it was one.
    pub(crate) fn check(mut self, repo: &Repo, file: Option<&str>) -> Result<Answer> {
        let status = self.status();
        if status < 400 && (status < 300 || self.header("location").is_some()) {
            return Ok(self);
        }
        let said = self.message();
        let code = self.header("x-error-code").filter(|_| self.home).map(str::to_owned);
        let page = format!("{}/{}", self.endpoint, repo.page());
        let repo = repo.clone();
        Err(match (status, code.as_deref()) {
            (_, Some("GatedRepo")) => Error::Denied { repo, why: gated(&page, self.token) },
            (_, Some("RevisionNotFound")) => Error::NoRevision { repo },
            (404, Some("EntryNotFound")) if file.is_none() => Error::NoRevision { repo },
            (404, Some("EntryNotFound") | None)
                if let Some(file) = file
                    && self.home =>
            {
                Error::NoFile { repo, file: file.into() }
            }
            (401, _) if self.home && said.contains("Invalid") && self.token => {
                let why = format!(
                    "the hub does not know the token; make one at {}/settings/tokens",
                    self.endpoint
                );
                Error::Denied { repo, why }
            }
            (401 | 404, _) if self.home => Error::NoRepo {
                repo,
                endpoint: self.endpoint,
                why: match self.token {
                    true => "check the name, and that the token's account may see it",
                    false => "check the name, or give a token (HF_TOKEN)",
                },
            },
            (403, _) if self.home => {
                let said = if said.is_empty() { "forbidden".into() } else { said };
                let why = format!("{said}; the token needs the right to do this (see {page})");
                Error::Denied { repo, why }
            }
            _ => Error::Status {
                url: shown(&self.url).into(),
                status,
                message: if said.is_empty() { said } else { format!(": {said}") },
                retry_after: self.retry_after(),
            },
        })
    }

    /// What the hub says in a header or in its JSON, and a store in its text.
    pub(crate) fn message(&mut self) -> String {
        #[derive(serde::Deserialize)]
        struct Said {
            error: String,
        }
        let header = self.header("x-error-message").map(str::to_owned);
        let text = header.unwrap_or_else(|| {
            let mut text = Vec::new();
            // An error within an error is not worth another.
            let _ = self.response.body_mut().as_reader().take(1 << 16).read_to_end(&mut text);
            match serde_json::from_slice::<Said>(&text) {
                Ok(said) => said.error,
                Err(_) => String::from_utf8_lossy(&text).into_owned(),
            }
        });
        let words: Vec<&str> = text.split_whitespace().collect();
        words.join(" ").chars().take(LONGEST_MESSAGE).collect()
    }

    /// The JSON that it holds.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut text = Vec::new();
        let mut body = self.response.body_mut().as_reader().take(LONGEST_JSON + 1);
        body.read_to_end(&mut text).map_err(|source| unreachable(&self.url, source))?;
        if text.len() as u64 > LONGEST_JSON {
            return Err(self.wrong("it is too long"));
        }
        serde_json::from_slice(&text).map_err(|error| self.wrong(error))
    }

    /// An error about what it holds.
    pub(crate) fn wrong(&self, why: impl ToString) -> Error {
        Error::Answer { url: shown(&self.url).into(), why: why.to_string() }
    }
}

fn gated(page: &str, token: bool) -> String {
    match token {
        true => format!("it is gated; accept its terms at {page} with the token's account"),
        false => {
            format!("it is gated; accept its terms at {page}, then give your token (HF_TOKEN)")
        }
    }
}
