//! Who a request is for, and in which protocol, from its head alone.

use http::{HeaderMap, Method, StatusCode};

use crate::error::ServiceError;
use crate::http_types::Request;
use crate::ses;
use crate::sigv4::{self, Refusal};

pub(crate) const JSON_1_0: &str = "application/x-amz-json-1.0";
pub(crate) const JSON_1_1: &str = "application/x-amz-json-1.1";

/// A call to one of the services whose bodies are read whole.
pub(crate) struct Call {
    pub(crate) service: &'static str,
    pub(crate) operation: String,
    pub(crate) protocol: Protocol,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON with the operation in `X-Amz-Target`; the content type says the version.
    Json(&'static str),
    /// A form with `Action=`, answered in XML of a namespace.
    Query(&'static str),
    /// JSON with the operation in the method and path.
    Rest,
}

/// Who is asked.
pub(crate) enum Target {
    Call(Call),
    Query,
    Refused(ServiceError),
}

/// Who a request is for, from its head alone; `None` is S3.
pub(crate) fn identify(request: &Request) -> Option<Target> {
    if let Some(target) = request.headers().get("x-amz-target") {
        return Some(by_target(&String::from_utf8_lossy(target.as_bytes())));
    }
    let scope = sigv4::scope_service(request);
    let path = request.uri().path();
    if path.starts_with("/v2/email/") && scope.as_deref() != Some("s3") {
        let operation = ses::operation(request.method(), path);
        return Some(Target::Call(Call {
            service: "ses",
            operation,
            protocol: Protocol::Rest,
        }));
    }
    if request.method() == Method::POST
        && is_form(request.headers())
        && scope.as_deref() != Some("s3")
    {
        return Some(Target::Query);
    }
    match scope.as_deref() {
        None | Some("s3") => None,
        Some(other) => {
            let operation = format!("{} {path}", request.method());
            Some(Target::Refused(ServiceError::unknown_operation(
                other, &operation,
            )))
        }
    }
}

fn by_target(target: &str) -> Target {
    let (prefix, operation) = target.split_once('.').unwrap_or((target, ""));
    let (service, content_type) = match prefix {
        "DynamoDB_20120810" | "DynamoDBStreams_20120810" => ("dynamodb", JSON_1_0),
        "AmazonSQS" => ("sqs", JSON_1_0),
        "AWSCognitoIdentityProviderService" => ("cognito-idp", JSON_1_1),
        _ => return Target::Refused(ServiceError::unknown_operation(prefix, operation)),
    };
    let protocol = Protocol::Json(content_type);
    Target::Call(Call {
        service,
        operation: operation.to_owned(),
        protocol,
    })
}

fn is_form(headers: &HeaderMap) -> bool {
    headers.get(http::header::CONTENT_TYPE).is_some_and(|v| {
        v.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    })
}

/// The codes of the common errors differ between the protocols.
pub(crate) fn refused(refusal: Refusal, protocol: Protocol) -> ServiceError {
    let query = matches!(protocol, Protocol::Query(_));
    let pick = |json, xml| if query { xml } else { json };
    let (code, message) = match refusal {
        Refusal::Missing => (
            pick(
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
            ),
            "Request is missing Authentication Token".to_owned(),
        ),
        Refusal::Incomplete(message) => (
            pick("IncompleteSignatureException", "IncompleteSignature"),
            message,
        ),
        Refusal::UnknownKey => (
            pick("UnrecognizedClientException", "InvalidClientTokenId"),
            "The security token included in the request is invalid.".to_owned(),
        ),
        Refusal::Mismatch(message) => (
            pick("InvalidSignatureException", "SignatureDoesNotMatch"),
            message,
        ),
    };
    let status = if query {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::BAD_REQUEST
    };
    ServiceError::new(status, code, message)
}
