//! A source read from front to back, in pieces, with the bytes between two places left out.

use bytes::Bytes;

use crate::io::source::{Source, SourceError};

/// The first piece after a jump, and the largest one, in bytes: each is twice as long as the one
/// before, so that little is read in vain, and a long way takes few requests.
const FIRST_PIECE: u64 = 128 << 10;
const LARGEST_PIECE: u64 = 4 << 20;

/// What has been read of a source last.
pub(super) struct Window<'a> {
    source: &'a dyn Source,
    /// Up to where is read ahead.
    limit: u64,
    at: u64,
    bytes: Bytes,
    piece: u64,
}

impl<'a> Window<'a> {
    /// Of `source`, whose first bytes are `head`, and which is read ahead up to `limit`.
    pub(super) fn new(source: &'a dyn Source, head: Bytes, limit: u64) -> Self {
        Self {
            source,
            limit: limit.min(source.len()),
            at: 0,
            bytes: head,
            piece: FIRST_PIECE,
        }
    }

    /// The bytes from `at` on: `wanted` or more, fewer only at the source's end.
    pub(super) async fn from(&mut self, at: u64, wanted: u64) -> Result<&[u8], SourceError> {
        let end = self.source.len().min(at.saturating_add(wanted));
        let held_to = self.at + self.bytes.len() as u64;
        if at < self.at || end > held_to {
            // The end of a frame is read too: it will be needed, and its beginning is there.
            let start = match at.checked_sub(held_to) {
                Some(gap) if !self.bytes.is_empty() && gap <= self.piece => held_to,
                _ => at,
            };
            self.piece = if at >= self.at && start <= held_to {
                (self.piece * 2).min(LARGEST_PIECE)
            } else {
                FIRST_PIECE
            };
            let start = start.min(self.source.len());
            let end = end
                .max(start)
                .max(self.limit.min(at.saturating_add(self.piece)));
            self.bytes = self.source.read(start..end).await?;
            self.at = start;
        }
        let skip = usize::try_from(at - self.at).unwrap_or(usize::MAX);
        Ok(self.bytes.get(skip..).unwrap_or_default())
    }
}
