//! What a fragment's header says of its samples: track runs (8.8.4 to 8.8.12).

use bytes::Bytes;

use super::walk::Fragment;
use crate::container::index_unusable::IndexUnusable;
use crate::container::isobmff::boxes::{Mp4Box, boxes, u32_at, u64_at};
use crate::container::isobmff::flags;
use crate::container::isobmff::samples::{MAX_COMPOSITION_OFFSET, MAX_SAMPLES, MAX_TICKS, Sample};

/// `sample_flags`: depends on others, or is no sync sample. ffmpeg takes either for no keyframe.
const NO_KEYFRAME: u32 = flags::SAMPLE_DEPENDS_ON_OTHERS | flags::SAMPLE_IS_NON_SYNC_SAMPLE;

/// What samples are like that do not say it themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct SampleDefaults {
    description: u32,
    duration: u32,
    size: u32,
    flags: u32,
}

impl SampleDefaults {
    /// Of a `trex`, if it is `track`'s.
    pub(super) fn from_trex(trex: &Mp4Box, track: u32) -> Option<Self> {
        let (_, data) = trex.full().ok()?;
        let field = |number: usize| u32_at(&data, number * 4);
        (field(0)? == track).then_some(())?;
        Some(Self {
            description: field(1)?,
            duration: field(2)?,
            size: field(3)?,
            flags: field(4)?,
        })
    }
}

/// The samples of a track, fragment by fragment.
#[derive(Debug)]
pub(super) struct TrackRuns {
    track: u32,
    defaults: SampleDefaults,
    file_len: u64,
    samples: Vec<Sample>,
    /// When the sample after the last one is decoded, in ticks.
    end: i64,
    /// The lowest composition offset of the first samples: those before all fragments, or of the first one.
    lowest: Option<i32>,
}

impl TrackRuns {
    /// For `track`, of which `samples` come before all fragments.
    pub(super) fn new(
        track: u32,
        defaults: SampleDefaults,
        file_len: u64,
        samples: Vec<Sample>,
    ) -> Self {
        Self {
            track,
            defaults,
            file_len,
            end: 0,
            lowest: samples.iter().map(|sample| sample.composition_offset).min(),
            samples,
        }
    }

    /// Takes the next fragments.
    pub(super) fn add(&mut self, fragments: &[Fragment]) -> Result<(), IndexUnusable> {
        for fragment in fragments {
            let [moof] = boxes(&fragment.moof)?
                .try_into()
                .map_err(|_| IndexUnusable::inconsistent("moof"))?;
            let before = self.samples.len();
            let children = moof.children()?.into_iter();
            let runs = children.filter(|child| &child.kind == b"traf");
            for (number, traf) in runs.enumerate() {
                self.add_traf(&traf, fragment.at, number == 0)?;
            }
            self.check_composition_offsets(before)?;
        }
        Ok(())
    }

    /// All samples, and the ticks from the first one to the end of the last.
    pub(super) fn finish(self) -> Result<(Vec<Sample>, u64), IndexUnusable> {
        let first = self.samples.first().ok_or(IndexUnusable::NoVideo)?;
        let ticks = self.end.saturating_sub(first.dts);
        Ok((self.samples, ticks.unsigned_abs()))
    }

    /// ffmpeg moves all times when it comes upon a lower composition offset: those of one fragment only, then.
    fn check_composition_offsets(&mut self, before: usize) -> Result<(), IndexUnusable> {
        let lowest = self.samples[before..]
            .iter()
            .map(|sample| sample.composition_offset)
            .min();
        let Some(lowest) = lowest else {
            return Ok(());
        };
        let known = *self.lowest.get_or_insert(lowest);
        if lowest < known.min(0) {
            return Err(IndexUnusable::inconsistent("times in fragments"));
        }
        Ok(())
    }

