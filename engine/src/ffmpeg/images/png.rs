//! Where a PNG ends: W3C PNG, clause 5.

use super::Found;

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// Length, type and checksum of a chunk, beside its data.
const AROUND: usize = 12;

/// A walk from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct Walk {
    at: usize,
}

impl Walk {
    pub(super) fn on(&mut self, bytes: &[u8]) -> Found {
        if self.at == 0 {
            let Some(signature) = bytes.get(..SIGNATURE.len()) else {
                return Found::More;
            };
            if signature != SIGNATURE {
                return Found::Garbage;
            }
            self.at = SIGNATURE.len();
        }
        loop {
            let Some(&[a, b, c, d, ref kind @ ..]) = bytes.get(self.at..self.at + 8) else {
                return Found::More;
            };
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            if kind == b"IEND" {
                let end = self.at + AROUND + length;
                return if bytes.len() < end {
                    Found::More
                } else {
                    Found::End(end)
                };
            }
            self.at += AROUND + length;
        }
    }
}
