//! A frame that begins exactly where an interval does is that interval's, however the video is
//! read: its time and the border, which are the same, may differ once computed in doubles.

mod support;

use std::path::Path;
use std::time::Duration;

use fotograma_engine::{Mode, Options, Strategy};
use support::{Memory, clip, entries, every, folder, make, reference, run, seconds_in};

/// The times in `frames.csv`, having checked by which strategy they were found.
async fn times(path: &Path, options: &Options, strategy: Strategy) -> Vec<String> {
    let (done, kept) = run(Memory::of(path), options).await;
    let done = done.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(done.strategy, strategy, "{:?}", done.strategy_reason);
    let mut found = entries(kept.bytes());
    let (_, table) = found.pop().expect("the table");
    if options.mode == Mode::Exact && options.from.is_none() && options.to.is_none() {
        let images: Vec<u8> = found.into_iter().flat_map(|(_, image)| image).collect();
        assert!(images == reference(path, options.every), "{options:?}");
    }
    seconds_in(&table)
}

/// Every multiple of `every` in `span`, in milliseconds, as the table writes it.
fn moments(span: std::ops::Range<u64>, every: u64) -> Vec<String> {
    let moments = span.step_by(usize::try_from(every).expect("small"));
    moments
        .map(|ms| format!("{}.{:03}", ms / 1000, ms % 1000))
        .collect()
}

#[tokio::test]
async fn each_frame_on_a_border_is_taken() {
    let folder = folder();
    let h264 = "-c:v libx264 -preset veryfast -g 25 -bf 2";
    for (name, words, strategy) in [
        ("a.mp4", h264.to_owned(), Strategy::Indexed),
        // 90,000 ticks in a second, from 1.4 s on.
        ("a.ts", h264.to_owned(), Strategy::FullDecode),
        // Milliseconds.
        ("a.mkv", h264.to_owned(), Strategy::Indexed),
        // Frames are the ticks.
        ("a.avi", "-c:v mpeg4".to_owned(), Strategy::FullDecode),
    ] {
        let path = clip(&folder, name, 4, &words);
        for millis in [40, 120, 200, 400] {
            let found = times(&path, &every(millis), strategy).await;
            assert_eq!(found, moments(0..4000, millis), "{name} every {millis} ms");
        }
        let span = Options {
            from: Some(Duration::from_millis(280)),
            to: Some(Duration::from_millis(1240)),
            ..every(120)
        };
        let found = times(&path, &span, strategy).await;
        assert_eq!(found, moments(280..1240, 120), "{name} from 0.28 s");
    }
}

#[tokio::test]
async fn when_seeking_too() {
    let folder = folder();
    let path = folder.path().join("a.webm");
    make(
        &path,
        "-f lavfi -i testsrc2=size=96x54:rate=25:duration=26 -pix_fmt yuv420p \
         -c:v libvpx -deadline realtime -cpu-used 8 -g 25 -keyint_min 25",
    );
    for millis in [4080, 4200, 5160] {
        let found = times(&path, &every(millis), Strategy::Indexed).await;
        assert_eq!(found, moments(0..26_000, millis), "every {millis} ms");
        let span = Options {
            from: Some(Duration::from_millis(280)),
            to: Some(Duration::from_millis(280 + 3 * millis)),
            ..every(millis)
        };
        let found = times(&path, &span, Strategy::Indexed).await;
        assert_eq!(found, moments(280..280 + 3 * millis, millis));
    }
}

#[tokio::test]
async fn a_keyframe_on_a_border_is_that_moments() {
    let folder = folder();
    let h264 = "-c:v libx264 -preset veryfast -sc_threshold 0 -g 3 -keyint_min 3 -bf 0";
    let mp4 = clip(&folder, "a.mp4", 4, h264);
    for (name, strategy) in [
        ("a.mp4", Strategy::Indexed),
        ("a.ts", Strategy::FullDecode),
        ("a.mkv", Strategy::Indexed),
    ] {
        let path = folder.path().join(name);
        if path != mp4 {
            make(&path, &format!("-i {} -c copy", mp4.display()));
        }
        for millis in [120, 240, 360, 600] {
            let options = Options {
                mode: Mode::Keyframe,
                ..every(millis)
            };
            let found = times(&path, &options, strategy).await;
            assert_eq!(found, moments(0..4000, millis), "{name} every {millis} ms");
        }
    }
}
