//! One Lambda event through a handler, payload in and reply out. This is what Lambda does, what
//! the Invoke path of a server does, and what `replay` does: there is only one way.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::tower::Service;
use lambda_http::{Adapter, LambdaEvent, RequestExt, service_fn};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::{self, RoutePath};
use crate::{Context, Error, Feature, Host, RequestId, Result, Trigger, call_sqs, claims};

/// Runs `payload` through what `name` stands for: a feature, or a service's routes.
///
/// # Errors
/// When there is nothing of that name, the payload is not the event that it takes, or the
/// handler fails as a whole.
#[must_use]
pub fn invoke<'a, C>(
    host: &'a Host<C>,
    name: &'a str,
    payload: Value,
) -> BoxFuture<'a, Result<Value>>
where
    C: Context,
{
    match host.features(name).next() {
        None => {
            let error = Error::permanent(format!("there is no feature {name:?}"));
            Box::pin(async { Err(error) })
        }
        Some(feature) if feature.route().is_none() && feature.name == name => {
            Box::pin(invoke_event(host, feature, payload))
        }
        Some(_) => Box::pin(invoke_http(host.clone(), name, payload)),
    }
}

async fn invoke_event<C>(
    host: &Host<C>,
    feature: &'static Feature<C>,
    payload: Value,
) -> Result<Value>
where
    C: Context,
{
    let context = host.context.as_ref();
    let queued = payload
        .pointer("/Records/0/eventSource")
        .is_some_and(|from| from == "aws:sqs");
    if queued || matches!(feature.trigger, Trigger::Sqs { .. }) {
        let response = call_sqs(feature, context, event(payload, "an SQS event")?).await?;
        return payload_of(&response);
    }
    match feature.trigger {
        Trigger::Sns { handle, .. } => {
            handle(context, event(payload, "an SNS event")?).await?;
        }
        Trigger::S3 { handle, .. } => {
            handle(context, event(payload, "an S3 event")?).await?;
        }
        Trigger::Schedule { handle, .. } => {
            handle(context, event(payload, "an EventBridge event")?).await?;
        }
        Trigger::Http(_) | Trigger::Sqs { .. } => {
            let why = format!("{} takes other events", feature.name);
            return Err(Error::permanent(why));
        }
    }
    Ok(Value::Null)
}

fn event<T: DeserializeOwned>(payload: Value, kind: &str) -> Result<T> {
    serde_json::from_value(payload)
        .map_err(|error| Error::permanent(format!("the payload is not {kind}")).with_source(error))
}

fn payload_of(reply: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(reply)
        .map_err(|error| Error::permanent("the reply is no JSON").with_source(error))
}

async fn invoke_http<C>(host: Host<C>, name: &str, payload: Value) -> Result<Value>
where
    C: Context,
{
    let caller = claims::caller(&payload);
    let id = ["/requestContext/requestId", "/headers/x-amzn-trace-id"]
        .iter()
        .find_map(|path| payload.pointer(path).and_then(Value::as_str))
        .map(|id| RequestId(id.to_owned()));
    let kind = "an event of API Gateway, a load balancer or a function URL";
    let request: LambdaRequest = event(payload, kind)?;
    let service = service_fn(move |mut request: lambda_http::Request| {
        if let Some(caller) = caller.clone() {
            request.extensions_mut().insert(caller);
        }
        if let Some(id) = id.clone() {
            request.extensions_mut().insert(id);
        }
        let path = request.raw_http_path();
        if !path.is_empty() {
            let path = RoutePath(path.to_owned());
            request.extensions_mut().insert(path);
        }
        let (host, name) = (host.clone(), name.to_owned());
        async move { Ok::<_, Infallible>(answer::answer(&host, &name, request).await) }
    });
    let event = LambdaEvent::new(request, lambda_http::Context::default());
    let mut adapter = Adapter::from(service);
    // It panics at what no gateway sends: a host with a space, a body that is no base64. A
    // handler's panic is not its, and comes later.
    let answering = catch_unwind(AssertUnwindSafe(|| adapter.call(event)))
        .map_err(|_| Error::permanent("the event holds what is no HTTP request"))?;
    let reply = answering
        .await
        .map_err(|error| Error::permanent(format!("the answer cannot be written: {error}")))?;
    payload_of(&reply)
}

/// How the Invoke call reports a handler that failed:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.
#[must_use]
pub fn error_payload(error: &Error) -> Value {
    json!({ "errorType": "HandlerError", "errorMessage": error.chain() })
}
