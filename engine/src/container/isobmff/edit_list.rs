//! The edit list, as far as it only cuts the ends.
//!
//! ffmpeg decodes the frames outside and discards them; what it shows are the frames whose time
//! lies in the edit, counted from the edit's start.

use super::boxes::{Mp4Box, u32_at, u64_at};
use super::index::PresentationRange;
use crate::container::index_unusable::IndexUnusable;

/// Edits read at most: only the first two can be meant.
const MAX_EDITS: u32 = 16;

/// The part of media time that `trak` shows, given ticks per second of movie and media time.
pub(super) fn presentation_range(
    trak: &Mp4Box,
    movie: u32,
    media: u32,
) -> Result<PresentationRange, IndexUnusable> {
    let Some(last) = only_shown_edit(trak)? else {
        return Ok(PresentationRange::ALL);
    };
    if last.duration == 0 {
        return Err(IndexUnusable::Edits);
    }
    let length = scaled(last.duration, media, movie).ok_or(IndexUnusable::Edits)?;
    Ok(PresentationRange {
        start: last.start,
        end: last.start.checked_add(length).ok_or(IndexUnusable::Edits)?,
    })
}

/// Makes sure that the edit list of a `trak` in fragments only moves all of it.
///
/// Of samples in fragments ffmpeg discards none, whatever the list says of its length.
pub(super) fn moves_only(trak: &Mp4Box) -> Result<(), IndexUnusable> {
    only_shown_edit(trak).map(drop)
}

/// The only edit that shows something, if there is a list: nothing but waiting may come before it.
fn only_shown_edit(trak: &Mp4Box) -> Result<Option<Edit>, IndexUnusable> {
    let Some(container) = trak.child(*b"edts")? else {
        return Ok(None);
    };
    let Some(elst) = container.child(*b"elst")? else {
        return Ok(None);
    };
    let edits = parse_edits(&elst)?;
    let Some((&last, before)) = edits.split_last() else {
        return Ok(None);
    };
    let waits = before.iter().all(|empty| empty.start == -1);
    if !waits || last.start < 0 || last.rate != 1 << 16 {
        return Err(IndexUnusable::Edits);
    }
    Ok(Some(last))
}

#[derive(Clone, Copy)]
struct Edit {
    duration: u64,
    start: i64,
    rate: u32,
}

fn parse_edits(elst: &Mp4Box) -> Result<Vec<Edit>, IndexUnusable> {
    let (version, data) = elst.full()?;
    let count = u32_at(&data, 0).ok_or_else(|| elst.broken())?;
    if count > MAX_EDITS {
        return Err(IndexUnusable::Edits);
    }
    let mut at = 4;
    let mut row = || -> Option<Edit> {
        let edit = if version == 1 {
            Edit {
                duration: u64_at(&data, at)?,
                start: u64_at(&data, at + 8)?.cast_signed(),
                rate: u32_at(&data, at + 16)?,
            }
        } else {
            Edit {
                duration: u32_at(&data, at)?.into(),
                start: u32_at(&data, at + 4)?.cast_signed().into(),
                rate: u32_at(&data, at + 8)?,
            }
        };
        at += if version == 1 { 20 } else { 12 };
        Some(edit)
    };
    (0..count)
        .map(|_| row().ok_or_else(|| elst.broken()))
        .collect()
}

/// `duration` in other ticks, to the nearest, as ffmpeg rounds it.
fn scaled(duration: u64, to: u32, from: u32) -> Option<i64> {
    let product = u128::from(duration) * u128::from(to) + u128::from(from / 2);
    i64::try_from(product.checked_div(u128::from(from))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_to_the_nearest_tick() {
        assert_eq!(scaled(1001, 12800, 1000), Some(12813));
        assert_eq!(scaled(u64::MAX, u32::MAX, 1), None);
        assert_eq!(scaled(1, 1, 0), None);
    }
}
