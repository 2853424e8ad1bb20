//! The index of a Matroska or `WebM` file (RFC 9559): at which times one can begin to decode.

use bytes::Bytes;

use super::ebml::{child, elements, float, header, number, segment_start};
use super::ids::{
    CODEC_ID, CUE_POINT, CUE_TIME, CUE_TRACK, CUE_TRACK_POSITIONS, CUES, DURATION, INFO, SEEK,
    SEEK_HEAD, SEEK_ID, SEEK_POSITION, TIMESTAMP_SCALE, TRACK_ENTRY, TRACK_NUMBER, TRACK_TYPE,
    TRACKS,
};
use crate::container::index_unusable::{IndexError, IndexUnusable};
use crate::io::source::Source;

/// Nanoseconds of a tick, unless the file says otherwise.
const MILLISECOND: u64 = 1_000_000;

/// The most bytes that an index may have: some 400,000 points.
const MAX_BYTES: u64 = 8 << 20;

/// Codecs whose keyframes depend on nothing before them, and nothing shown after one on anything
/// before it.
const CODECS: [&[u8]; 3] = [b"V_VP8", b"V_VP9", b"V_AV1"];

/// Where one can begin to decode the first video track.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cues {
    /// Milliseconds, ascending.
    pub(crate) times: Vec<u64>,
    /// Playing time in seconds.
    pub(crate) duration: f64,
}

impl Cues {
    /// The mean distance of two keyframes in seconds.
    pub(crate) fn distance(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let count = self.times.len() as f64;
        self.duration / count
    }
}

/// What the beginning of a file tells.
#[derive(Debug)]
struct Beginning {
    track: u64,
    duration: f64,
    /// Where the index is in the file.
    cues: u64,
}

/// Reads the index of `source`, whose first bytes are `head`, or says why it cannot be used.
pub(crate) async fn open_cues(source: &dyn Source, head: &Bytes) -> Result<Cues, IndexError> {
    let beginning = beginning(head)?;
    let (at, length) = (beginning.cues, source.len());
    let front = source
        .read(at.min(length)..at.saturating_add(16).min(length))
        .await?;
    let size = match header(&front) {
        Some(found) if found.id == CUES => found.size.map(|size| (found.length as u64, size)),
        _ => None,
    };
    let Some((skip, size)) = size.filter(|&(skip, size)| skip + size <= length - at) else {
        return Err(IndexUnusable::NoIndex.into());
    };
    if size > MAX_BYTES {
        return Err(IndexUnusable::TooLarge.into());
    }
    let data = source.read(at + skip..at + skip + size).await?;
    let times = times(&data, beginning.track);
    if times.is_empty() {
        return Err(IndexUnusable::NoKeyframe.into());
    }
    Ok(Cues {
        times,
        duration: beginning.duration,
    })
}

fn beginning(head: &[u8]) -> Result<Beginning, IndexUnusable> {
    let inconsistent = |what: &str| IndexUnusable::inconsistent(what);
    let start = segment_start(head).ok_or_else(|| inconsistent("Segment"))?;
    let segment = &head[start..];
    let info = child(segment, INFO).ok_or_else(|| inconsistent("Info"))?;
    let scale = child(info, TIMESTAMP_SCALE).map_or(Some(MILLISECOND), number);
    // The frames' times are computed with as ffmpeg does, which takes the scale for its base.
    if scale != Some(MILLISECOND) {
        return Err(inconsistent("TimestampScale"));
    }
    let duration = child(info, DURATION)
        .and_then(float)
        .filter(|d| d.is_finite() && *d > 0.0);
    let duration = duration.ok_or(IndexUnusable::NoIndex)? / 1e3;
    let tracks = child(segment, TRACKS).ok_or_else(|| inconsistent("Tracks"))?;
    let track = elements(tracks)
        .filter(|&(id, _)| id == TRACK_ENTRY)
        .map(|(_, entry)| entry)
        .find(|entry| child(entry, TRACK_TYPE) == Some(&[1]))
        .ok_or(IndexUnusable::NoVideo)?;
    let codec = child(track, CODEC_ID).unwrap_or_default();
    if !CODECS.contains(&codec) {
        return Err(IndexUnusable::Codec {
            fourcc: String::from_utf8_lossy(codec).into_owned(),
        });
    }
    let number_of = child(track, TRACK_NUMBER).and_then(number);
    let track = number_of.ok_or_else(|| inconsistent("TrackNumber"))?;
    let position = position(segment).ok_or(IndexUnusable::NoIndex)?;
    let cues = position
        .checked_add(start as u64)
        .ok_or(IndexUnusable::NoIndex)?;
    Ok(Beginning {
        track,
        duration,
        cues,
    })
}

