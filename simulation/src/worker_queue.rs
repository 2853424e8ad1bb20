//! What the runtime's worker needs of a queue, over the world in memory.

use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsMessage, SqsMessageAttribute};
use fotograma_core::Result;
use lambda_anywhere::worker::{Queue, VisibilityChange, VisibilityOutcome};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::host::{Call, Port, milliseconds};
use crate::plan::Service;
use crate::queue::{Message, QueueName};
use crate::rules::Rules;
use crate::world::{Ms, date};

/// The longest wait of a worker whose work fails.
const MAX_PACE: Duration = Duration::from_mins(1);

/// A queue as one process has it.
pub(crate) struct WorkerQueue {
    pub(crate) port: Port,
    pub(crate) name: QueueName,
}

#[async_trait]
impl Queue for WorkerQueue {
    async fn receive(
        &self,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<SqsMessage>> {
        // SQS answers an empty receive after twenty seconds, and the worker asks again at once:
        // here it waits on, which is the same and lets an idle world be idle.
        if !wait.is_zero() {
            self.something().await;
        }
        // As the product paces a worker whose work fails for reasons of its own.
        let faults = self.port.host.health.faults();
        let max = if faults > 0 { 1 } else { max };
        if faults > 0 {
            sleep(Duration::from_secs(1 << (faults - 1).min(6)).min(MAX_PACE)).await;
        }
        let visibility = Ms::try_from(visibility.as_millis()).unwrap_or(Ms::MAX);
        let call = Call::new(Service::Sqs, "receive", self.word()).once();
        let messages = self.port.call(call, |world| {
            let messages = world.receive(self.name, max, visibility);
            for message in &messages {
                world.tell(|| {
                    let host = &self.port.host;
                    let (name, id, times) = (self.name, message.id, message.receives);
                    format!(
                        "{}.{} receives {name:?} m{id} ({times})",
                        host.slot, host.life
                    )
                });
            }
            if world.rules == Rules::AcknowledgeBeforeTheWrite {
                for message in &messages {
                    world.delete(self.name, message.receipt);
                }
            }
            messages
        });
        let messages = messages.await?;
        if self.port.rules() == Rules::ForeignDeadLetters && self.name == QueueName::JobsDead {
            self.end_named(&messages).await?;
        }
        Ok(messages.iter().map(to_event).collect())
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>> {
        let call = Call::new(Service::Sqs, "delete", self.word());
        self.port
            .call(call, |world| {
                for receipt in receipts {
                    world.delete(self.name, number(receipt));
                }
            })
            .await?;
        Ok(Vec::new())
    }

    async fn change_visibility(
        &self,
        changes: &[VisibilityChange],
    ) -> Result<Vec<VisibilityOutcome>> {
        let call = Call::new(Service::Sqs, "change visibility", self.word());
        self.port
            .call(call, |world| {
                let change = |change: &VisibilityChange| {
                    let visibility = change.visibility.as_millis();
                    let visibility = Ms::try_from(visibility).unwrap_or(Ms::MAX);
                    let (now, receipt) = (world.now(), number(&change.receipt));
                    let queue = world.queue(self.name);
                    if !queue.change_visibility(receipt, now, visibility) {
                        return VisibilityOutcome::Stale;
                    }
                    if visibility == 0 {
                        world.arrival(self.name).notify_waiters();
                    }
                    VisibilityOutcome::Changed
                };
                changes.iter().map(change).collect()
            })
            .await
    }
}

impl WorkerQueue {
    /// Ends each video that a message that was put aside names, whoever else it names.
    async fn end_named(&self, messages: &[Message]) -> Result<()> {
        for message in messages.iter().filter(|message| message.reason.is_some()) {
            let job: Value = serde_json::from_str(&message.body).unwrap_or_default();
            let video_id = job["video_id"].as_str().unwrap_or_default();
            let ended = {
                let world = self.port.world.lock();
                let record = world.records.get(video_id);
                record.is_none_or(|video| video.status.is_terminal() || video.is_deleted())
            };
            if !ended {
                self.port.end(video_id).await?;
            }
        }
        Ok(())
    }

    fn word(&self) -> &'static str {
        match self.name {
            QueueName::Jobs => "jobs",
            QueueName::JobsDead => "dead jobs",
            QueueName::Notices => "notices",
            QueueName::NoticesDead => "dead notices",
            QueueName::Uploads => "uploads",
            QueueName::UploadsDead => "dead uploads",
        }
    }

    /// Waits until a message can be received.
    async fn something(&self) {
        loop {
            self.port.alive().await;
            let (arrival, next) = {
                let mut world = self.port.world.lock();
                let next = world.queue(self.name).next_visible();
                (
                    world.arrival(self.name),
                    next.map(|next| next - world.now()),
                )
            };
            match next {
                Some(wait) if wait <= 0 => return,
                Some(wait) => {
                    let _ = timeout(milliseconds(wait), arrival.notified()).await;
                }
                None => arrival.notified().await,
            }
        }
    }
}

fn number(receipt: &str) -> u64 {
    receipt.parse().unwrap_or(0)
}

fn moment_in_ms(at: Ms) -> String {
    date(at).timestamp_millis().to_string()
}

pub(crate) fn to_event(message: &Message) -> SqsMessage {
    let mut event = SqsMessage::default();
    event.message_id = Some(message.id.to_string());
    event.receipt_handle = Some(message.receipt.to_string());
    event.body = Some(message.body.to_string());
    event.attributes.insert(
        "ApproximateReceiveCount".to_owned(),
        message.receives.to_string(),
    );
    event.attributes.insert(
        "ApproximateFirstReceiveTimestamp".to_owned(),
        moment_in_ms(message.first_received),
    );
    if let Some(reason) = &message.reason {
        let mut attribute = SqsMessageAttribute::default();
        attribute.data_type = Some("String".to_owned());
        attribute.string_value = Some(reason.to_string());
        event
            .message_attributes
            .insert("reason".to_owned(), attribute);
    }
    event
}
