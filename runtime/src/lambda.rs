//! The Lambda adapter: one binary, and `_HANDLER` names the feature or the service's routes.

mod environment;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lambda_events::sqs::SqsMessage;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::Instrument;

use crate::{CancelSignal, Context, Error, Host, Result, invoke, trace};

pub use environment::report_init_error;

/// The longest that a handler is given, before the deadline, to leave things in order.
const WIND_DOWN: Duration = Duration::from_secs(10);
/// The longest that an answer may need to reach Lambda before the deadline.
const ANSWER: Duration = Duration::from_millis(500);

/// Serves Lambda's runtime API with the handler of this name until the environment ends, with as
/// many invocations at once as the function is configured for: one, unless its concurrency is
/// managed. `flush` is called when an event has been handled, before Lambda hears of it, and once more
/// when Lambda ends the environment: it writes what is still to be told of figures and traces, within
/// half a second.
///
/// # Errors
/// When there is no such handler, or the runtime API cannot be reached.
pub async fn serve_runtime_api<C>(
    host: Host<C>,
    handler: &str,
    flush: impl Fn() + Clone + Send + Sync + 'static,
) -> Result<()>
where
    C: Context,
{
    if host.features(handler).next().is_none() {
        let why = format!("there is no feature or service {handler:?}");
        report_init_error(&why).await?;
        return Err(Error::permanent(why));
    }
    let environment_ends = environment::prepare_for_end().await;
    let flush_last = flush.clone();
    let handler: Arc<str> = handler.into();
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let (host, handler) = (host.clone(), Arc::clone(&handler));
        let flush = flush.clone();
        async move {
            let request_id = event.context.request_id.clone();
            let span = tracing::info_span!("invocation", handler = &*handler, request_id);
            host.follow(&span, || parent(&event));
            let outcome = invoke_in_time(&host, &handler, event)
                .instrument(span)
                .await;
            flush();
            outcome.map_err(|error| {
                let error = error.chain();
                tracing::error!(request_id, error, "the invocation failed");
                lambda_runtime::Error::from(error)
            })
        }
    });
    tokio::select! {
        served = lambda_runtime::run_concurrent(service) => {
            served.map_err(|error| Error::transient(format!("the runtime API: {error}")))
        }
        () = environment_ends => {
            flush_last();
            Ok(())
        }
    }
}

/// Invokes a handler, which is told to stop a little before the invocation's deadline, so that it
/// can leave things in order; a batch of messages is answered at the deadline whatever it does.
fn invoke_in_time<C: Context>(
    host: &Host<C>,
    handler: &str,
    event: LambdaEvent<Value>,
) -> impl Future<Output = Result<Value>> + Send {
    let left = event.context.deadline().duration_since(SystemTime::now());
    let left = left.unwrap_or_default();
    let now = Instant::now();
    let told_at = now + left - WIND_DOWN.min(left / 5);
    let signal = CancelSignal::when(sleep_until(told_at)).for_batch([].into());
    let host = host.with_context(host.context.with_cancel_signal(signal.clone()));
    let messages = message_ids(&event.payload);
    let handler = handler.to_owned();
    async move {
        let invoked = invoke::invoke(&host, &handler, event.payload);
        let Some(messages) = messages else {
            return invoked.await;
        };
        // Were it cut off, Lambda would bring back what was done as well.
        let until = now + left - ANSWER.min(left / 10);
        if let Ok(outcome) = timeout_at(until, invoked).await {
            return outcome;
        }
        tracing::error!("there was no time left for some messages; they come back");
        let done = signal.done();
        let undone = messages.iter().filter(|id| !done.contains(*id));
        let failures: Vec<_> = undone.map(|id| json!({ "itemIdentifier": id })).collect();
        Ok(json!({ "batchItemFailures": failures }))
    }
}

/// The ids of the messages, if the payload is a batch of a queue.
fn message_ids(payload: &Value) -> Option<Vec<String>> {
    let records = payload.get("Records")?.as_array()?;
    let ids = records.iter().map(|record| {
        let id = record.get("messageId").and_then(Value::as_str);
        id.filter(|_| {
            record
                .get("eventSource")
                .is_some_and(|from| from == "aws:sqs")
        })
        .map(str::to_owned)
    });
    ids.collect()
}

/// What an event says of the trace that it belongs to: its first message, else Lambda.
fn parent(event: &LambdaEvent<Value>) -> Option<String> {
    let first = event.payload.pointer("/Records/0");
    let message = first.and_then(|record| SqsMessage::deserialize(record).ok());
    message
        .and_then(|message| trace::of_message(&message))
        .or_else(|| trace::from_aws(event.context.xray_trace_id.as_deref()?))
}
