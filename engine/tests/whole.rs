//! Videos that are read from front to back: right frames, right times, a zip that anyone can read.

mod support;

use std::sync::Arc;
use std::time::Duration;

use fotograma_engine::{FileSource, Format, Mode, Options, Reason, Source, Strategy};
use support::{Memory, clip, entries, folder, reference, run, seconds_in};

#[tokio::test]
async fn each_container_gives_the_frames_of_a_full_decode() {
    let folder = folder();
    for (name, words) in [
        ("a.avi", "-c:v mpeg4 -bf 0"),
        ("a.mkv", "-c:v libx264 -preset veryfast -g 50"),
        ("a.webm", "-c:v libvpx -deadline realtime"),
        ("a.ts", "-c:v libx264 -preset veryfast -g 25"),
        ("a.mpg", "-c:v mpeg2video"),
        ("a.flv", "-c:v flv"),
        ("a.264", "-c:v libx264 -preset ultrafast"),
        ("a.gif", "-pix_fmt rgb8"),
    ] {
        let path = clip(&folder, name, 5, words);
        let options = Options {
            every: Duration::from_millis(700),
            ..Options::default()
        };
        let expected = reference(&path, options.every);
        let file = FileSource::open(&path).await.expect("a file");
        for source in [Arc::new(file) as Arc<dyn Source>, Memory::of(&path)] {
            let (done, kept) = run(source, &options).await;
            let done = done.unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut found = entries(kept.bytes());
            let (contents, table) = found.pop().expect("the table");
            assert_eq!(contents, "frames.csv");
            assert_eq!(done.frames, found.len() as u64, "{name}");
            assert_eq!(
                table.split(|&b| b == b'\n').count(),
                found.len() + 2,
                "{name}"
            );
            let images: Vec<u8> = found.into_iter().flat_map(|(_, image)| image).collect();
            assert!(
                images == expected,
                "{name}: other frames than a full decode"
            );
            assert!(done.damaged.is_none(), "{name}: {:?}", done.damaged);
        }
    }
}

#[tokio::test]
async fn names_and_times_are_those_of_the_frames() {
    let folder = folder();
    // 12.5 frames a second do not meet every full second; the stream starts at 1.4 s.
    let path = clip(&folder, "a.ts", 4, "-r 12.5 -c:v libx264 -preset veryfast");
    let (done, kept) = run(Memory::of(&path), &Options::default()).await;
    assert_eq!(done.expect("frames").strategy, Strategy::FullDecode);
    let mut found = entries(kept.bytes());
    let (_, table) = found.pop().expect("the table");
    let table = String::from_utf8_lossy(&table);
    let lines: Vec<_> = table
        .lines()
        .map(|l| l.split_once(',').expect("two"))
        .collect();
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["1", "2", "3", "4", "5"].map(|n| format!("frame_0000{n}.jpg"))
    );
    assert!(lines[1..].iter().map(|(file, _)| *file).eq(names));
    let times: Vec<_> = lines.iter().map(|(_, seconds)| *seconds).collect();
    assert_eq!(
        times,
        [
            "seconds,at",
            "0.000,0.000",
            "0.960,1.000",
            "2.000,2.000",
            "2.960,3.000",
            "4.000,4.000"
        ]
    );
}

#[tokio::test]
async fn a_span_of_time_and_png_and_a_width() {
    let folder = folder();
    let path = clip(&folder, "a.avi", 6, "-c:v mpeg4");
    let options = Options {
        every: Duration::from_millis(500),
        from: Some(Duration::from_secs(2)),
        to: Some(Duration::from_secs(4)),
        format: Format::Png,
        width: Some(96),
        ..Options::default()
    };
    let (done, kept) = run(Memory::of(&path), &options).await;
    assert_eq!(done.expect("frames").frames, 4);
    let found = entries(kept.bytes());
    let table = String::from_utf8_lossy(&found[4].1);
    assert!(
        table.ends_with(
            "frame_00001.png,2.000,2.000\nframe_00002.png,2.480,2.500\n\
         frame_00003.png,3.000,3.000\nframe_00004.png,3.480,3.500\n"
        ),
        "{table}"
    );
    // IHDR: width and height.
    assert_eq!(found[0].1[16..24], [0, 0, 0, 96, 0, 0, 0, 54]);
    let wider = Options {
        width: Some(4000),
        ..options
    };
    let (_, kept) = run(Memory::of(&path), &wider).await;
    assert_eq!(
        entries(kept.bytes())[0].1[16..24],
        [0, 0, 0, 192, 0, 0, 0, 108]
    );
}

#[tokio::test]
async fn the_same_job_gives_the_same_bytes() {
    let folder = folder();
    let path = clip(&folder, "a.mkv", 3, "-c:v libx264 -preset veryfast");
    let options = Options {
        modified: 1_700_000_000,
        ..Options::default()
    };
    let (_, first) = run(Memory::of(&path), &options).await;
    let (_, second) = run(Memory::of(&path), &options).await;
    assert!(first.bytes() == second.bytes());
    let (_, other) = run(Memory::of(&path), &Options::default()).await;
    assert!(first.bytes() != other.bytes(), "the time is in the zip");
}

