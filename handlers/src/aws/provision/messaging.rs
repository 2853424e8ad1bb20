//! Queues with their dead-letter queues, and topics with their subscriptions.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName::{
    self, DelaySeconds, MessageRetentionPeriod, QueueArn, RedrivePolicy, VisibilityTimeout,
};
use fotograma_core::features::resources::QueueSpec;
use fotograma_core::{Error, Result};
use futures::future::try_join_all;
use serde_json::json;

use super::unless_there;
use crate::aws::Aws;
use crate::aws::error::{missing_from_answer, sdk_error};

/// How long a queue keeps what it has, in seconds: fourteen days, the longest there is.
const RETENTION_S: u32 = 14 * 24 * 60 * 60;

type Attributes = HashMap<QueueAttributeName, String>;

/// The queues' ARNs by their resource names.
pub(super) type Arns = HashMap<&'static str, String>;

/// The ARN of a queue that a row names.
pub(super) fn arn_of<'a>(arns: &'a Arns, queue: &str) -> Result<&'a String> {
    arns.get(queue)
        .ok_or_else(|| Error::operational(format!("no queue {queue} was made")))
}

pub(super) async fn create_queues(aws: &Aws, queues: &[QueueSpec]) -> Result<Arns> {
    let created = queues.iter().map(async |queue| {
        let arn = create_queue(aws, queue).await?;
        Ok::<_, Error>((queue.name, arn))
    });
    Ok(try_join_all(created).await?.into_iter().collect())
}

/// A queue and the one for what it gives up; the queue's ARN.
async fn create_queue(aws: &Aws, queue: &QueueSpec) -> Result<String> {
    let retention = (MessageRetentionPeriod, RETENTION_S.to_string());
    let dead_letter_arn = create(aws, &queue.dead_letters, [retention.clone()].into()).await?;
    let redrive = json!({
        "deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": queue.max_receives,
    });
    let attributes = [
        retention,
        (VisibilityTimeout, queue.visibility.as_secs().to_string()),
        (DelaySeconds, queue.delay.as_secs().to_string()),
        (RedrivePolicy, redrive.to_string()),
    ];
    create(aws, queue.name, attributes.into()).await
}

async fn create(aws: &Aws, resource: &str, attributes: Attributes) -> Result<String> {
    let name = aws.settings().name(resource);
    let create = aws.sqs().create_queue().queue_name(&name);
    let outcome = create.set_attributes(Some(attributes.clone())).send().await;
    // Says so only when the queue's attributes differ.
    let there = ["QueueAlreadyExists", "QueueNameExists"];
    let url = match unless_there("sqs CreateQueue", outcome, &there)? {
        Some(output) => output
            .queue_url
            .ok_or_else(|| missing_from_answer("sqs CreateQueue", "queue address"))?,
        None => aws.queue_url(resource).await?,
    };
    arn_with_attributes(aws, &url, attributes).await
}

/// The ARN of a queue, which is given `attributes` if it has others.
async fn arn_with_attributes(aws: &Aws, url: &str, attributes: Attributes) -> Result<String> {
    let get = aws.sqs().get_queue_attributes().queue_url(url);
    let output = get
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .map_err(|error| sdk_error("sqs GetQueueAttributes", &error))?;
    let mut has = output.attributes.unwrap_or_default();
    if attributes
        .iter()
        .any(|(name, value)| !same(has.get(name), value))
    {
        let set = aws.sqs().set_queue_attributes().queue_url(url);
        set.set_attributes(Some(attributes))
            .send()
            .await
            .map_err(|error| sdk_error("sqs SetQueueAttributes", &error))?;
    }
    has.remove(&QueueArn)
        .ok_or_else(|| missing_from_answer("sqs GetQueueAttributes", "QueueArn"))
}

/// Whether an attribute has this value, as JSON where it is JSON.
fn same(has: Option<&String>, value: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    has.is_some_and(|has| has == value || (json(has).is_some() && json(has) == json(value)))
}

/// The topics, which tell the queues that are subscribed to them, envelope and all.
pub(super) async fn subscribe_queues(
    aws: &Aws,
    subscriptions: &[(&str, &str)],
    arns: &Arns,
) -> Result<()> {
    for (topic, queue) in subscriptions {
        let name = aws.settings().name(topic);
        let create = aws.sns().create_topic().name(&name).send().await;
        let topic_arn = create
            .map_err(|error| sdk_error("sns CreateTopic", &error))?
            .topic_arn
            .ok_or_else(|| missing_from_answer("sns CreateTopic", "ARN"))?;
        let subscribe = aws.sns().subscribe().topic_arn(topic_arn).protocol("sqs");
        subscribe
            .endpoint(arn_of(arns, queue)?)
            .send()
            .await
            .map_err(|error| sdk_error("sns Subscribe", &error))?;
    }
    Ok(())
}
