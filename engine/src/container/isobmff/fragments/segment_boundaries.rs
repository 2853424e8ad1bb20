//! Where the fragments are, as the file's own index says.

use bytes::Bytes;

use crate::container::index_unusable::{IndexError, IndexUnusable};
use crate::container::isobmff::boxes::{Header, Mp4Box, boxes, only, u32_at, u64_at};
use crate::io::source::Source;

/// Bytes looked at behind `moov` for a `sidx`, which come along with one request.
const LOOK: u64 = 64 << 10;

/// The most bytes that `sidx` or `mfra` may have: more than a day in fragments of a second.
const MAX_BYTES: u64 = 4 << 20;

/// Bytes of `mfro`, the last box of `mfra`.
const MFRO: u64 = 16;

/// Ascending offsets: the end of `moov`, at `start`, the beginning of every further fragment, or
/// of some of them, and the end of the last. Without an index of the fragments, these two ends only.
pub(super) async fn find(
    source: &dyn Source,
    head: &Bytes,
    start: u64,
    track: u32,
) -> Result<Vec<u64>, IndexError> {
    let len = source.len();
    let tail = trailer(source, start).await?;
    let end = tail.as_ref().map_or(len, |mfra| len - mfra.len() as u64);
    let found = match segments(source, head, start, track).await? {
        Some(found) if found.last() == Some(&end) => found,
        _ => match tail {
            Some(mfra) => with_end(random_access(&mfra, track)?, end),
            None if start < end => Vec::from([start, end]),
            None => return Err(IndexUnusable::Fragmented.into()),
        },
    };
    // Whatever lies before the first fragment is walked through with it.
    let later = found.into_iter().skip(1).skip_while(|&at| at <= start);
    let boundaries: Vec<u64> = std::iter::once(start).chain(later).collect();
    if boundaries.windows(2).any(|pair| pair[0] >= pair[1]) || boundaries.last() > Some(&len) {
        return Err(IndexUnusable::inconsistent("index of fragments").into());
    }
    Ok(boundaries)
}

fn with_end(mut offsets: Vec<u64>, end: u64) -> Vec<u64> {
    offsets.push(end);
    offsets
}

/// `mfra`, if the file, whose `moov` ends at `start`, ends with it (8.8.9).
async fn trailer(source: &dyn Source, start: u64) -> Result<Option<Bytes>, IndexError> {
    let len = source.len();
    if len - start < MFRO {
        return Ok(None);
    }
    let last = source.read(len - MFRO..len).await?;
    let size = match (last.get(4..8), u32_at(&last, 12)) {
        (Some(b"mfro"), Some(size)) => u64::from(size),
        _ => return Ok(None),
    };
    if size < MFRO || size > len - start || size > MAX_BYTES {
        return Ok(None);
    }
    let mfra = source.read(len - size..len).await?;
    let whole = Header::parse(&mfra)
        .is_some_and(|header| &header.kind == b"mfra" && header.len == Some(size));
    Ok(whole.then_some(mfra))
}

/// Where the fragments with a random access point of `track` begin (`tfra`, 8.8.10).
fn random_access(mfra: &Bytes, track: u32) -> Result<Vec<u64>, IndexUnusable> {
    let [mfra] = boxes(mfra)?
        .try_into()
        .map_err(|_| IndexUnusable::inconsistent("mfra"))?;
    let tables = mfra.children()?.into_iter();
    let tables = tables.filter(|child| &child.kind == b"tfra");
    let ours = tables.filter(|tfra| {
        tfra.full()
            .is_ok_and(|(_, data)| u32_at(&data, 0) == Some(track))
    });
    let tfra = only(ours.collect(), *b"tfra")?.ok_or(IndexUnusable::Fragmented)?;
    offsets(&tfra).ok_or_else(|| tfra.broken())
}

fn offsets(tfra: &Mp4Box) -> Option<Vec<u64>> {
    let (version, data) = tfra.full().ok()?;
    let lengths = u32_at(&data, 4)?;
    // Numbers of the track's run, the run and the sample, of one to four bytes each.
    let numbers: u32 = [4, 2, 0]
        .map(|composition_offset| (lengths >> composition_offset & 3) + 1)
        .iter()
        .sum();
    let fixed = if version == 1 { 16 } else { 8 };
    let row = fixed + usize::try_from(numbers).ok()?;
    let count = usize::try_from(u32_at(&data, 8)?).ok()?;
    let rows = data.get(12..12_usize.checked_add(count.checked_mul(row)?)?)?;
    let offset = |row: &[u8]| match version {
        1 => u64_at(row, 8),
        _ => u32_at(row, 4).map(u64::from),
    };
    let mut offsets: Vec<u64> = rows.chunks_exact(row).map(offset).collect::<Option<_>>()?;
    offsets.dedup();
    Some(offsets)
}

/// Where the segments of `track` begin and the last one ends, if a `sidx` follows `moov`, which
/// ends at `start` (8.16.3).
async fn segments(
    source: &dyn Source,
    head: &Bytes,
    start: u64,
    track: u32,
) -> Result<Option<Vec<u64>>, IndexError> {
    let (mut at, len) = (start, source.len());
    let known = usize::try_from(start)
        .ok()
        .and_then(|start| head.get(start..));
    let mut front = match known {
        Some(known) if known.len() >= 32 => head.slice(head.len() - known.len()..),
        _ => source.read(start..len.min(start + LOOK)).await?,
    };
    while let Some(header) = Header::parse(&front) {
        let Some(size) = header.len.filter(|&size| size <= len - at) else {
            return Ok(None);
        };
        match &header.kind {
            b"sidx" if size <= MAX_BYTES => {}
            b"moof" | b"mdat" | b"sidx" => return Ok(None),
            _ => {}
        }
        let inside = usize::try_from(size)
            .ok()
            .filter(|&size| size <= front.len());
        if &header.kind == b"sidx" {
            let whole = match inside {
                Some(size) => front.slice(..size),
                None => source.read(at..at + size).await?,
            };
            let found = boxes(&whole)?
                .first()
                .and_then(|sidx| references(sidx, track, at + size));
            if found.is_some() {
                return Ok(found);
            }
        }
        let Some(size) = inside else {
            return Ok(None);
        };
        front = front.slice(size..);
        at += size as u64;
    }
    Ok(None)
}

/// The boundaries of a `sidx` that refers to fragments of `track`, and that ends at `anchor`.
fn references(sidx: &Mp4Box, track: u32, anchor: u64) -> Option<Vec<u64>> {
    let (version, data) = sidx.full().ok()?;
    if u32_at(&data, 0)? != track {
        return None;
    }
    let (first, at) = match version {
        0 => (u64::from(u32_at(&data, 12)?), 16),
        _ => (u64_at(&data, 16)?, 24),
    };
    let count = usize::try_from(u32_at(&data, at)? & 0xffff).ok()?;
    let rows = data.get(at + 4..at + 4 + count * 12)?;
    let mut boundaries = Vec::from([anchor.checked_add(first)?]);
    let mut next = boundaries[0];
    for row in rows.chunks_exact(12) {
        let size = u32_at(row, 0)?;
        // The highest bit says that another index comes there, and no fragment.
        if size >> 31 != 0 {
            return None;
        }
        next = next.checked_add(size.into())?;
        boundaries.push(next);
    }
    Some(boundaries)
}
