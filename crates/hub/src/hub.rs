//! The hub, and how it is reached.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::{Patience, Result, address, http::Http, token::Token};

/// A hub and a cache: what [`fetch`](Hub::fetch), [`file`](Hub::file) and [`upload`](Hub::upload)
/// work with. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Hub {
    pub(crate) http: Http,
    pub(crate) cache: hf_hub::Cache,
    pub(crate) offline: bool,
    pub(crate) connections: usize,
}

impl Hub {
    /// `https://huggingface.co` without a token, with a cache in this folder. Reads no environment.
    pub fn new(cache: impl Into<PathBuf>) -> Hub {
        Hub {
            http: Http::new(None),
            cache: hf_hub::Cache::new(cache.into()),
            offline: false,
            connections: 4,
        }
    }

    /// Another hub: a mirror, or one of your own.
    ///
    /// # Errors
    ///
    /// [`Error::Name`](crate::Error::Name) unless it is the address of a web server.
    pub fn with_endpoint(mut self, endpoint: &str) -> Result<Hub> {
        self.http.endpoint = address::endpoint(endpoint)?;
        Ok(self)
    }

    /// With a token, which is sent to the hub and to nobody else, wherever it redirects.
    ///
    /// # Errors
    ///
    /// [`Error::Token`](crate::Error::Token) for what cannot be one.
    pub fn with_token(mut self, token: &str) -> Result<Hub> {
        self.http.token = Some(Token::new(token)?);
        Ok(self)
    }

    /// With the cache alone, without a network.
    pub fn offline(self) -> Hub {
        Hub { offline: true, ..self }
    }

    /// With another patience than [`Patience::usual`].
    pub fn with_patience(mut self, patience: Patience) -> Hub {
        self.http.patience = patience;
        self
    }

    /// With another number of files that travel at the same time than 4.
    pub fn with_connections(self, connections: usize) -> Hub {
        Hub { connections: connections.max(1), ..self }
    }

    /// The folder of the cache.
    pub fn cache(&self) -> &Path {
        self.cache.path()
    }

    /// The address of the hub.
    pub fn endpoint(&self) -> &str {
        &self.http.endpoint
    }

    /// Whether only the cache is used.
    pub fn is_offline(&self) -> bool {
        self.offline
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("endpoint", &self.http.endpoint)
            .field("cache", &self.cache.path())
            .field("token", &self.http.token)
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}
