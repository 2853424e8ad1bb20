//! Keyframe mode gives the keyframes, as ffprobe tells them from the packets, in every container and by
//! every codec, and costs less than all frames.

mod judge;
mod support;

use std::path::Path;
use std::process::Command;

use fotograma_engine::{Mode, Options};
use judge::numbered::USUAL;
use judge::shots::{Shots, shots};
use support::{every, folder, make};

/// What ffprobe says of the packets of the first video stream, on the player's clock.
#[derive(Debug)]
struct Packets {
    /// When those begin that are keyframes, in microseconds.
    keys: Vec<i64>,
    /// When the last packet's frame ends: it lasts as long as the one before it.
    end: i64,
}

impl Packets {
    fn of(path: &Path) -> Self {
        let output = Command::new("ffprobe")
            .args("-v error -select_streams V:0 -show_entries".split(' '))
            .arg("packet=pts_time,dts_time,flags:format=start_time,format_name")
            .args(["-of", "compact"])
            .arg(path)
            .output()
            .expect("ffprobe is installed");
        let text = String::from_utf8(output.stdout).expect("text");
        let (mut all, mut start, mut is_iso, mut is_avi) = (Vec::new(), 0, false, false);
        for line in text.lines() {
            let value = |name: &str| {
                let mut fields = line.split('|').filter_map(|field| field.split_once('='));
                fields.find(|field| field.0 == name).map(|field| field.1)
            };
            if let Some(name) = value("format_name") {
                (is_iso, is_avi) = (name.contains("mp4"), name == "avi");
                start = value("start_time").map_or(0, micros);
            } else if let Some(time) = time_of(value("pts_time"), value("dts_time")) {
                all.push((
                    micros(time),
                    value("flags").expect("flags").starts_with('K'),
                ));
            }
        }
        let mut times: Vec<_> = all.iter().map(|packet| packet.0).collect();
        times.sort_unstable();
        let zero = match (is_iso, is_avi) {
            (true, _) => 0,
            (_, true) => times[0],
            _ => start,
        };
        let [.., before, last] = times[..] else {
            panic!("two packets")
        };
        let mut keys: Vec<_> = all.iter().filter(|packet| packet.1).collect();
        keys.sort_unstable();
        Self {
            keys: keys.into_iter().map(|packet| packet.0 - zero).collect(),
            end: last - zero + (last - before),
        }
    }

    /// The keyframe at or before each moment, the first for those before it: its own moment and when it
    /// begins, in milliseconds.
    fn on_screen(&self, every: i64) -> Vec<(i64, i64)> {
        let moments = (0..)
            .map(|k| k * every)
            .take_while(|at| at * 1000 < self.end);
        let key = |at: i64| {
            let begun = self.keys.partition_point(|&key| key <= at * 1000);
            self.keys[begun.saturating_sub(1)]
        };
        moments.map(|at| (at, (key(at) + 500) / 1000)).collect()
    }
}

/// When a packet is shown; AVI knows the order of packets only.
fn time_of<'a>(shown: Option<&'a str>, decoded: Option<&'a str>) -> Option<&'a str> {
    shown.filter(|time| *time != "N/A").or(decoded)
}

fn micros(seconds: &str) -> i64 {
    let (whole, part) = seconds.split_once('.').expect("a time");
    let minus = whole.starts_with('-');
    let whole: i64 = whole.parse().expect("seconds");
    let part: i64 = format!("{part:0<6}")[..6].parse().expect("microseconds");
    whole * 1_000_000 + if minus { -part } else { part }
}

