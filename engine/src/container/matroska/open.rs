//! The index of a Matroska or `WebM` file: which frames there are, made of the headers of its clusters,
//! as far as the wanted moments need them.
//!
//! `Cues` say at which clusters to look; where there are none, or they do not hold, all clusters are
//! walked through. No byte is read twice for that, but for a little where a walk ends.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::blocks::{Block, BlockWalk, LOOKED_AT, Met};
use super::cues::{CuePoint, Cues};
use super::opening::{Opening, read_cues, read_opening};
use super::stretches::{Stretch, Until, Wanted, stretches};
use super::track::TrackKind;
use super::window::Window;
use crate::bitstream::{CodecFamily, is_vp8_shown};
use crate::container::index_unusable::{IndexError, IndexUnusable};
use crate::container::isobmff::write::write_init_boxes;
use crate::container::isobmff::{
    Codec, Index, InitBoxes, MAX_SAMPLES, MAX_SIZE, PresentationRange, Sample,
};
use crate::io::source::Source;
use crate::options::{Mode, Options};
use crate::plan::moments::Moments;

/// Stretches walked through at a time.
const AT_ONCE: usize = 4;

/// The most elements that are looked at: a day of 60 frames and 94 blocks of sound a second.
const MAX_ELEMENTS: u64 = 1 << 24;

/// How many frames may be stored before one that is shown before them all: 16 in H.264 and HEVC.
const MAX_REORDERED: usize = 16;

/// How far into the file the beginning of other tracks is looked for, in bytes and in seconds.
const BEGINNING: u64 = 8 << 20;

/// Reads the index of `source`, whose first bytes are `head`, as far as `options` need it, or says why it
/// cannot be used.
pub(crate) async fn open_index(
    source: &dyn Source,
    head: Bytes,
    options: &Options,
) -> Result<Index, IndexError> {
    let opening = read_opening(source, head.clone(), options.track).await?;
    let init = write_init_boxes(&opening.video.description);
    let codec = codec(&opening, &init)?;
    let zero = clock_zero(source, head, &opening).await?;
    let Cues {
        points,
        has_shared_clusters,
    } = read_cues(source, &opening).await?;
    let reader = Reader {
        source,
        opening: &opening,
        family: codec.family,
        zero,
        options,
        elements: AtomicU64::new(0),
        samples: AtomicU64::new(0),
    };
    // A list of keyframes in which some are missing is none.
    let points = match options.mode {
        Mode::Keyframe if has_shared_clusters => Vec::new(),
        _ => points,
    };
    let (samples, cuts) = match reader.read(&points).await {
        Err(IndexError::Unusable(unusable)) if unusable == cues_do_not_hold() => {
            tracing::debug!("the file's list of keyframes does not hold");
            reader.read(&[]).await?
        }
        read => read?,
    };
    Ok(Index {
        codec,
        timescale: opening.timescale,
        samples: with_decoding_times(samples)?,
        cuts,
        prefix: opening.video.prefix.clone(),
        presentation_range: PresentationRange::ALL,
        clock_offset: -zero,
        init,
        track: opening.video.choice,
        duration_ms: opening.duration_ms,
    })
}

fn cues_do_not_hold() -> IndexUnusable {
    IndexUnusable::inconsistent("Cues")
}

fn codec(opening: &Opening, init: &InitBoxes) -> Result<Codec, IndexUnusable> {
    match &opening.video.description.fourcc {
        b"vp08" => Ok(Codec {
            fourcc: "vp08".into(),
            family: CodecFamily::Vp8,
        }),
        _ => Codec::of_description(&init.stsd),
    }
}

