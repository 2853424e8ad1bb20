//! Rounds over dead letters, with a queue that shows its oldest messages first.

use std::sync::Mutex;

use async_trait::async_trait;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use tokio::time::Instant;

use super::*;
use crate::{Stop, Trigger};

const PAUSE: Duration = Duration::from_mins(1);

/// Messages by name, and since when each is not hidden.
struct Letters(Mutex<Vec<(String, Instant)>>);

impl Letters {
    fn visible(&self) -> Vec<String> {
        let now = Instant::now();
        let letters = self.0.lock().expect("the letters");
        let visible = letters.iter().filter(|(_, from)| *from <= now);
        visible.map(|(name, _)| name.clone()).collect()
    }
}

#[async_trait]
impl Queue for Letters {
    async fn receive(&self, max: usize, wait: Duration, hide: Duration) -> Result<Vec<SqsMessage>> {
        let end = Instant::now() + wait;
        while self.visible().is_empty() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut messages = Vec::new();
        for name in self.visible().into_iter().take(max) {
            self.change_visibility(&name, hide).await?;
            let mut message = SqsMessage::default();
            message.message_id = Some(name.clone());
            message.receipt_handle = Some(name);
            messages.push(message);
        }
        Ok(messages)
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>> {
        let mut letters = self.0.lock().expect("the letters");
        letters.retain(|(name, _)| !receipts.contains(name));
        Ok(Vec::new())
    }

    async fn change_visibility(&self, receipt: &str, visibility: Duration) -> Result<bool> {
        let mut letters = self.0.lock().expect("the letters");
        for (_, from) in letters.iter_mut().filter(|(name, _)| name == receipt) {
            *from = Instant::now() + visibility;
        }
        Ok(true)
    }
}

/// How often the handler has tried a message.
#[derive(Clone, Default)]
struct Tried(Arc<Mutex<usize>>);

impl Context for Tried {
    type Permission = ();

    fn until(&self, _: Stop) -> Self {
        self.clone()
    }
}

/// Fails all but what can be settled.
static SETTLE: Feature<Tried> = Feature {
    name: "settle",
    service: "",
    about: "",
    trigger: Trigger::Sqs {
        queue: "",
        pause: PAUSE,
        handle: |tried, event| {
            Box::pin(async move {
                let mut response = SqsBatchResponse::default();
                for message in event.records {
                    let name = message.message_id.expect("an id");
                    let hopeless = name.starts_with("hopeless");
                    *tried.0.lock().expect("the count") += 1;
                    if hopeless {
                        let mut failure = BatchItemFailure::default();
                        failure.item_identifier = name;
                        response.batch_item_failures.push(failure);
                    }
                }
                Ok(response)
            })
        },
    },
    permissions: &[],
};

#[tokio::test(start_paused = true)]
async fn hopeless_letters_do_not_keep_others_waiting() {
    let began = Instant::now();
    let names = (0..25)
        .map(|n| format!("hopeless-{n}"))
        .chain(["settled".to_owned()]);
    let letters = Arc::new(Letters(Mutex::new(
        names.map(|name| (name, began)).collect(),
    )));
    let tried = Tried::default();
    let count = || *tried.0.lock().expect("the count");
    let worker = Worker {
        host: Host::new(tried.clone(), std::slice::from_ref(&SETTLE)),
        feature: &SETTLE,
        queue: letters.clone(),
        options: Options {
            concurrency: 2,
            ..Options::default()
        },
    };
    let stop = CancellationToken::new();
    let working = tokio::spawn(run(worker, stop.clone()));

    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(count(), 26, "each once");
    assert_eq!(letters.visible().len(), 25, "for people to see");

    tokio::time::sleep(PAUSE).await;
    assert_eq!(count(), 26 + 25);
    stop.cancel();
    assert!(working.await.expect("the worker"));
    assert_eq!(letters.visible().len(), 25, "given back at the end");
}
