//! Logs: on standard error, for people at a terminal and as JSON elsewhere. Each line carries
//! the fields of the spans that it was written in: the request or message, the job.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::otlp;

/// Ends telemetry in order when dropped: what was not yet sent is.
pub struct Telemetry(Option<otlp::Traces>);

impl Telemetry {
    /// Sends the spans that have ended, where a process may be frozen at any time.
    pub fn flush(&self) {
        if let Some(traces) = &self.0 {
            traces.flush();
        }
    }
}

/// Starts logging, `RUST_LOG` says how much; and tracing, where
/// `OTEL_EXPORTER_OTLP_ENDPOINT` says where to. Needs a tokio runtime.
#[must_use]
pub fn start_telemetry() -> Telemetry {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(
            "warn,dynoxide=error,s3s=off,fotograma=info,fotograma_core=info,lambda_anywhere=info",
        )
    });
    let logs = tracing_subscriber::fmt::layer().with_writer(stderr);
    let logs = if stderr().is_terminal() {
        logs.compact().boxed()
    } else {
        let json = logs.json().flatten_event(true).with_current_span(false);
        json.with_ansi(false).boxed()
    };
    let (traces, layer) = otlp::from_environment().map_or((None, None), |(traces, tracer)| {
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        (Some(traces), Some(layer))
    });
    tracing_subscriber::registry()
        .with(filter)
        .with(logs)
        .with(layer)
        .init();
    Telemetry(traces)
}