/// Where the player's clock has its zero, in ticks: where the first of all streams begins, as ffmpeg has
/// it.
async fn clock_zero(
    source: &dyn Source,
    head: Bytes,
    opening: &Opening,
) -> Result<i64, IndexError> {
    let mut window = Window::new(source, head, opening.segment.end);
    let mut walk = BlockWalk::new(opening.first_cluster, opening.segment.end);
    let mut firsts: Vec<Option<i64>> = vec![None; opening.tracks.len()];
    let mut earliest: Option<i64> = None;
    let limit = opening.first_cluster.saturating_add(BEGINNING);
    while walk.at() < limit {
        let bytes = window.from(walk.at(), LOOKED_AT).await?;
        let block = match walk.step(bytes)? {
            Met::Block(block) => block,
            Met::Other => continue,
            Met::End => break,
        };
        let earliest = *earliest.get_or_insert(block.time);
        if block.time >= earliest + i64::from(opening.timescale) {
            break;
        }
        let mut tracks = opening.tracks.iter().zip(&mut firsts);
        if let Some((track, first)) = tracks.find(|(track, _)| track.number == block.track) {
            first.get_or_insert(block.time - opening.ticks(track.codec_delay));
        }
        let mut tracks = opening.tracks.iter().zip(&firsts);
        if tracks.all(|(track, first)| first.is_some() || !counts(track.kind)) {
            break;
        }
    }
    let of = |wanted: fn(TrackKind) -> bool| {
        let tracks = opening.tracks.iter().zip(&firsts);
        tracks
            .filter(|(track, _)| wanted(track.kind))
            .filter_map(|(_, first)| *first)
            .min()
    };
    let text = of(|kind| kind == TrackKind::Text);
    match (of(counts), text) {
        (Some(first), Some(text))
            if text < first && first - text < i64::from(opening.timescale) =>
        {
            Ok(text)
        }
        (Some(first), _) => Ok(first),
        (None, _) => Err(IndexUnusable::NoVideo.into()),
    }
}

/// Whether the clock may begin with a track of this kind.
fn counts(kind: TrackKind) -> bool {
    matches!(kind, TrackKind::Video | TrackKind::Audio)
}

/// What the walks share.
struct Reader<'a> {
    source: &'a dyn Source,
    opening: &'a Opening,
    family: CodecFamily,
    zero: i64,
    options: &'a Options,
    /// Elements looked at, and samples found, by all walks.
    elements: AtomicU64,
    samples: AtomicU64,
}

/// The frames of a stretch. Their time of decoding is not known yet: it is the time shown.
#[derive(Default)]
struct Walked {
    samples: Vec<Sample>,
    /// Whether the stretch was walked to its end.
    is_complete: bool,
}