async fn keyframes(path: &Path, millis: u64) -> Shots {
    let options = Options {
        mode: Mode::Keyframe,
        ..every(millis)
    };
    let shots = shots(path, &options).await;
    shots.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const X264: &str = "-c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 400k -g 60";

/// A container, the codec's words for ffmpeg, and whether it has no index to read it by.
const KINDS: [(&str, &str); 17] = [
    (
        "vp9.webm",
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 400k -g 60",
    ),
    ("vp9.ivf", "-i vp9.webm -c copy"),
    ("vp9.mkv", "-i vp9.webm -c copy"),
    (
        "live.webm",
        "-i vp9.webm -c copy -live 1 -cluster_time_limit 1000",
    ),
    (
        "vp8.webm",
        "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 400k -g 60",
    ),
    ("av1.mkv", "-c:v libsvtav1 -preset 12 -g 60 -b:v 400k"),
    ("av1.webm", "-i av1.mkv -c copy"),
    ("av1.ivf", "-i av1.mkv -c copy"),
    ("theora.ogv", "-c:v libtheora -b:v 400k -g 60"),
    ("h264.mkv", X264),
    ("h264.ts", X264),
    ("h264.flv", X264),
    (
        "open.ts",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -x264-params open-gop=1:keyint=60:bframes=2",
    ),
    ("mpeg4.avi", "-c:v mpeg4 -g 60 -b:v 400k"),
    ("mpeg2.mpg", "-c:v mpeg2video -g 15 -b:v 1M"),
    ("wmv2.wmv", "-c:v wmv2 -g 60 -b:v 400k"),
    (
        "hevc.mkv",
        "-c:v libx265 -preset ultrafast -x265-params keyint=60:log-level=none -b:v 400k",
    ),
];

#[tokio::test]
async fn keyframes_are_those_that_the_packets_say() {
    let folder = folder();
    for (name, words) in KINDS {
        let path = folder.path().join(name);
        if let Some(copy) = words.strip_prefix("-i ") {
            make(&path, &format!("-i {}/{copy}", folder.path().display()));
        } else {
            USUAL.make(&path, words);
        }
        let packets = Packets::of(&path);
        assert!(packets.keys.len() > 2, "{name}: {packets:?}");
        for millis in [1000, 3000] {
            let shots = keyframes(&path, millis).await;
            let expected = packets.on_screen(i64::try_from(millis).expect("it fits"));
            let found: Vec<_> = shots
                .moments()
                .into_iter()
                .zip(shots.beginnings())
                .collect();
            // The clocks of packets and frames may be rounded to another millisecond.
            let near = |(a, b): (&(i64, i64), &(i64, i64))| a.0 == b.0 && (a.1 - b.1).abs() <= 1;
            assert!(
                found.len() == expected.len() && found.iter().zip(&expected).all(near),
                "{name} every {millis} ms: {found:?} instead of {expected:?}"
            );
            // The pictures are numbered.
            let numbers = shots.numbers();
            let of = |begins: i64| usize::try_from((begins + 20) / 40).expect("it fits");
            let expected: Vec<_> = expected.iter().map(|&(_, begins)| of(begins)).collect();
            let off = numbers
                .iter()
                .zip(&expected)
                .any(|(a, b)| a.abs_diff(*b) > 1);
            assert!(
                !off,
                "{name} every {millis} ms: {numbers:?} instead of {expected:?}"
            );
        }
    }
}

/// The processor time of all children so far, in ticks of the kernel (a hundredth of a second).
fn children() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a Linux");
    // Behind the name, which may hold anything, the state is the third field; 16 and 17 are theirs.
    let (_, rest) = stat.rsplit_once(") ").expect("a name");
    let fields: Vec<_> = rest.split(' ').skip(13).take(2).collect();
    fields
        .iter()
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum()
}

#[tokio::test]
async fn keyframes_cost_less_than_all_frames() {
    let folder = folder();
    let film = "-f lavfi -i testsrc2=size=1280x720:rate=25:duration=12 -pix_fmt yuv420p";
    for (name, words) in [
        (
            "a.webm",
            "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M -g 125",
        ),
        ("a.mkv", "-c:v libsvtav1 -preset 12 -g 125 -b:v 1M"),
        ("a.ogv", "-c:v libtheora -b:v 2M -g 125"),
    ] {
        let path = folder.path().join(name);
        make(&path, &format!("{film} {words}"));
        let before = children();
        let keys = keyframes(&path, 3000).await;
        let between = children();
        let all = shots(&path, &every(3000)).await.expect("frames");
        let after = children();
        assert_eq!(keys.rows.len(), all.rows.len(), "{name}");
        let (cheap, dear) = (between - before, after - between);
        assert!(
            cheap < dear,
            "{name}: {cheap} ticks for keyframes, {dear} for all"
        );
    }
}
