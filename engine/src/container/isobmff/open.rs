//! Reading the index of a source: two requests for nearly every file, wherever its index is. A
//! fragmented file takes one more for each fragment.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::boxes::ftyp;
use super::fragments;
use super::index::Index;
use super::locate::{MoovSearch, locate_moov};
use super::track::parse_index;
use crate::container::index_unusable::{IndexError, IndexUnusable};
use crate::io::source::{Source, SourceError};

/// What is read at the start of a later box, where more than this remains.
const TAIL: u64 = 2 << 20;

/// Boxes looked at before giving up.
const MAX_LOOKS: usize = 16;

/// Reads the index of `source`, or says why it cannot be used. `head` is what it begins with,
/// `wanted` the number of the track, if one was asked for.
pub(crate) async fn open_index(
    source: &dyn Source,
    head: Bytes,
    wanted: Option<u32>,
) -> Result<Index, IndexError> {
    let len = source.len();
    let (mut at, mut data) = (0, head.clone());
    for _ in 0..MAX_LOOKS {
        match locate_moov(&data, at, len)? {
            MoovSearch::Found(range) => {
                let moov = complete(source, at, &data, range.clone()).await?;
                return match parse_index(ftyp(&head), &moov, wanted, len) {
                    Err(IndexUnusable::Fragmented) => {
                        fragments::open_fragmented_index(source, &head, &moov, wanted, range.end)
                            .await
                    }
                    parsed => Ok(parsed?),
                };
            }
            MoovSearch::LookAt(box_start) => {
                at = box_start;
                data = source.read(at..len.min(at.saturating_add(TAIL))).await?;
            }
        }
    }
    Err(IndexUnusable::NoIndex.into())
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
