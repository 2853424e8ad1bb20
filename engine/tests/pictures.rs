//! A picture as a person expects it: no combs, square samples, transparency, one track of several.

mod judge;
mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use fotograma_engine::{
    ExtractError, Ffmpeg, Format, Hdr, Options, Samples, Source, TrackReason, plan, shown_track,
};
use judge::numbered::{COLOURS, Numbered, USUAL, corners};
use judge::shots::{Shots, pixels, shots, size};
use support::{Memory, every, folder, make};

const X264: &str = "-c:v libx264 -preset veryfast -pix_fmt yuv420p";

async fn taken(path: &Path, options: &Options) -> Shots {
    let shots = shots(path, options).await;
    shots.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn png(millis: u64) -> Options {
    Options {
        format: Format::Png,
        ..every(millis)
    }
}

fn webp(millis: u64) -> Options {
    Options {
        format: Format::Webp,
        ..every(millis)
    }
}

#[tokio::test]
async fn samples_are_made_square() {
    let folder = folder();
    for (sar, name, right, narrow_height) in [
        ("64/45", "a.mp4", (455, 180), 63),
        ("64/45", "a.mkv", (455, 180), 63),
        // What is narrow grows in height: nothing is lost.
        ("8/9", "a.mp4", (320, 203), 101),
        ("1/1", "a.ts", (320, 180), 90),
    ] {
        let path = folder.path().join(name);
        USUAL.make(&path, &format!("-vf setsar={sar} -t 2 {X264}"));
        for format in [Format::Jpg, Format::Png] {
            let options = Options {
                format,
                ..every(1000)
            };
            let shown = taken(&path, &options).await;
            assert_eq!(size(&shown.images[0].1), right, "{name} {sar}");
            let colours = pixels(&shown.images[0].1);
            let found = corners(&colours.rgb, colours.width, colours.height);
            for (found, right) in found.iter().zip(COLOURS) {
                let far = found.iter().zip(right).any(|(a, b)| a.abs_diff(b) > 4);
                assert!(!far, "{found:?} and not {right:?}");
            }
            let as_is = Options {
                samples: Samples::AsIs,
                ..options.clone()
            };
            let shown = taken(&path, &as_is).await;
            assert_eq!(size(&shown.images[0].1), (320, 180), "{name} {sar}");
            let narrow = Options {
                width: Some(160),
                ..options
            };
            let shown = taken(&path, &narrow).await;
            assert_eq!(
                size(&shown.images[0].1),
                (160, narrow_height),
                "{name} {sar}"
            );
        }
    }
}

#[tokio::test]
async fn samples_that_would_make_a_giant_stay_as_they_are() {
    let folder = folder();
    let path = folder.path().join("a.mkv");
    USUAL.make(&path, &format!("-vf setsar=100/1 -t 1 {X264}"));
    let mut options = every(1000);
    options.limits.pixels = 1 << 20;
    let shown = taken(&path, &options).await;
    assert_eq!(size(&shown.images[0].1), (320, 180));
}

/// How much neighbouring lines differ, of 255: high where fields of two moments are woven.
fn combing(image: &[u8]) -> f64 {
    let picture = pixels(image);
    let row = picture.width * 3;
    let lines: Vec<_> = picture.rgb.chunks(row).collect();
    let mut sum = 0_u64;
    for three in lines.windows(3) {
        let (above, line, below) = (three[0], three[1], three[2]);
        for x in 0..row {
            let middle = above[x].midpoint(below[x]);
            sum += u64::from(middle.abs_diff(line[x]));
        }
    }
    let samples = u32::try_from(row * (lines.len() - 2)).expect("it fits");
    f64::from(u32::try_from(sum).expect("it fits")) / f64::from(samples)
}

#[tokio::test]
async fn what_is_interlaced_has_no_combs() {
    let folder = folder();
    // Upright bars that move by 8 pixels a field, 50 fields a second.
    let bars = "-f lavfi -i nullsrc=s=320x240:r=50:d=3,geq=lum='if(lt(mod(X+8*N,64),32),235,16)':cb=128:cr=128";
    let woven = "-vf interlace=scan=tff:lowpass=0,setfield=tff";
    let x264 = format!("{X264} -x264-params tff=1 -g 25 -b:v 2M");
    let smooth = folder.path().join("smooth.mp4");
    make(&smooth, &format!("{bars} {X264} -g 25"));
    let plain = combing(&taken(&smooth, &png(500)).await.images[1].1);
    for name in ["a.mp4", "a.mkv", "a.ts"] {
        let path = folder.path().join(name);
        make(&path, &format!("{bars} {woven} {x264}"));
        let shown = taken(&path, &png(500)).await;
        assert_eq!(shown.images.len(), 6, "{name}");
        for (_, image) in &shown.images[1..5] {
            let combs = combing(image);
            assert!(combs < plain + 2.0, "{name}: {combs} instead of {plain}");
        }
        let raw = Command::new("ffmpeg")
            .args(["-v", "error", "-ss", "1", "-i"])
            .arg(&path)
            .args("-frames:v 1 -c:v png -f image2pipe -".split(' '))
            .output()
            .expect("ffmpeg is installed");
        assert!(combing(&raw.stdout) > plain + 20.0, "the clip has combs");
    }
}

#[tokio::test]
async fn transparency_is_kept_in_png_and_webp() {
    let folder = folder();
    let half = "-f lavfi -i color=red:s=160x120:r=10:d=2,format=yuva420p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='if(lt(X,80),0,255)'";
    for (name, words) in [
        ("vp9.webm", "-c:v libvpx-vp9 -auto-alt-ref 0"),
        ("vp8.webm", "-c:v libvpx -auto-alt-ref 0"),
        ("a.mov", "-c:v qtrle"),
    ] {
        let path = folder.path().join(name);
        make(&path, &format!("{half} {words}"));
        let shown = taken(&path, &png(1000)).await;
        assert_eq!(shown.images.len(), 2, "{name}");
        let image = &shown.images[1].1;
        // IHDR: 8 bits of red, green, blue and alpha.
        assert_eq!(image[24..26], [8, 6], "{name}");
        let alpha = alpha(image);
        assert!(alpha[60 * 160 + 40] < 8, "{name}: the left is transparent");
        assert!(alpha[60 * 160 + 120] > 247, "{name}: the right is not");
        let image = &taken(&path, &webp(1000)).await.images[1].1;
        let transparent = self::alpha(image);
        assert!(
            transparent[60 * 160 + 40] < 8,
            "{name}: the left of the WebP"
        );
        assert!(transparent[60 * 160 + 120] > 247, "{name}: its right");
        // A JPEG knows no transparency.
        assert_eq!(taken(&path, &every(1000)).await.images.len(), 2, "{name}");
    }
}

/// The transparency of a picture's pixels.
fn alpha(image: &[u8]) -> Vec<u8> {
    let folder = folder();
    let path = folder.path().join("a.image");
    std::fs::write(&path, image).expect("a file");
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&path)
        .args("-vf format=rgba,extractplanes=a -f rawvideo -".split(' '))
        .output()
        .expect("ffmpeg is installed");
    output.stdout
}

