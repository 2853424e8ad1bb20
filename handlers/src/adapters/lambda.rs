//! The Lambda adapter: one binary, and `_HANDLER` names the feature or the service's routes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Result, anyhow, ensure};
use fotograma_core::feature::{Context, Stop};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::{Host, invoke};

/// Serves Lambda's runtime API with the handler of this name until the environment ends.
///
/// # Errors
/// When there is no such handler, or the runtime API cannot be reached.
pub async fn run<C>(host: Host<C>, handler: &str) -> Result<()>
where
    C: Context,
{
    ensure!(
        host.features(handler).next().is_some(),
        "there is no feature or service {handler:?}"
    );
    let handler: Arc<str> = handler.into();
    // As many at once as the function is configured for: one, unless concurrency is managed.
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let (host, handler) = (host.clone(), Arc::clone(&handler));
        async move {
            let request_id = event.context.request_id.clone();
            let host = in_time(&host, event.context.deadline());
            invoke::invoke(&host, &handler, event.payload)
                .await
                .map_err(|error| {
                    tracing::error!(request_id, "the invocation failed: {error:#}");
                    lambda_runtime::Error::from(format!("{error:#}"))
                })
        }
    });
    lambda_runtime::run_concurrent(service)
        .await
        .map_err(|error| anyhow!(error))
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
    Host {
        context: Arc::new(host.context.until(Stop::when(sleep_until(until)))),
        ..host.clone()
    }
}
