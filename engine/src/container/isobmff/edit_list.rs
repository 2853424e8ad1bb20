//! The edit list, as far as it only cuts the ends.
//!
//! ffmpeg decodes the frames outside and discards them; what it shows are the frames whose time
//! lies in the edit, counted from the edit's start.

use super::boxes::{Mp4Box, u32_at, u64_at};
use super::index::PresentationRange;
use crate::container::index_unusable::IndexUnusable;

/// Edits read at most: only the first two can be meant.
const MAX_EDITS: u32 = 16;

/// What an edit list does to a track.
pub(super) struct Edited {
    /// The part of media time that is shown.
    pub(super) range: PresentationRange,
    /// Ticks to add to media time for the player's clock.
    pub(super) clock_offset: i64,
}

/// What the edit list of `trak` does, given ticks per second of movie and media time.
pub(super) fn apply(trak: &Mp4Box, movie: u32, media: u32) -> Result<Edited, IndexUnusable> {
    let Some((edit, waits)) = only_shown_edit(trak)? else {
        return Ok(Edited {
            range: PresentationRange::ALL,
            clock_offset: 0,
        });
    };
    if edit.duration == 0 {
        return Err(IndexUnusable::Edits);
    }
    let length = scaled(edit.duration, media, movie).ok_or(IndexUnusable::Edits)?;
    Ok(Edited {
        range: PresentationRange {
            start: edit.start,
            end: edit.start.checked_add(length).ok_or(IndexUnusable::Edits)?,
        },
        clock_offset: clock_offset(edit, waits, movie, media)?,
    })
}

/// By how many ticks the edit list of a `trak` in fragments moves it, which is all that it may do.
///
/// Of samples in fragments ffmpeg discards none, whatever the list says of its length.
pub(super) fn moved_by(trak: &Mp4Box, movie: u32, media: u32) -> Result<i64, IndexUnusable> {
    match only_shown_edit(trak)? {
        Some((edit, waits)) => clock_offset(edit, waits, movie, media),
        None => Ok(0),
    }
}

fn clock_offset(edit: Edit, waits: u64, movie: u32, media: u32) -> Result<i64, IndexUnusable> {
    let waits = scaled(waits, media, movie).ok_or(IndexUnusable::Edits)?;
    waits.checked_sub(edit.start).ok_or(IndexUnusable::Edits)
}

/// The only edit that shows something, if there is a list, and how long is waited before it, in
/// ticks of the movie: nothing else may come before it.
fn only_shown_edit(trak: &Mp4Box) -> Result<Option<(Edit, u64)>, IndexUnusable> {
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
    let only_waits = before.iter().all(|empty| empty.start == -1);
    if !only_waits || last.start < 0 || last.rate != 1 << 16 {
        return Err(IndexUnusable::Edits);
    }
    let waits = before
        .iter()
        .fold(0_u64, |sum, empty| sum.saturating_add(empty.duration));
    Ok(Some((last, waits)))
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
