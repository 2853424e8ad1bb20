//! A poster, a storyboard and a contact sheet, made of the frames on their way, whatever way that is.

mod support;

use std::path::Path;
use std::process::Command;

use fotograma_engine::{Format, Mode, Options, Previews};
use support::{Memory, clip, entries, every, folder, make, run};

/// The pixels of an image, as red, green and blue, at this size.
fn pixels(image: &[u8], size: (u32, u32), filters: &str) -> Vec<u8> {
    let folder = folder();
    let path = folder.path().join("image");
    std::fs::write(&path, image).expect("a file");
    let output = Command::new("ffmpeg")
        .args("-v error -nostdin -i".split(' '))
        .arg(&path)
        .args([
            "-vf",
            &format!("{filters}scale={}:{}:flags=area", size.0, size.1),
        ])
        .args("-f rawvideo -pix_fmt rgb24 -".split(' '))
        .output()
        .expect("ffmpeg is installed");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

/// Width and height.
fn size(image: &[u8]) -> (u32, u32) {
    let folder = folder();
    let path = folder.path().join("image");
    std::fs::write(&path, image).expect("a file");
    let output = Command::new("ffprobe")
        .args("-v error -show_entries stream=codec_name,width,height -of csv=p=0".split(' '))
        .arg(&path)
        .output()
        .expect("ffprobe is installed");
    let text = String::from_utf8(output.stdout).expect("text");
    let fields: Vec<_> = text.trim().split(',').collect();
    let [codec, width, height] = fields[..] else {
        panic!("{text}");
    };
    assert_eq!(codec, "mjpeg");
    (
        width.parse().expect("a width"),
        height.parse().expect("a height"),
    )
}

/// The images of a video and what is made beside them, which changes no byte of the zip.
async fn previews(path: &Path, options: &Options) -> (Vec<Vec<u8>>, Previews) {
    let source = || Memory::of(path);
    let (plain, plain_zip) = run(source(), options).await;
    let with = Options {
        previews: true,
        ..options.clone()
    };
    let (done, zip) = run(source(), &with).await;
    let done = done.expect("frames");
    assert_eq!(plain.expect("frames").strategy, done.strategy);
    assert!(plain_zip.bytes() == zip.bytes(), "{}", path.display());
    let images = entries(zip.bytes()).into_iter();
    let images = images.filter(|(name, _)| name != "frames.csv");
    let images = images.map(|(_, image)| image).collect();
    (images, done.previews.expect("previews"))
}

/// How far apart the means of two pictures' colours are, of 255.
fn distance(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(other);
    let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    #[expect(clippy::cast_precision_loss, reason = "some thousand pixels")]
    let mean = sum as f64 / one.len() as f64;
    mean
}

#[tokio::test]
async fn every_way_of_reading_gives_a_tile_for_each_frame() {
    let folder = folder();
    let h264 = "-c:v libx264 -preset ultrafast -g 25";
    let mp4 = clip(&folder, "a.mp4", 12, h264);
    let avi = clip(&folder, "a.avi", 12, "-c:v mpeg4 -g 25");
    let mkv = clip(&folder, "a.mkv", 12, h264);
    let ts = clip(&folder, "a.ts", 12, h264);
    let keyframes = Options {
        mode: Mode::Keyframe,
        ..every(1000)
    };
    let rotated = folder.path().join("turned.mp4");
    make(
        &rotated,
        &format!("-i {} -c copy -metadata:s:v rotate=90", mp4.display()),
    );
    for (path, options, tile) in [
        (&mp4, every(1000), (160, 90)),
        (&avi, every(1000), (160, 90)),
        (&mkv, every(4000), (160, 90)),
        (&ts, keyframes, (160, 90)),
        (&rotated, every(1000), (90, 160)),
    ] {
        let (images, previews) = previews(path, &options).await;
        let name = path.display();
        assert!(images.contains(&previews.poster.to_vec()), "{name}");
        let cues = &previews.storyboard.cues;
        assert_eq!(cues.len(), images.len(), "{name}");
        let columns = u32::try_from(cues.len().min(10)).expect("few");
        let rows = u32::try_from(cues.len().div_ceil(10)).expect("few");
        let sheet = &previews.storyboard.sheet;
        assert_eq!(size(sheet), (columns * tile.0, rows * tile.1), "{name}");
        for (cue, image) in cues.iter().zip(&images) {
            assert_eq!((cue.width, cue.height), tile);
            let crop = format!("crop={}:{}:{}:{},", cue.width, cue.height, cue.x, cue.y);
            let (small, right) = (pixels(sheet, (32, 32), &crop), pixels(image, (32, 32), ""));
            assert!(distance(&small, &right) < 6.0, "{name}: {cue:?}");
        }
    }
}

#[tokio::test]
async fn a_poster_is_neither_black_nor_blurred_and_always_a_jpeg() {
    let folder = folder();
    let path = folder.path().join("a.avi");
    // Two seconds of black, two of a blurred picture, and then the picture itself.
    make(
        &path,
        "-f lavfi -i testsrc2=size=320x180:rate=5:duration=40 -vf \
         gblur=sigma=12:enable=lt(t\\,4),drawbox=c=black:t=fill:enable=lt(t\\,2) -c:v mpeg4 -q:v 2",
    );
    let (images, made) = previews(&path, &every(1000)).await;
    let at = images.iter().position(|image| *image == made.poster);
    let at = at.expect("a frame");
    assert!((4..=10).contains(&at), "frame {at} of {}", images.len());
    for format in [Format::Png, Format::Webp] {
        let options = Options {
            format,
            ..every(1000)
        };
        let (images, made) = previews(&path, &options).await;
        assert_eq!(size(&made.poster), (320, 180));
        let poster = pixels(&made.poster, (320, 180), "");
        let near = |image: &Vec<u8>| distance(&pixels(image, (320, 180), ""), &poster) < 3.0;
        let at = images.iter().position(near).expect("one of the frames");
        assert!((4..=10).contains(&at), "frame {at} as {format:?}");
    }
}

#[tokio::test]
async fn a_storyboard_has_a_hundred_tiles_at_most_and_is_read_as_web_vtt() {
    let folder = folder();
    let path = clip(&folder, "a.avi", 25, "-c:v mpeg4");
    let (images, made) = previews(&path, &every(100)).await;
    assert_eq!(images.len(), 250);
    assert_eq!(made.storyboard.cues.len(), 100);
    assert_eq!(size(&made.storyboard.sheet), (1600, 900));
    let text = made.storyboard.web_vtt("storyboard.jpg");
    let file = folder.path().join("storyboard.vtt");
    std::fs::write(&file, &text).expect("a file");
    let output = Command::new("ffprobe")
        .args("-v error -show_entries packet=pts_time,duration_time -of csv=p=0".split(' '))
        .arg(&file)
        .output()
        .expect("ffprobe is installed");
    let read = String::from_utf8(output.stdout).expect("text");
    let times: Vec<(f64, f64)> = read
        .lines()
        .map(|line| {
            let (start, length) = line.split_once(',').expect("two times");
            (
                start.parse().expect("a time"),
                length.parse().expect("a time"),
            )
        })
        .collect();
    assert_eq!(times.len(), 100);
    assert!(
        times
            .windows(2)
            .all(|two| (two[0].0 + two[0].1 - two[1].0).abs() < 0.002)
    );
    let (start, length) = times[99];
    assert!((start + length - 25.0).abs() < 0.1, "{start} {length}");
    assert!(text.contains("\nstoryboard.jpg#xywh=1440,810,160,90\n"));
}

#[tokio::test]
async fn a_contact_sheet_has_thirty_pictures_at_most() {
    let folder = folder();
    let path = clip(&folder, "a.avi", 40, "-c:v mpeg4");
    let options = Options {
        previews: true,
        contact_sheet: true,
        ..every(1000)
    };
    let done = run(Memory::of(&path), &options).await.0.expect("frames");
    let made = done.previews.expect("previews");
    let sheet = made.contact_sheet.expect("a contact sheet");
    assert_eq!(size(&sheet), (5 * 328 + 8, 6 * 188 + 8));
    assert_eq!(size(&made.storyboard.sheet), (1600, 360));
    assert_eq!(made.storyboard.cues[39].x, 1440);
    // The ground around them is white.
    let ground = pixels(&sheet, (1, 1), "crop=4:4:0:0,");
    assert!(ground.iter().all(|&value| value > 245), "{ground:?}");
}

#[tokio::test]
async fn odd_and_tiny_pictures_have_previews_too() {
    let folder = folder();
    for (size, tile) in [
        ("2x200", (2, 160)),
        ("201x2", (160, 2)),
        ("33x31", (160, 150)),
    ] {
        let path = folder.path().join(format!("{size}.mkv"));
        let pictures = format!("-f lavfi -i testsrc2=size={size}:rate=5:duration=3 -c:v png");
        make(&path, &pictures);
        let (_, made) = previews(&path, &every(1000)).await;
        let cue = made.storyboard.cues[0];
        assert_eq!((cue.width, cue.height), tile, "{size}");
    }
}
