//! Receipt handles. One stands for one receipt of a message, not for the message: it names the
//! queue, the row, and a number drawn at that receipt, so that an older handle is known as such.

use base64::{Engine, prelude::BASE64_STANDARD};
use rand::Rng;

use super::{QueueId, error};
use crate::error::ServiceError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) queue: QueueId,
    pub(super) row: i64,
    pub(super) nonce: i64,
}

impl Receipt {
    pub(super) fn draw(queue: QueueId, row: i64) -> Self {
        Self {
            queue,
            row,
            nonce: rand::rng().random_range(1..i64::MAX),
        }
    }

    pub(super) fn to_handle(self) -> String {
        let QueueId(queue) = self.queue;
        BASE64_STANDARD.encode(format!("{queue} {} {}", self.row, self.nonce))
    }

    /// Reads a handle that was given out by `queue`.
    pub(super) fn from_handle(handle: &str, queue: QueueId) -> Result<Self, ServiceError> {
        let receipt = Self::decode(handle).filter(|receipt| receipt.queue == queue);
        receipt.ok_or_else(|| error::invalid_receipt(handle))
    }

    fn decode(handle: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64_STANDARD.decode(handle).ok()?).ok()?;
        let mut numbers = text.split(' ').map(|number| number.parse::<i64>().ok());
        let receipt = Self {
            queue: QueueId(numbers.next()??),
            row: numbers.next()??,
            nonce: numbers.next()??,
        };
        numbers.next().is_none().then_some(receipt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_reads_back() {
        let receipt = Receipt::draw(QueueId(7), 42);
        let read = Receipt::from_handle(&receipt.to_handle(), QueueId(7)).expect("its own handle");
        assert_eq!(read, receipt);
    }

    #[test]
    fn foreign_handles_are_refused() {
        let other_queue = Receipt::draw(QueueId(8), 42).to_handle();
        for handle in [&other_queue, "", "not base64!", "MSAyIDMgNA=="] {
            let error = Receipt::from_handle(handle, QueueId(7)).expect_err(handle);
            assert_eq!(error.code, "ReceiptHandleIsInvalid");
        }
    }
}