/// Where the index is, counted from the segment's data.
fn position(segment: &[u8]) -> Option<u64> {
    let seeks = elements(child(segment, SEEK_HEAD)?);
    let mut seeks = seeks.filter(|&(id, _)| id == SEEK).map(|(_, seek)| seek);
    let seek = seeks.find(|seek| child(seek, SEEK_ID).and_then(number) == Some(CUES.into()))?;
    child(seek, SEEK_POSITION).and_then(number)
}

/// The times at which `track` can be entered.
fn times(cues: &[u8], track: u64) -> Vec<u64> {
    let points = elements(cues)
        .filter(|&(id, _)| id == CUE_POINT)
        .map(|(_, point)| point);
    let of_track = |point: &&[u8]| {
        elements(point)
            .filter(|&(id, _)| id == CUE_TRACK_POSITIONS)
            .any(|(_, position)| child(position, CUE_TRACK).and_then(number) == Some(track))
    };
    let mut times: Vec<u64> = points
        .filter(of_track)
        .filter_map(|point| number(child(point, CUE_TIME)?))
        .collect();
    times.sort_unstable();
    times.dedup();
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::matroska::ids::{EBML, SEGMENT};

    fn element(id: u32, data: &[u8]) -> Vec<u8> {
        let id = id.to_be_bytes();
        let id = &id[id.iter().position(|&byte| byte != 0).expect("an identity")..];
        let size = (data.len() as u64 | 1 << 56).to_be_bytes();
        [id, &size, data].concat()
    }

    fn point(time: u16, track: u8) -> Vec<u8> {
        let positions = element(CUE_TRACK_POSITIONS, &element(CUE_TRACK, &[track]));
        element(
            CUE_POINT,
            &[element(CUE_TIME, &time.to_be_bytes()), positions].concat(),
        )
    }

    fn head(codec: &[u8]) -> Vec<u8> {
        let seek = [
            element(SEEK_ID, &CUES.to_be_bytes()),
            element(SEEK_POSITION, &[1, 0]),
        ];
        let audio = element(TRACK_ENTRY, &element(TRACK_TYPE, &[2]));
        let video = [
            element(TRACK_TYPE, &[1]),
            element(TRACK_NUMBER, &[2]),
            element(CODEC_ID, codec),
        ];
        let segment = [
            element(SEEK_HEAD, &element(SEEK, &seek.concat())),
            element(INFO, &element(DURATION, &90_000_f64.to_be_bytes())),
            element(
                TRACKS,
                &[audio, element(TRACK_ENTRY, &video.concat())].concat(),
            ),
        ];
        [element(EBML, &[]), element(SEGMENT, &segment.concat())].concat()
    }

    #[test]
    fn finds_the_index_and_the_track() {
        let found = beginning(&head(b"V_VP9")).expect("a WebM");
        // An empty EBML header of 12 bytes, the segment's own, and 256.
        assert_eq!(
            (found.track, found.duration, found.cues),
            (2, 90.0, 12 + 12 + 256)
        );
    }

    #[test]
    fn other_codecs_are_not_entered() {
        let unusable = beginning(&head(b"V_MPEG4/ISO/AVC")).expect_err("it may have open groups");
        assert_eq!(
            unusable,
            IndexUnusable::Codec {
                fourcc: "V_MPEG4/ISO/AVC".into()
            }
        );
    }

    #[test]
    fn takes_the_times_of_the_track_only() {
        let cues = [point(500, 2), point(0, 2), point(7, 1), point(500, 2)].concat();
        assert_eq!(times(&cues, 2), [0, 500]);
        assert_eq!(times(&cues[..cues.len() - 1], 1), [7]);
    }

    #[test]
    fn cut_heads_are_refused() {
        let whole = head(b"V_VP8");
        for length in 0..whole.len() {
            beginning(&whole[..length]).expect_err("it is cut");
        }
    }
}
