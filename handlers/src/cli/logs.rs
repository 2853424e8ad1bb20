//! Logs: on standard error, for people at a terminal and as JSON elsewhere.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// Starts logging; `RUST_LOG` says how much.
pub(super) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new("warn,dynoxide=error,s3s=off,fotograma=info,fotograma_core=info")
    });
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr);
    if stderr().is_terminal() {
        logs.compact().init();
    } else {
        logs.json().flatten_event(true).with_ansi(false).init();
    }
}
