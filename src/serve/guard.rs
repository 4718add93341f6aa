//! Who is answered: the page itself, and programs on this machine or with the token.

use super::answer::Failure;
use crate::error::{Context as _, ErrorKind, Result};
use axum::{
    extract::Request,
    http::{HeaderName, StatusCode, header, uri::Authority},
};
use rand::{TryRng as _, rngs::SysRng};
use std::{fmt::Write as _, net::IpAddr};

/// The headers of every answer.
pub(super) const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; \
         media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(), geolocation=()",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// A token that nobody can guess: 128 random bits, hexadecimal.
///
/// # Errors
/// Where the system gives no random numbers.
pub(crate) fn random_token() -> Result<String> {
    let mut bytes = [0; 16];
    SysRng
        .try_fill_bytes(&mut bytes)
        .context(ErrorKind::Io, "cannot make a random token")?;
    let mut token = String::new();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

/// The conditions of an answer.
pub(crate) struct Access {
    /// The name or address that was given with `--host`.
    pub host: String,
    /// What requests to the API must carry.
    pub token: Option<String>,
}

impl Access {
    /// Checks host, origin and token of a request.
    pub(super) fn check(&self, request: &Request) -> std::result::Result<(), Failure> {
        let text = |name| request.headers().get(name).map(|value| value.to_str().ok());
        let host = text(header::HOST).flatten().unwrap_or_default();
        if !self.is_ours(host) {
            return Err(Failure::new(
                StatusCode::FORBIDDEN,
                format!(
                    "the host {host:?} is not this server's; open the link that circumplex printed, or start it with `--host` \
                     and this name"
                ),
            ));
        }
        if let Some(origin) = text(header::ORIGIN)
            && origin != Some(&format!("http://{host}"))
        {
            return Err(Failure::new(
                StatusCode::FORBIDDEN,
                format!(
                    "the request comes from the page {:?}; only the page of this server is answered",
                    origin.unwrap_or_default()
                ),
            ));
        }
        if request.uri().path().starts_with("/api/")
            && let Some(token) = &self.token
            && !self
                .given_token(request)
                .is_some_and(|given| is_same(given, token))
        {
            return Err(Failure::new(
                StatusCode::UNAUTHORIZED,
                "the token is missing or wrong; open the link that circumplex printed, or send the token as `Authorization: \
                 Bearer` or `?token=`",
            ));
        }
        Ok(())
    }

    /// Whether a `Host` means this server. A page that binds its own name to our address (DNS rebinding) has another.
    fn is_ours(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let name = authority.host();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if name.eq_ignore_ascii_case("localhost") || bare.eq_ignore_ascii_case(&self.host) {
            return true;
        }
        // Only names can be rebound. On other addresses than loopback, any of this machine's may be meant.
        bare.parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback() || self.token.is_some())
    }

    fn given_token<'a>(&self, request: &'a Request) -> Option<&'a str> {
        let bearer = request.headers().get(header::AUTHORIZATION);
        let bearer = bearer.and_then(|value| value.to_str().ok());
        bearer
            .and_then(|value| value.strip_prefix("Bearer "))
            .or_else(|| parameter(request, "token"))
    }
}

/// A parameter of the query in a request's URI. Ours need no decoding.
pub(super) fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let pairs = request.uri().query()?.split('&');
    let mut values = pairs.filter_map(|pair| pair.split_once('='));
    values.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Compares in a time that tells nothing about where two tokens differ.
fn is_same(a: &str, b: &str) -> bool {
    let pairs = a.bytes().zip(b.bytes());
    a.len() == b.len() && pairs.fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn access(host: &str, token: Option<&str>) -> Access {
        Access {
            host: host.to_owned(),
            token: token.map(str::to_owned),
        }
    }

    #[test]
    fn only_names_of_this_server_are_hosts() {
        let local = access("127.0.0.1", None);
        for host in [
            "127.0.0.1:80",
            "localhost",
            "LOCALHOST:1",
            "[::1]:8",
            "127.0.0.9",
        ] {
            assert!(local.is_ours(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8737",
            "localhost.evil.example",
            "192.168.1.7",
            "a b",
            "127.0.0.1.nip.io",
        ] {
            assert!(!local.is_ours(host), "{host}");
        }
        let shared = access("nas.local", Some("t"));
        assert!(shared.is_ours("nas.local:8737") && shared.is_ours("192.168.1.7:8737"));
        assert!(!shared.is_ours("evil.example:8737"));
    }

    #[test]
    fn origins_of_other_pages_are_refused() {
        let check = |origin: &str| {
            let request = Request::builder().header("host", "localhost:8737");
            let request = request.header("origin", origin).body(Body::empty());
            access("127.0.0.1", None).check(&request.unwrap()).is_ok()
        };
        assert!(check("http://localhost:8737"));
        for origin in [
            "null",
            "http://localhost:1",
            "http://127.0.0.1:8737",
            "https://localhost:8737",
            "http://evil.example",
        ] {
            assert!(!check(origin), "{origin}");
        }
    }

    #[test]
    fn the_api_needs_the_token_and_the_page_does_not() {
        let token = random_token().unwrap();
        assert!(token.len() == 32 && token != random_token().unwrap());
        let access = access("0.0.0.0", Some(&token));
        let check = |uri: &str, bearer: Option<&str>| {
            let mut request = Request::builder().uri(uri).header("host", "10.0.0.2:8737");
            if let Some(bearer) = bearer {
                request = request.header("authorization", bearer);
            }
            access.check(&request.body(Body::empty()).unwrap()).is_ok()
        };
        assert!(check("/", None) && check("/style.css", None));
        assert!(check(&format!("/api/songs?x=1&token={token}"), None));
        assert!(check("/api/songs", Some(&format!("Bearer {token}"))));
        assert!(!check("/api/songs", None));
        assert!(!check("/api/songs?token=", None));
        assert!(!check(&format!("/api/songs?token={}", &token[1..]), None));
        assert!(!check("/api/songs", Some(&token)));
        assert!(!check(
            "/api/songs",
            Some(&format!("Bearer {}", token.replace('a', "b") + "0"))
        ));
    }
}
