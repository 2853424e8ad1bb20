//! What a fragment's header says of its samples: track runs (8.8.4 to 8.8.12).

use bytes::Bytes;

use super::walk::Fragment;
use crate::index::boxes::{Mp4Box, boxes, u32_at, u64_at};
use crate::index::samples::{MAX_SHIFT, MAX_TICKS};
use crate::index::{MAX_SAMPLES, Sample, Unfit};

/// `sample_flags`: depends on others, or is no sync sample. ffmpeg takes either for no keyframe.
const NO_KEYFRAME: u32 = 0x0100_0000 | 0x0001_0000;

/// What samples are like that do not say it themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    description: u32,
    duration: u32,
    size: u32,
    flags: u32,
}

impl Defaults {
    /// Of a `trex`, if it is `track`'s.
    pub(super) fn of_track(trex: &Mp4Box, track: u32) -> Option<Self> {
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
pub(super) struct Runs {
    track: u32,
    defaults: Defaults,
    file_len: u64,
    samples: Vec<Sample>,
    /// When the sample after the last one is decoded, in ticks.
    end: i64,
    /// The lowest shift of the first samples: those before all fragments, or of the first one.
    lowest: Option<i32>,
}

impl Runs {
    /// For `track`, of which `samples` come before all fragments.
    pub(super) fn new(track: u32, defaults: Defaults, file_len: u64, samples: Vec<Sample>) -> Self {
        Self {
            track,
            defaults,
            file_len,
            end: 0,
            lowest: samples.iter().map(|sample| sample.shift).min(),
            samples,
        }
    }

    /// Takes the next fragments.
    pub(super) fn add(&mut self, fragments: &[Fragment]) -> Result<(), Unfit> {
        for fragment in fragments {
            let [moof] = boxes(&fragment.moof)?
                .try_into()
                .map_err(|_| Unfit::inconsistent("moof"))?;
            let before = self.samples.len();
            let children = moof.children()?.into_iter();
            let runs = children.filter(|child| &child.kind == b"traf");
            for (number, traf) in runs.enumerate() {
                self.traf(&traf, fragment.at, number == 0)?;
            }
            self.check_shifts(before)?;
        }
        Ok(())
    }

    /// All samples, and the ticks from the first one to the end of the last.
    pub(super) fn finish(self) -> Result<(Vec<Sample>, u64), Unfit> {
        let first = self.samples.first().ok_or(Unfit::NoVideo)?;
        let ticks = self.end.saturating_sub(first.dts);
        Ok((self.samples, ticks.unsigned_abs()))
    }

    /// ffmpeg moves all times when it comes upon a lower shift: those of one fragment only, then.
    fn check_shifts(&mut self, before: usize) -> Result<(), Unfit> {
        let lowest = self.samples[before..]
            .iter()
            .map(|sample| sample.shift)
            .min();
        let Some(lowest) = lowest else {
            return Ok(());
        };
        let known = *self.lowest.get_or_insert(lowest);
        if lowest < known.min(0) {
            return Err(Unfit::inconsistent("times in fragments"));
        }
        Ok(())
    }

    /// Takes in a `traf` of the fragment at `at`, the first in it or not.
    fn traf(&mut self, traf: &Mp4Box, at: u64, first: bool) -> Result<(), Unfit> {
        let tfhd = traf.need(*b"tfhd")?;
        let (flags, data) = flags(&tfhd)?;
        let mut fields = Fields(&data);
        if fields.short()? != self.track {
            return Ok(());
        }
        let base = match flags {
            _ if flags & 1 != 0 => fields.long()?,
            _ if flags & 0x02_0000 != 0 || first => at,
            // It is where another track's samples end.
            _ => return Err(Unfit::Fragmented),
        };
        let mut own = self.defaults;
        for (bit, field) in [
            (0x2, &mut own.description),
            (0x8, &mut own.duration),
            (0x10, &mut own.size),
            (0x20, &mut own.flags),
        ] {
            if flags & bit != 0 {
                *field = fields.short()?;
            }
        }
        if own.description != 1 {
            return Err(Unfit::SeveralCodings);
        }
        let children = traf.children()?.into_iter();
        let runs: Vec<_> = children.filter(|child| &child.kind == b"trun").collect();
        if runs.is_empty() {
            return Ok(());
        }
        let (version, data) = traf.need(*b"tfdt")?.full()?;
        let mut fields = Fields(&data);
        let start = match version {
            1 => fields.long()?,
            _ => fields.short()?.into(),
        };
        let start = i64::try_from(start).map_err(|_| Unfit::inconsistent("tfdt"))?;
        if self.samples.last().is_some_and(|last| start <= last.dts) {
            return Err(Unfit::inconsistent("tfdt"));
        }
        self.end = start;
        runs.iter().try_for_each(|trun| self.run(trun, base, own))
    }

    fn run(&mut self, trun: &Mp4Box, base: u64, own: Defaults) -> Result<(), Unfit> {
        let (flags, data) = flags(trun)?;
        let mut fields = Fields(&data);
        let count = fields.short()?;
        // Without an offset it would be said by nobody where the samples are.
        if flags & 1 == 0 {
            return Err(Unfit::Fragmented);
        }
        let skip = i64::from(fields.short()?.cast_signed());
        let mut offset = base.checked_add_signed(skip).ok_or(Unfit::OutOfRange)?;
        let mut sample = own;
        if flags & 0x4 != 0 {
            sample.flags = fields.short()?;
        }
        if count as usize > MAX_SAMPLES - self.samples.len() {
            return Err(Unfit::TooLarge);
        }
        for _ in 0..count {
            let mut shift = 0;
            for (bit, field) in [
                (0x100, &mut sample.duration),
                (0x200, &mut sample.size),
                (0x400, &mut sample.flags),
                (0x800, &mut shift),
            ] {
                if flags & bit != 0 {
                    *field = fields.short()?;
                }
            }
            offset = self.sample(offset, sample, shift.cast_signed())?;
            // What the first one says of itself does not hold for the others.
            sample.flags = own.flags;
        }
        Ok(())
    }

    /// Takes in one sample, and returns where the next one begins.
    fn sample(&mut self, offset: u64, own: Defaults, shift: i32) -> Result<u64, Unfit> {
        // ffmpeg discards what is decoded at the same time as another, and stops at what is empty.
        let timed = (1..=MAX_TICKS).contains(&own.duration);
        let shifted = shift.unsigned_abs() <= MAX_SHIFT.unsigned_abs();
        if !timed || !shifted || own.size == 0 {
            return Err(Unfit::inconsistent("trun"));
        }
        let end = offset.saturating_add(own.size.into());
        if end > self.file_len || own.size >> 31 != 0 {
            return Err(Unfit::OutOfRange);
        }
        let sync = own.flags & NO_KEYFRAME == 0;
        let sample = Sample::new(offset, own.size, self.end, shift, sync);
        self.end = self
            .end
            .checked_add(own.duration.into())
            .ok_or_else(|| Unfit::inconsistent("tfdt"))?;
        self.samples.push(sample);
        Ok(end)
    }
}

/// The flags of a full box, and what comes after them.
fn flags(full: &Mp4Box) -> Result<(u32, Bytes), Unfit> {
    let word = u32_at(&full.payload(), 0).ok_or_else(|| full.broken())?;
    Ok((word & 0xff_ffff, full.full()?.1))
}

/// Fields one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn short(&mut self) -> Result<u32, Unfit> {
        let value = u32_at(self.0, 0).ok_or_else(cut)?;
        self.0 = &self.0[4..];
        Ok(value)
    }

    fn long(&mut self) -> Result<u64, Unfit> {
        let value = u64_at(self.0, 0).ok_or_else(cut)?;
        self.0 = &self.0[8..];
        Ok(value)
    }
}

fn cut() -> Unfit {
    Unfit::inconsistent("traf")
}
