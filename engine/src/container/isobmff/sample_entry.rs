//! The sample description: how the samples are coded, and whether that can be read by samples.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::boxes::{Mp4Box, boxes, name, only, u32_at};
use crate::bitstream::CodecFamily;
use crate::container::index_unusable::IndexUnusable;

/// How the samples of a track are coded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codec {
    /// The sample entry's four characters.
    pub fourcc: String,
    /// What is known of such samples.
    pub family: CodecFamily,
}

/// Bytes of a visual sample entry before its boxes.
const VISUAL_ENTRY: usize = 78;

impl Codec {
    /// The only entry of a whole box `stsd`, when it is one of the known.
    pub(crate) fn of_description(stsd: &Bytes) -> Result<Self, IndexUnusable> {
        let stsd = only(boxes(stsd)?, *b"stsd")?;
        Self::parse(&stsd.ok_or_else(|| IndexUnusable::inconsistent("stsd"))?)
    }

    /// The only entry of `stsd`, when it is one of the known.
    pub(super) fn parse(stsd: &Mp4Box) -> Result<Self, IndexUnusable> {
        let (_, data) = stsd.full()?;
        let count = u32_at(&data, 0).ok_or_else(|| stsd.broken())?;
        let entries = boxes(&data.slice(4..))?;
        let [entry] = entries.as_slice() else {
            return Err(match entries.len() {
                0 => stsd.broken(),
                _ => IndexUnusable::SeveralCodings,
            });
        };
        if count != 1 {
            return Err(IndexUnusable::SeveralCodings);
        }
        Ok(Self {
            fourcc: name(entry.kind),
            family: codec_family(entry)?,
        })
    }
}

/// The family of a sample entry's codec.
fn codec_family(entry: &Mp4Box) -> Result<CodecFamily, IndexUnusable> {
    match &entry.kind {
        b"avc1" | b"avc3" => {
            let config = config(entry, *b"avcC")?;
            let size = config.get(4).ok_or_else(|| entry.broken())?;
            Ok(CodecFamily::H264 {
                length_size: (size & 3) + 1,
            })
        }
        b"hvc1" | b"hev1" => {
            let config = config(entry, *b"hvcC")?;
            let last = config.get(21).ok_or_else(|| entry.broken())?;
            Ok(CodecFamily::Hevc {
                length_size: (last & 3) + 1,
                layers: (last >> 3) & 7,
            })
        }
        b"vp09" => Ok(CodecFamily::Vp9),
        b"av01" => Ok(CodecFamily::Av1),
        b"mp4v" if mpeg4(entry)? => Ok(CodecFamily::Mpeg4),
        b"jpeg" | b"ap4h" | b"ap4x" | b"apch" | b"apcn" | b"apcs" | b"apco" => {
            Ok(CodecFamily::Intra)
        }
        b"encv" => Err(IndexUnusable::Encrypted),
        _ => Err(IndexUnusable::Codec {
            fourcc: name(entry.kind),
        }),
    }
}

/// The payload of the configuration box `kind` of a visual sample entry.
fn config(entry: &Mp4Box, kind: [u8; 4]) -> Result<Bytes, IndexUnusable> {
    let payload = entry.payload();
    if payload.len() < VISUAL_ENTRY {
        return Err(entry.broken());
    }
    let found = only(boxes(&payload.slice(VISUAL_ENTRY..))?, kind)?;
    Ok(found.ok_or_else(|| entry.broken())?.payload())
}

/// Whether an `mp4v` entry is MPEG-4 part 2 and not one of the others that share its name.
fn mpeg4(entry: &Mp4Box) -> Result<bool, IndexUnusable> {
    /// `DecoderConfigDescrTag` of ISO/IEC 14496-1.
    const DECODER_CONFIG: u8 = 4;
    /// `objectTypeIndication` of MPEG-4 visual.
    const VISUAL: u8 = 0x20;

    let esds = config(entry, *b"esds")?;
    // The descriptor's length has one to four bytes, of which all but the last have the high bit.
    let after = esds
        .iter()
        .skip(7)
        .skip_while(|&&byte| byte != DECODER_CONFIG);
    let kind = after.skip(1).skip_while(|&&byte| byte & 0x80 != 0).nth(1);
    Ok(kind == Some(&VISUAL))
}
