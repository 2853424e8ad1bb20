//! A batch of messages, each tried and reported by itself:
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::FutureExt;

use crate::{CancelSignal, Context, Error, Result};

/// Tries each message by itself, in order: one that fails, or whose handler panics, fails alone.
/// Once the call should come to an end, what was not begun is reported as failed and comes
/// back; what was done stays done. In a FIFO queue, what comes after a failure in the same message
/// group is reported as failed too, so that the order holds.
///
/// # Errors
/// When a message that failed has no id: the whole batch must come back.
pub async fn each_message<'a, C, F>(
    context: &C,
    event: &'a SqsEvent,
    handle: impl Fn(C, &'a SqsMessage) -> F,
) -> Result<SqsBatchResponse>
where
    C: Context,
    F: Future<Output = Result<()>>,
{
    let signal = context.cancel_signal();
    let mut batch = Batch::default();
    for message in &event.records {
        let outcome = if batch.is_behind_a_failure(message) {
            Err(Error::transient("one before it in its group failed"))
        } else {
            try_one(context, &signal, message, &handle).await
        };
        if outcome.is_ok() {
            signal.note_done(message.message_id.as_deref().unwrap_or_default());
        }
        batch.note(message, outcome)?;
    }
    Ok(batch.response)
}

async fn try_one<'a, C, F>(
    context: &C,
    signal: &CancelSignal,
    message: &'a SqsMessage,
    handle: &impl Fn(C, &'a SqsMessage) -> F,
) -> Result<()>
where
    C: Context,
    F: Future<Output = Result<()>>,
{
    let signal = signal.of_message(message.message_id.as_deref().unwrap_or_default());
    if signal.is_cancelled() {
        return Err(Error::transient("there was no time left to begin it"));
    }
    let context = context.with_cancel_signal(signal);
    let tried = AssertUnwindSafe(async { handle(context, message).await }).catch_unwind();
    let panicked = |_| Err(Error::transient("the handler panicked"));
    tried.await.unwrap_or_else(panicked)
}

/// The answer to a batch, filled in message by message.
#[derive(Default)]
struct Batch {
    response: SqsBatchResponse,
    /// The FIFO message groups in which one has failed.
    failed_groups: HashSet<String>,
}

impl Batch {
    fn is_behind_a_failure(&self, message: &SqsMessage) -> bool {
        fifo_group(message).is_some_and(|group| self.failed_groups.contains(group))
    }

    fn note(&mut self, message: &SqsMessage, outcome: Result<()>) -> Result<()> {
        let Err(error) = outcome else { return Ok(()) };
        let id = message.message_id.as_deref().unwrap_or_default();
        tracing::warn!(message_id = id, %error, "a message could not be done");
        if id.is_empty() {
            let why = format!("a message without an id failed: {error}");
            return Err(Error::transient(why));
        }
        if let Some(group) = fifo_group(message) {
            self.failed_groups.insert(group.to_owned());
        }
        let mut failure = BatchItemFailure::default();
        id.clone_into(&mut failure.item_identifier);
        self.response.batch_item_failures.push(failure);
        Ok(())
    }
}

/// The group in which a message of a FIFO queue has its place. Messages of standard queues may
/// have groups too, for fair shares, but no order.
pub(crate) fn fifo_group(message: &SqsMessage) -> Option<&str> {
    let queue = message.event_source_arn.as_deref()?;
    let (_, kind) = queue.rsplit_once('.')?;
    if kind != "fifo" {
        return None;
    }
    let group = message.attributes.get("MessageGroupId");
    group.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Notes what was begun; the signal is given by the test.
    #[derive(Clone)]
    struct Notes {
        begun: Arc<Mutex<Vec<String>>>,
        signal: CancelSignal,
    }

    impl Context for Notes {
        type Permission = ();

        fn cancel_signal(&self) -> CancelSignal {
            self.signal.clone()
        }

        fn with_cancel_signal(&self, signal: CancelSignal) -> Self {
            Self {
                signal,
                ..self.clone()
            }
        }
    }

    /// What was begun of these messages, and which failed; `a…` fail.
    async fn tried(
        queue: &str,
        messages: &[(&str, &str)],
        signal: CancelSignal,
    ) -> [Vec<String>; 2] {
        let mut event = SqsEvent::default();
        for (id, group) in messages {
            let mut message = SqsMessage::default();
            message.message_id = Some((*id).to_owned());
            message.event_source_arn = Some(format!("arn:aws:sqs:us-east-1:000000000000:{queue}"));
            let group = ("MessageGroupId".to_owned(), (*group).to_owned());
            message.attributes.extend([group]);
            event.records.push(message);
        }
        let notes = Notes {
            begun: Arc::default(),
            signal,
        };
        let response = each_message(&notes, &event, |notes, message| async move {
            let id = message.message_id.clone().unwrap_or_default();
            let fails = id.starts_with('a');
            notes.begun.lock().expect("notes").push(id);
            if fails {
                Err(Error::transient("a"))
            } else {
                Ok(())
            }
        });
        let failures = response.await.expect("a response").batch_item_failures;
        let failed = failures.into_iter().map(|failure| failure.item_identifier);
        let begun = notes.begun.lock().expect("notes").clone();
        [begun, failed.collect()]
    }

    #[tokio::test]
    async fn one_failure_does_not_bring_the_others_back() {
        let messages = [("b1", "g"), ("a1", "g"), ("b2", "g")];
        let [begun, failed] = tried("q", &messages, CancelSignal::never()).await;
        assert_eq!(begun, ["b1", "a1", "b2"]);
        assert_eq!(failed, ["a1"]);
    }

    #[tokio::test]
    async fn a_failure_in_a_fifo_group_holds_back_the_rest_of_the_group() {
        let messages = [("b1", "g"), ("a1", "g"), ("b2", "other"), ("b3", "g")];
        let [begun, failed] = tried("q.fifo", &messages, CancelSignal::never()).await;
        assert_eq!(begun, ["b1", "a1", "b2"]);
        assert_eq!(failed, ["a1", "b3"]);
    }

    #[tokio::test]
    async fn what_was_not_begun_in_time_comes_back() {
        let over = CancelSignal::when(std::future::ready(()));
        let [begun, failed] = tried("q", &[("b1", ""), ("b2", "")], over).await;
        assert!(begun.is_empty(), "{begun:?}");
        assert_eq!(failed, ["b1", "b2"]);
    }
}
