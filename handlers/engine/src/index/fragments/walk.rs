//! The headers of the fragments between two borders.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::Failure;
use crate::index::boxes::{Header, name};
use crate::index::{MAX_BYTES, Unfit};
use crate::source::Source;

/// Bytes read where a fragment's header is, as long as it is not known how long they are.
pub(super) const PROBE: u64 = 64 << 10;

/// The same at least.
pub(super) const LEAST: u64 = 1 << 10;

/// A fragment's header: `moof`, and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Fragment {
    pub(super) moof: Bytes,
    pub(super) at: u64,
}

impl Fragment {
    pub(super) fn header_len(&self) -> u64 {
        self.moof.len() as u64
    }
}

/// The fragments in `segment`, which must consist of whole boxes, in requests of `probe` bytes.
pub(super) async fn walk(
    source: &dyn Source,
    segment: Range<u64>,
    probe: u64,
) -> Result<Vec<Fragment>, Failure> {
    let mut fragments = Vec::new();
    let mut seen = Window::default();
    let mut at = segment.start;
    while at < segment.end {
        let bytes = seen.read(source, at, 16, probe, segment.end).await?;
        let header = Header::read(&bytes).ok_or_else(|| Unfit::inconsistent("box header"))?;
        let size = header.len.unwrap_or(segment.end - at);
        if size > segment.end - at {
            return Err(Unfit::inconsistent(name(header.kind)).into());
        }
        match &header.kind {
            b"moof" if size > MAX_BYTES => return Err(Unfit::TooLarge.into()),
            b"moof" => {
                let moof = seen.read(source, at, size, probe, segment.end).await?;
                // Not a part of the window, which would keep all of it.
                let moof = Bytes::copy_from_slice(&moof);
                fragments.push(Fragment { moof, at });
            }
            b"moov" | b"mfra" => return Err(Unfit::inconsistent(name(header.kind)).into()),
            _ => {}
        }
        at += size;
    }
    Ok(fragments)
}

/// The bytes read last.
#[derive(Default)]
struct Window {
    at: u64,
    bytes: Bytes,
}

impl Window {
    /// `size` bytes from `at` on, or fewer at `end`; what must be read is `probe` bytes or more.
    async fn read(
        &mut self,
        source: &dyn Source,
        at: u64,
        size: u64,
        probe: u64,
        end: u64,
    ) -> Result<Bytes, Failure> {
        let wanted = size.min(end - at);
        let known = at
            .checked_sub(self.at)
            .and_then(|skip| usize::try_from(skip).ok());
        let known = known.filter(|&skip| skip < self.bytes.len());
        let known = known.map_or_else(Bytes::new, |skip| self.bytes.slice(skip..));
        if (known.len() as u64) < wanted {
            let from = at + known.len() as u64;
            let more = source.read(from..end.min(at + size.max(probe))).await?;
            let mut bytes = BytesMut::from(&known[..]);
            bytes.extend_from_slice(&more);
            (self.at, self.bytes) = (at, bytes.freeze());
        }
        self.slice(at, wanted)
    }

    fn slice(&self, at: u64, size: u64) -> Result<Bytes, Failure> {
        let range = || {
            let start = usize::try_from(at.checked_sub(self.at)?).ok()?;
            let end = start.checked_add(usize::try_from(size).ok()?)?;
            (end <= self.bytes.len()).then_some(start..end)
        };
        let range = range().ok_or(Unfit::OutOfRange)?;
        Ok(self.bytes.slice(range))
    }
}
