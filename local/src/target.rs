//! Who a request is for, and in which protocol, from its head alone.

use http::{Method, StatusCode};

use crate::error::ServiceError;
use crate::http_types::Request;
use crate::service::ServiceName;
use crate::ses;
use crate::sigv4::{self, Refusal};

pub(crate) const JSON_1_0: &str = "application/x-amz-json-1.0";
pub(crate) const JSON_1_1: &str = "application/x-amz-json-1.1";
const PLAIN_JSON: &str = "application/json";

/// Who is asked.
pub(crate) enum Target {
    /// JSON; the operation is in `X-Amz-Target`, or in the method and path.
    Json {
        service: ServiceName,
        operation: String,
        content_type: &'static str,
    },
    /// The query protocol: the operation is in the form, and so is the service where no signature
    /// says it.
    Form(Option<ServiceName>),
    S3,
    /// Nobody here.
    Unknown(ServiceError),
    /// Nobody here: a form for the service of this name.
    UnknownForm(String),
}

/// Who a request is for, from its head alone.
pub(crate) fn identify(request: &Request) -> Target {
    if let Some(target) = request.headers().get("x-amz-target") {
        return identify_by_target(&String::from_utf8_lossy(target.as_bytes()));
    }
    let (method, path) = (request.method(), request.uri().path());
    let service = match sigv4::scope_service(request) {
        None => None,
        Some(scope) => match ServiceName::parse(&scope) {
            None if is_form(request) => return Target::UnknownForm(scope),
            None => {
                let operation = format!("{method} {path}");
                return Target::Unknown(ServiceError::unknown_operation(&scope, &operation));
            }
            known => known,
        },
    };
    match service {
        Some(ServiceName::S3) => Target::S3,
        None | Some(ServiceName::Ses) if path.starts_with("/v2/email/") => Target::Json {
            service: ServiceName::Ses,
            operation: ses::operation(method, path),
            content_type: PLAIN_JSON,
        },
        service if is_form(request) => Target::Form(service),
        // Unsigned, presigned, or signed in the older way: only S3 is asked so, by a path.
        None => Target::S3,
        Some(service) => {
            let operation = format!("{method} {path}");
            Target::Unknown(ServiceError::unknown_operation(
                service.as_str(),
                &operation,
            ))
        }
    }
}

fn identify_by_target(target: &str) -> Target {
    let (prefix, operation) = target.split_once('.').unwrap_or((target, ""));
    let (service, content_type) = match prefix {
        "DynamoDB_20120810" => (ServiceName::DynamoDb, JSON_1_0),
        "AmazonSQS" => (ServiceName::Sqs, JSON_1_0),
        "AWSCognitoIdentityProviderService" => (ServiceName::Cognito, JSON_1_1),
        _ => return Target::Unknown(ServiceError::unknown_operation(prefix, operation)),
    };
    Target::Json {
        service,
        operation: operation.to_owned(),
        content_type,
    }
}

/// A form in the body, or `GET /?Action=…`.
fn is_form(request: &Request) -> bool {
    let content_type = request.headers().get(http::header::CONTENT_TYPE);
    let is_form = content_type.is_some_and(|content_type| {
        let content_type = content_type.as_bytes();
        content_type.starts_with(b"application/x-www-form-urlencoded")
    });
    let query = request.uri().query().unwrap_or_default();
    let in_query = query.split('&').any(|pair| pair.starts_with("Action="));
    match *request.method() {
        Method::POST => is_form,
        Method::GET => in_query && request.uri().path() == "/",
        _ => false,
    }
}

/// The error for a signature that does not fit; the codes differ between the protocols.
pub(crate) fn signature_error(refusal: Refusal, is_query: bool) -> ServiceError {
    let pick = |json, xml| if is_query { xml } else { json };
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
    let status = if is_query {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::BAD_REQUEST
    };
    ServiceError::new(status, code, message)
}
