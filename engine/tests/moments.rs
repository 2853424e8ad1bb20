//! For each moment the frame that is on screen then, from every kind of file that keeps its time
//! in another way. What is right says [`judge`], by a full decode of plain ffmpeg.

mod judge;
mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use fotograma_engine::{Format, Mode, OnDamage, Options, Samples, Strategy};
use judge::compare::differences;
use judge::numbered::{Numbered, USUAL};
use judge::shots::{Shots, shots, size};
use judge::{Reference, Time};
use support::{every, folder, make};

const X264: &str = "-c:v libx264 -preset veryfast -pix_fmt yuv420p";

/// Extracts, and makes sure that each moment has its frame.
async fn judged(path: &Path, options: &Options) -> Shots {
    let shots = shots(path, options).await;
    let shots = shots.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reference = Reference::of(path, 3600);
    let wrong = differences(&reference, &shots, options);
    assert_eq!(
        wrong,
        Vec::<String>::new(),
        "{}: {:?}",
        path.display(),
        shots.done
    );
    shots
}

fn until(options: Options, to: u64) -> Options {
    Options {
        to: Some(Duration::from_millis(to)),
        ..options
    }
}

/// So many pictures, numbered from zero, each at the milliseconds that `times` makes of its number `N`.
fn timed(path: &Path, pictures: usize, times: &str, words: &str) {
    let clip = Numbered { pictures, ..USUAL };
    let words = format!(
        "-vf settb=1/1000,setpts='{times}' -fps_mode passthrough -enc_time_base 1:1000 {words}"
    );
    clip.make(path, &words);
}

#[tokio::test]
async fn a_slide_is_shown_at_every_second_until_the_next() {
    let folder = folder();
    for name in ["a.mp4", "a.mkv"] {
        let path = folder.path().join(name);
        let times = "4300*gt(N,0)+8400*gt(N,1)+7500*gt(N,2)";
        timed(&path, 4, times, X264);
        let shots = judged(&path, &until(every(1000), 20_500)).await;
        let slides = [vec![0; 5], vec![1; 8], vec![2; 8]].concat();
        assert_eq!(shots.numbers(), slides, "{name}");
        assert_eq!(shots.images.len(), 3, "{name}: each slide is stored once");
        assert_eq!(shots.done.frames, 3);
    }
}

#[tokio::test]
async fn frames_a_few_milliseconds_apart_are_all_there() {
    let folder = folder();
    for name in ["a.mkv", "a.mp4"] {
        let path = folder.path().join(name);
        timed(&path, 60, "floor(N/2)*133+mod(N,2)*7", X264);
        let shots = judged(&path, &until(every(5), 3870)).await;
        assert_eq!(shots.images.len(), 60, "{name}");
    }
}

/// Two streams of other picture sizes in one transport stream; the second begins `shift`
/// milliseconds after the end of the first.
fn two_sizes(folder: &tempfile::TempDir, pictures: usize, shift: i64) -> PathBuf {
    let path = folder.path().join("both.ts");
    let mut bytes = Vec::new();
    let tall = Numbered {
        width: 160,
        height: 240,
        ..USUAL
    };
    let pictures_of = |clip: Numbered| Numbered { pictures, ..clip };
    let length = i64::try_from(pictures * 40).expect("it fits");
    for (part, offset) in [(USUAL, 0), (tall, length + shift)] {
        let file = folder.path().join("part.ts");
        let words = format!("{X264} -bf 0 -g 25 -muxdelay 0 -output_ts_offset {offset}ms");
        pictures_of(part).make(&file, &words);
        bytes.extend(std::fs::read(&file).expect("a file"));
    }
    std::fs::write(&path, bytes).expect("a file");
    path
}

#[tokio::test]
async fn a_change_of_size_moves_no_moment() {
    let folder = folder();
    let path = two_sizes(&folder, 65, 0);
    let shots = judged(&path, &until(every(1000), 3000)).await;
    assert_eq!(shots.moments(), [0, 1000, 2000]);
    let shots = judged(&path, &every(1000)).await;
    assert_eq!(shots.images.len(), 6);
}

