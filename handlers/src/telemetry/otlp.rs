//! Spans to a collector, by OTLP over HTTP
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>), where the environment names one.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;

use super::trace;
use crate::outbound::Outbound;

/// Says where the collector is, by OpenTelemetry's convention.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// How long one request to it may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends what is left when dropped.
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends the spans that have ended; the runtime goes on meanwhile.
    pub(super) fn flush(&self) {
        if let Err(error) = tokio::task::block_in_place(|| self.0.force_flush()) {
            tracing::warn!(%error, "spans were not sent");
        }
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            eprintln!("fotograma: the last spans were not sent: {error}");
        }
    }
}

/// The exporter that the environment asks for, if it does.
pub(super) fn from_environment() -> Option<(Traces, SdkTracer)> {
    let endpoint = std::env::var(ENDPOINT).ok().filter(|url| !url.is_empty())?;
    match exporter(&endpoint) {
        Ok(provider) => {
            let tracer = provider.tracer("fotograma");
            trace::begin();
            Some((Traces(provider), tracer))
        }
        Err(error) => {
            eprintln!("fotograma: there will be no traces: {error}");
            None
        }
    }
}

fn exporter(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let client = Client {
        outbound: Outbound::new(endpoint, TIMEOUT),
        runtime: Handle::try_current()?,
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .build()?;
    // `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say more.
    let resource = match std::env::var("OTEL_SERVICE_NAME") {
        Ok(_) => Resource::builder().build(),
        Err(_) => Resource::builder().with_service_name("fotograma").build(),
    };
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}

/// The exporter's thread knows no tokio: its requests are made on the runtime.
#[derive(Debug)]
struct Client {
    outbound: Outbound,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, HttpError> {
        let outbound = self.outbound.clone();
        let sent = self
            .runtime
            .spawn(async move { outbound.send(request).await });
        Ok(sent.await??)
    }
}
