//! What an SDK's error means here: by what may be done about it, not by where it came from.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use fotograma_core::Error;

/// Codes of client errors (HTTP 4xx) that pass by themselves: throttling, and credentials or a
/// clock that the next try finds renewed. Their names are not the same in every service:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>.
const TRANSIENT_CODES: [&str; 24] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "ExpiredToken",
    "ExpiredTokenException",
    "KMSThrottledException",
    "KmsThrottled",
    "LimitExceededException",
    "OverLimit",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestExpired",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "RequestTimeoutException",
    "SendingPausedException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// The error for a failed call, named as `service Operation`, with code and message. Nothing that a
/// peer says ends what was to be done: a peer that is down or throttles is waited for, and what it
/// refuses (a missing permission, a resource that is not there) is an operator's to mend.
pub(crate) fn sdk_error<E>(call: &str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let SdkError::ServiceError(refusal) = error else {
        tracing::debug!(call, ?error, "a call without an answer");
        let text = format!("{call}: {}", without_answer(error));
        return match error {
            SdkError::ConstructionFailure(_) => Error::operational(text),
            _ => Error::transient(text),
        };
    };
    let status = refusal.raw().status().as_u16();
    let code = refusal.err().code();
    let message = refusal.err().message().unwrap_or("no message");
    let text = format!(
        "{call}: {} ({status}): {message}",
        code.unwrap_or("no code")
    );
    if passes_by_itself(status, code) {
        Error::transient(text)
    } else {
        Error::operational(text)
    }
}

/// What is said of a peer that no connection could be made to.
pub(crate) const UNREACHABLE: &str = "cannot be reached";

/// Why a call has no answer, in a sentence: the error behind all others says most.
fn without_answer<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + 'static,
{
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match error {
        SdkError::DispatchFailure(failure) if failure.is_io() => {
            format!("the service {UNREACHABLE}: {innermost}")
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            format!("the service {UNREACHABLE} in time: {innermost}")
        }
        SdkError::TimeoutError(_) => format!("no answer in time: {innermost}"),
        SdkError::ResponseError(_) => format!("an answer that cannot be read: {innermost}"),
        _ => innermost.to_string(),
    }
}

fn passes_by_itself(status: u16, code: Option<&str>) -> bool {
    status >= 500 || status == 429 || code.is_some_and(|code| TRANSIENT_CODES.contains(&code))
}

/// Whether a peer may have done what it was asked although it did not say so: there was no answer, or
/// one that cannot be read. A connection that was never made has carried nothing.
pub(super) fn may_have_been_done<E>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure) => !failure.is_user(),
        _ => false,
    }
}

/// The error for what is not as the protocol promises.
pub(crate) fn missing_from_answer(call: &str, what: &str) -> Error {
    Error::transient(format!("{call}: the answer has no {what}"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::head_object::HeadObjectError;
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    fn refusal(status: u16, code: &str) -> Error {
        let meta = ErrorMetadata::builder().code(code).message("why").build();
        let response = HttpResponse::new(status.try_into().expect("a status"), SdkBody::empty());
        sdk_error(
            "s3 HeadObject",
            &SdkError::service_error(HeadObjectError::generic(meta), response),
        )
    }

    #[test]
    fn what_passes_by_itself_is_transient() {
        for (status, code) in [
            (503, "SlowDown"),
            (500, "InternalError"),
            (400, "ThrottlingException"),
            (429, "Whatever"),
            (400, "ExpiredToken"),
        ] {
            assert!(
                matches!(refusal(status, code), Error::Transient(_)),
                "{status} {code}"
            );
        }
        let late = SdkError::<HeadObjectError, HttpResponse>::timeout_error("late");
        assert!(matches!(
            sdk_error("s3 HeadObject", &late),
            Error::Transient(_)
        ));
    }

    #[test]
    fn a_refusal_is_an_operators_to_mend_and_says_what_was_refused() {
        let error = refusal(403, "AccessDenied");
        assert_eq!(
            error,
            Error::operational("s3 HeadObject: AccessDenied (403): why")
        );
        assert!(matches!(
            refusal(400, "ValidationException"),
            Error::Operational(_)
        ));
    }
}
