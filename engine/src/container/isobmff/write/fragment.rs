//! One fragment: a run of samples with their times, and the header of the box that holds them.

use super::boxes::{full_box, mp4_box, put};
use crate::container::isobmff::flags;

/// One sample of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FragmentSample {
    /// Its length in bytes.
    pub(crate) size: u32,
    /// When it is decoded.
    pub(crate) dts: i64,
    /// When it is shown; not before `dts`.
    pub(crate) pts: i64,
    /// Whether decoding can start here.
    pub(crate) sync: bool,
}

/// Writes `moof` and the header of `mdat`, after which the bytes of `entries` must follow.
///
/// Times within a fragment are 32-bit distances: entries further apart go into fragments of
/// their own. All sizes together must be less than 4 GiB.
#[must_use]
pub(crate) fn write_fragment_header(
    track: u32,
    sequence: u32,
    entries: &[FragmentSample],
) -> Vec<u8> {
    const MDAT_HEADER: u32 = 8;
    /// Bytes of `moof` with an empty run.
    const FIXED: usize = 8 + 16 + 8 + 16 + 20 + 20;

    const TRUN_FLAGS: u32 = flags::DATA_OFFSET_PRESENT
        | flags::SAMPLE_DURATION_PRESENT
        | flags::SAMPLE_SIZE_PRESENT
        | flags::SAMPLE_FLAGS_PRESENT
        | flags::SAMPLE_COMPOSITION_TIME_OFFSETS_PRESENT;

    let moof_len = FIXED + entries.len() * 16;
    let data_at = u32::try_from(moof_len)
        .unwrap_or(u32::MAX)
        .saturating_add(MDAT_HEADER);
    let mut out = Vec::with_capacity(moof_len + MDAT_HEADER as usize);
    mp4_box(&mut out, *b"moof", |moof| {
        full_box(moof, *b"mfhd", 0, 0, |mfhd| put(mfhd, sequence));
        mp4_box(moof, *b"traf", |traf| {
            full_box(traf, *b"tfhd", 0, flags::DEFAULT_BASE_IS_MOOF, |tfhd| {
                put(tfhd, track);
            });
            full_box(traf, *b"tfdt", 1, 0, |tfdt| {
                let first = entries.first().map_or(0, |entry| entry.dts);
                tfdt.extend(first.to_be_bytes());
            });
            full_box(traf, *b"trun", 1, TRUN_FLAGS, |trun| {
                put(trun, u32::try_from(entries.len()).unwrap_or(u32::MAX));
                put(trun, data_at);
                write_run(trun, entries);
            });
        });
    });
    debug_assert_eq!(out.len(), moof_len, "the offset of the data depends on it");
    let bytes: u32 = entries.iter().map(|entry| entry.size).sum();
    put(&mut out, bytes + MDAT_HEADER);
    out.extend(b"mdat");
    out
}

fn write_run(trun: &mut Vec<u8>, entries: &[FragmentSample]) {
    for (at, entry) in entries.iter().enumerate() {
        let next = entries.get(at + 1).map_or(entry.dts, |next| next.dts);
        put(trun, u32::try_from(next - entry.dts).unwrap_or(u32::MAX));
        put(trun, entry.size);
        put(
            trun,
            if entry.sync {
                flags::SAMPLE_DEPENDS_ON_NO_OTHER
            } else {
                flags::SAMPLE_DEPENDS_ON_OTHERS | flags::SAMPLE_IS_NON_SYNC_SAMPLE
            },
        );
        let composition_offset = i32::try_from(entry.pts - entry.dts).unwrap_or(i32::MAX);
        trun.extend(composition_offset.to_be_bytes());
    }
}
