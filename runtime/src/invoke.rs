//! One Lambda event through a handler, payload in and reply out. This is what Lambda does, what
//! the Invoke path of a server does, and what `replay` does: there is only one way.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use futures::future::BoxFuture;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, service_fn};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower::{Service, ServiceExt};

use crate::http::{RoutePath, answer, http_stack};
use crate::routing::without_prefix;
use crate::{
    Context, Error, Feature, Host, RequestId, Result, Trigger, claims, dispatch_messages, envelope,
};

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
        let response = dispatch_messages(feature, context, event(payload, "an SQS event")?).await?;
        return payload_of(&response);
    }
    match feature.trigger {
        Trigger::Sns { handle, .. } => {
            handle(context, event(payload, "an SNS event")?).await?;
        }
        Trigger::S3 { handle, .. } => {
            let event = envelope::s3_event_from_payload(payload)?;
            let event = event.ok_or_else(|| Error::permanent("the payload is not an S3 event"))?;
            handle(context, event).await?;
        }
        Trigger::Schedule { handle, .. } => {
            handle(context, scheduled_event(payload)).await?;
        }
        Trigger::Http(_) | Trigger::Sqs { .. } => {
            let why = format!("{} takes other events", feature.name);
            return Err(Error::permanent(why));
        }
    }
    Ok(Value::Null)
}

/// A schedule may send whatever input it was given instead of an event: that is its detail then.
fn scheduled_event(payload: Value) -> EventBridgeEvent {
    serde_json::from_value(payload.clone()).unwrap_or_else(|_| {
        let mut event = EventBridgeEvent::default();
        event.detail = payload;
        event
    })
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
    let path = route_path(&payload, &host.base_path);
    let kind = "an event of API Gateway, a load balancer or a function URL";
    let request: LambdaRequest = event(payload, kind)?;
    let stack = {
        let (answering, name): (_, Arc<str>) = (host.clone(), name.into());
        let answer = service_fn(move |request: lambda_http::Request| {
            let (host, name) = (answering.clone(), Arc::clone(&name));
            async move { Ok::<_, Infallible>(answer(&host, &name, request).await) }
        });
        http_stack(host, answer)
    };
    let service = service_fn(move |mut request: lambda_http::Request| {
        if let Some(caller) = caller.clone() {
            request.extensions_mut().insert(caller);
        }
        if let Some(id) = id.clone() {
            request.extensions_mut().insert(id);
        }
        if let Some(path) = path.clone() {
            request.extensions_mut().insert(path);
        }
        stack.clone().oneshot(request)
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

/// The path to find the route by: that of the event without the gateway's stage and base path.
pub(crate) fn route_path(event: &Value, base_path: &str) -> Option<RoutePath> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let raw = text("/rawPath");
    let mut path = raw.or_else(|| text("/path"))?;
    if let (Some(raw), Some(stage)) = (raw, text("/requestContext/stage"))
        && stage != "$default"
    {
        path = without_prefix(raw, stage);
    }
    // An HTTP API decodes the path; a function's own address, a load balancer and a REST API do
    // not.
    let domain = text("/requestContext/domainName").unwrap_or_default();
    let decoded = raw.is_some() && !domain.contains(".lambda-url.");
    Some(RoutePath {
        path: without_prefix(path, base_path).to_owned(),
        decoded,
    })
}

/// How the Invoke call reports a handler that failed:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.
#[must_use]
pub fn error_payload(error: &Error) -> Value {
    json!({ "errorType": "HandlerError", "errorMessage": error.chain() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_and_a_base_path_are_no_part_of_a_route() {
        let http_api = |path: &str, stage: &str, domain: &str| {
            json!({
                "version": "2.0", "rawPath": path,
                "requestContext": { "stage": stage, "domainName": domain },
            })
        };
        let api = "id.execute-api.us-east-1.amazonaws.com";
        let function = "id.lambda-url.us-east-1.on.aws";
        let rest_api = json!({ "path": "/v1/orders/a%20b", "requestContext": { "stage": "prod" } });
        for (event, base_path, expected, decoded) in [
            (http_api("/prod/orders", "prod", api), "", "/orders", true),
            (http_api("/orders", "$default", api), "", "/orders", true),
            (
                http_api("/production", "prod", api),
                "",
                "/production",
                true,
            ),
            (
                http_api("/prod/v1/orders", "prod", api),
                "/v1",
                "/orders",
                true,
            ),
            (
                http_api("/orders", "$default", function),
                "",
                "/orders",
                false,
            ),
            (rest_api, "v1", "/orders/a%20b", false),
        ] {
            let found = route_path(&event, base_path).expect("a path");
            assert_eq!((found.path.as_str(), found.decoded), (expected, decoded));
        }
    }

    #[test]
    fn a_schedule_may_send_what_it_likes() {
        let event = scheduled_event(json!({ "dry_run": true }));
        assert_eq!(event.detail["dry_run"], true);
        let event = scheduled_event(json!({
            "version": "0", "source": "aws.scheduler", "detail-type": "Scheduled Event",
            "resources": [], "detail": {},
        }));
        assert_eq!(event.source, "aws.scheduler");
    }
}
