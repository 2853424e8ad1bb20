//! Matroska and `WebM` by their index: the same moments as the same stream in an mp4 and in a full
//! decode, from few bytes, whatever the file's own list of keyframes says.

mod judge;
mod support;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_engine::{Mode, OnDamage, Options, Source, SourceError, Strategy, StrategyReason};
use judge::Reference;
use judge::compare::differences;
use judge::shots::{shots, shots_of_file};
use support::{Memory, clip, every, folder, make, run};

const H264: &str = "-c:v libx264 -preset veryfast -sc_threshold 0 -g 50 -keyint_min 50 -bf 2";
const SOUND: &str = "-f lavfi -i sine=frequency=440";

/// A film of pictures and sound of 24 seconds, as `name`.
fn film(folder: &tempfile::TempDir, name: &str, words: &str) -> PathBuf {
    let path = folder.path().join(name);
    make(
        &path,
        &format!(
            "-f lavfi -i testsrc2=size=192x108:rate=25:duration=24 {SOUND}:duration=24 \
             -pix_fmt yuv420p {words} -shortest"
        ),
    );
    path
}

/// Makes sure that `path` gives what is on screen by the judge's full decode, at intervals below and
/// above the distance of keyframes, and by its index.
async fn judged(path: &Path) {
    let reference = Reference::of(path, 60);
    for millis in [400, 7300] {
        let options = every(millis);
        let found = shots_of_file(path, &options).await.expect("frames");
        let case = format!("{} every {millis} ms", path.display());
        assert_eq!(
            found.done.strategy,
            Strategy::Indexed,
            "{case}: {:?}",
            found.done.strategy_reason
        );
        let wrong = differences(&reference, &found, &options);
        assert_eq!(wrong, Vec::<String>::new(), "{case}");
    }
}

#[tokio::test]
async fn each_codec_gives_what_is_on_screen() {
    let folder = folder();
    for (name, words) in [
        ("h264.mkv", format!("{H264} -c:a aac")),
        (
            "open.mkv",
            "-c:v libx264 -preset veryfast -g 25 -bf 3 -x264-params open-gop=1 -c:a flac".into(),
        ),
        (
            "hevc.mkv",
            "-c:v libx265 -preset ultrafast -x265-params keyint=50:log-level=none -c:a aac".into(),
        ),
        (
            "vp8.webm",
            "-c:v libvpx -deadline good -cpu-used 5 -auto-alt-ref 1 -lag-in-frames 16 -g 50 \
             -b:v 300k -c:a libopus"
                .into(),
        ),
        (
            "vp9.webm",
            "-c:v libvpx-vp9 -deadline good -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16 -g 50 \
             -b:v 300k -c:a libopus"
                .into(),
        ),
        (
            "av1.webm",
            "-c:v libsvtav1 -preset 12 -g 50 -b:v 300k -c:a libopus".into(),
        ),
    ] {
        judged(&film(&folder, name, &words)).await;
    }
}

#[tokio::test]
async fn the_same_stream_gives_the_same_pictures_in_an_mp4() {
    let folder = folder();
    let mp4 = clip(&folder, "a.mp4", 24, H264);
    for (name, words) in [
        ("a.mkv", ""),
        // No list of keyframes, no sizes of clusters, no duration.
        ("live.mkv", "-live 1"),
        ("front.mkv", "-cues_to_front 1 -reserve_index_space 4096"),
        ("clusters.mkv", "-cluster_time_limit 300"),
    ] {
        let path = folder.path().join(name);
        make(&path, &format!("-i {} -c copy {words}", mp4.display()));
        for options in [
            every(400),
            every(7300),
            Options {
                mode: Mode::Keyframe,
                ..every(5000)
            },
            Options {
                from: Some(Duration::from_secs(7)),
                to: Some(Duration::from_millis(15_500)),
                ..every(1700)
            },
        ] {
            let (of_mp4, expected) = run(Memory::of(&mp4), &options).await;
            let (of_other, found) = run(Memory::of(&path), &options).await;
            let (of_mp4, of_other) = (of_mp4.expect("frames"), of_other.expect("frames"));
            assert_eq!(of_other.strategy, Strategy::Indexed, "{name}");
            assert_eq!(of_other.frames, of_mp4.frames, "{name} {options:?}");
            assert!(
                expected.bytes() == found.bytes(),
                "other bytes: {name} {options:?}"
            );
        }
    }
}

