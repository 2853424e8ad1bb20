//! Reading the index of a source: two requests for nearly every file, wherever its index is. A
//! fragmented file takes one more for each fragment.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::boxes::boxes;
use super::{Index, Step, Unfit, fragments, locate, parse};
use crate::source::{Source, SourceError};

/// What is read at a later border, where more than this remains.
const TAIL: u64 = 2 << 20;

/// Borders looked at before giving up.
const LOOKS: usize = 16;

/// Reads the index of `source`, or says why it cannot be used. `head` is what it begins with.
pub(crate) async fn open(
    source: &dyn Source,
    head: Bytes,
) -> Result<Result<Index, Unfit>, SourceError> {
    let len = source.len();
    let (mut at, mut data) = (0, head.clone());
    for _ in 0..LOOKS {
        match locate(&data, at, len) {
            Err(unfit) => return Ok(Err(unfit)),
            Ok(Step::Found(range)) => {
                let moov = complete(source, at, &data, range.clone()).await?;
                return match parse(ftyp(&head), &moov, len) {
                    Err(Unfit::Fragmented) => {
                        fragments::open(source, &head, &moov, range.end).await
                    }
                    done => Ok(done),
                };
            }
            Ok(Step::Look(border)) => {
                at = border;
                data = source.read(at..len.min(at.saturating_add(TAIL))).await?;
            }
        }
    }
    Ok(Err(Unfit::NoIndex))
}

/// The bytes of `range`, of which those in `data`, from `at` on, are at hand.
async fn complete(
    source: &dyn Source,
    at: u64,
    data: &Bytes,
    range: Range<u64>,
) -> Result<Bytes, SourceError> {
    let index = |offset: u64| {
        usize::try_from(offset - at)
            .unwrap_or(usize::MAX)
            .min(data.len())
    };
    let known = data.slice(index(range.start)..index(range.end));
    let have = range.start + known.len() as u64;
    if have == range.end {
        return Ok(known);
    }
    let rest = source.read(have..range.end).await?;
    let mut whole = BytesMut::with_capacity(known.len() + rest.len());
    whole.extend_from_slice(&known);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

/// The file type box at the start of `head`, if it is there and whole.
pub(super) fn ftyp(head: &Bytes) -> Bytes {
    let len = head.first_chunk::<4>().map(|len| u32::from_be_bytes(*len));
    let len = len.and_then(|len| usize::try_from(len).ok());
    let first = match len {
        Some(len) if len <= head.len() => boxes(&head.slice(..len)),
        _ => return Bytes::new(),
    };
    let first = first.ok().and_then(|boxes| boxes.into_iter().next());
    match first {
        Some(found) if &found.kind == b"ftyp" => found.raw,
        _ => Bytes::new(),
    }
}
