//! The errors of this crate.

use std::{error::Error as StdError, io};

/// What can go wrong before a request is sent.
///
/// What goes wrong with a request is [`ethos_core::Error::Model`], because it is the
/// [`Model`](ethos_core::Model) that failed; [`Error::Budget`] is its source where a budget stopped it.
/// No error holds a key, and addresses are shown without user, password and query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An address that cannot be one. It is not shown, since it may hold a password.
    #[error("the {what} is no address: {why}")]
    Address {
        /// What it was to be.
        what: &'static str,
        /// What is wrong, and the way out.
        why: &'static str,
    },

    /// A key or the value of a header that no header can carry. It is not shown.
    #[error("the {what} holds line breaks or other control characters, or is empty; copy it again")]
    Secret {
        /// What it was to be.
        what: String,
    },

    /// The environment has no key.
    #[error("no key for {url}; set {variable}, or give the endpoint a key")]
    NoKey {
        /// The address that wants one.
        url: String,
        /// The variable that was looked for.
        variable: &'static str,
    },

    /// A setting that makes no sense.
    #[error("{what} is {given}: {why}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// Its value.
        given: String,
        /// The rule that it breaks.
        why: &'static str,
    },

    /// The price table lacks the model: what it costs is not known, and no budget can be kept.
    #[error("the price table has no `{model}`, so what it costs is not known; add its price")]
    NoPrice {
        /// The model.
        model: String,
    },

    /// The next request might cost more than is left. It was not sent.
    #[error(
        "a request to `{model}` may cost up to {worst:.6} USD, and {left:.6} of {limit:.6} USD are \
         left; raise the budget or lower `max_tokens`"
    )]
    Budget {
        /// The model.
        model: String,
        /// What it may cost at most, in USD.
        worst: f64,
        /// What is left, in USD.
        left: f64,
        /// The whole budget, in USD.
        limit: f64,
    },

    /// The client could not be made: certificates, a proxy.
    #[error("cannot set up the HTTP client")]
    Client {
        /// The client's error.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The runtime could not be started.
    #[error("cannot start a runtime for requests")]
    Runtime {
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
