//! What a page in a developer's browser may not do. Any page that the browser shows can reach a server on
//! the same machine, and the Invoke path lets its caller say who calls.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{Error, Result};

/// Last labels of names that no public registry gives out (RFC 2606, 6761, 6762, ICANN), and that of
/// services in Kubernetes.
const PRIVATE_SUFFIXES: [&str; 7] = [
    "localhost",
    "local",
    "internal",
    "test",
    "svc",
    "home",
    "lan",
];

/// Lets through what a program of the user's own sends, and no page of another origin.
///
/// # Errors
/// 403 for a page of another origin, and for a name that a stranger could have registered and given this
/// machine's address (DNS rebinding); 415 for what a page may send anywhere without asking first.
pub(super) fn check_program(headers: &HeaderMap) -> Result<()> {
    let refused = |what: &str| Err(Error::rejected(StatusCode::FORBIDDEN, what.to_owned()));
    if !has_private_host(headers) {
        return refused("this server does not answer to that name");
    }
    if is_cross_origin(headers) {
        return refused("pages of other origins may not do this");
    }
    if !is_payload(headers.get(header::CONTENT_TYPE)) {
        return Err(Error::rejected(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send JSON, and say so: Content-Type: application/json",
        ));
    }
    Ok(())
}

/// Whether it is sent to an address, to a name of one word, or to one that nobody can register.
fn has_private_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else {
        return true;
    };
    let host = String::from_utf8_lossy(host.as_bytes()).to_ascii_lowercase();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => &host,
    };
    let is_address = name.parse::<Ipv4Addr>().is_ok()
        || name.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok();
    let suffix = name.rsplit_once('.').map(|(_, suffix)| suffix);
    is_address || suffix.is_none_or(|suffix| PRIVATE_SUFFIXES.contains(&suffix))
}

/// Whether a page of another origin than this server's sends it.
fn is_cross_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return headers
            .get("sec-fetch-site")
            .is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    };
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let own = origin.as_bytes().strip_prefix(b"http://");
    own.is_none() || own != host
}

/// Whether this is how AWS's clients name a payload; some do not name it.
fn is_payload(content_type: Option<&HeaderValue>) -> bool {
    content_type.is_none_or(|kind| {
        let kind = kind.as_bytes().split(|b| *b == b';').next();
        let kind = kind.unwrap_or_default().trim_ascii().to_ascii_lowercase();
        matches!(
            kind.as_slice(),
            b"application/json" | b"application/octet-stream" | b"application/x-amz-json-1.1"
        )
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn check(pairs: &[(&'static str, &'static str)]) -> u16 {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        match check_program(&pairs.collect()) {
            Ok(()) => 200,
            Err(Error::Rejected { status, .. }) => status.as_u16(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn programs_of_the_user_are_let_through() {
        let host = ("host", "127.0.0.1:8005");
        for headers in [
            &[host] as &[_],
            &[],
            &[host, ("content-type", "application/json; charset=utf-8")],
            &[host, ("content-type", "application/octet-stream")],
            &[
                host,
                ("origin", "http://127.0.0.1:8005"),
                ("content-type", "application/json"),
            ],
            &[("host", "worker.orders.svc:8005")],
            &[("host", "localhost")],
            &[("host", "[::1]:8005")],
        ] {
            assert_eq!(check(headers), 200, "{headers:?}");
        }
    }

    #[test]
    fn pages_of_strangers_are_not() {
        let host = ("host", "127.0.0.1:8005");
        for headers in [
            [host, ("origin", "http://evil.example")],
            [host, ("origin", "http://127.0.0.1:8000")],
            [host, ("origin", "null")],
            [host, ("sec-fetch-site", "cross-site")],
            [
                ("host", "evil.example:8005"),
                ("origin", "http://evil.example:8005"),
            ],
            [
                ("host", "127.0.0.1.nip.io"),
                ("content-type", "application/json"),
            ],
        ] {
            assert_eq!(check(&headers), 403, "{headers:?}");
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
        ] {
            let headers = [host, ("content-type", kind)];
            assert_eq!(check(&headers), 415, "{kind:?}");
        }
    }
}
