//! What is sent of an answer: nothing where the client has it already, compressed where it takes that, and
//! never with what a browser could make of it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;

use aws_lambda_events::encodings::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::Response;

/// Less is not worth the time: it fits into one packet.
const LEAST_COMPRESSED: usize = 1_400;

/// What every answer says to a browser that was led to it as if it were a page: run nothing, be shown in no other page,
/// guess no type (<https://owasp.org/www-project-secure-headers/>).
const SECURITY: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (REFERRER_POLICY, "no-referrer"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// What of a request decides how its answer is sent.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    method: Method,
    /// The entity tags that the client has.
    has: Vec<HeaderValue>,
    gzip: bool,
}

impl Wanted {
    pub(super) fn by<B>(request: &http::Request<B>) -> Self {
        let headers = request.headers();
        Self {
            method: request.method().clone(),
            has: headers.get_all(IF_NONE_MATCH).iter().cloned().collect(),
            gzip: takes_gzip(headers),
        }
    }

    /// Makes an answer what is sent of it.
    pub(super) fn finish(&self, response: &mut Response) {
        for (name, value) in SECURITY {
            let headers = response.headers_mut();
            headers
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        }
        let is_read = self.method == Method::GET || self.method == Method::HEAD;
        if is_read && response.status() == StatusCode::OK && is_json(response.headers()) {
            self.tag(response);
        }
        if is_json(response.headers()) {
            self.compress(response);
        }
        if self.method == Method::HEAD {
            leave_body_out(response);
        }
    }

    /// Gives an answer its entity tag, and leaves it at that if the client has it (RFC 9110, section 13).
    fn tag(&self, response: &mut Response) {
        if !response.headers().contains_key(ETAG) {
            let mut hash = DefaultHasher::new();
            bytes(response.body()).hash(&mut hash);
            // Weak: compressed or not, it is the same.
            if let Ok(tag) = HeaderValue::try_from(format!("W/\"{:016x}\"", hash.finish())) {
                response.headers_mut().insert(ETAG, tag);
            }
        }
        let Some(tag) = response.headers().get(ETAG) else {
            return;
        };
        if self.has.iter().any(|given| names(given, tag)) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::Empty;
            response.headers_mut().remove(CONTENT_TYPE);
        }
    }

    fn compress(&self, response: &mut Response) {
        let length = bytes(response.body()).len();
        if !self.gzip
            || length < LEAST_COMPRESSED
            || response.headers().contains_key(CONTENT_ENCODING)
        {
            return;
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(length / 4), Compression::fast());
        // Into memory nothing fails; if it did, the answer stays as it is.
        if encoder.write_all(bytes(response.body())).is_ok()
            && let Ok(compressed) = encoder.finish()
        {
            *response.body_mut() = Body::Binary(compressed);
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(CONTENT_ENCODING, gzip);
        }
    }
}

fn bytes(body: &Body) -> &[u8] {
    match body {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().ends_with(b"json"))
}

/// Whether a list of entity tags names this one; weak ones too.
fn names(list: &HeaderValue, tag: &HeaderValue) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let (Ok(list), Ok(tag)) = (list.to_str(), tag.to_str()) else {
        return false;
    };
    list.split(',')
        .any(|given| given.trim() == "*" || plain(given) == plain(tag))
}

/// Whether gzip is named, and not refused by `q=0`.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let named = |value: &HeaderValue| {
        let value = value.to_str().unwrap_or_default();
        value.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let refused = |part: &str| {
                let quality = part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
                quality == Some(0.0)
            };
            name.eq_ignore_ascii_case("gzip") && !parts.any(refused)
        })
    };
    headers.get_all(ACCEPT_ENCODING).iter().any(named)
}

/// An answer to HEAD says how long the body would be.
fn leave_body_out(response: &mut Response) {
    let length = bytes(response.body()).len();
    if length == 0 {
        return;
    }
    *response.body_mut() = Body::Empty;
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    fn answer(method: Method, headers: &[(HeaderName, &'static str)], text: &str) -> Response {
        let mut request = http::Request::new(());
        *request.method_mut() = method;
        for (name, value) in headers {
            let value = HeaderValue::from_static(value);
            request.headers_mut().append(name, value);
        }
        let mut response = Response::new(Body::Text(text.to_owned()));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Wanted::by(&request).finish(&mut response);
        response
    }

    #[test]
    fn what_a_client_has_is_not_sent_again() {
        let first = answer(Method::GET, &[], "{}");
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[ETAG].to_str().expect("a tag").to_owned();
        let tag: &'static str = tag.leak();
        for given in [tag, "*", format!("\"x\", {tag}").leak(), &tag[2..]] {
            let again = answer(Method::GET, &[(IF_NONE_MATCH, given)], "{}");
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{given}");
            assert!(bytes(again.body()).is_empty());
        }
        let changed = answer(Method::GET, &[(IF_NONE_MATCH, tag)], "[]");
        assert_eq!(changed.status(), StatusCode::OK);
        let posted = answer(Method::POST, &[(IF_NONE_MATCH, tag)], "{}");
        assert_eq!(posted.status(), StatusCode::OK);
    }

    #[test]
    fn what_is_long_is_compressed_for_who_takes_that() {
        let long = format!("\"{}\"", "a".repeat(5_000));
        for accepted in ["gzip", "br, GZIP;q=0.5"] {
            let response = answer(Method::GET, &[(ACCEPT_ENCODING, accepted)], &long);
            assert_eq!(response.headers()[CONTENT_ENCODING], "gzip", "{accepted}");
            let mut text = String::new();
            let read = GzDecoder::new(bytes(response.body())).read_to_string(&mut text);
            assert_eq!((read.ok(), &text), (Some(long.len()), &long));
        }
        for refused in ["", "br", "gzip;q=0"] {
            let response = answer(Method::GET, &[(ACCEPT_ENCODING, refused)], &long);
            assert_eq!(bytes(response.body()).len(), long.len(), "{refused}");
        }
        let short = answer(Method::GET, &[(ACCEPT_ENCODING, "gzip")], "{}");
        assert!(!short.headers().contains_key(CONTENT_ENCODING));
    }

    #[test]
    fn head_says_what_get_would_send() {
        for accepted in ["", "gzip"] {
            let long = format!("\"{}\"", "a".repeat(5_000));
            let headers = [(ACCEPT_ENCODING, accepted)];
            let get = answer(Method::GET, &headers, &long);
            let head = answer(Method::HEAD, &headers, &long);
            assert!(bytes(head.body()).is_empty());
            let length = head.headers()[CONTENT_LENGTH].to_str().expect("a length");
            assert_eq!(length, bytes(get.body()).len().to_string());
            assert_eq!(head.headers()[ETAG], get.headers()[ETAG]);
        }
    }
}