#[tokio::test]
async fn few_frames_need_few_bytes() {
    let folder = folder();
    let path = folder.path().join("a.mkv");
    make(
        &path,
        "-f lavfi -i testsrc2=size=640x360:rate=25:duration=60,noise=alls=30:allf=t \
         -pix_fmt yuv420p -c:v libx264 -preset ultrafast -sc_threshold 0 -g 50 -b:v 6M",
    );
    let done = run(Memory::of(&path), &every(20_100))
        .await
        .0
        .expect("frames");
    assert_eq!(done.strategy_reason, StrategyReason::Sparse);
    assert!(done.bytes_read * 5 < done.source_bytes, "{done:?}");
    assert!(done.requests < 40, "{done:?}");
    // All that is read again is what does not fit into memory: here nothing.
    let done = run(Memory::of(&path), &every(400)).await.0.expect("frames");
    assert!(done.bytes_read < done.source_bytes * 11 / 10, "{done:?}");
    let keyframes = Options {
        mode: Mode::Keyframe,
        ..every(1000)
    };
    let done = run(Memory::of(&path), &keyframes).await.0.expect("frames");
    assert_eq!(done.strategy, Strategy::Indexed);
    assert_eq!(done.frames, 30);
    assert!(done.bytes_read * 3 < done.source_bytes, "{done:?}");
}

/// The places of an element's identity in a file.
fn places(file: &[u8], id: &[u8]) -> Vec<usize> {
    let windows = file.windows(id.len()).enumerate();
    let found = windows.filter(|(_, window)| *window == id);
    found.map(|(at, _)| at).collect()
}

#[tokio::test]
async fn a_list_of_keyframes_that_lies_is_found_out() {
    let folder = folder();
    let path = film(&folder, "a.mkv", &format!("{H264} -c:a aac"));
    let file = std::fs::read(&path).expect("the film");
    let cues = *places(&file, &[0x1c, 0x53, 0xbb, 0x6b])
        .last()
        .expect("cues");
    // Each is some 16 bytes long, and begins with its time.
    let points: Vec<usize> = places(&file[cues..], &[0xbb])
        .into_iter()
        .map(|at| cues + at)
        .filter(|&at| file[at + 1] & 0xf0 >= 0x80 && file[at + 2] == 0xb3)
        .collect();
    assert!(points.len() > 6, "{}", points.len());
    let reference = Reference::of(&path, 60);
    let changed_path = folder.path().join("changed.mkv");
    for (case, change) in [
        ("an element", 2_usize),
        ("a time", 4),
        ("a time's last byte", 5),
        ("a track", 10),
        ("a position", 13),
        ("a position's last byte", 14),
    ] {
        for point in [1, 4] {
            let mut changed = file.clone();
            changed[points[point] + change] ^= 0x41;
            std::fs::write(&changed_path, &changed).expect("written");
            for millis in [1000, 7300] {
                let options = Options {
                    damaged: OnDamage::Keep,
                    ..every(millis)
                };
                let found = shots(&changed_path, &options).await.expect("frames");
                let wrong = differences(&reference, &found, &options);
                assert_eq!(wrong, Vec::<String>::new(), "{case}: {:?}", found.done);
            }
        }
    }
    // Every second keyframe is missing from it: keyframes are looked for everywhere.
    let mut thin = file.clone();
    for &point in points.iter().skip(1).step_by(2) {
        // An element without meaning, of the same length.
        thin[point] = 0xec;
    }
    let options = Options {
        mode: Mode::Keyframe,
        ..every(1000)
    };
    let (whole, expected) = run(Memory::new(file), &options).await;
    let (thin, found) = run(Memory::new(thin), &options).await;
    assert_eq!(thin.expect("frames").frames, whole.expect("frames").frames);
    assert!(expected.bytes() == found.bytes(), "other keyframes");
}

