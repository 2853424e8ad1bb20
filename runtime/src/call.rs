//! How an adapter calls a handler: the same few steps whatever feeds it.

use aws_lambda_events::encodings::Body;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{
    Caller, Context, Error, Feature, Reply, Request, RequestId, Response, Result, Route, Trigger,
    lift, problem,
};

/// Calls an HTTP feature's handler: checks who may, and turns an error into its problem
/// document. Every error but the user's own is logged, once, here.
pub async fn http<C: Context>(route: &Route<C>, context: &C, request: Request) -> Response {
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(String::new, |id| id.0.clone());
    let outcome = match route.access.check(request.extensions().get::<Caller>()) {
        Ok(()) => (route.handle)(context, request).await,
        Err(error) => Err(error),
    };
    let mut response = outcome.unwrap_or_else(|error| {
        if !matches!(error, Error::Rejected { .. }) {
            tracing::error!(request_id = id, path = route.path, %error, "a request failed");
        }
        problem::response(&error, &id)
    });
    problem::seal(&mut response, &id);
    response
}

/// Calls a feature with messages of a queue; one over SNS or S3 events is lifted, record by
/// record.
///
/// # Errors
/// When the whole batch must come back, or the feature takes no messages.
pub fn sqs<'a, C: Context>(
    feature: &'a Feature<C>,
    context: &'a C,
    event: SqsEvent,
) -> Reply<'a, SqsBatchResponse> {
    match feature.trigger {
        Trigger::Http(_) | Trigger::Schedule { .. } => {
            let error = Error::permanent(format!("{} takes no messages", feature.name));
            Box::pin(async { Err(error) })
        }
        Trigger::Sqs { handle, .. } => handle(context, event),
        Trigger::Sns { handle, .. } => Box::pin(async move {
            lift::each(&event, |message| handle(context, lift::sns_event(message))).await
        }),
        Trigger::S3 { handle, .. } => Box::pin(async move {
            lift::each(&event, async |message| {
                match lift::s3_event(message.body.as_deref().unwrap_or_default())? {
                    Some(event) => handle(context, event).await,
                    None => Err(Error::permanent("the message is not an S3 event")),
                }
            })
            .await
        }),
    }
}

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
    let text = serde_json::to_string(value).map_err(|error| Error::permanent(error.to_string()))?;
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
