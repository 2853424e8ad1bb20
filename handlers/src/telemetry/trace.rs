//! Traces across processes, by OpenTelemetry: what a span hands on, and what it follows.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lambda_anywhere::trace::{LinkTraces, TRACEPARENT};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Whether spans go anywhere: if not, no message is searched for the trace that it belongs to.
static ON: AtomicBool = AtomicBool::new(false);

/// Spans go somewhere from now on.
pub(super) fn begin() {
    ON.store(true, Relaxed);
}

/// What links spans to traces; `None` when nothing is traced.
#[must_use]
pub fn link() -> Option<OpenTelemetry> {
    ON.load(Relaxed).then_some(OpenTelemetry)
}

/// What tells another process which span it was called from; `None` when nothing is traced.
#[must_use]
pub fn current() -> Option<String> {
    if !ON.load(Relaxed) {
        return None;
    }
    let mut carrier = std::collections::HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Spans as the layer of `tracing_opentelemetry` knows them.
#[derive(Debug, Clone, Copy)]
pub struct OpenTelemetry;

impl LinkTraces for OpenTelemetry {
    fn set_parent(&self, span: &Span, traceparent: &str) {
        let carrier =
            std::collections::HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
        let context = TraceContextPropagator::new().extract(&carrier);
        if let Err(error) = span.set_parent(context) {
            tracing::debug!(%error, "the trace cannot be followed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_tracer_nothing_is_handed_on() {
        assert_eq!(current(), None);
        assert!(link().is_none());
        OpenTelemetry.set_parent(&Span::none(), "nonsense");
    }
}
