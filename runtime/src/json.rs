//! JSON in and out of requests and answers.

use aws_lambda_events::encodings::Body;
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, Request, Response, Result};

/// The claim check of a form whose file an adapter has put into the object store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormClaim {
    /// Where the file is now.
    pub key: String,
    /// The name that the client gave the file.
    pub filename: Option<String>,
    /// The type that the client gave the file.
    pub content_type: Option<String>,
    /// The form's other fields.
    pub fields: std::collections::BTreeMap<String, String>,
}

/// The request's JSON body.
///
/// # Errors
/// 400 with what is wrong and where.
pub fn json_body<T: DeserializeOwned>(request: &Request) -> Result<T> {
    serde_json::from_slice(request.body().as_ref()).map_err(|error| {
        Error::bad_request(format!("the body is not the JSON expected here: {error}"))
    })
}

/// An answer with a JSON body.
///
/// # Errors
/// When `value` cannot be written as JSON.
pub fn json_response(status: StatusCode, value: &impl Serialize) -> Result<Response> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::permanent("the answer is no JSON").with_source(error))?;
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// An answer without a body.
#[must_use]
pub fn empty_response(status: StatusCode) -> Response {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}
