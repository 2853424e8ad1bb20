//! What a file says of its tracks, and which of them is shown.

use bytes::Bytes;

use super::ebml::{child, elements, float, number};
use super::ids::{
    ALPHA_MODE, CODEC_DELAY, CODEC_ID, CODEC_PRIVATE, COLOUR, CONTENT_COMP_ALGO,
    CONTENT_COMP_SETTINGS, CONTENT_COMPRESSION, CONTENT_ENCODING, CONTENT_ENCODING_SCOPE,
    CONTENT_ENCODING_TYPE, CONTENT_ENCODINGS, DISPLAY_HEIGHT, DISPLAY_UNIT, DISPLAY_WIDTH,
    FLAG_DEFAULT, FLAG_INTERLACED, MATRIX_COEFFICIENTS, PIXEL_CROP, PIXEL_HEIGHT, PIXEL_WIDTH,
    PRIMARIES, PROJECTION, RANGE, STEREO_MODE, TRACK_ENTRY, TRACK_NUMBER, TRACK_OPERATION,
    TRACK_TIMESTAMP_SCALE, TRACK_TYPE, TRANSFER_CHARACTERISTICS, VIDEO,
};
use crate::container::index_unusable::IndexUnusable;
use crate::container::isobmff::write::{Colours, SampleDescription};
use crate::container::isobmff::{TrackChoice, TrackReason};

/// The most tracks that are looked at.
const MAX_TRACKS: usize = 64;

/// What a track holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrackKind {
    Video,
    Audio,
    /// Subtitles and metadata.
    Text,
    /// What ffmpeg takes no notice of.
    Other,
}

/// A track, as far as it matters when the file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) number: u64,
    pub(super) kind: TrackKind,
    /// Nanoseconds by which its times are early.
    pub(super) codec_delay: u64,
}

/// The track of video that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VideoTrack {
    pub(super) number: u64,
    pub(super) choice: TrackChoice,
    pub(super) description: SampleDescription,
    /// Bytes that each frame begins with, and that its block leaves out.
    pub(super) prefix: Bytes,
}

/// All tracks of an element `Tracks`, and the one that is shown: the one of the `wanted` number among
/// those of video; else the first that the file would have shown before others, else the first.
pub(super) fn parse_tracks(
    tracks: &[u8],
    wanted: Option<u32>,
) -> Result<(Vec<Track>, VideoTrack), IndexUnusable> {
    let entries = elements(tracks).filter(|&(id, _)| id == TRACK_ENTRY);
    let entries: Vec<&[u8]> = entries.map(|(_, entry)| entry).collect();
    if entries.len() > MAX_TRACKS {
        return Err(IndexUnusable::TooLarge);
    }
    let mut all: Vec<Track> = Vec::new();
    let mut videos = Vec::new();
    for entry in &entries {
        let track = parse_track(entry)?;
        if all.iter().any(|other| other.number == track.number) {
            return Err(IndexUnusable::inconsistent("TrackNumber"));
        }
        if track.kind == TrackKind::Video {
            videos.push((track, *entry));
        }
        all.push(track);
    }
    let is_default = |entry: &[u8]| unsigned(entry, FLAG_DEFAULT, 1) == Some(1);
    let (at, reason) = match wanted {
        Some(number) => (number.saturating_sub(1) as usize, TrackReason::Asked),
        None => match videos.iter().position(|(_, entry)| is_default(entry)) {
            None | Some(0) => (0, TrackReason::First),
            Some(at) => (at, TrackReason::Enabled),
        },
    };
    let (track, entry) = videos.get(at).ok_or(IndexUnusable::NoVideo)?;
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let choice = TrackChoice {
        number: number(at).saturating_add(1),
        of: number(videos.len()),
        reason,
    };
    let video = parse_video(track, choice, entry)?;
    Ok((all, video))
}

fn parse_track(entry: &[u8]) -> Result<Track, IndexUnusable> {
    let need = |id| child(entry, id).and_then(number);
    let found = (need(TRACK_NUMBER), need(TRACK_TYPE));
    let (Some(number), Some(kind)) = found else {
        return Err(IndexUnusable::inconsistent("TrackEntry"));
    };
    Ok(Track {
        number,
        kind: match kind {
            1 => TrackKind::Video,
            2 => TrackKind::Audio,
            17 | 33 => TrackKind::Text,
            _ => TrackKind::Other,
        },
        codec_delay: unsigned(entry, CODEC_DELAY, 0).unwrap_or_default(),
    })
}