impl Reader<'_> {
    /// The samples that the wanted frames may depend on, and those before which others are left out.
    async fn read(&self, points: &[CuePoint]) -> Result<(Vec<Sample>, Vec<u32>), IndexError> {
        let opening = self.opening;
        let moments = Moments::new(self.options);
        let wanted = Wanted {
            moments: &moments,
            mode: self.options.mode,
            timescale: opening.timescale,
            zero: self.zero,
        };
        self.elements.store(0, Relaxed);
        self.samples.store(0, Relaxed);
        let stretches = stretches(points, opening.first_cluster, opening.segment.end, &wanted);
        let walk = |stretch: Stretch| async move { (stretch, self.walk(stretch).await) };
        let mut walks = stream::iter(stretches).map(walk).buffered(AT_ONCE);
        let (mut samples, mut cuts): (Vec<Sample>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut joined = opening.first_cluster;
        while let Some((stretch, walked)) = walks.next().await {
            let mut found = walked?;
            if stretch.start != joined {
                // What is not known to follow begins with the keyframe.
                let key = found.samples.iter().position(Sample::sync);
                found.samples.drain(..key.unwrap_or(found.samples.len()));
                cuts.push(u32::try_from(samples.len()).unwrap_or(u32::MAX));
            }
            samples.append(&mut found.samples);
            joined = if found.is_complete {
                stretch.end
            } else {
                u64::MAX
            };
        }
        match samples.first() {
            None => Err(IndexUnusable::NoVideo.into()),
            Some(first) if !first.sync() => Err(IndexUnusable::NoKeyframe.into()),
            Some(_) => Ok((samples, cuts)),
        }
    }

    async fn walk(&self, stretch: Stretch) -> Result<Walked, IndexError> {
        let mut window = Window::new(self.source, Bytes::new(), stretch.end);
        let mut walk = BlockWalk::new(stretch.start, self.opening.segment.end);
        let mut walked = Walked::default();
        let (mut keys, mut shown_later) = (0_u64, 0);
        loop {
            if walk.is_between_clusters() && walk.at() >= stretch.end {
                if walk.at() > stretch.end {
                    return Err(cues_do_not_hold().into());
                }
                walked.is_complete = true;
                break;
            }
            if self.elements.fetch_add(1, Relaxed) >= MAX_ELEMENTS {
                return Err(IndexUnusable::TooLarge.into());
            }
            let at = walk.at();
            let met = walk.step(window.from(at, LOOKED_AT).await?);
            let block = match met? {
                Met::Block(block) if block.track == self.opening.video.number => block,
                Met::Other if at == stretch.start && walk.is_between_clusters() => {
                    return Err(cues_do_not_hold().into());
                }
                Met::Block(_) | Met::Other => continue,
                Met::End => {
                    walked.is_complete = true;
                    break;
                }
            };
            let sample = self.sample(&block)?;
            walked.samples.push(sample);
            if sample.sync() {
                keys += 1;
                let said = keys > 1 || stretch.key.is_none_or(|key| key == block.time);
                if !said {
                    return Err(cues_do_not_hold().into());
                }
                if stretch.until == Until::Key {
                    return Ok(walked);
                }
            }
            if let Until::Shown(last) = stretch.until {
                let time = (i128::from(block.time) - i128::from(self.zero)) * 1000;
                shown_later += usize::from(time > last && !sample.is_hidden());
                if shown_later > MAX_REORDERED {
                    break;
                }
            }
        }
        let is_listed = stretch.key.is_none() || keys > 0;
        let has_others = self.options.mode == Mode::Keyframe
            && stretch.end != self.opening.segment.end
            && keys != 1;
        if !is_listed || has_others {
            return Err(cues_do_not_hold().into());
        }
        Ok(walked)
    }

    fn sample(&self, block: &Block) -> Result<Sample, IndexUnusable> {
        if self.samples.fetch_add(1, Relaxed) >= MAX_SAMPLES as u64 {
            return Err(IndexUnusable::TooLarge);
        }
        if block.is_laced {
            return Err(IndexUnusable::Unsupported {
                what: "lacing".into(),
            });
        }
        let size = u32::try_from(block.size).ok().filter(|&size| size > 0);
        let size = size.filter(|&size| size <= MAX_SIZE);
        let size = size.ok_or_else(|| IndexUnusable::inconsistent("Block"))?;
        let sample = Sample::new(block.offset, size, block.time, 0, block.is_key);
        let first = self.opening.video.prefix.first().copied().or(block.first);
        match self.family {
            CodecFamily::Vp8 if first.is_some_and(|first| !is_vp8_shown(first)) => {
                Ok(sample.hidden())
            }
            CodecFamily::Vp8 => Ok(sample),
            // Whether a frame is shown is not looked up in it.
            _ if block.is_invisible => Err(IndexUnusable::Unsupported {
                what: "invisible blocks".into(),
            }),
            _ => Ok(sample),
        }
    }
}

/// Gives each sample a time of decoding, of which Matroska knows none: the times shown, in order.
fn with_decoding_times(mut samples: Vec<Sample>) -> Result<Vec<Sample>, IndexUnusable> {
    let mut times: Vec<i64> = samples.iter().map(|sample| sample.dts).collect();
    times.sort_unstable();
    for (sample, time) in samples.iter_mut().zip(times) {
        let later = i32::try_from(sample.dts - time);
        sample.composition_offset =
            later.map_err(|_| IndexUnusable::inconsistent("times of blocks"))?;
        sample.dts = time;
    }
    Ok(samples)
}
