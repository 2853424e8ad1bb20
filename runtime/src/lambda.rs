//! The Lambda adapter: one binary, and `_HANDLER` names the feature or the service's routes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lambda_events::sqs::SqsMessage;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;

use crate::{Context, Error, Host, Result, Stop, invoke, trace};

/// Serves Lambda's runtime API with the handler of this name until the environment ends;
/// `after_each` is called when an event has been handled, before Lambda hears of it.
///
/// # Errors
/// When there is no such handler, or the runtime API cannot be reached.
pub async fn run<C>(
    host: Host<C>,
    handler: &str,
    after_each: impl Fn() + Clone + Send + Sync + 'static,
) -> Result<()>
where
    C: Context,
{
    if host.features(handler).next().is_none() {
        let why = format!("there is no feature or service {handler:?}");
        return Err(Error::permanent(why));
    }
    let handler: Arc<str> = handler.into();
    // As many at once as the function is configured for: one, unless concurrency is managed.
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let (host, handler) = (host.clone(), Arc::clone(&handler));
        let after_each = after_each.clone();
        async move {
            let request_id = event.context.request_id.clone();
            let host = in_time(&host, event.context.deadline());
            let span = tracing::info_span!("invocation", handler = &*handler, request_id);
            host.follow(&span, || parent(&event));
            let invoked = invoke::invoke(&host, &handler, event.payload);
            let outcome = invoked.instrument(span).await;
            after_each();
            outcome.map_err(|error| {
                let error = error.chain();
                tracing::error!(request_id, error, "the invocation failed");
                lambda_runtime::Error::from(error)
            })
        }
    });
    lambda_runtime::run_concurrent(service)
        .await
        .map_err(|error| Error::transient(format!("the runtime API: {error}")))
}

/// What an event says of the trace that it belongs to: its first message, else Lambda.
fn parent(event: &LambdaEvent<Value>) -> Option<String> {
    let first = event.payload.pointer("/Records/0");
    let message = first.and_then(|record| SqsMessage::deserialize(record).ok());
    message
        .and_then(|message| trace::of_message(&message))
        .or_else(|| trace::from_aws(event.context.xray_trace_id.as_deref()?))
}

/// The longest that a handler is given, before the deadline, to leave things in order.
const WIND_DOWN: Duration = Duration::from_secs(10);

/// The host for one call, which is told to stop a little before its deadline: a job that is cut
/// off would hold its video until its lease ends.
fn in_time<C: Context>(host: &Host<C>, deadline: SystemTime) -> Host<C> {
    let left = deadline
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    let until = Instant::now() + left - WIND_DOWN.min(left / 5);
    host.with_context(host.context.until(Stop::when(sleep_until(until))))
}