fn parse_video(
    track: &Track,
    choice: TrackChoice,
    entry: &[u8],
) -> Result<VideoTrack, IndexUnusable> {
    let unsupported = |what: &str| Err(IndexUnusable::Unsupported { what: what.into() });
    let codec = child(entry, CODEC_ID).unwrap_or_default();
    let private = child(entry, CODEC_PRIVATE).unwrap_or_default();
    let (fourcc, configuration): ([u8; 4], Option<[u8; 4]>) = match codec {
        b"V_MPEG4/ISO/AVC" if private.first() == Some(&1) => (*b"avc1", Some(*b"avcC")),
        b"V_MPEGH/ISO/HEVC" if private.first() == Some(&1) => (*b"hev1", Some(*b"hvcC")),
        b"V_AV1" if private.first() == Some(&0x81) => (*b"av01", Some(*b"av1C")),
        b"V_VP8" => (*b"vp08", None),
        b"V_VP9" => (*b"vp09", None),
        _ => {
            return Err(IndexUnusable::Codec {
                fourcc: String::from_utf8_lossy(codec).into_owned(),
            });
        }
    };
    let scale = child(entry, TRACK_TIMESTAMP_SCALE).map_or(Some(1.0), float);
    if scale.is_none_or(|scale| scale.to_bits() != 1.0_f64.to_bits()) {
        return unsupported("TrackTimestampScale");
    }
    if track.codec_delay != 0 {
        return unsupported("CodecDelay");
    }
    if child(entry, TRACK_OPERATION).is_some() {
        return unsupported("TrackOperation");
    }
    let Some(video) = child(entry, VIDEO) else {
        return Err(IndexUnusable::inconsistent("Video"));
    };
    // Each changes how a picture is shown, in some releases of ffmpeg and not in others.
    let without = [STEREO_MODE, ALPHA_MODE].into_iter().chain(PIXEL_CROP);
    for id in without {
        if unsigned(video, id, 0) != Some(0) {
            return unsupported("Video");
        }
    }
    if child(video, PROJECTION).is_some() || unsigned(video, FLAG_INTERLACED, 0) == Some(1) {
        return unsupported("Video");
    }
    let [width, height] =
        [PIXEL_WIDTH, PIXEL_HEIGHT].map(|id| unsigned(video, id, 0).and_then(dimension));
    let (Some(width), Some(height)) = (width, height) else {
        return Err(IndexUnusable::inconsistent("PixelWidth"));
    };
    Ok(VideoTrack {
        number: track.number,
        choice,
        description: SampleDescription {
            fourcc,
            width,
            height,
            sample_aspect: aspect(video, width, height)?,
            colours: colours(video)?,
            configuration: configuration.map(|kind| (kind, Bytes::copy_from_slice(private))),
        },
        prefix: prefix(entry)?,
    })
}

fn dimension(pixels: u64) -> Option<u16> {
    u16::try_from(pixels).ok().filter(|&pixels| pixels > 0)
}

/// The shape of a sample, where the file says it.
fn aspect(video: &[u8], width: u16, height: u16) -> Result<Option<(u32, u32)>, IndexUnusable> {
    /// From this unit on the display's size is of no known kind.
    const UNKNOWN: u64 = 4;
    /// Of an mp4, ffmpeg takes no larger numbers as they are.
    const MAX: u64 = 32_767;

    let (width, height) = (u64::from(width), u64::from(height));
    let is_known = unsigned(video, DISPLAY_UNIT, 0).is_some_and(|unit| unit < UNKNOWN);
    let shown = (
        unsigned(video, DISPLAY_WIDTH, width),
        unsigned(video, DISPLAY_HEIGHT, height),
    );
    let (Some(shown_width), Some(shown_height)) = shown else {
        return Err(IndexUnusable::inconsistent("DisplayWidth"));
    };
    if !is_known || shown_width == 0 || shown_height == 0 {
        return Ok(None);
    }
    let fraction = height
        .checked_mul(shown_width)
        .zip(width.checked_mul(shown_height));
    let reduced = fraction.map(|(numerator, denominator)| {
        let divisor = gcd(numerator, denominator);
        (numerator / divisor, denominator / divisor)
    });
    match reduced {
        Some((numerator, denominator)) if numerator <= MAX && denominator <= MAX => {
            let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
            Ok(Some((small(numerator), small(denominator))))
        }
        _ => Err(IndexUnusable::Unsupported {
            what: "DisplayWidth".into(),
        }),
    }
}

