//! Queues with their dead-letter queues, and the topic with its subscription.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName::{
    self, DelaySeconds, MessageRetentionPeriod, QueueArn, RedrivePolicy, VisibilityTimeout,
};
use fotograma_core::{Error, Result};
use serde_json::json;

use super::made;
use crate::aws::error::{fault, unexpected};
use crate::aws::{Aws, short};

/// How often a message is tried before it is put aside.
const MAX_RECEIVES: u32 = 5;
/// How long a message that was received is hidden, where the receiver does not say, in seconds.
const HIDDEN_S: u32 = 60;
/// How long the news of an upload waits, in seconds: mostly the client says first that it is
/// there, and then nothing is left to do.
const UPLOAD_NEWS_S: u32 = 15;
/// How long a dead-letter queue keeps what it has: fourteen days, the longest there is.
const KEPT_S: u32 = 14 * 24 * 60 * 60;

type Attributes = HashMap<QueueAttributeName, String>;

/// The queues that something else sends to.
pub(super) struct Queues {
    pub(super) upload_arn: String,
    notification_arn: String,
}

pub(super) async fn queues(aws: &Aws) -> Result<Queues> {
    let (_, notification_arn, upload_arn) = tokio::try_join!(
        queue(aws, short::VIDEO_QUEUE, short::VIDEO_DLQ, 0),
        queue(aws, short::NOTIFICATION_QUEUE, short::NOTIFICATION_DLQ, 0),
        queue(aws, short::UPLOAD_QUEUE, short::UPLOAD_DLQ, UPLOAD_NEWS_S),
    )?;
    Ok(Queues {
        upload_arn,
        notification_arn,
    })
}

/// A queue whose messages wait `delay_s` seconds, and the one for what it gives up; the queue's
/// ARN.
async fn queue(aws: &Aws, short: &str, dead_letter: &str, delay_s: u32) -> Result<String> {
    let kept = [(MessageRetentionPeriod, KEPT_S.to_string())];
    let dead_letter_arn = create(aws, dead_letter, kept.into()).await?;
    let redrive =
        json!({ "deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": MAX_RECEIVES });
    let attributes = [
        (VisibilityTimeout, HIDDEN_S.to_string()),
        (DelaySeconds, delay_s.to_string()),
        (RedrivePolicy, redrive.to_string()),
    ];
    create(aws, short, attributes.into()).await
}

async fn create(aws: &Aws, short: &str, attributes: Attributes) -> Result<String> {
    let name = aws.settings().queue_name(short);
    let create = aws.sqs().create_queue().queue_name(&name);
    let outcome = create.set_attributes(Some(attributes.clone())).send().await;
    // Says so only when the queue's attributes differ.
    let there = ["QueueAlreadyExists", "QueueNameExists"];
    let url = match made("sqs CreateQueue", outcome, &there)? {
        Some(output) => output
            .queue_url
            .ok_or_else(|| unexpected("sqs CreateQueue", "queue address"))?,
        None => aws.queue_url(short).await?,
    };
    arn(aws, &url, attributes).await
}

/// The ARN of a queue, which is given `attributes` if it has others.
async fn arn(aws: &Aws, url: &str, attributes: Attributes) -> Result<String> {
    let get = aws.sqs().get_queue_attributes().queue_url(url);
    let output = get
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .map_err(|error| fault("sqs GetQueueAttributes", &error))?;
    let mut has = output.attributes.unwrap_or_default();
    if attributes
        .iter()
        .any(|(name, value)| !same(has.get(name), value))
    {
        let set = aws.sqs().set_queue_attributes().queue_url(url);
        set.set_attributes(Some(attributes))
            .send()
            .await
            .map_err(|error| fault("sqs SetQueueAttributes", &error))?;
    }
    has.remove(&QueueArn)
        .ok_or_else(|| unexpected("sqs GetQueueAttributes", "QueueArn"))
}

/// Whether an attribute has this value, as JSON where it is JSON.
fn same(has: Option<&String>, value: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    has.is_some_and(|has| has == value || (json(has).is_some() && json(has) == json(value)))
}

/// The topic, which tells the notification queue, envelope and all.
pub(super) async fn topic(aws: &Aws, queues: &Queues) -> Result<()> {
    let name = aws.settings().topic_name();
    let create = aws.sns().create_topic().name(&name).send().await;
    let arn = create
        .map_err(|error| fault("sns CreateTopic", &error))?
        .topic_arn
        .ok_or_else(|| Error::permanent(format!("the topic {name} has no ARN")))?;
    let subscribe = aws.sns().subscribe().topic_arn(arn).protocol("sqs");
    subscribe
        .endpoint(&queues.notification_arn)
        .send()
        .await
        .map_err(|error| fault("sns Subscribe", &error))?;
    Ok(())
}