/// Three parts end to end, of which the middle one has another picture size.
fn size_changes_twice(folder: &tempfile::TempDir, name: &str, words: &str) -> PathBuf {
    let tall = Numbered {
        width: 160,
        height: 240,
        ..USUAL
    };
    let mut list = String::new();
    for (number, part) in [USUAL, tall, USUAL].into_iter().enumerate() {
        let file = format!("part{number}{}", &name[name.find('.').expect("a dot")..]);
        Numbered {
            pictures: 150,
            ..part
        }
        .make(&folder.path().join(&file), words);
        list.extend(["file ", &file, "\n"]);
    }
    let parts = folder.path().join("parts.txt");
    std::fs::write(&parts, list).expect("a file");
    let path = folder.path().join(name);
    make(&path, &format!("-f concat -i {} -c copy", parts.display()));
    path
}

#[tokio::test]
async fn where_the_size_changes_each_picture_has_its_own() {
    let folder = folder();
    let transport = size_changes_twice(&folder, "a.ts", &format!("{X264} -g 50 -muxdelay 0"));
    let indexed = folder.path().join("a.mp4");
    make(&indexed, &format!("-i {} -c copy", transport.display()));
    let vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k -g 50";
    let webm = size_changes_twice(&folder, "b.webm", vp9);
    for (path, millis) in [
        (&transport, 1000),
        (&indexed, 1000),
        (&webm, 1000),
        (&webm, 5000),
    ] {
        for format in [Format::Jpg, Format::Png] {
            for mode in [Mode::Exact, Mode::Keyframe] {
                let options = Options {
                    format,
                    mode,
                    ..every(millis)
                };
                let shots = shots(path, &options).await.expect("frames");
                let sizes: Vec<_> = shots
                    .rows
                    .iter()
                    .map(|row| {
                        let (_, image) = &shots.images[shots.image(&row.file)];
                        size(image)
                    })
                    .collect();
                let expected: Vec<_> = shots
                    .beginnings()
                    .into_iter()
                    .map(|begins| match begins {
                        6000..=11_999 => (160, 240),
                        _ => (320, 180),
                    })
                    .collect();
                let name = path.display();
                assert_eq!(sizes, expected, "{name} {options:?}");
                if mode == Mode::Exact {
                    let number = |at: i64| usize::try_from(at / 40 % 150).expect("it fits");
                    let expected: Vec<_> = shots.moments().into_iter().map(number).collect();
                    assert_eq!(shots.numbers(), expected, "{name} {options:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn pictures_of_odd_sizes_have_their_own_too() {
    let folder = folder();
    let mut list = String::new();
    for size in ["320x180", "161x121"] {
        let path = folder.path().join(format!("{size}.webm"));
        let source = "testsrc2=size=320x180:rate=10:duration=2";
        let words = "-pix_fmt yuv420p -c:v libvpx -g 10";
        make(&path, &format!("-f lavfi -i {source} -s {size} {words}"));
        list.extend(["file ", size, ".webm\n"]);
    }
    let parts = folder.path().join("parts.txt");
    std::fs::write(&parts, list).expect("a file");
    let path = folder.path().join("both.webm");
    make(&path, &format!("-f concat -i {} -c copy", parts.display()));
    for format in [Format::Jpg, Format::Png] {
        let options = Options {
            format,
            samples: Samples::AsIs,
            ..every(1000)
        };
        let shots = shots(&path, &options).await.expect("frames");
        let sizes: Vec<_> = shots.images.iter().map(|(_, image)| size(image)).collect();
        assert_eq!(sizes, [(320, 180), (320, 180), (161, 121), (161, 121)]);
    }
}

#[tokio::test]
async fn an_animated_png_gives_its_pictures() {
    let folder = folder();
    for words in ["-f apng", "-f apng -plays 0 -pix_fmt rgba"] {
        let path = folder.path().join("a.apng");
        let clip = Numbered {
            rate: 2,
            pictures: 8,
            ..USUAL
        };
        clip.make(&path, words);
        for format in [Format::Jpg, Format::Png] {
            let options = Options {
                format,
                ..every(1000)
            };
            let shots = shots(&path, &options).await.expect("frames");
            assert_eq!(shots.moments(), [0, 1000, 2000, 3000]);
            assert_eq!(shots.numbers(), [0, 2, 4, 6]);
        }
    }
}

#[tokio::test]
async fn after_a_time_that_goes_back_every_frame_has_its_turn() {
    let folder = folder();
    let path = two_sizes(&folder, 50, -80);
    let shots = judged(&path, &every(40)).await;
    assert_eq!(shots.images.len(), 100);
    let numbers: Vec<_> = (0..50).chain(0..50).collect();
    assert_eq!(shots.numbers(), numbers);
}

#[tokio::test]
async fn a_display_matrix_of_45_degrees_is_only_an_odd_one() {
    let folder = folder();
    let path = folder.path().join("a.mp4");
    USUAL.make(&path, X264);
    let mut bytes = std::fs::read(&path).expect("a file");
    let tkhd = bytes
        .windows(4)
        .position(|kind| kind == b"tkhd")
        .expect("a track");
    // After version, times, number, duration, layer, group and volume: cosine and sine in 16.16.
    let (same, minus) = (46_341_i32.to_be_bytes(), (-46_341_i32).to_be_bytes());
    for (field, value) in [(0, same), (1, same), (3, minus), (4, same)] {
        let at = tkhd + 4 + 40 + field * 4;
        bytes[at..at + 4].copy_from_slice(&value);
    }
    std::fs::write(&path, bytes).expect("a file");
    for format in [fotograma_engine::Format::Png, fotograma_engine::Format::Jpg] {
        let options = Options {
            format,
            ..every(1000)
        };
        assert_eq!(judged(&path, &options).await.images.len(), 10);
    }
}

#[tokio::test]
async fn the_clock_is_the_players() {
    let folder = folder();
    let path = folder.path().join("late.mp4");
    let words = format!("{X264} -bf 0 -output_ts_offset 2");
    USUAL.make(&path, &words);
    let shots = judged(&path, &every(1000)).await;
    assert_eq!(shots.beginnings().first(), Some(&2000));
    assert_eq!(shots.images.len(), 10);
    // A transport stream's own clock begins anywhere: what counts is where its streams begin.
    let path = folder.path().join("a.ts");
    USUAL.make(&path, &format!("{X264} -output_ts_offset 100"));
    let shots = judged(&path, &every(1000)).await;
    assert_eq!(
        shots.moments(),
        (0..10).map(|k| k * 1000).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn the_same_stream_has_the_same_moments_in_every_container_by_every_strategy() {
    let folder = folder();
    let film = Numbered {
        rate: 24,
        pictures: 600,
        ..USUAL
    };
    let h264 = folder.path().join("a.mp4");
    film.make(&h264, &format!("{X264} -g 48 -bf 2 -b:v 400k"));
    let vp8 = folder.path().join("a.webm");
    let words = "-c:v libvpx -deadline realtime -cpu-used 8 -g 48 -keyint_min 48 -b:v 400k";
    film.make(&vp8, words);
    let mut strategies = Vec::new();
    for (name, words) in [
        ("a.webm", ""),
        ("a.ivf", ""),
        ("a.mp4", ""),
        ("a.mkv", ""),
        ("a.ts", ""),
        ("a.flv", ""),
        ("f.mp4", "-movflags frag_keyframe+empty_moov"),
        ("a.mov", ""),
    ] {
        let path = folder.path().join(name);
        if !path.exists() {
            let first = if name == "a.ivf" { &vp8 } else { &h264 };
            make(&path, &format!("-i {} -c copy {words}", first.display()));
        }
        let reference = Reference::of(&path, 60);
        for millis in [400, 1000, 5000, 7300] {
            let options = until(every(millis), 24_500);
            let shots = judged(&path, &options).await;
            let moments = (0..24_500).step_by(usize::try_from(millis).expect("it fits"));
            let moments = moments.map(|at| Time::millis(at.into()));
            // Pictures are numbered in the order in which they are shown.
            let numbers: Vec<_> = moments.map(|at| reference.on_screen(at)).collect();
            assert_eq!(shots.numbers(), numbers, "{name} every {millis} ms");
            strategies.push(shots.done.strategy);
        }
    }
    for strategy in [Strategy::Indexed, Strategy::FullDecode] {
        assert!(strategies.contains(&strategy), "{strategy:?} was not tried");
    }
}

/// The frames there are, and that something is wrong is said; both times the same bytes.
async fn kept(path: &Path, options: Options) -> Shots {
    let options = Options {
        damaged: OnDamage::Keep,
        ..options
    };
    let first = shots(path, &options).await.expect("frames");
    let again = shots(path, &options).await.expect("frames");
    assert!(
        first.done.damaged.is_some(),
        "{}: {:?}",
        path.display(),
        first.done
    );
    assert_eq!(first.rows, again.rows);
    assert!(
        first.images == again.images,
        "the same job gives the same bytes"
    );
    first
}

#[tokio::test]
async fn of_a_video_cut_off_what_is_there_is_kept() {
    let folder = folder();
    let path = folder.path().join("cut.mp4");
    USUAL.make(&path, &format!("{X264} -movflags +faststart -g 25"));
    let bytes = std::fs::read(&path).expect("a file");
    std::fs::write(&path, &bytes[..bytes.len() * 6 / 10]).expect("a file");
    let shots = kept(&path, every(1000)).await;
    let there = Reference::of(&path, 60).frames.len();
    let seconds = there.div_ceil(25);
    assert!((4..8).contains(&seconds), "{there} frames are there");
    let numbers: Vec<_> = (0..seconds).map(|second| second * 25).collect();
    assert_eq!(shots.numbers(), numbers);

    let path = folder.path().join("noidx.avi");
    USUAL.make(&path, "-c:v mpeg4 -bf 2 -g 25");
    let bytes = std::fs::read(&path).expect("a file");
    let index = bytes
        .windows(4)
        .rposition(|kind| kind == b"idx1")
        .expect("an index");
    std::fs::write(&path, &bytes[..index - 10]).expect("a file");
    let shots = kept(&path, every(1000)).await;
    assert_eq!(shots.images.len(), 10);
    let numbers: Vec<_> = (0..10).map(|second| second * 25).collect();
    assert_eq!(shots.numbers()[..9], numbers[..9]);
}

#[tokio::test]
async fn what_is_missing_at_the_end_of_ogg_and_gif_is_told() {
    let folder = folder();
    for (name, words) in [("a.ogv", "-c:v libtheora -q:v 6 -g 25"), ("a.gif", "")] {
        let path = folder.path().join(name);
        USUAL.make(&path, words);
        let whole = shots(&path, &every(1000)).await.expect("it is whole");
        assert_eq!(
            (whole.images.len(), whole.done.damaged),
            (10, None),
            "{name}"
        );
        let bytes = std::fs::read(&path).expect("a file");
        std::fs::write(&path, &bytes[..bytes.len() * 6 / 10]).expect("a file");
        let shots = kept(&path, every(1000)).await;
        assert!((4..8).contains(&shots.images.len()), "{name}");
    }
}

#[tokio::test]
async fn a_damaged_time_that_lies_ahead_stretches_nothing_behind_it() {
    let folder = folder();
    let path = folder.path().join("a.ts");
    USUAL.make(&path, &format!("{X264} -g 25 -bf 2"));
    let mut bytes = std::fs::read(&path).expect("a file");
    // Frames that have a time of decoding too (ISO 13818-1, 2.4.3.7): it stays as it is.
    let is_start =
        |at: &usize| bytes[*at..].starts_with(&[0, 0, 1, 0xe0]) && bytes[at + 7] >> 6 == 3;
    let at = (0..bytes.len() - 20).filter(is_start).nth(60);
    let at = at.expect("a frame");
    // The bit of 2^22 ticks of its time: it comes 46.6 s later than it should.
    assert_eq!(bytes[at + 10] & 1, 0);
    bytes[at + 10] |= 1;
    std::fs::write(&path, bytes).expect("a file");
    let shots = shots(&path, &every(1000)).await.expect("frames");
    let moments = i64::try_from(shots.rows.len()).expect("few");
    assert!((56..58).contains(&moments), "{moments} moments");
    let numbers = shots.numbers();
    assert!(
        numbers.is_sorted() && numbers[numbers.len() - 1] > 220,
        "{numbers:?}"
    );
    // One picture stands for the 46 s.
    assert!((10..13).contains(&shots.images.len()), "{numbers:?}");
}

#[tokio::test]
async fn flipped_bytes_cost_a_warning_and_no_frame() {
    let folder = folder();
    let path = folder.path().join("bitrot.mp4");
    let noise = "-f lavfi -i testsrc2=size=640x360:rate=25:duration=10,noise=alls=10:allf=t";
    make(&path, &format!("{noise} {X264} -g 50 -b:v 600k"));
    let mut bytes = std::fs::read(&path).expect("a file");
    let mdat = bytes
        .windows(4)
        .position(|kind| kind == b"mdat")
        .expect("data")
        + 4;
    let moov = bytes
        .windows(4)
        .rposition(|kind| kind == b"moov")
        .expect("an index");
    // Forty places, spread by a generator of which the seed is told.
    let mut state = 14_u64;
    for _ in 0..40 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let at =
            mdat + 2000 + usize::try_from(state >> 33).expect("it fits") % (moov - mdat - 2008);
        bytes[at] ^= 0x55;
    }
    std::fs::write(&path, bytes).expect("a file");
    let shots = kept(&path, every(1000)).await;
    assert_eq!(
        shots.moments(),
        (0..10).map(|k| k * 1000).collect::<Vec<_>>()
    );
}