#[tokio::test]
async fn what_is_not_understood_is_decoded_whole() {
    let folder = folder();
    let frames = av1_frames(&folder, 25);
    let path = folder.path().join("laced.webm");
    let mut clusters = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        let key = number % 25 == 0;
        // One frame in a block that could have several (Xiph lacing).
        let flags = if key { 0x82 } else { 0x02 };
        clusters.extend(cluster(number, &[&[flags, 0], &frame[..]].concat()));
    }
    std::fs::write(&path, av1_file(&[], &clusters)).expect("written");
    let (done, _) = run(Memory::of(&path), &every(1000)).await;
    let done = done.expect("frames");
    assert_eq!(done.strategy, Strategy::FullDecode);
    assert_eq!(done.strategy_reason.code(), "unsupported");
    assert_eq!(done.frames, 4);
}

#[tokio::test]
async fn bytes_that_blocks_leave_out_are_put_back() {
    let folder = folder();
    let path = folder.path().join("stripped.webm");
    // Keyframes alone, each of which begins with the header of the sequence: without it there is none.
    let frames = av1_frames(&folder, 1);
    let same = |at: &usize| {
        frames
            .iter()
            .all(|frame| frame.get(*at) == frames[0].get(*at))
    };
    let prefix = &frames[0][..(0..frames[0].len()).take_while(same).count()];
    assert!(prefix.len() > 8, "{prefix:?}");
    let mut clusters = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        let rest = &frame[prefix.len()..];
        clusters.extend(cluster(number, &[&[0x80], rest].concat()));
    }
    let compression = [element(&[0x42, 0x54], &[3]), element(&[0x42, 0x55], prefix)];
    let encoding = element(&[0x50, 0x34], &compression.concat());
    let encodings = element(&[0x6d, 0x80], &element(&[0x62, 0x40], &encoding));
    std::fs::write(&path, av1_file(&encodings, &clusters)).expect("written");
    judged(&path).await;
}

/// The frames of four seconds, 25 a second, with so many from keyframe to keyframe.
fn av1_frames(folder: &tempfile::TempDir, distance: u32) -> Vec<Vec<u8>> {
    let words = "-c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0";
    let path = clip(folder, "a.ivf", 4, &format!("{words} -g {distance}"));
    let file = std::fs::read(path).expect("the clip");
    // A header of 32 bytes, then each frame behind its size and time.
    let mut rest = &file[32..];
    let mut frames = Vec::new();
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let (frame, after) = after[8..].split_at(u32::from_le_bytes(*size) as usize);
        frames.push(frame.to_vec());
        rest = after;
    }
    assert_eq!(frames.len(), 100);
    frames
}

/// A file of AV1 whose track has `encodings`, with these clusters.
fn av1_file(encodings: &[u8], clusters: &[u8]) -> Vec<u8> {
    let private = element(&[0x63, 0xa2], &[0x81, 0, 0x0c, 0]);
    file(
        b"V_AV1",
        (192, 108),
        &[&private, encodings].concat(),
        &[],
        clusters,
    )
}

/// A cluster of 40 ms with one block of track 1: its flags, and its frame.
fn cluster(number: usize, block: &[u8]) -> Vec<u8> {
    let time = u32::try_from(number * 40).expect("small");
    let block = element(&[0xa3], &[&[0x81, 0, 0], block].concat());
    let time = element(&[0xe7], &time.to_be_bytes());
    element(&[0x1f, 0x43, 0xb6, 0x75], &[time, block].concat())
}

/// An element with a size of eight bytes.
fn element(id: &[u8], data: &[u8]) -> Vec<u8> {
    let size = (data.len() as u64 | 1 << 56).to_be_bytes();
    [id, &size, data].concat()
}

/// A file with one track of `codec` and of a size, with `cues` at the front, and then `clusters`.
fn file(
    codec: &[u8],
    (width, height): (u16, u16),
    more: &[u8],
    cues: &[u8],
    clusters: &[u8],
) -> Vec<u8> {
    let video = [
        element(&[0xb0], &width.to_be_bytes()),
        element(&[0xba], &height.to_be_bytes()),
    ];
    let track = [
        element(&[0xd7], &[1]),
        element(&[0x73, 0xc5], &[1]),
        element(&[0x83], &[1]),
        element(&[0x86], codec),
        more.to_vec(),
        element(&[0xe0], &video.concat()),
    ];
    let segment = [
        element(
            &[0x15, 0x49, 0xa9, 0x66],
            &element(&[0x2a, 0xd7, 0xb1], &[0x0f, 0x42, 0x40]),
        ),
        element(
            &[0x16, 0x54, 0xae, 0x6b],
            &element(&[0xae], &track.concat()),
        ),
        element(&[0x1c, 0x53, 0xbb, 0x6b], cues),
        clusters.to_vec(),
    ];
    [
        element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"webm")),
        element(&[0x18, 0x53, 0x80, 0x67], &segment.concat()),
    ]
    .concat()
}

