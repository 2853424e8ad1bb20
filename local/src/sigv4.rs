//! AWS Signature Version 4, checked for every service but S3 (whose signatures `s3s` checks).
//!
//! Source: "Create a signed AWS API request" in the IAM user guide. Only the `Authorization`
//! header is read here: presigned addresses are S3's alone.

use std::fmt::Write as _;

use hmac::{Hmac, Mac};
use http::{HeaderMap, Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// A signature may be this old or this far ahead.
const SKEW_MS: i64 = 15 * 60 * 1000;

/// What `SigV4` leaves as it is: the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same for a path, whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Why a request is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no signature.
    Missing,
    /// The header cannot be read.
    Incomplete(String),
    /// The access key is not the known one.
    UnknownKey,
    /// The signature does not fit; the sentence says why.
    Mismatch(String),
}

/// The one pair of keys that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'a> {
    pub(crate) access: &'a str,
    pub(crate) secret: &'a str,
}

/// The `Authorization` header, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Authorization<'a> {
    access_key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// The service in the credential scope, if the request is signed by header or by query.
pub(crate) fn scope_service<B>(request: &http::Request<B>) -> Option<String> {
    if let Some(header) = request.headers().get(http::header::AUTHORIZATION) {
        let authorization = Authorization::parse(header.to_str().ok()?)?;
        return Some(authorization.service.to_owned());
    }
    let query = request.uri().query()?;
    let credential = query
        .split('&')
        .find_map(|p| p.strip_prefix("X-Amz-Credential="))?;
    let credential = percent_decode_str(credential).decode_utf8().ok()?;
    credential.split('/').nth(3).map(str::to_owned)
}

/// A header that says what a request means and is not among those signed: whoever holds a
/// signature could otherwise make another request of it.
pub(crate) fn unsigned_header<'a>(headers: &'a HeaderMap, signed: &str) -> Option<&'a str> {
    let mut names = headers.keys().map(http::HeaderName::as_str);
    names.find(|name| name.starts_with("x-amz-") && !signed.split(';').any(|s| s == *name))
}

/// The names of the headers that the `Authorization` header says are signed.
pub(crate) fn signed_headers(authorization: &str) -> Option<&str> {
    Authorization::parse(authorization).map(|parsed| parsed.signed_headers)
}

/// Checks the signature of a request whose body is at hand. `now_ms` is the system's time: a
/// caller's clock is not moved with ours.
pub(crate) fn check(
    keys: Keys<'_>,
    service: &str,
    parts: &http::request::Parts,
    body: &[u8],
    now_ms: i64,
) -> Result<(), Refusal> {
    let header = parts
        .headers
        .get(http::header::AUTHORIZATION)
        .ok_or(Refusal::Missing)?;
    let incomplete = || Refusal::Incomplete("Authorization header cannot be read.".to_owned());
    let header = header.to_str().map_err(|_| incomplete())?;
    let authorization = Authorization::parse(header).ok_or_else(incomplete)?;
    if authorization.access_key != keys.access {
        return Err(Refusal::UnknownKey);
    }
    if authorization.service != service {
        return Err(Refusal::Mismatch(format!(
            "Credential should be scoped to correct service: '{service}'."
        )));
    }
    let date = header_value(&parts.headers, "x-amz-date");
    let signed_at = chrono::NaiveDateTime::parse_from_str(&date, "%Y%m%dT%H%M%SZ")
        .map_err(|_| Refusal::Incomplete("X-Amz-Date is missing or not a date.".to_owned()))?;
    if !date.starts_with(authorization.date) {
        return Err(Refusal::Mismatch(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP"
                .to_owned(),
        ));
    }
    if (signed_at.and_utc().timestamp_millis() - now_ms).abs() > SKEW_MS {
        return Err(Refusal::Mismatch(format!(
            "Signature expired: {date} is not now."
        )));
    }
    if let Some(name) = unsigned_header(&parts.headers, authorization.signed_headers) {
        return Err(Refusal::Mismatch(format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization."
        )));
    }
    if !authorization.signed_headers.split(';').any(|h| h == "host") {
        return Err(Refusal::Mismatch(
            "'Host' must be a signed header.".to_owned(),
        ));
    }
    let canonical = canonical_request(
        &parts.method,
        &parts.uri,
        &parts.headers,
        authorization.signed_headers,
        body,
    );
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{date}\n{}/{}/{}/aws4_request\n{:x}",
        authorization.date,
        authorization.region,
        authorization.service,
        Sha256::digest(canonical),
    );
    if signer(keys.secret, &authorization, &to_sign)
        .verify_slice(&unhex(authorization.signature))
        .is_err()
    {
        return Err(Refusal::Mismatch(
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. Consult the service \
             documentation for details."
                .to_owned(),
        ));
    }
    Ok(())
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let mut credential = None;
        let mut signed_headers = None;
        let mut signature = None;
        for field in fields.split(',') {
            match field.trim().split_once('=')? {
                ("Credential", v) => credential = Some(v),
                ("SignedHeaders", v) => signed_headers = Some(v),
                ("Signature", v) => signature = Some(v),
                _ => return None,
            }
        }
        // An access key may hold slashes in theory; the scope is the last four parts.
        let mut scope = credential?.rsplitn(5, '/');
        let terminator = scope.next()?;
        let (service, region, date) = (scope.next()?, scope.next()?, scope.next()?);
        let access_key = scope.next()?;
        (terminator == "aws4_request").then_some(Self {
            access_key,
            date,
            region,
            service,
            signed_headers: signed_headers?,
            signature: signature?,
        })
    }
}

fn canonical_request(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    signed_headers: &str,
    body: &[u8],
) -> String {
    // Every service but S3 encodes the path of the request line once more.
    let path = utf8_percent_encode(uri.path(), RESERVED_IN_PATH).to_string();
    let mut query: Vec<String> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            format!("{}={}", reencode(name), reencode(value))
        })
        .collect();
    query.sort();
    let mut out = format!("{method}\n{path}\n{}\n", query.join("&"));
    for name in signed_headers.split(';') {
        let _ = writeln!(out, "{name}:{}", header_value(headers, name));
    }
    let _ = write!(out, "\n{signed_headers}\n{:x}", Sha256::digest(body));
    out
}

fn reencode(text: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    percent_encoding::percent_encode(&decoded, RESERVED).to_string()
}

/// All values of a header joined by commas, runs of spaces made one.
fn header_value(headers: &HeaderMap, name: &str) -> String {
    let values = headers.get_all(name).iter().map(|v| {
        String::from_utf8_lossy(v.as_bytes())
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    });
    values.collect::<Vec<_>>().join(",")
}

fn signer(secret: &str, authorization: &Authorization<'_>, to_sign: &str) -> Hmac<Sha256> {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [
        authorization.date,
        authorization.region,
        authorization.service,
        "aws4_request",
    ] {
        key = keyed(&key, part).finalize().into_bytes().to_vec();
    }
    keyed(&key, to_sign)
}

fn keyed(key: &[u8], message: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message.as_bytes());
    mac
}

/// Reads hex; anything else gives what no signature can equal.
fn unhex(text: &str) -> Vec<u8> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
