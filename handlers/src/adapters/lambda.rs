//! The Lambda adapter: one binary, and `_HANDLER` names the feature or the service's routes.

use anyhow::{Result, anyhow, ensure};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use super::{Host, invoke};

/// Serves Lambda's runtime API with the handler of this name until the environment ends.
///
/// # Errors
/// When there is no such handler, or the runtime API cannot be reached.
pub async fn run<C>(host: Host<C>, handler: &str) -> Result<()>
where
    C: Send + Sync + 'static,
{
    ensure!(
        host.features(handler).next().is_some(),
        "there is no feature or service {handler:?}"
    );
    let host = &host;
    let service = service_fn(async |event: LambdaEvent<Value>| {
        let request_id = event.context.request_id.clone();
        invoke::invoke(host, handler, event.payload)
            .await
            .map_err(|error| {
                tracing::error!(request_id, "the invocation failed: {error:#}");
                lambda_runtime::Error::from(format!("{error:#}"))
            })
    });
    lambda_runtime::run(service)
        .await
        .map_err(|error| anyhow!(error))
}