/// A source that says how much is asked of it.
struct Counted {
    bytes: Bytes,
    read: AtomicU64,
    requests: AtomicU64,
}

#[async_trait]
impl Source for Counted {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        self.requests.fetch_add(1, Relaxed);
        self.read.fetch_add(range.end - range.start, Relaxed);
        let index = |at: u64| usize::try_from(at).expect("it fits");
        Ok(self.bytes.slice(index(range.start)..index(range.end)))
    }
}

/// A file of VP9 of no sense.
fn hostile(cues: &[u8], clusters: &[u8]) -> Vec<u8> {
    file(b"V_VP9", (64, 48), &[], cues, clusters)
}

/// A cluster with a keyframe of a few bytes.
fn small(number: usize) -> Vec<u8> {
    cluster(number, &[0x80, 0x82, 0x49, 0x83, 0x42])
}

fn cue(time: u32, position: u64) -> Vec<u8> {
    let positions = [
        element(&[0xf7], &[1]),
        element(&[0xf1], &position.to_be_bytes()),
    ];
    let positions = element(&[0xb7], &positions.concat());
    element(
        &[0xbb],
        &[element(&[0xb3], &time.to_be_bytes()), positions].concat(),
    )
}

#[tokio::test]
async fn hostile_files_cost_no_more_than_their_bytes() {
    let clusters = |count: usize| (0..count).flat_map(small).collect::<Vec<u8>>();
    let few = clusters(50);
    let everywhere: Vec<u8> = (0..50_000_u64)
        .flat_map(|number| {
            cue(
                u32::try_from(number).expect("small"),
                number * 977 % 4_000_000,
            )
        })
        .collect();
    let ascending: Vec<u8> = (0..50_000_u64)
        .flat_map(|number| {
            cue(
                u32::try_from(number).expect("small"),
                4_000_000 + number * 40,
            )
        })
        .collect();
    let mut huge = small(0);
    huge[4] = 1;
    huge[5..12].fill(0xfe);
    // Blocks that say they are as long as 2⁵⁶ bytes, in a cluster of unknown size.
    let mut endless = small(0);
    endless[4..12].copy_from_slice(&[1, 255, 255, 255, 255, 255, 255, 255]);
    let block = endless.len() - 16;
    endless[block..block + 8].copy_from_slice(&[1, 255, 255, 255, 255, 255, 255, 254]);
    let nested = (0..200_000)
        .flat_map(|_| [0x1f, 0x43, 0xb6, 0x75, 0xff])
        .collect::<Vec<u8>>();
    let empty = [0xec_u8, 0x80].repeat(2_000_000);
    for (case, file) in [
        ("a great many clusters", hostile(&[], &clusters(300_000))),
        ("cues that point everywhere", hostile(&everywhere, &few)),
        ("cues past the end", hostile(&ascending, &few)),
        ("a size of 2⁵⁶", hostile(&[], &[few.clone(), huge].concat())),
        ("a block of 2⁵⁶", hostile(&[], &endless)),
        ("clusters in clusters", hostile(&[], &nested)),
        ("elements without data", hostile(&[], &empty)),
        (
            "a cluster of such",
            hostile(&[], &element(&[0x1f, 0x43, 0xb6, 0x75], &empty)),
        ),
    ] {
        let source = Arc::new(Counted {
            bytes: file.into(),
            read: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        });
        for (mode, millis) in [
            (Mode::Exact, 1),
            (Mode::Exact, 10_000),
            (Mode::Keyframe, 1000),
        ] {
            let options = Options {
                mode,
                ..every(millis)
            };
            let (read, requests) = (source.read.load(Relaxed), source.requests.load(Relaxed));
            // Whatever comes of it.
            let _ = fotograma_engine::plan(source.as_ref(), &options).await;
            let read = source.read.load(Relaxed) - read;
            let requests = source.requests.load(Relaxed) - requests;
            assert!(read <= source.len() * 3 + (4 << 20), "{case}: {read} bytes");
            assert!(requests <= 200, "{case}: {requests} requests");
        }
    }
}
