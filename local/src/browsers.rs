//! What pages in a browser may do here. A developer's browser can reach this server, so any page
//! that it shows could too; and the keys are known unless they were set.
//!
//! - Pages of other origins may call what a user's own program calls at Cognito, and a bucket as
//!   far as the bucket's rules go (see `s3::cors`). Nothing else.
//! - A page could also give its own host's name the address of this machine (DNS rebinding) and be
//!   of the same origin then. So only names are answered to that nobody can register.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::error::ServiceError;
use crate::http_types::Response;

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

/// Refuses a request by a name that a stranger could have registered. Addresses, names of one word
/// (`localhost`, or a container's name) and the host of `public_url` are fine.
pub(crate) fn check_host(
    headers: &HeaderMap,
    public_url: Option<&str>,
) -> Result<(), ServiceError> {
    let Some(host) = headers.get(header::HOST) else {
        return Ok(());
    };
    let host = String::from_utf8_lossy(host.as_bytes()).to_ascii_lowercase();
    let name = without_port(&host);
    let public = public_url.and_then(|url| url.parse::<http::Uri>().ok());
    let is_public = public.is_some_and(|url| {
        url.host()
            .is_some_and(|host| host.eq_ignore_ascii_case(name))
    });
    let is_address = name.parse::<Ipv4Addr>().is_ok()
        || name.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok();
    let is_private = name
        .rsplit_once('.')
        .is_none_or(|(_, suffix)| PRIVATE_SUFFIXES.contains(&suffix));
    if is_address || is_private || is_public {
        return Ok(());
    }
    Err(ServiceError::new(
        StatusCode::FORBIDDEN,
        "AccessDenied",
        format!("This local AWS does not answer to the name {name:?}."),
    ))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a page of another origin than this server's sends this.
pub(crate) fn is_cross_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return headers
            .get("sec-fetch-site")
            .is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
    };
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let own = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.strip_prefix("http://"));
    own.is_none() || own.map(str::as_bytes) != host
}

/// The refusal of what such a page may not do.
pub(crate) fn refuse_origin() -> ServiceError {
    ServiceError::new(
        StatusCode::FORBIDDEN,
        "AccessDenied",
        "Pages of other origins may not do this.",
    )
}

/// Whether a browser asks what it may do, before it does it.
pub(crate) fn is_preflight<B>(request: &http::Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight on `/`, which does not say for which service it asks: Cognito's answer.
pub(crate) fn allow_cognito() -> Response {
    let mut response = Response::new(s3s::Body::empty());
    let allowed = "authorization,content-type,x-amz-date,x-amz-target,x-amz-user-agent,\
                   x-amz-security-token,x-amz-content-sha256,amz-sdk-invocation-id,amz-sdk-request";
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, allowed),
        (header::ACCESS_CONTROL_MAX_AGE, "172800"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets a page read an answer.
pub(crate) fn expose_to_all(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,date"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                header::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        pairs.collect()
    }

    #[test]
    fn only_names_that_nobody_can_register_are_answered_to() {
        let check = |host| {
            check_host(
                &headers(&[("host", host)]),
                Some("http://aws.example.com:1"),
            )
        };
        for host in [
            "127.0.0.1:4566",
            "[::1]:4566",
            "localhost:4566",
            "localhost",
            "aws:4566",
            "bucket.localhost:4566",
            "aws.fotograma.svc.cluster.local:4566",
            "host.docker.internal:4566",
            "AWS.example.com:4566",
        ] {
            assert!(check(host).is_ok(), "{host}");
        }
        for host in [
            "evil.example.com:4566",
            "localhost.evil.com",
            "127.0.0.1.nip.io",
        ] {
            assert!(check(host).is_err(), "{host}");
        }
    }

    #[test]
    fn an_origin_is_ours_or_another() {
        let host = ("host", "127.0.0.1:4566");
        assert!(!is_cross_origin(&headers(&[host])));
        assert!(!is_cross_origin(&headers(&[
            host,
            ("origin", "http://127.0.0.1:4566")
        ])));
        for origin in ["http://127.0.0.1:8000", "http://evil.example", "null"] {
            assert!(is_cross_origin(&headers(&[host, ("origin", origin)])));
        }
        assert!(is_cross_origin(&headers(&[
            host,
            ("sec-fetch-site", "cross-site")
        ])));
    }
}
