//! Which stretches of a segment are walked through for the wanted moments.

use super::cues::CuePoint;
use crate::options::Mode;
use crate::plan::moments::Moments;

/// Where less than this, in bytes, could be left out between two stretches, they are one.
const MIN_LEFT_OUT: u64 = 512 << 10;

/// Longer stretches are cut in two, so that several are read at a time.
const LONG: u64 = 32 << 20;

/// A part of a segment, from a cluster on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Where it begins in the file: with a cluster.
    pub(super) start: u64,
    /// Where it ends: with another cluster, or the segment.
    pub(super) end: u64,
    /// When the keyframe is shown that is said to be there; `None` at the first cluster.
    pub(super) key: Option<i64>,
    /// How much of it is needed.
    pub(super) until: Until,
}

/// How much of a stretch is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// All of it.
    End,
    /// The keyframe alone.
    Key,
    /// What is on screen up to a time, in thousandths of ticks since the clock's zero.
    Shown(i128),
}

/// What the stretches are made by.
pub(super) struct Wanted<'a> {
    pub(super) moments: &'a Moments,
    pub(super) mode: Mode,
    /// Ticks in a second.
    pub(super) timescale: u32,
    /// The clock's zero in ticks.
    pub(super) zero: i64,
}

/// The stretches for what is `wanted` of a segment whose first cluster begins at `first`, which ends at
/// `end`, and whose keyframes are known to be at `points`.
pub(super) fn stretches(
    points: &[CuePoint],
    first: u64,
    end: u64,
    wanted: &Wanted<'_>,
) -> Vec<Stretch> {
    let intervals = intervals(points, first, end, wanted);
    let mut stretches: Vec<Stretch> = Vec::new();
    for interval in intervals {
        let Some(last) = stretches.last_mut() else {
            stretches.push(interval.stretch);
            continue;
        };
        let is_neighbour = last.end == interval.stretch.start;
        if wanted.mode == Mode::Exact
            && is_neighbour
            && interval.left_out_before < MIN_LEFT_OUT
            && interval.stretch.end - last.start <= LONG
        {
            last.end = interval.stretch.end;
            last.until = interval.stretch.until;
        } else {
            stretches.push(interval.stretch);
        }
    }
    // What is on screen may be stored behind the next keyframe: a stretch goes on to the next one.
    if wanted.mode == Mode::Exact {
        let mut next = end;
        for stretch in stretches.iter_mut().rev() {
            stretch.end = next;
            next = stretch.start;
        }
    }
    stretches
}

struct Interval {
    stretch: Stretch,
    /// How many bytes of the interval before it need not be read, by a guess.
    left_out_before: u64,
}

/// The parts between two keyframes in which there are moments.
fn intervals(points: &[CuePoint], first: u64, end: u64, wanted: &Wanted<'_>) -> Vec<Interval> {
    let Wanted {
        moments,
        mode,
        timescale,
        zero,
    } = *wanted;
    let before = |time: i64| moments.before(i128::from(time) - i128::from(zero), timescale);
    let mut starts = vec![(first, None)];
    let later = points.iter().filter(|point| point.cluster > first);
    starts.extend(later.map(|point| (point.cluster, Some(point.time))));
    let ends = starts.iter().skip(1).copied().chain([(end, None)]);
    let longest = longest(&starts);
    let mut intervals = Vec::new();
    let mut left_out = 0;
    for (number, (&(start, key), (stop, next))) in starts.iter().zip(ends).enumerate() {
        let from = key.map_or(0, before);
        let to = next.map(before).or(moments.total());
        let last = to.and_then(|to| to.checked_sub(1));
        if to.is_some_and(|to| to <= from) {
            left_out = u64::MAX;
            continue;
        }
        let shown = last.map(|last| moments.millis(last) * i128::from(timescale));
        let until = match (mode, next, shown) {
            (Mode::Exact, _, Some(shown)) => Until::Shown(shown),
            // Whether all keyframes are listed is tried out where one is most likely to be missing.
            (Mode::Keyframe, Some(_), _) if number > 0 && number != longest => Until::Key,
            // So it is where the last frame of all says where the video ends.
            _ => Until::End,
        };
        intervals.push(Interval {
            stretch: Stretch {
                start,
                end: stop,
                key,
                until,
            },
            left_out_before: left_out,
        });
        left_out = match (shown, next) {
            (Some(shown), Some(next)) => {
                rest(stop - start, shown, (key.unwrap_or(zero), next), wanted)
            }
            _ => 0,
        };
    }
    intervals
}

/// Which of the intervals is longest in time; the last one's length is not known.
fn longest(starts: &[(u64, Option<i64>)]) -> usize {
    let lengths = starts.windows(2).enumerate().skip(1);
    let lengths = lengths.filter_map(|(at, pair)| Some((pair[1].1? - pair[0].1?, at)));
    lengths.max().map_or(0, |(_, at)| at)
}

/// How many of an interval's bytes come after what is shown last, if all of it were alike.
fn rest(bytes: u64, shown: i128, (begins, ends): (i64, i64), wanted: &Wanted<'_>) -> u64 {
    let length = i128::from(ends - begins).max(1) * 1000;
    let rest = (i128::from(ends) - i128::from(wanted.zero)) * 1000 - shown;
    let rest = i128::from(bytes) * rest.clamp(0, length) / length;
    u64::try_from(rest).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::options::Options;

    const MEGA: u64 = 1 << 20;

    /// A keyframe each two seconds and eight megabytes, ten of them, behind a head of a hundred bytes.
    fn found(every: u64, mode: Mode, to: Option<u64>) -> Vec<Stretch> {
        let points: Vec<_> = (0..10_u32)
            .map(|number| CuePoint {
                time: i64::from(number) * 2000,
                cluster: 100 + u64::from(number) * 8 * MEGA,
            })
            .collect();
        let moments = Moments::new(&Options {
            every: Duration::from_millis(every),
            to: to.map(Duration::from_millis),
            ..Options::default()
        });
        let wanted = Wanted {
            moments: &moments,
            mode,
            timescale: 1000,
            zero: 0,
        };
        stretches(&points, 100, 100 + 80 * MEGA, &wanted)
    }

    #[test]
    fn few_moments_need_few_stretches() {
        let found = found(7000, Mode::Exact, None);
        let keys: Vec<_> = found.iter().map(|stretch| stretch.key).collect();
        // 0, 7 and 14 s, and the end.
        assert_eq!(keys, [None, Some(6000), Some(14_000), Some(18_000)]);
        assert_eq!(found[1].until, Until::Shown(7_000_000));
        assert_eq!(found[1].end, found[2].start);
        assert_eq!(found[3].until, Until::End);
    }

    #[test]
    fn moments_close_to_each_other_need_all() {
        let found = found(100, Mode::Exact, None);
        let total: u64 = found
            .iter()
            .map(|stretch| stretch.end - stretch.start)
            .sum();
        assert_eq!(total, 80 * MEGA);
        assert!(found.len() > 1, "long ones are read beside each other");
    }

    #[test]
    fn keyframes_alone_are_looked_for_where_they_are_listed() {
        let found = found(1000, Mode::Keyframe, None);
        let keys = found.iter().filter(|stretch| stretch.until == Until::Key);
        assert_eq!((found.len(), keys.count()), (10, 7));
    }

    #[test]
    fn nothing_is_walked_behind_the_end() {
        let found = found(500, Mode::Exact, Some(3000));
        let until: Vec<_> = found.iter().map(|stretch| stretch.until).collect();
        assert_eq!(until, [Until::Shown(1_500_000), Until::Shown(2_500_000)]);
    }
}
