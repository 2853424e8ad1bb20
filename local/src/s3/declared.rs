//! What a caller declares about the body to come. A body that does not fit never counts.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use s3s::{S3Error, S3ErrorCode, TrailingHeaders, s3_error};

use super::checksums::{ALL, Algorithm, Checksum, bad_digest};
use super::error::bad_request;

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
        name == "content-md5" || Algorithm::of_header(name.as_str()).is_some()
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
    pub(super) fn read(
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
        let trailer = trailer.and_then(Algorithm::of_header);
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
        let error =
            Declared::read(None, fields, None, &http::HeaderMap::new()).expect_err("ambiguous");
        assert_eq!(error.code(), &S3ErrorCode::InvalidRequest);
    }
}
