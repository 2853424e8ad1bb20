//! What a service is to the dispatcher: a name, the protocol of its answers, and operations.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::ServiceError;
use crate::form::Form;
use crate::http_types::Response;

/// One of the services, by the name that its signatures carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceName {
    /// `s3`
    #[serde(rename = "s3")]
    S3,
    /// `sqs`
    #[serde(rename = "sqs")]
    Sqs,
    /// `sns`
    #[serde(rename = "sns")]
    Sns,
    /// `dynamodb`
    #[serde(rename = "dynamodb")]
    DynamoDb,
    /// `cognito-idp`
    #[serde(rename = "cognito-idp")]
    Cognito,
    /// `ses`
    #[serde(rename = "ses")]
    Ses,
    /// `sts`
    #[serde(rename = "sts")]
    Sts,
}

impl ServiceName {
    pub(crate) const ALL: [Self; 7] = [
        Self::S3,
        Self::Sqs,
        Self::Sns,
        Self::DynamoDb,
        Self::Cognito,
        Self::Ses,
        Self::Sts,
    ];

    /// As it stands in the scope of a signature.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Sqs => "sqs",
            Self::Sns => "sns",
            Self::DynamoDb => "dynamodb",
            Self::Cognito => "cognito-idp",
            Self::Ses => "ses",
            Self::Sts => "sts",
        }
    }

    /// The service of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// The namespace of its XML, if it speaks the query protocol.
    pub(crate) fn xml_namespace(self) -> Option<&'static str> {
        match self {
            Self::Sns => Some("http://sns.amazonaws.com/doc/2010-03-31/"),
            Self::Sqs => Some("http://queue.amazonaws.com/doc/2012-11-05/"),
            Self::Sts => Some("https://sts.amazonaws.com/doc/2011-06-15/"),
            _ => None,
        }
    }

    /// What it says to a caller without permission.
    pub(crate) fn access_denied(self) -> ServiceError {
        let message = "User is not authorized to perform this action.";
        let (status, code) = match self {
            Self::S3 | Self::Sts => (StatusCode::FORBIDDEN, "AccessDenied"),
            Self::Sns => (StatusCode::FORBIDDEN, "AuthorizationError"),
            Self::Sqs | Self::Ses => (StatusCode::FORBIDDEN, "AccessDeniedException"),
            Self::DynamoDb | Self::Cognito => (StatusCode::BAD_REQUEST, "AccessDeniedException"),
        };
        let error = ServiceError::new(status, code, message);
        match self {
            Self::Sqs => error.with_query_code("AccessDenied"),
            _ => error,
        }
    }

    /// What it says to a caller that is too fast.
    pub(crate) fn throttled(self) -> ServiceError {
        let (status, code, message) = match self {
            Self::S3 => (
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Please reduce your request rate.",
            ),
            Self::Cognito | Self::Ses => (
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "Too many requests",
            ),
            _ => (
                StatusCode::BAD_REQUEST,
                "ThrottlingException",
                "Rate exceeded",
            ),
        };
        ServiceError::new(status, code, message)
    }
}

/// A call whose body was read whole, whose signature fits.
pub(crate) struct Call {
    pub(crate) operation: String,
    pub(crate) input: Input,
}

/// The input of a call, by protocol.
pub(crate) enum Input {
    /// The JSON protocols, and REST with JSON.
    Json(Bytes),
    /// The query protocol: the fields, and the path that they were sent to.
    Form { fields: Form, path: String },
}

impl Call {
    /// The members of a JSON input; an empty body has none.
    pub(crate) fn json(&self) -> Result<Value, ServiceError> {
        let invalid = |message| Err(ServiceError::bad_request("SerializationException", message));
        let Input::Json(body) = &self.input else {
            return invalid("The body of this request is not JSON.");
        };
        if body.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        let value: Value = serde_json::from_slice(body)?;
        if value.is_object() {
            Ok(value)
        } else {
            invalid("The body of a request is a JSON object.")
        }
    }
}

/// The result of a call.
pub(crate) enum Reply {
    Json(Value),
    /// The inside of `<…Result>`.
    Xml(String),
    /// Already in the service's protocol.
    Response(Response),
}

/// A service whose requests are read whole; that is all but S3.
#[async_trait]
pub(crate) trait Service: Send + Sync {
    fn name(&self) -> ServiceName;

    /// Whether AWS takes the operation without a signature.
    fn is_public(&self, _operation: &str) -> bool {
        false
    }

    /// Starts what it does by itself, among the context's tasks.
    fn start_tasks(self: Arc<Self>) {}

    async fn run_operation(self: Arc<Self>, call: Call) -> Result<Reply, ServiceError>;
}
