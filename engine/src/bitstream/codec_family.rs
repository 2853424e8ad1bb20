//! The codecs that are known well enough to decode a part only.

use serde::{Deserialize, Serialize};

/// Codecs of which frames decoded from the samples that they depend on are known to equal those
/// of a decoding of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum CodecFamily {
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
    /// VP8.
    Vp8,
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
    /// MPEG-4 part 2.
    Mpeg4,
    /// Every sample stands alone (Motion JPEG, `ProRes`).
    Intra,
}
