//! The initialisation segment: everything before the first sample.

use super::boxes::{full_box, mp4_box, put};
use crate::container::isobmff::index::InitBoxes;

/// Writes `ftyp` and a `moov` without samples, with `timescale` ticks in a second.
#[must_use]
pub(crate) fn write_init_segment(original: &InitBoxes, timescale: u32) -> Vec<u8> {
    let mut out = original.ftyp.to_vec();
    mp4_box(&mut out, *b"moov", |moov| {
        moov.extend_from_slice(&original.mvhd);
        mp4_box(moov, *b"trak", |trak| {
            trak.extend_from_slice(&original.tkhd);
            mp4_box(trak, *b"mdia", |mdia| media(mdia, original, timescale));
        });
        mp4_box(moov, *b"mvex", |mvex| {
            full_box(mvex, *b"trex", 0, 0, |trex| {
                for field in [original.track, 1, 0, 0, 0] {
                    put(trex, field);
                }
            });
        });
    });
    out
}

fn media(mdia: &mut Vec<u8>, original: &InitBoxes, timescale: u32) {
    /// "und", the language that is not told, as three letters of five bits.
    const UNDETERMINED: u32 = 0x55C4 << 16;

    full_box(mdia, *b"mdhd", 0, 0, |mdhd| {
        for field in [0, 0, timescale, 0, UNDETERMINED] {
            put(mdhd, field);
        }
    });
    full_box(mdia, *b"hdlr", 0, 0, |hdlr| {
        put(hdlr, 0);
        hdlr.extend(b"vide");
        hdlr.extend([0; 13]);
    });
    mp4_box(mdia, *b"minf", |minf| {
        full_box(minf, *b"vmhd", 0, 1, |vmhd| vmhd.extend([0; 8]));
        mp4_box(minf, *b"dinf", |dinf| {
            full_box(dinf, *b"dref", 0, 0, |dref| {
                put(dref, 1);
                full_box(dref, *b"url ", 0, 1, |_| {});
            });
        });
        mp4_box(minf, *b"stbl", |stbl| {
            stbl.extend_from_slice(&original.stsd);
            full_box(stbl, *b"stts", 0, 0, |stts| put(stts, 0));
            full_box(stbl, *b"stsc", 0, 0, |stsc| put(stsc, 0));
            full_box(stbl, *b"stsz", 0, 0, |stsz| stsz.extend([0; 8]));
            full_box(stbl, *b"stco", 0, 0, |stco| put(stco, 0));
        });
    });
}
