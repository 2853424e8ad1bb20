//! Traces across processes: W3C Trace Context (<https://www.w3.org/TR/trace-context/>) as an HTTP
//! header and as an attribute of messages, and the header that AWS itself carries.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use aws_lambda_events::sqs::SqsMessage;
use fotograma_core::feature::lift;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header's name, and the message attribute's.
pub const TRACEPARENT: &str = "traceparent";
/// The attribute in which SQS hands on AWS's own trace header.
const AWS_TRACE_HEADER: &str = "AWSTraceHeader";

/// Whether spans go anywhere: if not, no message is searched for the trace that it belongs to.
static ON: AtomicBool = AtomicBool::new(false);

/// Spans go somewhere from now on.
pub(super) fn begin() {
    ON.store(true, Relaxed);
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

/// Makes `span` the child of the span that `parent` stands for.
pub fn follow(span: &Span, parent: Option<&str>) {
    let Some(parent) = parent else { return };
    let carrier = std::collections::HashMap::from([(TRACEPARENT.to_owned(), parent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    if let Err(error) = span.set_parent(context) {
        tracing::debug!(%error, "the trace cannot be followed");
    }
}

/// The trace that a message belongs to; a batch follows its first.
#[must_use]
pub fn of_message(message: &SqsMessage) -> Option<String> {
    if !ON.load(Relaxed) {
        return None;
    }
    lift::attribute(message, TRACEPARENT).or_else(|| {
        let header = message.attributes.get(AWS_TRACE_HEADER)?;
        from_aws(header)
    })
}

/// AWS's trace header as a `traceparent`:
/// <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>.
#[must_use]
pub fn from_aws(header: &str) -> Option<String> {
    let field = |name: &str| {
        let mut fields = header.split(';').filter_map(|field| field.split_once('='));
        fields
            .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    };
    let root = field("Root")?.strip_prefix("1-")?.replace('-', "");
    let sampled = if field("Sampled") == Some("1") {
        "01"
    } else {
        "00"
    };
    Some(format!("00-{root}-{}-{sampled}", field("Parent")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_aws_is_a_traceparent() {
        assert_eq!(
            from_aws("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
                .as_deref(),
            Some("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
        );
        for none in ["", "Root=1-5759e988", "Self=1-2-3;Root=2-3-4;Parent=a"] {
            assert_eq!(from_aws(none), None, "{none:?}");
        }
    }

    #[test]
    fn without_a_tracer_nothing_is_handed_on() {
        assert_eq!(current(), None);
        follow(&Span::none(), Some("nonsense"));
    }
}
