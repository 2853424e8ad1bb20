//! The processor's queue in SQS, and the one for what no retry can help.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use async_trait::async_trait;
use aws_sdk_sqs::config::Builder as ConfigBuilder;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::types::MessageAttributeValue;
use chrono::Duration;
use fotograma_core::domain::Job;
use fotograma_core::features::process_video::REASON;
use fotograma_core::features::resources::{VIDEO_DEAD_LETTERS, VIDEO_QUEUE};
use fotograma_core::ports::Jobs;
use fotograma_core::{Error, Result};
use lambda_anywhere::trace::TRACEPARENT;
use tokio::time::sleep;

use super::Aws;
use super::error::{may_have_been_done, sdk_error};
use crate::telemetry::trace;

/// The longest reason that is written beside a message, in characters.
const MAX_REASON_CHARS: usize = 1_000;
/// What the smallest limit of a queue leaves for a body when a reason goes with it, in bytes.
const MAX_BODY_BYTES_WITH_REASON: usize = 256 * 1024 - 5 * 1024;

/// How often a job is sent that is refused for now.
const MAX_TRIES: u32 = 3;
/// Half of the pause before the second try; longer each time.
const FIRST_PAUSE: StdDuration = StdDuration::from_millis(100);

/// [`Jobs`] over SQS.
pub struct SqsJobs(Arc<Aws>);

impl SqsJobs {
    /// The queues that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }
}

#[async_trait]
impl Jobs for SqsJobs {
    async fn send(&self, job: &Job, delay: Duration) -> Result<()> {
        let body =
            serde_json::to_string(job).map_err(|error| Error::operational(error.to_string()))?;
        let url = self.0.queue_url(VIDEO_QUEUE).await?;
        let send = self
            .0
            .sqs()
            .send_message()
            .queue_url(url)
            .message_body(body)
            .set_delay_seconds(delay_seconds(delay))
            .set_message_attributes(trace_attribute()?);
        let mut tries = 1;
        loop {
            // The SDK would also try again where there was no answer, and each try may be a message more.
            let once = send.clone().customize().config_override(send_once());
            let Err(error) = once.send().await else {
                return Ok(());
            };
            let told = sdk_error("sqs SendMessage", &error);
            let may_pass = matches!(told, Error::Transient(_)) && !may_have_been_done(&error);
            if !may_pass || tries == MAX_TRIES {
                return Err(told);
            }
            sleep(FIRST_PAUSE * (1 << tries)).await;
            tries += 1;
        }
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> Result<()> {
        let url = self.0.queue_url(VIDEO_DEAD_LETTERS).await?;
        let mut send = self
            .0
            .sqs()
            .send_message()
            .queue_url(url)
            .message_body(body);
        // The message matters more than the word about it: a long one goes alone.
        if body.len() <= MAX_BODY_BYTES_WITH_REASON {
            send = send.message_attributes(REASON, text_attribute(sendable(reason))?);
        }
        send.send()
            .await
            .map_err(|error| sdk_error("sqs SendMessage", &error))?;
        Ok(())
    }
}

fn send_once() -> ConfigBuilder {
    aws_sdk_sqs::Config::builder().retry_config(RetryConfig::disabled())
}

/// The trace that a message belongs to, as its attribute.
fn trace_attribute() -> Result<Option<HashMap<String, MessageAttributeValue>>> {
    let attribute = |parent| {
        Ok(HashMap::from([(
            TRACEPARENT.to_owned(),
            text_attribute(parent)?,
        )]))
    };
    trace::current().map(attribute).transpose()
}

fn text_attribute(value: String) -> Result<MessageAttributeValue> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .map_err(|error| Error::operational(error.to_string()))
}

/// A delay as SQS takes it: in whole seconds, and no longer than fifteen minutes. `None` is the
/// queue's own.
fn delay_seconds(delay: Duration) -> Option<i32> {
    let up = delay + Duration::milliseconds(999);
    let seconds = up.num_seconds().clamp(0, 900);
    (seconds > 0).then(|| i32::try_from(seconds).ok()).flatten()
}

/// A text as SQS takes it: not empty, not too long, and without what XML 1.0 cannot hold
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>).
fn sendable(text: &str) -> String {
    let text: String = text
        .chars()
        .take(MAX_REASON_CHARS)
        .map(|c| match c {
            '\t' | '\n' | '\r' => c,
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c => c,
        })
        .collect();
    if text.is_empty() {
        "unknown".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_rounded_up_and_bounded() {
        for (ms, seconds) in [
            (0, None),
            (-5, None),
            (1, Some(1)),
            (1_000, Some(1)),
            (1_001, Some(2)),
        ] {
            assert_eq!(delay_seconds(Duration::milliseconds(ms)), seconds, "{ms}");
        }
        assert_eq!(delay_seconds(Duration::days(1)), Some(900));
    }

    #[test]
    fn a_reason_is_always_sendable() {
        assert_eq!(sendable(""), "unknown");
        assert_eq!(sendable("a\0b\u{1b}c\nd"), "a\u{fffd}b\u{fffd}c\nd");
        assert_eq!(
            sendable(&"ü".repeat(5_000)).chars().count(),
            MAX_REASON_CHARS
        );
    }
}
