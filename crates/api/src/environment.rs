//! What the environment says of keys, addresses and proxies, in the variables of the providers' own
//! clients.

use std::env;

use crate::{Anthropic, Endpoint, Error, OpenAi, Result, Secret, address::Address, http::Proxies};

/// Whose variables are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// OpenAI and whatever speaks like it.
    OpenAi,
    /// Anthropic.
    Anthropic,
}

impl Endpoint {
    /// The model of this name, reached as the environment says:
    ///
    /// | variable | what it sets | without it |
    /// |---|---|---|
    /// | `OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL` | the address | the provider's own |
    /// | `OPENAI_API_KEY`, `ANTHROPIC_API_KEY` | the key | none, which the provider's own address refuses |
    /// | `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID` | who pays | |
    /// | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` | the proxy, in either case | |
    ///
    /// # Errors
    ///
    /// [`Error::NoKey`] where the provider's own address is asked without one.
    pub fn from_env(provider: Provider, model: impl Into<String>) -> Result<Endpoint> {
        let get = |name: &str| env::var(name).ok();
        read(provider, model.into(), &get)
    }
}

impl OpenAi {
    /// The model of this name, reached as [`Endpoint::from_env`] says.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::from_env`] and [`OpenAi::new`].
    pub fn from_env(model: impl Into<String>) -> Result<OpenAi> {
        OpenAi::new(Endpoint::from_env(Provider::OpenAi, model)?)
    }
}

impl Anthropic {
    /// The model of this name, reached as [`Endpoint::from_env`] says.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::from_env`] and [`Anthropic::new`].
    pub fn from_env(model: impl Into<String>) -> Result<Anthropic> {
        Anthropic::new(Endpoint::from_env(Provider::Anthropic, model)?)
    }
}

fn read(
    provider: Provider,
    model: String,
    get: &impl Fn(&str) -> Option<String>,
) -> Result<Endpoint> {
    let get = |name: &str| get(name).filter(|value| !value.trim().is_empty());
    let either = |name: &str| get(&name.to_lowercase()).or_else(|| get(name));
    let (address, own, variable) = match provider {
        Provider::OpenAi => ("OPENAI_BASE_URL", "https://api.openai.com/v1", "OPENAI_API_KEY"),
        Provider::Anthropic => {
            ("ANTHROPIC_BASE_URL", "https://api.anthropic.com", "ANTHROPIC_API_KEY")
        }
    };
    let base_url = get(address).unwrap_or_else(|| own.to_owned());
    let address = Address::new(&base_url)?;
    let mut endpoint = Endpoint::new(base_url, model);
    match get(variable) {
        Some(key) => endpoint = endpoint.with_key(key),
        None if Address::new(own)?.host == address.host => {
            return Err(Error::NoKey { url: address.shown, variable });
        }
        None => {}
    }
    if provider == Provider::OpenAi {
        for (variable, header) in
            [("OPENAI_ORG_ID", "openai-organization"), ("OPENAI_PROJECT_ID", "openai-project")]
        {
            if let Some(value) = get(variable) {
                endpoint = endpoint.with_header(header, value);
            }
        }
    }
    let proxy = |name| either(name).map(Secret::new);
    endpoint.proxies = Proxies {
        all: proxy("ALL_PROXY"),
        http: proxy("HTTP_PROXY"),
        https: proxy("HTTPS_PROXY"),
        except: either("NO_PROXY"),
    };
    Ok(endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(provider: Provider, variables: &[(&str, &str)]) -> Result<Endpoint> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        read(provider, "m".into(), &get)
    }

    #[test]
    fn variables_of_the_providers_clients() {
        let endpoint = with(
            Provider::OpenAi,
            &[("OPENAI_API_KEY", "sk-1"), ("OPENAI_ORG_ID", "o"), ("https_proxy", "http://p:1")],
        );
        let endpoint = endpoint.unwrap();
        assert_eq!(endpoint.base_url, "https://api.openai.com/v1");
        assert_eq!(endpoint.key, Some("sk-1".into()));
        assert_eq!(endpoint.proxies.https, Some("http://p:1".into()));
        let local =
            with(Provider::OpenAi, &[("OPENAI_BASE_URL", "http://localhost:1/v1")]).unwrap();
        assert_eq!((local.base_url.as_str(), local.key), ("http://localhost:1/v1", None));
        let error = with(Provider::Anthropic, &[("ANTHROPIC_API_KEY", " ")]).unwrap_err();
        assert!(error.to_string().contains("set ANTHROPIC_API_KEY"), "{error}");
    }
}
