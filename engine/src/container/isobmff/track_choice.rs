//! Which of a file's tracks of video is shown.

use serde::{Deserialize, Serialize};

use super::boxes::{Mp4Box, u32_at};
use super::flags::TRACK_ENABLED;
use super::track::{handler, track_id};
use crate::container::index_unusable::IndexUnusable;

/// Which of a video's tracks is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackChoice {
    /// Its number among the tracks of video, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// Why this one.
    pub reason: TrackReason,
}

/// Why a track is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TrackReason {
    /// It was asked for.
    Asked,
    /// It is the first one of those that the file enables.
    Enabled,
    /// It is the first one that is no still.
    Moving,
    /// It is the first one.
    First,
}

impl std::fmt::Display for TrackChoice {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { number, of, reason } = self;
        let reason = match reason {
            TrackReason::Asked => "as asked",
            TrackReason::Enabled => "the first that is enabled",
            TrackReason::Moving => "the first that is no still",
            TrackReason::First => "the first",
        };
        write!(to, "{number} of {of}, {reason}")
    }
}

/// Handlers of tracks that are no video, whatever their samples are called.
const NO_VIDEO: [&[u8; 4]; 12] = [
    b"soun", b"text", b"sbtl", b"subt", b"subp", b"clcp", b"hint", b"tmcd", b"meta", b"odsm",
    b"sdsm", b"ocsm",
];

/// The track of video that is shown: the one of the `wanted` number, from 1; else, of those that
/// are enabled (if any is) and of those that have more than one sample (if any has), the first.
///
/// `children` are those of `moov`. A track that shows the chapters of another is none.
pub(super) fn choose_track(
    children: &[Mp4Box],
    wanted: Option<u32>,
) -> Result<(&Mp4Box, TrackChoice), IndexUnusable> {
    let traks = || children.iter().filter(|child| &child.kind == b"trak");
    let mut videos = Vec::new();
    for trak in traks() {
        match &handler(trak)? {
            b"vide" if is_chapters(trak, traks())? => {}
            b"vide" => videos.push(Video::new(trak)?),
            kind if NO_VIDEO.contains(&kind) => {}
            // ffmpeg may show it, and may not.
            _ => return Err(IndexUnusable::Unclear),
        }
    }
    let (at, reason) = match wanted {
        Some(number) => (number.saturating_sub(1) as usize, TrackReason::Asked),
        None => preferred(&videos),
    };
    let video = videos.get(at).ok_or(IndexUnusable::NoVideo)?;
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let choice = TrackChoice {
        number: number(at).saturating_add(1),
        of: number(videos.len()),
        reason,
    };
    Ok((video.trak, choice))
}

/// A track of video.
struct Video<'a> {
    trak: &'a Mp4Box,
    enabled: bool,
    moving: bool,
}

impl<'a> Video<'a> {
    fn new(trak: &'a Mp4Box) -> Result<Self, IndexUnusable> {
        let tkhd = trak.need(*b"tkhd")?;
        // A version, then flags of three bytes.
        let flags = u32_at(&tkhd.raw, 8).ok_or_else(|| tkhd.broken())?;
        Ok(Self {
            trak,
            enabled: flags & TRACK_ENABLED != 0,
            moving: samples(trak)? != Some(1),
        })
    }
}

/// How many samples a track has, where it says so itself; one whose samples are in fragments does
/// not.
fn samples(trak: &Mp4Box) -> Result<Option<u32>, IndexUnusable> {
    let stbl = trak.need(*b"mdia")?.need(*b"minf")?.need(*b"stbl")?;
    for kind in [*b"stsz", *b"stz2"] {
        if let Some(sizes) = stbl.child(kind)? {
            let (_, data) = sizes.full()?;
            return Ok(u32_at(&data, 4));
        }
    }
    Ok(None)
}

/// The first of those that are shown before others, and what spoke for it.
fn preferred(videos: &[Video]) -> (usize, TrackReason) {
    let rank = |video: &Video| (video.enabled, video.moving);
    let Some(best) = videos.iter().map(rank).max() else {
        return (0, TrackReason::First);
    };
    let at = videos.iter().position(|video| rank(video) == best);
    let at = at.unwrap_or_default();
    let reason = match videos.first().map(rank) {
        Some((enabled, _)) if enabled != best.0 => TrackReason::Enabled,
        Some((_, moving)) if moving != best.1 => TrackReason::Moving,
        _ => TrackReason::First,
    };
    (at, reason)
}

/// Whether `track` holds the pictures of another's chapters, which are no video to ffmpeg.
fn is_chapters<'a>(
    track: &Mp4Box,
    mut tracks: impl Iterator<Item = &'a Mp4Box>,
) -> Result<bool, IndexUnusable> {
    let tkhd = track.need(*b"tkhd")?;
    let id = track_id(&tkhd.raw)
        .ok_or_else(|| tkhd.broken())?
        .to_be_bytes();
    tracks.try_fold(false, |found, other| {
        let Some(references) = other.child(*b"tref")? else {
            return Ok(found);
        };
        let Some(chapters) = references.child(*b"chap")? else {
            return Ok(found);
        };
        Ok(found || chapters.payload().chunks(4).any(|other| other == id))
    })
}
