//! S3's failures on their way to `s3s`: its own errors, and those of the database and the disk.

use std::borrow::Cow;
use std::io;

use s3s::{S3Error, S3ErrorCode, s3_error};

/// Wraps [`S3Error`] so that `?` also takes what the store may run into.
#[derive(Debug)]
pub(super) struct S3Failure(pub(super) S3Error);

impl From<S3Error> for S3Failure {
    fn from(error: S3Error) -> Self {
        Self(error)
    }
}

impl From<S3Failure> for S3Error {
    fn from(failure: S3Failure) -> Self {
        failure.0
    }
}

impl From<rusqlite::Error> for S3Failure {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "the state database refused");
        Self(internal())
    }
}

impl From<serde_json::Error> for S3Failure {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "a stored value cannot be read");
        Self(internal())
    }
}

impl From<io::Error> for S3Failure {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the disk refused");
        Self(internal())
    }
}

/// The caller learns nothing internal.
fn internal() -> S3Error {
    s3_error!(
        InternalError,
        "We encountered an internal error. Please try again."
    )
}

/// What went wrong while a body was coming in. `s3s` tells it as an opaque error of the stream,
/// whose text is all there is.
pub(super) fn body_failure(error: &(dyn std::error::Error + Send + Sync)) -> S3Failure {
    let text = error.to_string();
    let error = if text.contains("Sha256Mismatch") {
        bad_request(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    } else if text.contains("SignatureMismatch") {
        s3_error!(SignatureDoesNotMatch)
    } else {
        incomplete_body()
    };
    S3Failure(error)
}

pub(super) fn incomplete_body() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}

pub(super) fn no_such_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist")
}

pub(super) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

pub(super) fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
         been aborted or completed."
    )
}

pub(super) fn precondition_failed() -> S3Error {
    s3_error!(
        PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold"
    )
}

/// A header that AWS knows and this does not.
pub(super) fn not_served(what: &str) -> S3Error {
    s3_error!(
        NotImplemented,
        "A header or parameter you provided implies functionality that this local AWS does not \
         serve: {what}"
    )
}

/// A code that `s3s` has no name for, status 400.
pub(super) fn bad_request(code: &'static str, message: impl Into<Cow<'static, str>>) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(http::StatusCode::BAD_REQUEST);
    error
}