    /// Takes in a `traf` of the fragment at `at`, the first in it or not.
    fn add_traf(&mut self, traf: &Mp4Box, at: u64, first: bool) -> Result<(), IndexUnusable> {
        let tfhd = traf.need(*b"tfhd")?;
        let (present, data) = flags_of(&tfhd)?;
        let mut fields = Fields(&data);
        if fields.next_u32()? != self.track {
            return Ok(());
        }
        let base = match present {
            _ if present & flags::BASE_DATA_OFFSET_PRESENT != 0 => fields.next_u64()?,
            _ if present & flags::DEFAULT_BASE_IS_MOOF != 0 || first => at,
            // It is where another track's samples end.
            _ => return Err(IndexUnusable::Fragmented),
        };
        let mut own = self.defaults;
        for (bit, field) in [
            (
                flags::SAMPLE_DESCRIPTION_INDEX_PRESENT,
                &mut own.description,
            ),
            (flags::DEFAULT_SAMPLE_DURATION_PRESENT, &mut own.duration),
            (flags::DEFAULT_SAMPLE_SIZE_PRESENT, &mut own.size),
            (flags::DEFAULT_SAMPLE_FLAGS_PRESENT, &mut own.flags),
        ] {
            if present & bit != 0 {
                *field = fields.next_u32()?;
            }
        }
        if own.description != 1 {
            return Err(IndexUnusable::SeveralCodings);
        }
        let children = traf.children()?.into_iter();
        let runs: Vec<_> = children.filter(|child| &child.kind == b"trun").collect();
        if runs.is_empty() {
            return Ok(());
        }
        let (version, data) = traf.need(*b"tfdt")?.full()?;
        let mut fields = Fields(&data);
        let start = match version {
            1 => fields.next_u64()?,
            _ => fields.next_u32()?.into(),
        };
        let start = i64::try_from(start).map_err(|_| IndexUnusable::inconsistent("tfdt"))?;
        if self.samples.last().is_some_and(|last| start <= last.dts) {
            return Err(IndexUnusable::inconsistent("tfdt"));
        }
        self.end = start;
        runs.iter()
            .try_for_each(|trun| self.add_run(trun, base, own))
    }

    fn add_run(
        &mut self,
        trun: &Mp4Box,
        base: u64,
        own: SampleDefaults,
    ) -> Result<(), IndexUnusable> {
        let (present, data) = flags_of(trun)?;
        let mut fields = Fields(&data);
        let count = fields.next_u32()?;
        // Without an offset it would be said by nobody where the samples are.
        if present & flags::DATA_OFFSET_PRESENT == 0 {
            return Err(IndexUnusable::Fragmented);
        }
        let skip = i64::from(fields.next_u32()?.cast_signed());
        let mut offset = base
            .checked_add_signed(skip)
            .ok_or(IndexUnusable::OutOfRange)?;
        let mut sample = own;
        if present & flags::FIRST_SAMPLE_FLAGS_PRESENT != 0 {
            sample.flags = fields.next_u32()?;
        }
        if count as usize > MAX_SAMPLES - self.samples.len() {
            return Err(IndexUnusable::TooLarge);
        }
        for _ in 0..count {
            let mut composition_offset = 0;
            for (bit, field) in [
                (flags::SAMPLE_DURATION_PRESENT, &mut sample.duration),
                (flags::SAMPLE_SIZE_PRESENT, &mut sample.size),
                (flags::SAMPLE_FLAGS_PRESENT, &mut sample.flags),
                (
                    flags::SAMPLE_COMPOSITION_TIME_OFFSETS_PRESENT,
                    &mut composition_offset,
                ),
            ] {
                if present & bit != 0 {
                    *field = fields.next_u32()?;
                }
            }
            offset = self.add_sample(offset, sample, composition_offset.cast_signed())?;
            // What the first one says of itself does not hold for the others.
            sample.flags = own.flags;
        }
        Ok(())
    }

    /// Takes in one sample, and returns where the next one begins.
    fn add_sample(
        &mut self,
        offset: u64,
        own: SampleDefaults,
        composition_offset: i32,
    ) -> Result<u64, IndexUnusable> {
        // ffmpeg discards what is decoded at the same time as another, and stops at what is empty.
        let timed = (1..=MAX_TICKS).contains(&own.duration);
        let shifted = composition_offset.unsigned_abs() <= MAX_COMPOSITION_OFFSET.unsigned_abs();
        if !timed || !shifted || own.size == 0 {
            return Err(IndexUnusable::inconsistent("trun"));
        }
        let end = offset.saturating_add(own.size.into());
        if end > self.file_len || own.size >> 31 != 0 {
            return Err(IndexUnusable::OutOfRange);
        }
        let sync = own.flags & NO_KEYFRAME == 0;
        let sample = Sample::new(offset, own.size, self.end, composition_offset, sync);
        self.end = self
            .end
            .checked_add(own.duration.into())
            .ok_or_else(|| IndexUnusable::inconsistent("tfdt"))?;
        self.samples.push(sample);
        Ok(end)
    }
}

/// The flags of a full box, and what comes after them.
fn flags_of(full: &Mp4Box) -> Result<(u32, Bytes), IndexUnusable> {
    let word = u32_at(&full.payload(), 0).ok_or_else(|| full.broken())?;
    Ok((word & 0xff_ffff, full.full()?.1))
}

/// Fields one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn next_u32(&mut self) -> Result<u32, IndexUnusable> {
        let value = u32_at(self.0, 0).ok_or_else(cut)?;
        self.0 = &self.0[4..];
        Ok(value)
    }

    fn next_u64(&mut self) -> Result<u64, IndexUnusable> {
        let value = u64_at(self.0, 0).ok_or_else(cut)?;
        self.0 = &self.0[8..];
        Ok(value)
    }
}

fn cut() -> IndexUnusable {
    IndexUnusable::inconsistent("traf")
}
