//! A queue in memory, for the worker adapter.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsMessage;
use fotograma_core::Result;
use lambda_anywhere::worker::Queue;
use tokio_util::sync::CancellationToken;

/// A queue that gives each message once, and ends the worker when all are settled.
pub(super) struct MemoryQueue {
    pub(super) left: Mutex<VecDeque<SqsMessage>>,
    /// By id: deleted, or given back.
    pub(super) settled: Mutex<HashMap<String, bool>>,
    pub(super) all: usize,
    pub(super) stop: CancellationToken,
}

impl MemoryQueue {
    fn settle(&self, receipt: &str, deleted: bool) {
        let mut settled = self.settled.lock().expect("settled");
        settled.insert(receipt.to_owned(), deleted);
        if settled.len() == self.all {
            self.stop.cancel();
        }
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn receive(&self, max: usize, wait: Duration, _: Duration) -> Result<Vec<SqsMessage>> {
        let messages: Vec<_> = {
            let mut left = self.left.lock().expect("messages");
            // One slot takes the whole batch here, so that it is one event as it was in Lambda.
            let all = left.len().max(max.min(left.len()));
            left.drain(..all).collect()
        };
        if messages.is_empty() {
            // Nothing comes any more: the wait ends by the worker's end, if it is long.
            let _ = tokio::time::timeout(wait, self.stop.cancelled()).await;
        }
        Ok(messages)
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<String>> {
        for receipt in receipts {
            self.settle(receipt, true);
        }
        Ok(Vec::new())
    }

    async fn change_visibility(&self, receipt: &str, _: Duration) -> Result<bool> {
        self.settle(receipt, false);
        Ok(true)
    }
}
