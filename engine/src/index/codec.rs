//! The sample description: how the samples are coded, and whether that can be read by samples.

use serde::{Deserialize, Serialize};

use super::Unfit;
use super::boxes::{Mp4Box, boxes, name, only, u32_at};

/// How the samples of a track are coded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codec {
    /// The sample entry's four characters.
    pub fourcc: String,
    /// What is known of such samples.
    pub family: Family,
}

/// Codecs of which frames decoded from the samples that they depend on are known to equal those
/// of a decoding of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Family {
    /// H.264 (AVC), ISO/IEC 14496-10.
    H264 {
        /// Bytes of a NAL unit's length, 1 to 4.
        length_size: u8,
    },
    /// H.265 (HEVC), ISO/IEC 23008-2.
    Hevc {
        /// Bytes of a NAL unit's length, 1 to 4.
        length_size: u8,
        /// Temporal layers, 0 where it is not said.
        layers: u8,
    },
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
    /// MPEG-4 part 2.
    Mpeg4,
    /// Every sample stands alone (Motion JPEG, `ProRes`).
    Intra,
}

/// Bytes of a visual sample entry before its boxes.
const VISUAL_ENTRY: usize = 78;

impl Codec {
    /// The only entry of `stsd`, when it is one of the known.
    pub(super) fn read(stsd: &Mp4Box) -> Result<Self, Unfit> {
        let (_, data) = stsd.full()?;
        let count = u32_at(&data, 0).ok_or_else(|| stsd.broken())?;
        let entries = boxes(&data.slice(4..))?;
        let [entry] = entries.as_slice() else {
            return Err(match entries.len() {
                0 => stsd.broken(),
                _ => Unfit::SeveralCodings,
            });
        };
        if count != 1 {
            return Err(Unfit::SeveralCodings);
        }
        Ok(Self {
            fourcc: name(entry.kind),
            family: Family::read(entry)?,
        })
    }
}

impl Family {
    fn read(entry: &Mp4Box) -> Result<Self, Unfit> {
        match &entry.kind {
            b"avc1" | b"avc3" => {
                let config = config(entry, *b"avcC")?;
                let size = config.get(4).ok_or_else(|| entry.broken())?;
                Ok(Self::H264 {
                    length_size: (size & 3) + 1,
                })
            }
            b"hvc1" | b"hev1" => {
                let config = config(entry, *b"hvcC")?;
                let last = config.get(21).ok_or_else(|| entry.broken())?;
                Ok(Self::Hevc {
                    length_size: (last & 3) + 1,
                    layers: (last >> 3) & 7,
                })
            }
            b"vp09" => Ok(Self::Vp9),
            b"av01" => Ok(Self::Av1),
            b"mp4v" if mpeg4(entry)? => Ok(Self::Mpeg4),
            b"jpeg" | b"ap4h" | b"ap4x" | b"apch" | b"apcn" | b"apcs" | b"apco" => Ok(Self::Intra),
            b"encv" => Err(Unfit::Encrypted),
            _ => Err(Unfit::Codec {
                fourcc: name(entry.kind),
            }),
        }
    }
}

/// The payload of the configuration box `kind` of a visual sample entry.
fn config(entry: &Mp4Box, kind: [u8; 4]) -> Result<bytes::Bytes, Unfit> {
    let payload = entry.payload();
    if payload.len() < VISUAL_ENTRY {
        return Err(entry.broken());
    }
    let found = only(boxes(&payload.slice(VISUAL_ENTRY..))?, kind)?;
    Ok(found.ok_or_else(|| entry.broken())?.payload())
}

/// Whether an `mp4v` entry is MPEG-4 part 2 and not one of the others that share its name.
fn mpeg4(entry: &Mp4Box) -> Result<bool, Unfit> {
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
