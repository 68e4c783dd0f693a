//! Addresses: whose they are, and where a redirection leads.

use ureq::http::Uri;

use crate::{Error, Result};

/// Scheme, host and port: whoever has the same gets the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an `http` or `https` address.
    pub(crate) fn of(url: &str) -> Option<Origin> {
        let uri: Uri = url.parse().ok()?;
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        Some(Origin { secure, host, port })
    }
}

/// The address of a hub, without a slash at its end.
pub(crate) fn endpoint(given: &str) -> Result<String> {
    let wrong = |why| Error::Name { what: "address of a hub", given: given.into(), why };
    let url = given.trim_end_matches('/');
    if url.contains('@') {
        // Credentials have no place in an address that errors show.
        let given = "…".into();
        let why = "it holds an `@`; give a token instead of a user and password";
        return Err(Error::Name { what: "address of a hub", given, why });
    }
    if Origin::of(url).is_none() {
        return Err(wrong("it is like `https://huggingface.co`"));
    }
    if url.contains(['?', '#']) {
        return Err(wrong("it has no query"));
    }
    Ok(url.into())
}

/// Where a redirection from `base` to `location` leads.
pub(crate) fn join(base: &str, location: &str) -> Option<String> {
    let uri: Uri = base.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let url = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        location.into()
    };
    Origin::of(&url).map(|_| url)
}

/// An address without its query, which may be a signature, as errors show it.
pub(crate) fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn redirections_lead_where_they_say() {
        let base = "https://huggingface.co/a/b/resolve/main/x?y";
        let to = |location| join(base, location);
        assert_eq!(to("/api/x?q=1").unwrap(), "https://huggingface.co/api/x?q=1");
        assert_eq!(to("//cdn.example/x").unwrap(), "https://cdn.example/x");
        assert_eq!(to("http://cdn.example:8/x").unwrap(), "http://cdn.example:8/x");
        for nowhere in ["", "x/y", "ftp://a/b", "javascript:alert(1)", "https://", "http:///x"] {
            assert_eq!(to(nowhere), None, "{nowhere}");
        }
        assert_eq!(shown("https://a/b?X-Amz-Signature=1"), "https://a/b");
    }

    #[test]
    fn only_the_same_scheme_host_and_port_are_the_same() {
        let home = Origin::of("https://huggingface.co/a").unwrap();
        assert_eq!(Origin::of("https://HuggingFace.co:443/b"), Some(home.clone()));
        for other in [
            "http://huggingface.co/a",
            "https://huggingface.co:444/a",
            "https://huggingface.co.evil.example/a",
            "https://huggingface.co@evil.example/a",
            "https://huggingface.co:443@evil.example/a",
            "https://cdn.huggingface.co/a",
        ] {
            assert_ne!(Origin::of(other).unwrap(), home, "{other}");
        }
    }

    #[test]
    fn an_endpoint_is_an_address_without_secrets() {
        assert_eq!(endpoint("https://hub.example/base/").unwrap(), "https://hub.example/base");
        for bad in ["", "huggingface.co", "ftp://x", "https://x?y", "file:///etc"] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
        let error = endpoint("https://me:secret@hub.example").unwrap_err();
        assert!(!format!("{error}{error:?}").contains("secret"));
    }

    proptest! {
        /// A path can leave neither the host nor the scheme.
        #[test]
        fn a_path_stays_with_its_host(path in "/[a-z0-9@:.%?&=-]{1,20}") {
            let origin = join("https://hub.example/x", &path).and_then(|url| Origin::of(&url));
            if let Some(origin) = origin {
                prop_assert_eq!(origin, Origin::of("https://hub.example").unwrap());
            }
        }
    }
}
