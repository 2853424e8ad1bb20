//! Metrics: in a pod for Prometheus to fetch, in Lambda as `CloudWatch`'s embedded metric format.
//! Names follow the OpenTelemetry semantic conventions where there is one
//! (<https://opentelemetry.io/docs/specs/semconv/>); the others begin with `fotograma.`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use lambda_anywhere::server::RenderMetrics;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::time::{MissedTickBehavior, interval};

/// Upper bounds for requests and messages, in seconds.
const SHORT: [f64; 11] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
/// Upper bounds for jobs, in seconds.
const LONG: [f64; 10] = [
    0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 7_200.0,
];
/// How often what was recorded is folded into the buckets, whether or not anybody fetches it.
const UPKEEP: Duration = Duration::from_secs(5);

/// Begins to record for Prometheus; needs a tokio runtime.
///
/// # Errors
/// When something records already.
pub fn prometheus() -> Result<RenderMetrics> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("job_duration".to_owned()), &LONG)?
        .set_buckets_for_metric(Matcher::Suffix("duration".to_owned()), &SHORT)?
        .set_buckets_for_metric(
            Matcher::Suffix("receives".to_owned()),
            &[1.0, 2.0, 3.0, 4.0, 5.0],
        )?
        .with_recommended_naming(true)
        .install_recorder()
        .context("metrics are recorded already")?;
    describe();
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = interval(UPKEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(Arc::new(move || handle.render()))
}

/// Begins to record for `CloudWatch`, each figure with its stage; the answer writes what was recorded since it was last
/// called to standard output, from where Lambda's log takes it:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html>.
///
/// # Errors
/// When something records already.
pub fn cloudwatch(stage: &str) -> Result<impl Fn() + Clone + Send + Sync + use<>> {
    let collector = metrics_cloudwatch_embedded::Builder::new()
        .cloudwatch_namespace("fotograma")
        .with_dimension("stage", stage.to_owned())
        .init()
        .map_err(|error| anyhow::anyhow!("metrics are recorded already: {error}"))?;
    describe();
    Ok(move || {
        if let Err(error) = collector.flush(std::io::stdout()) {
            tracing::warn!(%error, "metrics could not be written");
        }
    })
}

fn describe() {
    describe_histogram!(
        "http.server.request.duration",
        Unit::Seconds,
        "from a request's arrival to its answer"
    );
    describe_gauge!(
        "http.server.active_requests",
        Unit::Count,
        "requests that are being answered"
    );
    describe_counter!(
        "http.server.connections.refused",
        Unit::Count,
        "connections for which there was no room"
    );
    describe_counter!(
        "http.server.requests.limited",
        Unit::Count,
        "requests that were answered 429"
    );
    describe_histogram!(
        "messaging.process.duration",
        Unit::Seconds,
        "a handler's time with a batch of messages"
    );
    describe_counter!(
        "messaging.client.consumed.messages",
        Unit::Count,
        "messages received"
    );
    describe_histogram!(
        "messaging.message.receives",
        Unit::Count,
        "how often a message has been received"
    );
    describe_counter!(
        "messaging.message.renewals.failed",
        Unit::Count,
        "times that a message's visibility could not be renewed"
    );
    describe_counter!(
        "messaging.message.deletes.failed",
        Unit::Count,
        "times that a message which is done could not be deleted"
    );
    describe_counter!(
        "messaging.worker.poll.errors",
        Unit::Count,
        "times that a queue could not be polled"
    );
    describe_gauge!(
        "messaging.worker.last_poll.timestamp",
        Unit::Seconds,
        "when a queue was last polled, in seconds since 1970"
    );
    describe_gauge!(
        "messaging.worker.slots.busy",
        Unit::Count,
        "messages in hand"
    );
    describe_counter!(
        "fotograma.jobs",
        Unit::Count,
        "attempts at jobs, by outcome"
    );
    describe_histogram!(
        "fotograma.job.duration",
        Unit::Seconds,
        "a job's time, by phase: waiting, extracting"
    );
    describe_counter!("fotograma.frames", Unit::Count, "frames extracted");
    describe_counter!(
        "fotograma.extractions",
        Unit::Count,
        "extractions, by strategy and the reason for it"
    );
    describe_counter!("fotograma.read", Unit::Bytes, "bytes of videos read");
    describe_counter!("fotograma.written", Unit::Bytes, "bytes of zips written");
}
