//! What is seen from outside: logs, metrics and traces.

mod logs;
pub mod metrics;
mod otlp;
pub mod trace;

pub use logs::{Audience, start_telemetry};
