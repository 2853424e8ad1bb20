//! Logs: on standard error, for people at a terminal and as JSON elsewhere. Each line carries
//! the fields of the spans that it was written in: the request or message, the job.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
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

/// Who reads the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever looks after a process that goes on: what it does, as JSON unless at a terminal.
    Operator,
    /// Whoever waits for a command's result: what went wrong, in words.
    Person,
}

impl Audience {
    /// How much is logged, unless `RUST_LOG` says. How the SDK looks for credentials is told by the call
    /// that finds none.
    fn filter(self) -> &'static str {
        match self {
            Self::Operator => {
                "warn,aws_config=error,dynoxide=error,s3s=off,fotograma=info,fotograma_core=info,lambda_anywhere=info"
            }
            Self::Person => "warn,aws_config=error,dynoxide=error,s3s=off",
        }
    }

    /// Whether lines are for eyes: `FOTOGRAMA_LOG_FORMAT` (`text` or `json`) says, or the terminal does.
    fn in_words(self) -> bool {
        match std::env::var("FOTOGRAMA_LOG_FORMAT").as_deref() {
            Ok("text") => true,
            Ok("json") => false,
            _ => self == Self::Person || stderr().is_terminal(),
        }
    }
}

/// The time of day on this machine's clock: who looks on knows the date.
struct TimeOfDay;

impl FormatTime for TimeOfDay {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", chrono::Local::now().format("%H:%M:%S%.3f"))
    }
}

/// Whether lines have colours: where a terminal shows them, or `CLICOLOR_FORCE` says that what they are
/// piped to does (<https://bixense.com/clicolors/>).
fn in_colour() -> bool {
    let is_set =
        |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    !is_set("NO_COLOR") && (stderr().is_terminal() || is_set("CLICOLOR_FORCE"))
}

/// Starts logging, `RUST_LOG` says how much; and tracing, where
/// `OTEL_EXPORTER_OTLP_ENDPOINT` says where to. Needs a tokio runtime.
#[must_use]
pub fn start_telemetry(audience: Audience) -> Telemetry {
    let filter = EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new(audience.filter()));
    let logs = tracing_subscriber::fmt::layer().with_writer(stderr);
    let logs = if audience.in_words() {
        let words = logs.compact().with_target(false).with_timer(TimeOfDay);
        words.with_ansi(in_colour()).boxed()
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
