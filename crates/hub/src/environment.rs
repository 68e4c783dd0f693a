//! What the environment says of cache, login and hub, by the rules of Hugging Face's own tools.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use ureq::Proxy;

use crate::{Error, Hub, Result, http::Http};

impl Hub {
    /// As the environment of Hugging Face's own tools says, so that one cache and one login serve
    /// all:
    ///
    /// | variable | what it sets | without it |
    /// |---|---|---|
    /// | `HF_HUB_CACHE`, `HUGGINGFACE_HUB_CACHE` | the cache | `$HF_HOME/hub` |
    /// | `HF_HOME` | the folder of cache and login | `$XDG_CACHE_HOME/huggingface`, else `~/.cache/huggingface` |
    /// | `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN` | the token | the file `HF_TOKEN_PATH`, else `$HF_HOME/token` |
    /// | `HF_HUB_DISABLE_IMPLICIT_TOKEN` | no token, if true | |
    /// | `HF_ENDPOINT` | the hub's address | `https://huggingface.co` |
    /// | `HF_HUB_OFFLINE`, `TRANSFORMERS_OFFLINE` | offline, if true | |
    /// | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` | the proxy | |
    ///
    /// `1`, `on`, `yes` and `true` are true.
    ///
    /// # Errors
    ///
    /// [`Error::NoHome`], [`Error::Token`], or [`Error::Name`] for an address that is none.
    pub fn from_env() -> Result<Hub> {
        let get = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let settings = Settings::read(&get, env::home_dir())?;
        let mut hub = Hub::new(settings.cache);
        hub.http = Http::new(Proxy::try_from_env());
        hub.offline = settings.offline;
        if let Some(endpoint) = settings.endpoint {
            hub = hub.with_endpoint(&endpoint)?;
        }
        match settings.token {
            Some(token) => hub.with_token(&token),
            None => Ok(hub),
        }
    }
}

/// What there is to know before a [`Hub`] can be made.
struct Settings {
    cache: PathBuf,
    endpoint: Option<String>,
    token: Option<String>,
    offline: bool,
}

impl Settings {
    /// From variables that are set and not empty, and the user's home.
    fn read(get: &impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Result<Settings> {
        let text = |name: &str| get(name).and_then(|value| value.into_string().ok());
        let truth = |value: Option<String>| {
            let value = value.unwrap_or_default().to_ascii_uppercase();
            ["1", "ON", "YES", "TRUE"].contains(&value.as_str())
        };
        let path = |name: &str| {
            let path = PathBuf::from(get(name)?);
            Some(match (path.strip_prefix("~"), &home) {
                (Ok(below), Some(home)) => home.join(below),
                _ => path,
            })
        };
        let root = path("HF_HOME")
            .or_else(|| path("XDG_CACHE_HOME").map(|cache| cache.join("huggingface")))
            .or_else(|| home.as_ref().map(|home| home.join(".cache/huggingface")));
        let cache = path("HF_HUB_CACHE")
            .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
            .or_else(|| root.as_ref().map(|root| root.join("hub")));
        let token_file = path("HF_TOKEN_PATH").or_else(|| root.map(|root| root.join("token")));
        let token = text("HF_TOKEN")
            .or_else(|| text("HUGGING_FACE_HUB_TOKEN"))
            .or_else(|| token_file.and_then(|path| login(&path)))
            .filter(|_| !truth(text("HF_HUB_DISABLE_IMPLICIT_TOKEN")));
        Ok(Settings {
            cache: cache.ok_or(Error::NoHome)?,
            endpoint: text("HF_ENDPOINT"),
            token,
            offline: truth(text("HF_HUB_OFFLINE").or_else(|| text("TRANSFORMERS_OFFLINE"))),
        })
    }
}

/// The token that a login left in a file.
fn login(path: &Path) -> Option<String> {
    let token = fs::read_to_string(path).ok()?.trim().to_owned();
    (!token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Settings {
        let get = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        };
        Settings::read(&get, Some("/home/me".into())).unwrap()
    }

    #[test]
    fn the_cache_is_where_python_has_it() {
        for (variables, cache) in [
            (&[][..], "/home/me/.cache/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/xdg")], "/xdg/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/xdg"), ("HF_HOME", "/hf")], "/hf/hub"),
            (&[("HF_HOME", "/hf"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/old"),
            (&[("HF_HUB_CACHE", "~/new"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/home/me/new"),
        ] {
            assert_eq!(read(variables).cache, Path::new(cache), "{variables:?}");
        }
        assert!(matches!(Settings::read(&|_| None, None), Err(Error::NoHome)));
    }

    #[test]
    fn offline_and_endpoint_are_read() {
        let plain = read(&[("HF_HUB_OFFLINE", "0")]);
        assert!(!plain.offline && plain.endpoint.is_none() && plain.token.is_none());
        let settings = read(&[("HF_HUB_OFFLINE", "True"), ("HF_ENDPOINT", "http://mirror")]);
        assert!(settings.offline && settings.endpoint.as_deref() == Some("http://mirror"));
        assert!(read(&[("TRANSFORMERS_OFFLINE", "1")]).offline);
    }

    #[test]
    fn the_token_is_the_variables_or_the_logins() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        fs::write(folder.path().join("token"), "hf_login\n").unwrap();
        assert_eq!(read(&[("HF_HOME", home)]).token.as_deref(), Some("hf_login"));
        let both = [("HF_HOME", home), ("HF_TOKEN", "hf_variable")];
        assert_eq!(read(&both).token.as_deref(), Some("hf_variable"));
        let refused = [("HF_HOME", home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")];
        assert_eq!(read(&refused).token, None);
    }
}
