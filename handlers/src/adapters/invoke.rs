//! One Lambda event through a handler, payload in and reply out. This is what Lambda does, what
//! the Invoke path of a server does, and what `replay` does: there is only one way.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, Result, anyhow, bail};
use fotograma_core::feature::{Feature, RequestId, Trigger, call_sqs};
use futures::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::tower::Service;
use lambda_http::{Adapter, LambdaEvent, service_fn};
use serde_json::{Value, json};

use super::{Host, claims, http};

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
    C: Send + Sync + 'static,
{
    match host.features(name).next() {
        None => Box::pin(async move { bail!("there is no feature {name:?}") }),
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
    C: Send + Sync + 'static,
{
    let context = host.context.as_ref();
    let queued = payload
        .pointer("/Records/0/eventSource")
        .is_some_and(|from| from == "aws:sqs");
    if queued || matches!(feature.trigger, Trigger::Sqs { .. }) {
        let event = serde_json::from_value(payload).context("the payload is not an SQS event")?;
        return Ok(serde_json::to_value(
            call_sqs(feature, context, event).await?,
        )?);
    }
    match feature.trigger {
        Trigger::Sns { handle, .. } => {
            let event =
                serde_json::from_value(payload).context("the payload is not an SNS event")?;
            handle(context, event).await?;
        }
        Trigger::S3 { handle, .. } => {
            let event =
                serde_json::from_value(payload).context("the payload is not an S3 event")?;
            handle(context, event).await?;
        }
        Trigger::Schedule { handle, .. } => {
            let event = serde_json::from_value(payload)
                .context("the payload is not an EventBridge event")?;
            handle(context, event).await?;
        }
        Trigger::Http(_) | Trigger::Sqs { .. } => bail!("{} takes other events", feature.name),
    }
    Ok(Value::Null)
}

async fn invoke_http<C>(host: Host<C>, name: &str, payload: Value) -> Result<Value>
where
    C: Send + Sync + 'static,
{
    let caller = claims::caller(&payload);
    let id = ["/requestContext/requestId", "/headers/x-amzn-trace-id"]
        .iter()
        .find_map(|path| payload.pointer(path).and_then(Value::as_str))
        .map(|id| RequestId(id.to_owned()));
    let request: LambdaRequest = serde_json::from_value(payload)
        .context("the payload is not an event of API Gateway, a load balancer or a function URL")?;
    let service = service_fn(move |mut request: lambda_http::Request| {
        if let Some(caller) = caller.clone() {
            request.extensions_mut().insert(caller);
        }
        if let Some(id) = id.clone() {
            request.extensions_mut().insert(id);
        }
        let (host, name) = (host.clone(), name.to_owned());
        async move { Ok::<_, Infallible>(http::answer(&host, &name, request).await) }
    });
    let event = LambdaEvent::new(request, lambda_http::Context::default());
    let mut adapter = Adapter::from(service);
    // It panics at what no gateway sends: a host with a space, a body that is no base64. A
    // handler's panic is not its, and comes later.
    let answering = catch_unwind(AssertUnwindSafe(|| adapter.call(event)))
        .map_err(|_| anyhow!("the event holds what is no HTTP request"))?;
    Ok(serde_json::to_value(answering.await?)?)
}

/// How the Invoke call reports a handler that failed:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.
#[must_use]
pub fn error_payload(error: &anyhow::Error) -> Value {
    json!({ "errorType": "HandlerError", "errorMessage": format!("{error:#}") })
}