#[tokio::test]
async fn a_turned_video_is_shown_upright() {
    let folder = folder();
    let lying = clip(&folder, "a.mp4", 1, "-c:v libx264 -preset veryfast");
    let turned = folder.path().join("b.mov");
    let words = format!("-display_rotation 90 -i {} -c copy", lying.display());
    let rotate = std::process::Command::new("ffmpeg")
        .args(["-v", "quiet", "-y"])
        .args(words.split(' '))
        .arg(&turned)
        .status();
    if !rotate.is_ok_and(|status| status.success()) {
        // Before ffmpeg 6 the rotation is a stream's metadata.
        let words = format!("-i {} -c copy -metadata:s:v:0 rotate=90", lying.display());
        support::make(&turned, &words);
    }
    let options = Options {
        format: Format::Png,
        ..Options::default()
    };
    let (_, kept) = run(Memory::of(&turned), &options).await;
    assert_eq!(
        entries(kept.bytes())[0].1[16..24],
        [0, 0, 0, 108, 0, 0, 0, 192]
    );
}

#[tokio::test]
async fn keyframes_are_the_same_with_and_without_an_index() {
    let folder = folder();
    let x264 = "-c:v libx264 -preset veryfast -sc_threshold 0 -bf 2";
    let indexed = clip(&folder, "a.mp4", 11, &format!("{x264} -g 50"));
    let [matroska, whole] = ["a.mkv", "a.flv"].map(|name| {
        let path = folder.path().join(name);
        support::make(&path, &format!("-i {} -c copy", indexed.display()));
        path
    });
    let span = (Some(Duration::from_secs(3)), Some(Duration::from_secs(9)));
    for (every, (from, to), times) in [
        (
            1,
            (None, None),
            &["0.000", "2.000", "4.000", "6.000", "8.000", "10.000"][..],
        ),
        (5, (None, None), &["0.000", "4.000", "10.000"]),
        (5, span, &["2.000", "8.000"]),
    ] {
        let options = Options {
            every: Duration::from_secs(every),
            mode: Mode::Keyframe,
            from,
            to,
            ..Options::default()
        };
        let mut zips = Vec::new();
        for (path, strategy) in [
            (&indexed, Strategy::Indexed),
            (&matroska, Strategy::Indexed),
            (&whole, Strategy::FullDecode),
        ] {
            let (done, kept) = run(Memory::of(path), &options).await;
            assert_eq!(done.expect("frames").strategy, strategy);
            let found = entries(kept.bytes());
            let mut found = seconds_in(&found.last().expect("the table").1);
            found.dedup();
            assert_eq!(found, times, "{strategy:?} {every}");
            zips.push(kept.bytes());
        }
        for zip in &zips[1..] {
            assert!(zip == &zips[0], "other pictures, every {every} s");
        }
    }
}

#[tokio::test]
async fn a_span_beyond_the_end_has_no_frames() {
    let folder = folder();
    for name in ["a.avi", "a.mp4"] {
        let path = clip(&folder, name, 2, "-c:v mpeg4");
        let from = Some(Duration::from_secs(10));
        let options = Options {
            from,
            ..Options::default()
        };
        let reason = support::refusal(Memory::of(&path), &options).await;
        assert_eq!(reason, Reason::NoFrames, "{name}");
    }
}

#[tokio::test]
async fn a_webm_with_an_index_is_read_by_it() {
    let folder = folder();
    let path = folder.path().join("a.webm");
    let noise = "-f lavfi -i testsrc2=size=192x108:rate=10:duration=32,noise=alls=40:allf=t";
    let vp8 = "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 2M -g 20 -keyint_min 20";
    support::make(&path, &format!("{noise} -pix_fmt yuv420p {vp8}"));
    for every in [5000, 3000] {
        let options = Options {
            every: Duration::from_millis(every),
            ..Options::default()
        };
        let (done, kept) = run(Memory::of(&path), &options).await;
        let done = done.expect("frames");
        assert_eq!(
            done.strategy,
            Strategy::Indexed,
            "{:?}",
            done.strategy_reason
        );
        let mut found = entries(kept.bytes());
        found.pop();
        let images: Vec<u8> = found.into_iter().flat_map(|(_, image)| image).collect();
        assert!(
            images == reference(&path, options.every),
            "other frames, every {every} ms"
        );
        if every == 5000 {
            assert!(done.bytes_read * 10 < done.source_bytes * 8, "{done:?}");
        }
    }
    let options = Options {
        every: Duration::from_secs(6),
        from: Some(Duration::from_secs(10)),
        to: Some(Duration::from_secs(30)),
        ..Options::default()
    };
    let (done, kept) = run(Memory::of(&path), &options).await;
    assert_eq!(done.expect("frames").strategy, Strategy::Indexed);
    let table = entries(kept.bytes()).pop().expect("the table").1;
    assert_eq!(seconds_in(&table), ["10.000", "16.000", "22.000", "28.000"]);
}
