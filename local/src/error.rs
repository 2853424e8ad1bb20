//! An error as AWS tells it, and its two renderings: the JSON protocols' and the query protocol's.
//!
//! S3 has a third form of its own, which `s3s` writes.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::http_types::Response;
use crate::xml::escape_xml;

/// What a service answers instead of a result.
#[derive(Debug, Clone)]
pub(crate) struct ServiceError {
    /// The error's code, for instance `ResourceNotFoundException`.
    pub(crate) code: Cow<'static, str>,
    /// The HTTP status; below 500 the caller is at fault.
    pub(crate) status: StatusCode,
    /// A sentence for a person.
    pub(crate) message: String,
    /// The code of the older query protocol where it differs: SQS keeps telling it in
    /// `x-amzn-query-error`, and SDKs read it from there.
    pub(crate) query_code: Option<&'static str>,
    /// Further members of the JSON body, such as `CancellationReasons`.
    pub(crate) fields: Map<String, Value>,
}

impl ServiceError {
    /// An error with a status, a code and a message.
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            status,
            message: message.into(),
            query_code: None,
            fields: Map::new(),
        }
    }

    /// The caller's fault, status 400: by far the most common.
    pub(crate) fn bad_request(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Ours, status 500. The detail is logged where it is known; the caller learns nothing internal.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
        )
    }

    /// An operation that is not served here, named so that nobody wonders.
    pub(crate) fn unknown_operation(service: &str, operation: &str) -> Self {
        Self::bad_request(
            "UnknownOperationException",
            format!("The operation {operation} of {service} is not served by this local AWS."),
        )
    }

    /// Adds the query protocol's own code.
    pub(crate) fn with_query_code(mut self, code: &'static str) -> Self {
        self.query_code = Some(code);
        self
    }

    /// The answer of the AWS JSON protocols and of REST-JSON: `__type` and `x-amzn-errortype`
    /// say the code, so that every SDK finds it.
    pub(crate) fn into_json(self, content_type: &'static str, request_id: &str) -> Response {
        let mut body = self.fields;
        body.insert("__type".to_owned(), json!(self.code));
        body.insert("message".to_owned(), json!(self.message));
        let sender = if self.status.is_server_error() {
            "Receiver"
        } else {
            "Sender"
        };
        let mut response = Response::new(Value::Object(body).to_string().into());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Ok(code) = HeaderValue::from_str(&self.code) {
            headers.insert("x-amzn-errortype", code);
        }
        if let Some(query_code) = self.query_code
            && let Ok(value) = HeaderValue::from_str(&format!("{query_code};{sender}"))
        {
            headers.insert("x-amzn-query-error", value);
        }
        set_request_id(&mut response, request_id);
        response
    }

    /// The answer of the query protocol (SNS, STS).
    pub(crate) fn into_xml(self, namespace: &str, request_id: &str) -> Response {
        let kind = if self.status.is_server_error() {
            "Receiver"
        } else {
            "Sender"
        };
        let body = format!(
            "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{kind}</Type><Code>{}</Code>\
             <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            escape_xml(self.query_code.unwrap_or(&self.code)),
            escape_xml(&self.message),
        );
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        set_request_id(&mut response, request_id);
        response
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ServiceError {}

impl From<rusqlite::Error> for ServiceError {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "the state database refused");
        Self::internal()
    }
}

impl From<serde_json::Error> for ServiceError {
    fn from(error: serde_json::Error) -> Self {
        Self::bad_request("SerializationException", error.to_string())
    }
}

/// Puts a request's id on the answer, as every AWS service does.
pub(crate) fn set_request_id(response: &mut Response, request_id: &str) {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amzn-requestid", value);
    }
}
