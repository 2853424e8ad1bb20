//! Bodies coming in: written, hashed, and compared with what their callers declared of them. A body
//! that does not fit never counts.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::StreamExt as _;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, TrailingHeaders, s3_error};

use super::blobs::Received;
use super::checksums::{ALL, Algorithm, Checksum, Digests, bad_digest, hex};
use super::error::{S3Failure, bad_request, body_failure, incomplete_body};
use super::meta::Meta;
use super::rows::{Object, Piece};
use super::store::Store;

/// The largest body of one request: 5 GiB.
const MAX_BODY: u64 = 5 << 30;

/// A body on its way in.
pub(super) struct Incoming<'a> {
    pub(super) body: Option<StreamingBlob>,
    pub(super) length: Option<i64>,
    pub(super) declared: &'a Declared,
    pub(super) algorithm: Algorithm,
    pub(super) trailers: Option<&'a s3s::TrailingHeaders>,
}

/// A body that is in, and fits what was said of it.
pub(super) struct IngestedBody {
    pub(super) received: Received,
    pub(super) md5: [u8; 16],
    pub(super) checksum: Checksum,
}

impl Store {
    /// Takes a body in and checks it.
    pub(super) async fn ingest(&self, incoming: Incoming<'_>) -> Result<IngestedBody, S3Failure> {
        let length = incoming
            .length
            .and_then(|length| u64::try_from(length).ok());
        let length = length.ok_or_else(|| {
            s3_error!(
                MissingContentLength,
                "You must provide the Content-Length HTTP header."
            )
        })?;
        if length > MAX_BODY {
            let message = "Your proposed upload exceeds the maximum allowed size";
            return Err(s3_error!(EntityTooLarge, "{message}").into());
        }
        let digests = Digests::new(incoming.algorithm);
        let blobs = &self.blobs;
        let (received, digests) = match incoming.body {
            Some(body) => {
                let body = body.map(|piece| piece.map_err(|e| body_failure(&*e)));
                blobs.receive(body, digests).await?
            }
            None => blobs.receive(futures::stream::empty(), digests).await?,
        };
        if received.size != length {
            return Err(incomplete_body().into());
        }
        let (md5, checksum) = digests.finish();
        incoming.declared.check(md5, &checksum, incoming.trailers)?;
        Ok(IngestedBody {
            received,
            md5,
            checksum,
        })
    }
}

impl IngestedBody {
    /// As the body of an object of its own.
    pub(super) fn as_object(&self, meta: Meta, now_ms: i64) -> Object {
        Object {
            size: self.received.size,
            etag: hex(&self.md5),
            modified_ms: now_ms,
            body: vec![Piece(self.received.name.clone(), self.received.size)],
            meta,
            checksum: self.checksum.clone(),
            upload: None,
        }
    }
}

/// What a caller says about the body to come.
#[derive(Debug, Default)]
pub(super) struct Declared {
    md5: Option<Vec<u8>>,
    sum: Option<(Algorithm, String)>,
    trailer: Option<Algorithm>,
    asked: Option<Algorithm>,
}

/// Some calls are taken only with a digest of their body; all SDKs send one.
pub(super) fn require_digest(headers: &http::HeaderMap) -> Result<(), S3Error> {
    let has = |name: &http::HeaderName| {
        name == "content-md5" || Algorithm::from_header(name.as_str()).is_some()
    };
    if headers.contains_key("x-amz-trailer") || headers.keys().any(has) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
    ))
}

impl Declared {
    /// From `Content-MD5`, the checksum headers, `x-amz-trailer` and `x-amz-sdk-checksum-algorithm`.
    pub(super) fn from_headers(
        md5: Option<&str>,
        fields: [Option<String>; 5],
        asked: Option<&str>,
        headers: &http::HeaderMap,
    ) -> Result<Self, S3Error> {
        let md5 = md5.map(|text| match BASE64_STANDARD.decode(text) {
            Ok(bytes) if bytes.len() == 16 => Ok(bytes),
            _ => Err(s3_error!(
                InvalidDigest,
                "The Content-MD5 you specified was invalid."
            )),
        });
        let mut sums: Vec<_> = ALL.into_iter().zip(fields).collect();
        sums.retain(|(_, value)| value.is_some());
        let trailer = headers.get("x-amz-trailer").and_then(|v| v.to_str().ok());
        let trailer = trailer.and_then(Algorithm::from_header);
        if sums.len() + usize::from(trailer.is_some()) > 1 {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            ));
        }
        let sum = sums
            .pop()
            .and_then(|(algorithm, value)| Some((algorithm, value?)));
        if let Some((algorithm, value)) = &sum {
            check_form(*algorithm, value)?;
        }
        let asked = asked.map(Algorithm::parse).transpose()?;
        Ok(Self {
            md5: md5.transpose()?,
            sum,
            trailer,
            asked,
        })
    }

    /// The algorithm that is named, if any.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.sum
            .as_ref()
            .map(|(algorithm, _)| *algorithm)
            .or(self.trailer)
            .or(self.asked)
    }

    /// Compares with what has come in.
    pub(super) fn check(
        &self,
        md5: [u8; 16],
        computed: &Checksum,
        trailers: Option<&TrailingHeaders>,
    ) -> Result<(), S3Error> {
        if self.md5.as_ref().is_some_and(|declared| declared != &md5) {
            let message = "The Content-MD5 you specified did not match what we received.";
            return Err(S3Error::with_message(S3ErrorCode::BadDigest, message));
        }
        let trailing = self.trailer.and_then(|algorithm| {
            let name = format!("x-amz-checksum-{}", algorithm.name().to_ascii_lowercase());
            trailers?.read(|headers| headers.get(name)?.to_str().ok().map(str::to_owned))?
        });
        if let (Some(algorithm), None) = (self.trailer, &trailing) {
            let message = format!(
                "The announced trailer with the {} is missing.",
                algorithm.name()
            );
            return Err(bad_request("MalformedTrailerError", message));
        }
        let declared = self
            .sum
            .as_ref()
            .map(|(_, value)| value.clone())
            .or(trailing);
        if let Some(declared) = declared {
            check_form(computed.algorithm, &declared)?;
            if declared != computed.value {
                return Err(bad_digest(computed.algorithm));
            }
        }
        Ok(())
    }
}

fn check_form(algorithm: Algorithm, value: &str) -> Result<(), S3Error> {
    match BASE64_STANDARD.decode(value) {
        Ok(bytes) if bytes.len() == algorithm.size() => Ok(()),
        _ => Err(s3_error!(
            InvalidRequest,
            "Value for x-amz-checksum-{} header is invalid.",
            algorithm.name().to_ascii_lowercase()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_declarations_are_one_too_many() {
        let fields = [
            Some("AAAAAA==".to_owned()),
            Some("AAAAAA==".to_owned()),
            None,
            None,
            None,
        ];
        let error = Declared::from_headers(None, fields, None, &http::HeaderMap::new())
            .expect_err("ambiguous");
        assert_eq!(error.code(), &S3ErrorCode::InvalidRequest);
    }
}