#[tokio::test]
async fn a_webp_is_refused_by_name_where_ffmpeg_cannot_write_it() {
    let folder = folder();
    let path = folder.path().join("a.avi");
    USUAL.make(&path, "-t 1 -c:v mpeg4");
    let without = Ffmpeg {
        libwebp: false,
        ..support::ffmpeg().await
    };
    let (done, kept) = support::run_by(&without, Memory::of(&path), &webp(1000)).await;
    assert_eq!(kept.fate(), support::Fate::Aborted);
    match done {
        Err(ExtractError::Options(why)) => assert!(why.contains("WebP"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_webp_has_the_colours_of_a_jpeg_in_fewer_bytes_by_its_quality() {
    let folder = folder();
    let path = folder.path().join("a.mp4");
    make(
        &path,
        &format!("-f lavfi -i mandelbrot=s=640x360:r=5 -t 1 {X264}"),
    );
    let bytes = |shown: &Shots| shown.images[0].1.len();
    let jpeg = taken(&path, &every(1000)).await;
    let of = async |quality| {
        let options = Options {
            quality,
            ..webp(1000)
        };
        taken(&path, &options).await
    };
    let (best, usual, least) = (of(2).await, of(3).await, of(31).await);
    let (name, image) = &usual.images[0];
    assert_eq!(
        (name.as_str(), &image[..4]),
        ("frame_00001.webp", &b"RIFF"[..])
    );
    assert!(
        bytes(&usual) < bytes(&jpeg),
        "{} {}",
        bytes(&usual),
        bytes(&jpeg)
    );
    assert!(bytes(&best) > bytes(&usual) && bytes(&usual) > bytes(&least) * 2);
    let reference = pixels(&taken(&path, &png(1000)).await.images[0].1).rgb;
    let off = |shown: &Shots| {
        let found = pixels(&shown.images[0].1).rgb;
        let pairs = found.iter().zip(&reference);
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum * 10 / found.len() as u64
    };
    // Tenths of a step of 255, in the mean.
    assert!(
        off(&usual) <= off(&jpeg) + 10,
        "{} {}",
        off(&usual),
        off(&jpeg)
    );
}

#[tokio::test]
async fn hdr_is_kept_in_16_bits_where_wanted() {
    let folder = folder();
    let path = folder.path().join("a.mp4");
    let tags = "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -color_range tv";
    USUAL.make(
        &path,
        &format!("-t 1 -c:v libx264 -pix_fmt yuv420p10le {tags}"),
    );
    let kept = Options {
        hdr: Hdr::Keep,
        ..png(1000)
    };
    let shown = taken(&path, &kept).await;
    assert_eq!(shown.images[0].1[24..26], [16, 2]);
    let jpeg = Options {
        hdr: Hdr::Keep,
        ..every(1000)
    };
    let refused = shots(&path, &jpeg).await.expect_err("a JPEG has 8 bits");
    assert!(refused.to_string().contains("PNG"), "{refused}");
}

/// Ten seconds whose first track of video is a disabled proxy of 64 by 48.
fn two_tracks(folder: &tempfile::TempDir, name: &str) -> std::path::PathBuf {
    let (small, usual) = (folder.path().join("s.mp4"), folder.path().join("u.mp4"));
    let proxy = Numbered {
        width: 64,
        height: 48,
        pictures: 10,
        rate: 1,
    };
    proxy.make(&small, X264);
    USUAL.make(&usual, X264);
    let path = folder.path().join(name);
    let (small, usual) = (small.display(), usual.display());
    let words = "-map 0 -map 1 -c copy -disposition:0 0 -disposition:1 default";
    make(&path, &format!("-i {small} -i {usual} {words}"));
    path
}

#[tokio::test]
async fn which_track_is_shown_is_told_of_every_container() {
    let folder = folder();
    let ffmpeg = support::ffmpeg().await;
    for (name, number) in [
        ("a.mkv", 2),
        ("a.mp4", 2),
        ("a.mov", 2),
        // These know no track that is shown before others.
        ("a.ts", 1),
        ("a.avi", 1),
    ] {
        let path = two_tracks(&folder, name);
        let source: Arc<dyn Source> = Memory::of(&path);
        let options = every(1000);
        let plan = plan(source.as_ref(), &options).await.expect("a plan");
        let shown = shown_track(&ffmpeg, &source, &options).await;
        let shown = shown.expect("it is read").expect("a track");
        assert_eq!((shown.number, shown.of), (number, 2), "{name}");
        assert!(
            plan.track.is_none_or(|track| track.number == number),
            "{name}"
        );
        let reason = match number {
            1 => TrackReason::First,
            _ => TrackReason::Enabled,
        };
        assert_eq!(shown.reason, reason, "{name}");
        let second = Options {
            track: Some(2),
            ..options
        };
        let shown = shown_track(&ffmpeg, &source, &second).await;
        let shown = shown.expect("it is read").expect("a track");
        assert_eq!(
            (shown.number, shown.reason),
            (2, TrackReason::Asked),
            "{name}"
        );
        let images = taken(&path, &second).await.images;
        assert_eq!(size(&images[0].1), (320, 180), "{name}");
    }
}

#[tokio::test]
async fn the_track_that_the_file_has_shown_is_taken_unless_told() {
    let folder = folder();
    for name in ["a.mkv", "a.mp4"] {
        let path = two_tracks(&folder, name);
        for (track, right) in [
            (None, (320, 180)),
            (Some(1), (64, 48)),
            (Some(2), (320, 180)),
        ] {
            let options = Options {
                track,
                ..every(1000)
            };
            let shown = taken(&path, &options).await;
            assert_eq!(size(&shown.images[0].1), right, "{name}, track {track:?}");
            assert_eq!(shown.images.len(), 10);
        }
    }
}
