//! The index of a Matroska or `WebM` file (RFC 9559, section 5.1.5): at which clusters one can begin to
//! decode.

use std::ops::Range;

use super::ebml::{child, elements, number};
use super::ids::{CUE_CLUSTER_POSITION, CUE_POINT, CUE_TIME, CUE_TRACK, CUE_TRACK_POSITIONS};

/// The most bytes that an index may have: some 400,000 points.
pub(super) const MAX_BYTES: u64 = 8 << 20;

/// A keyframe, and the cluster that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CuePoint {
    /// In the segment's ticks.
    pub(super) time: i64,
    /// Where the cluster begins in the file.
    pub(super) cluster: u64,
}

/// What an element `Cues` lists of a track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cues {
    /// Its keyframes, in order: of those in one cluster the first.
    pub(super) points: Vec<CuePoint>,
    /// Whether a cluster has more than one of them.
    pub(super) has_shared_clusters: bool,
}

/// What an element `Cues` lists of `track`: nothing where points contradict each other, or the segment,
/// whose data are at `segment`.
pub(super) fn parse_cues(cues: &[u8], track: u64, segment: &Range<u64>) -> Cues {
    let points = elements(cues).filter(|&(id, _)| id == CUE_POINT);
    let points = points.filter_map(|(_, point)| {
        let of_track = elements(point)
            .filter(|&(id, _)| id == CUE_TRACK_POSITIONS)
            .find(|&(_, at)| child(at, CUE_TRACK).and_then(number) == Some(track));
        let position = child(of_track?.1, CUE_CLUSTER_POSITION).and_then(number)?;
        Some(CuePoint {
            time: i64::try_from(child(point, CUE_TIME).and_then(number)?).ok()?,
            cluster: segment.start.checked_add(position)?,
        })
    });
    let mut points: Vec<CuePoint> = points.collect();
    points.sort_by_key(|point| point.time);
    let listed = points.len();
    points.dedup_by_key(|point| point.cluster);
    let in_order = points
        .windows(2)
        .all(|pair| pair[0].time < pair[1].time && pair[0].cluster < pair[1].cluster);
    let inside = points
        .iter()
        .all(|point| segment.contains(&point.cluster) && point.time < 1 << 40);
    if !in_order || !inside {
        return Cues::default();
    }
    Cues {
        has_shared_clusters: points.len() < listed,
        points,
    }
}

#[cfg(test)]
mod tests {
    use super::super::ebml::tests::element;
    use super::*;

    /// A point at a time below 128, of a track, at a position below 128.
    fn point(time: u8, track: u8, position: u8) -> Vec<u8> {
        let track = element(0xf7, &[track]);
        let position = element(0xf1, &[position]);
        let positions = element(0xb7, &[track, position].concat());
        element(0xbb, &[element(0xb3, &[time]), positions].concat())
    }

    fn parse(points: &[Vec<u8>]) -> Vec<(i64, u64)> {
        let found = parse_cues(&points.concat(), 2, &(100..200));
        let found = found.points.iter();
        found.map(|point| (point.time, point.cluster)).collect()
    }

    #[test]
    fn takes_the_clusters_of_the_track_only() {
        let points = [
            point(50, 2, 30),
            point(0, 2, 0),
            point(7, 1, 0),
            point(60, 2, 30),
        ];
        assert_eq!(parse(&points), [(0, 100), (50, 130)]);
    }

    #[test]
    fn points_that_contradict_each_other_are_none() {
        assert_eq!(parse(&[point(0, 2, 30), point(50, 2, 0)]), []);
        assert_eq!(parse(&[point(0, 2, 0), point(50, 2, 110)]), []);
        assert_eq!(parse(&[point(7, 2, 0), point(7, 2, 30)]), []);
    }
}