/// The greatest common divisor of two numbers of which none is zero.
fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// What the file says of the colours.
fn colours(video: &[u8]) -> Result<Option<Colours>, IndexUnusable> {
    /// What stands for nothing (ITU-T H.273).
    const UNSPECIFIED: u64 = 2;

    let Some(colour) = child(video, COLOUR) else {
        return Ok(None);
    };
    let kinds = [PRIMARIES, TRANSFER_CHARACTERISTICS, MATRIX_COEFFICIENTS];
    let found = kinds.map(|id| {
        let number = unsigned(colour, id, UNSPECIFIED)?;
        u16::try_from(number).ok().filter(|&number| number < 256)
    });
    let [Some(primaries), Some(transfer), Some(matrix)] = found else {
        return Err(IndexUnusable::inconsistent("Colour"));
    };
    let is_full = match unsigned(colour, RANGE, 0) {
        Some(0) => None,
        Some(1) => Some(false),
        Some(2) => Some(true),
        _ => return Err(IndexUnusable::inconsistent("Range")),
    };
    Ok(Some(Colours {
        primaries,
        transfer,
        matrix,
        is_full,
    }))
}

/// The bytes that blocks leave out, if that is all that is done to them.
fn prefix(entry: &[u8]) -> Result<Bytes, IndexUnusable> {
    const HEADER_STRIPPING: u64 = 3;
    const ALL_FRAMES: u64 = 1;

    let unsupported = || IndexUnusable::Unsupported {
        what: "ContentEncoding".into(),
    };
    let Some(encodings) = child(entry, CONTENT_ENCODINGS) else {
        return Ok(Bytes::new());
    };
    let mut encodings = elements(encodings).filter(|&(id, _)| id == CONTENT_ENCODING);
    let (Some((_, encoding)), None) = (encodings.next(), encodings.next()) else {
        return Err(unsupported());
    };
    let is_plain = unsigned(encoding, CONTENT_ENCODING_SCOPE, 1) == Some(ALL_FRAMES)
        && unsigned(encoding, CONTENT_ENCODING_TYPE, 0) == Some(0);
    let compression = child(encoding, CONTENT_COMPRESSION).filter(|_| is_plain);
    let compression = compression.ok_or_else(unsupported)?;
    if unsigned(compression, CONTENT_COMP_ALGO, 0) != Some(HEADER_STRIPPING) {
        return Err(unsupported());
    }
    let bytes = child(compression, CONTENT_COMP_SETTINGS).unwrap_or_default();
    Ok(Bytes::copy_from_slice(bytes))
}

/// The number of the child `id`; `default` where there is none, `None` where it is no number.
fn unsigned(parent: &[u8], id: u32, default: u64) -> Option<u64> {
    child(parent, id).map_or(Some(default), number)
}

#[cfg(test)]
mod tests {
    use super::super::ebml::tests::element;
    use super::*;

    #[test]
    fn samples_have_the_shape_that_the_display_asks_for() {
        let display = |width: u16, height: u16| {
            let video = [
                element(DISPLAY_WIDTH, &width.to_be_bytes()),
                element(DISPLAY_HEIGHT, &height.to_be_bytes()),
            ];
            aspect(&video.concat(), 720, 480)
        };
        assert_eq!(display(720, 480), Ok(Some((1, 1))));
        // As `ffprobe` has it.
        assert_eq!(display(247, 139), Ok(Some((494, 417))));
        assert_eq!(display(0, 480), Ok(None));
        display(65_521, 65_519).expect_err("it is not told exactly");
    }
}
