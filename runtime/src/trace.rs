//! Traces across processes: W3C Trace Context (<https://www.w3.org/TR/trace-context/>) as an HTTP
//! header and as an attribute of messages, and the header that AWS itself carries. Which tracer
//! is used is the application's choice ([`LinkTraces`]).

use aws_lambda_events::sqs::SqsMessage;

use crate::envelope;

/// The header's name, and the message attribute's.
pub const TRACEPARENT: &str = "traceparent";
/// The attribute in which SQS hands on AWS's own trace header.
const AWS_TRACE_HEADER: &str = "AWSTraceHeader";

/// Makes spans part of traces that began in other processes.
pub trait LinkTraces: Send + Sync {
    /// Makes `span` the child of the span that `traceparent` (as in the W3C header) stands for.
    fn set_parent(&self, span: &tracing::Span, traceparent: &str);
}

/// The trace that a message belongs to, as a `traceparent`.
#[must_use]
pub fn of_message(message: &SqsMessage) -> Option<String> {
    envelope::attribute(message, TRACEPARENT).or_else(|| {
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
}
