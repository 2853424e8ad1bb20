//! From the movie box to the track of video that is shown.

use bytes::Bytes;

use super::boxes::{Mp4Box, boxes, only, u32_at, u64_at};
use super::edit_list;
use super::index::{Index, InitBoxes};
use super::sample_entry::Codec;
use super::sample_tables::SampleTables;
use super::samples::expand;
use super::track_choice::{TrackChoice, choose_track};
use crate::container::index_unusable::IndexUnusable;

/// The highest ticks per second whose double still fits.
const MAX_TIMESCALE: u32 = i32::MAX as u32 / 2;

/// What the movie box says of the video track, its samples apart.
pub(super) struct Track {
    pub(super) codec: Codec,
    pub(super) timescale: u32,
    pub(super) init: InitBoxes,
    pub(super) choice: TrackChoice,
    pub(super) trak: Mp4Box,
    pub(super) stbl: Mp4Box,
    /// What fragments do not say themselves; there when the samples are in fragments.
    pub(super) mvex: Option<Mp4Box>,
    pub(super) movie_scale: u32,
    movie_duration: u64,
}

impl Track {
    /// Reads the track of the `wanted` number, or the one that is shown unless told.
    pub(super) fn parse(
        ftyp: Bytes,
        moov: &Bytes,
        wanted: Option<u32>,
    ) -> Result<Self, IndexUnusable> {
        let [moov] = boxes(moov)?
            .try_into()
            .map_err(|_| IndexUnusable::inconsistent("moov"))?;
        let children = moov.children()?;
        if children.iter().any(|child| &child.kind == b"cmov") {
            return Err(IndexUnusable::Compressed);
        }
        let mvhd = moov.need(*b"mvhd")?;
        let (movie_scale, movie_duration) = times(&mvhd)?;
        let (trak, choice) = choose_track(&children, wanted)?;
        let trak = trak.clone();
        let mdia = trak.need(*b"mdia")?;
        let (timescale, _) = times(&mdia.need(*b"mdhd")?)?;
        if timescale == 0 || timescale > MAX_TIMESCALE || movie_scale == 0 {
            return Err(IndexUnusable::inconsistent("mdhd"));
        }
        let minf = mdia.need(*b"minf")?;
        self_contained(&minf)?;
        let stbl = minf.need(*b"stbl")?;
        let stsd = stbl.need(*b"stsd")?;
        let codec = Codec::parse(&stsd)?;
        intra_refresh(&stbl)?;
        let tkhd = trak.need(*b"tkhd")?;
        let number = track_id(&tkhd.raw).ok_or_else(|| tkhd.broken())?;
        Ok(Self {
            codec,
            timescale,
            init: InitBoxes {
                ftyp,
                mvhd: mvhd.raw,
                track: number,
                tkhd: tkhd.raw,
                stsd: stsd.raw,
            },
            mvex: only(children, *b"mvex")?,
            choice,
            trak,
            stbl,
            movie_scale,
            movie_duration,
        })
    }

    /// The index of a track whose samples are all listed in the movie box.
    pub(super) fn index(self, file_len: u64) -> Result<Index, IndexUnusable> {
        if self.mvex.is_some() {
            return Err(IndexUnusable::Fragmented);
        }
        let samples = expand(&SampleTables::parse(&self.stbl)?, file_len)?;
        if samples.is_empty() {
            return Err(IndexUnusable::NoVideo);
        }
        let edited = edit_list::apply(&self.trak, self.movie_scale, self.timescale)?;
        // ffmpeg moves all times so that no frame is shown before it is decoded.
        let lowest = samples.iter().map(|sample| sample.composition_offset).min();
        let raise = match self.trak.child(*b"edts")? {
            Some(_) => 0,
            None => -i64::from(lowest.unwrap_or(0).min(0)),
        };
        Ok(Index {
            presentation_range: edited.range,
            clock_offset: edited.clock_offset.saturating_add(raise),
            codec: self.codec,
            timescale: self.timescale,
            samples,
            cuts: Vec::new(),
            prefix: Bytes::new(),
            init: self.init,
            track: self.choice,
            duration_ms: self.movie_duration.saturating_mul(1000) / u64::from(self.movie_scale),
        })
    }
}

/// Reads the index out of a whole `moov` box, for a file of `file_len` bytes.
///
/// Never allocates more than some 24 bytes for a byte of `moov` or of the file.
///
/// # Errors
/// Why the samples cannot be had one by one.
pub(crate) fn parse_index(
    ftyp: Bytes,
    moov: &Bytes,
    wanted: Option<u32>,
    file_len: u64,
) -> Result<Index, IndexUnusable> {
    Track::parse(ftyp, moov, wanted)?.index(file_len)
}

/// The number of the track of a `tkhd` box.
pub(super) fn track_id(tkhd: &[u8]) -> Option<u32> {
    let version = *tkhd.get(8)?;
    let at = if version == 1 { 28 } else { 20 };
    u32_at(tkhd, at).filter(|&id| id != 0)
}

/// What a track is, as its `hdlr` says.
pub(super) fn handler(trak: &Mp4Box) -> Result<[u8; 4], IndexUnusable> {
    let hdlr = trak.need(*b"mdia")?.need(*b"hdlr")?;
    let (_, data) = hdlr.full()?;
    let kind = data.get(4..8).and_then(|kind| kind.try_into().ok());
    kind.ok_or_else(|| hdlr.broken())
}

/// Ticks per second and duration of an `mvhd` or an `mdhd`.
fn times(header: &Mp4Box) -> Result<(u32, u64), IndexUnusable> {
    let (version, data) = header.full()?;
    let read = || match version {
        1 => Some((u32_at(&data, 16)?, u64_at(&data, 20)?)),
        _ => Some((u32_at(&data, 8)?, u32_at(&data, 12)?.into())),
    };
    read().ok_or_else(|| header.broken())
}

/// Whether the samples are in this very file.
fn self_contained(minf: &Mp4Box) -> Result<(), IndexUnusable> {
    /// The flag of a data reference that means "this file".
    const HERE: u8 = 1;

    let dref = minf.need(*b"dinf")?.need(*b"dref")?;
    let (_, data) = dref.full()?;
    let entries = data.get(4..).map(|_| boxes(&data.slice(4..)));
    for entry in entries.ok_or_else(|| dref.broken())?? {
        let here = entry
            .payload()
            .get(3)
            .is_some_and(|flags| flags & HERE != 0);
        if !here {
            return Err(IndexUnusable::Elsewhere);
        }
    }
    Ok(())
}

/// Refuses tracks whose samples recover over time (sample group `roll` with a distance).
fn intra_refresh(stbl: &Mp4Box) -> Result<(), IndexUnusable> {
    for child in stbl.children()? {
        if &child.kind == b"sgpd" && child.payload().get(4..8) == Some(b"roll") {
            return Err(IndexUnusable::IntraRefresh);
        }
    }
    Ok(())
}
