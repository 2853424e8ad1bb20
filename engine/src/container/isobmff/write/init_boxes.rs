//! The boxes before the first sample, for a video that was in another container.

use bytes::Bytes;

use super::boxes::{full_box, mp4_box, put};
use crate::container::isobmff::index::InitBoxes;

/// What a decoder must be told of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SampleDescription {
    /// The sample entry's four characters.
    pub(crate) fourcc: [u8; 4],
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// Width to height of a sample, where it is said.
    pub(crate) sample_aspect: Option<(u32, u32)>,
    /// The colours, where they are said.
    pub(crate) colours: Option<Colours>,
    /// The kind and the payload of the codec's own box.
    pub(crate) configuration: Option<([u8; 4], Bytes)>,
}

/// Colours by their numbers (ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colours {
    pub(crate) primaries: u16,
    pub(crate) transfer: u16,
    pub(crate) matrix: u16,
    /// Whether the range is the full one, where it is said.
    pub(crate) is_full: Option<bool>,
}

/// Sixteen fraction bits.
const ONE: u32 = 1 << 16;

/// Neither turned nor scaled.
const IDENTITY: [u32; 9] = [ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30];

/// The boxes for a video described so.
pub(crate) fn write_init_boxes(description: &SampleDescription) -> InitBoxes {
    const TRACK: u32 = 1;

    let mut ftyp = Vec::new();
    mp4_box(&mut ftyp, *b"ftyp", |ftyp| {
        ftyp.extend(b"isom\0\0\x02\0isomiso2mp41");
    });
    let mut mvhd = Vec::new();
    full_box(&mut mvhd, *b"mvhd", 0, 0, |mvhd| {
        for field in [0, 0, 1000, 0, ONE, 0x0100_0000, 0, 0] {
            put(mvhd, field);
        }
        for field in IDENTITY.into_iter().chain([0; 6]).chain([TRACK + 1]) {
            put(mvhd, field);
        }
    });
    let mut tkhd = Vec::new();
    // Enabled, and part of what is shown.
    full_box(&mut tkhd, *b"tkhd", 0, 3, |tkhd| {
        for field in [0, 0, TRACK, 0, 0, 0, 0, 0, 0].into_iter().chain(IDENTITY) {
            put(tkhd, field);
        }
        for side in [description.width, description.height] {
            put(tkhd, u32::from(side) << 16);
        }
    });
    InitBoxes {
        ftyp: ftyp.into(),
        mvhd: mvhd.into(),
        track: TRACK,
        tkhd: tkhd.into(),
        stsd: stsd(description).into(),
    }
}

fn stsd(description: &SampleDescription) -> Vec<u8> {
    /// 72 dots an inch, in sixteen fraction bits.
    const RESOLUTION: u32 = 72 << 16;

    let mut stsd = Vec::new();
    full_box(&mut stsd, *b"stsd", 0, 0, |stsd| {
        put(stsd, 1);
        mp4_box(stsd, description.fourcc, |entry| {
            entry.extend([0, 0, 0, 0, 0, 0, 0, 1]);
            entry.extend([0; 16]);
            entry.extend(description.width.to_be_bytes());
            entry.extend(description.height.to_be_bytes());
            for field in [RESOLUTION, RESOLUTION, 0] {
                put(entry, field);
            }
            entry.extend([0, 1]);
            entry.extend([0; 32]);
            entry.extend([0, 24, 0xff, 0xff]);
            if let Some((kind, payload)) = &description.configuration {
                mp4_box(entry, *kind, |out| out.extend_from_slice(payload));
            }
            if let Some(colours) = description.colours {
                mp4_box(entry, *b"colr", |colr| write_colours(colr, colours));
            }
            if let Some((width, height)) = description.sample_aspect {
                mp4_box(entry, *b"pasp", |pasp| {
                    put(pasp, width);
                    put(pasp, height);
                });
            }
        });
    });
    stsd
}

fn write_colours(colr: &mut Vec<u8>, colours: Colours) {
    colr.extend(match colours.is_full {
        Some(_) => b"nclx",
        None => b"nclc",
    });
    for number in [colours.primaries, colours.transfer, colours.matrix] {
        colr.extend(number.to_be_bytes());
    }
    if let Some(is_full) = colours.is_full {
        colr.push(if is_full { 0x80 } else { 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_the_same_way() {
        let description = SampleDescription {
            fourcc: *b"vp09",
            width: 320,
            height: 180,
            sample_aspect: Some((4, 3)),
            colours: Some(Colours {
                primaries: 9,
                transfer: 16,
                matrix: 9,
                is_full: Some(false),
            }),
            configuration: None,
        };
        let boxes = write_init_boxes(&description);
        assert_eq!((boxes.lines(), boxes.colours()), (180, Some([9, 16, 9])));
        // Version 0 of each has this length (ISO/IEC 14496-12, sections 8.2.2 and 8.3.2).
        assert_eq!((boxes.mvhd.len(), boxes.tkhd.len()), (108, 92));
    }
}
