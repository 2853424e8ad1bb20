//! The headers of the fragments between two segment boundaries.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::container::index_unusable::{IndexError, IndexUnusable};
use crate::container::isobmff::boxes::{Header, name};
use crate::io::source::Source;

/// Bytes read where a fragment's header is, as long as it is not known how long they are.
pub(super) const PROBE: u64 = 64 << 10;

/// The same at least.
const MIN_PROBE: u64 = 1 << 10;

/// Headers may take up this part of what they describe at most: beyond it, all may as well be read.
pub(super) const MAX_HEADERS: u64 = 8;

/// Requests for a segment at most: each waits for the one before it, as a header says where the
/// next one is. That is two hours in fragments of two seconds, and quicker than decoding them.
const MAX_REQUESTS: u64 = 4096;

/// Bytes that the headers of a segment may have in all: some three hours of one with sound.
const MAX_BYTES: u64 = 8 << 20;

/// Requests after which it is estimated how many a segment takes.
const ESTIMATE_AFTER: u64 = 8;

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

/// What to read for a header where the longest so far has so many bytes: fragments of a file are
/// alike, so that a little more has the next one.
pub(super) fn probe(longest: u64) -> u64 {
    (longest * 5 / 4 + 64).clamp(MIN_PROBE, PROBE)
}

/// The fragments in `segment`, which must consist of whole boxes, in requests of `first` bytes
/// until a header has been seen.
pub(super) async fn walk_fragments(
    source: &dyn Source,
    segment: Range<u64>,
    first: u64,
) -> Result<Vec<Fragment>, IndexError> {
    let mut fragments = Vec::new();
    let mut seen = ReadBuffer::default();
    let (mut at, mut probe) = (segment.start, first);
    let (mut longest, mut kept) = (0, 0);
    while at < segment.end {
        let (walked, all) = (at - segment.start, segment.end - segment.start);
        if seen.costs_too_much(probe, walked, all) {
            return Err(IndexUnusable::ManyFragments.into());
        }
        let bytes = seen.bytes_at(source, at, 16, probe, segment.end).await?;
        let header =
            Header::parse(&bytes).ok_or_else(|| IndexUnusable::inconsistent("box header"))?;
        let size = header.len.unwrap_or(segment.end - at);
        if size > segment.end - at {
            return Err(IndexUnusable::inconsistent(name(header.kind)).into());
        }
        match &header.kind {
            b"moof" if size > MAX_BYTES - kept => return Err(IndexUnusable::TooLarge.into()),
            b"moof" => {
                kept += size;
                longest = size.max(longest);
                probe = self::probe(longest);
                let moof = seen.bytes_at(source, at, size, probe, segment.end).await?;
                // Not a part of the presentation range, which would keep all of it.
                let moof = Bytes::copy_from_slice(&moof);
                fragments.push(Fragment { moof, at });
            }
            b"moov" | b"mfra" => return Err(IndexUnusable::inconsistent(name(header.kind)).into()),
            _ => {}
        }
        at += size;
    }
    Ok(fragments)
}

/// The bytes read last.
#[derive(Default)]
struct ReadBuffer {
    at: u64,
    bytes: Bytes,
    requests: u64,
}

impl ReadBuffer {
    /// Whether too much is asked for, if the rest of `all` bytes is like the `walked` ones.
    fn costs_too_much(&self, probe: u64, walked: u64, all: u64) -> bool {
        let times = |count: u64, bytes: u64| u128::from(count) * u128::from(bytes);
        self.requests >= ESTIMATE_AFTER
            && (times(self.requests, all) > times(MAX_REQUESTS, walked)
                || times(self.requests, probe) > u128::from(walked / MAX_HEADERS))
    }

    /// `size` bytes from `at` on, or fewer at `end`; what must be read is `probe` bytes or more.
    async fn bytes_at(
        &mut self,
        source: &dyn Source,
        at: u64,
        size: u64,
        probe: u64,
        end: u64,
    ) -> Result<Bytes, IndexError> {
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
            self.requests += 1;
        }
        self.slice(at, wanted)
    }

    fn slice(&self, at: u64, size: u64) -> Result<Bytes, IndexError> {
        let range = || {
            let start = usize::try_from(at.checked_sub(self.at)?).ok()?;
            let end = start.checked_add(usize::try_from(size).ok()?)?;
            (end <= self.bytes.len()).then_some(start..end)
        };
        let range = range().ok_or(IndexUnusable::OutOfRange)?;
        Ok(self.bytes.slice(range))
    }
}
