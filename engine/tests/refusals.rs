//! Videos that give no zip: each for its own reason.

mod support;

use std::sync::Arc;
use std::time::Duration;

use fotograma_engine::{ExtractError, Limits, OnDamage, Options, Reason, Source};
use support::{Memory, clip, folder, make, refusal, run};

fn limited(limits: Limits) -> Options {
    Options {
        limits,
        ..Options::default()
    }
}

#[tokio::test]
async fn what_is_no_video() {
    let options = Options::default();
    for (bytes, reason) in [
        (&b""[..], Reason::Empty),
        (b"hello, I am a text", Reason::NotVideo),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", Reason::NotVideo),
        (b"PK\x03\x04zip", Reason::NotVideo),
        (b"ID3\x04\0\0\0\0\0\0", Reason::NoVideoStream),
    ] {
        assert_eq!(refusal(Memory::new(bytes), &options).await, reason);
    }
    let header_only = refusal(
        Memory::new(&b"\0\0\0\x18ftypisom\0\0\0\0isommp41"[..]),
        &options,
    );
    let header_only = header_only.await;
    assert_eq!(header_only.code(), "damaged", "{header_only}");
}

#[tokio::test]
async fn sound_only() {
    let folder = folder();
    for name in ["a.m4a", "a.mka", "a.ogg", "a.wav", "a.mp3"] {
        let path = folder.path().join(name);
        make(&path, "-f lavfi -i sine=duration=1");
        let reason = refusal(Memory::of(&path), &Options::default()).await;
        assert_eq!(reason, Reason::NoVideoStream, "{name}");
    }
}

#[tokio::test]
async fn a_cover_is_no_video() {
    let folder = folder();
    let cover = folder.path().join("cover.png");
    make(&cover, "-f lavfi -i color=size=64x64 -frames:v 1");
    let song = folder.path().join("a.m4a");
    let words = "-map 0 -map 1 -c:v copy -disposition:v attached_pic";
    make(
        &song,
        &format!("-f lavfi -i sine=duration=1 -i {} {words}", cover.display()),
    );
    let reason = refusal(Memory::of(&song), &Options::default()).await;
    assert_eq!(reason, Reason::NoVideoStream);
}

#[tokio::test]
async fn a_damaged_av1_is_not_short_of_memory() {
    let folder = folder();
    let path = clip(&folder, "a.mkv", 2, "-c:v libsvtav1 -preset 12 -g 25");
    let sound = std::fs::read(&path).expect("the clip");
    let keep = Options {
        damaged: OnDamage::Keep,
        ..Options::default()
    };
    for seed in 0..12_u64 {
        let mut bytes = sound.clone();
        let mut state = seed;
        for _ in 0..30 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = usize::try_from(state >> 33).expect("it fits") % (bytes.len() - 900);
            bytes[600 + at] ^= 0x55;
        }
        match run(Memory::new(bytes), &keep).await.0 {
            Ok(_) | Err(ExtractError::Video(Reason::Damaged { .. } | Reason::NoFrames)) => {}
            other => panic!("seed {seed}: {other:?}"),
        }
    }
}

/// Cut videos end as damaged, or with the frames there are and the damage said.
#[tokio::test]
async fn cut_off() {
    let folder = folder();
    let faststart = "-c:v libx264 -preset veryfast -g 25 -movflags +faststart";
    let fragments = "-c:v libx264 -preset veryfast -g 25 -movflags +frag_keyframe+empty_moov";
    for (name, words) in [
        ("a.mp4", faststart),
        ("fragments.mp4", fragments),
        ("a.mkv", "-c:v libx264 -preset veryfast -g 25"),
        ("a.avi", "-c:v mpeg4"),
    ] {
        let path = clip(&folder, name, 4, words);
        let all = std::fs::read(&path).expect("the clip");
        let cut = Memory::new(all[..all.len() * 6 / 10].to_vec());
        let reason = refusal(Arc::clone(&cut) as Arc<_>, &Options::default()).await;
        let Reason::Damaged { frames, .. } = reason else {
            panic!("{name}: {reason:?}")
        };
        assert!((1..4).contains(&frames), "{name}: {frames}");
        let keep = Options {
            damaged: OnDamage::Keep,
            ..Options::default()
        };
        let kept = run(cut, &keep).await.0.expect("the frames there are");
        assert_eq!(kept.frames, frames, "{name}");
        assert!(kept.damaged.is_some(), "{name}");
    }
}

#[tokio::test]
async fn cut_before_the_index() {
    let folder = folder();
    let path = clip(&folder, "a.mp4", 4, "-c:v libx264 -preset veryfast");
    let all = std::fs::read(&path).expect("the clip");
    for damaged in [OnDamage::Fail, OnDamage::Keep] {
        let options = Options {
            damaged,
            ..Options::default()
        };
        let reason = refusal(Memory::new(all[..all.len() / 2].to_vec()), &options).await;
        assert!(
            matches!(reason, Reason::Damaged { frames: 0, .. }),
            "{reason:?}"
        );
    }
}

#[tokio::test]
async fn more_than_allowed() {
    let folder = folder();
    let seek = clip(&folder, "a.mp4", 5, "-c:v libx264 -preset veryfast");
    let read = clip(&folder, "a.avi", 5, "-c:v mpeg4");
    let limits = Limits::default;
    for path in [&seek, &read] {
        let size = std::fs::metadata(path).expect("the clip").len();
        for (limits, reason) in [
            (
                Limits {
                    frames: 4,
                    ..limits()
                },
                Reason::TooManyFrames { limit: 4 },
            ),
            (
                Limits {
                    output_bytes: 9000,
                    ..limits()
                },
                Reason::OutputTooLarge { limit: 9000 },
            ),
            (
                Limits {
                    input_bytes: size - 1,
                    ..limits()
                },
                Reason::TooLarge { limit: size - 1 },
            ),
            (
                Limits {
                    pixels: 20_735,
                    ..limits()
                },
                Reason::TooManyPixels { limit: 20_735 },
            ),
            (
                Limits {
                    duration: Duration::from_secs(4),
                    ..limits()
                },
                Reason::TooLong { limit: 4 },
            ),
        ] {
            assert_eq!(
                refusal(Memory::of(path), &limited(limits)).await,
                reason,
                "{path:?}"
            );
        }
        let (frames, input_bytes, pixels) = (5, size, 20_736);
        let duration = Duration::from_secs(5);
        let enough = Limits {
            frames,
            input_bytes,
            pixels,
            duration,
            ..limits()
        };
        let done = run(Memory::of(path), &limited(enough)).await.0;
        assert_eq!(
            done.expect("all is within the limits").frames,
            5,
            "{path:?}"
        );
    }
}

/// More than a minute of 720p, quickly made: one second, copied again and again.
fn endless(folder: &tempfile::TempDir, name: &str) -> Arc<dyn Source> {
    let second = folder.path().join("second.mp4");
    let words = "-f lavfi -i testsrc2=size=1280x720:rate=50:duration=1 -c:v libx264";
    make(
        &second,
        &format!("{words} -preset ultrafast -pix_fmt yuv420p"),
    );
    let path = folder.path().join(name);
    make(
        &path,
        &format!("-stream_loop 100 -i {} -c copy", second.display()),
    );
    Memory::of(&path)
}

#[tokio::test]
async fn more_time_than_allowed() {
    let folder = folder();
    let source = endless(&folder, "a.flv");
    let limits = Limits {
        wall: Duration::from_millis(1500),
        ..Limits::default()
    };
    let reason = refusal(Arc::clone(&source), &limited(limits)).await;
    assert_eq!(reason, Reason::TookTooLong { limit: 1 });
    let limits = Limits {
        cpu: Duration::from_secs(1),
        ..Limits::default()
    };
    assert_eq!(
        refusal(source, &limited(limits)).await,
        Reason::CpuTime { limit: 1 }
    );
}

#[tokio::test]
async fn more_memory_than_allowed() {
    let folder = folder();
    let path = folder.path().join("a.mkv");
    let words = "-f lavfi -i color=size=4096x4096:rate=1:duration=3 -c:v libx264";
    make(
        &path,
        &format!("{words} -preset ultrafast -pix_fmt yuv420p"),
    );
    for memory in [48 << 20, 64 << 20, 100 << 20] {
        let limits = Limits {
            memory,
            ..Limits::default()
        };
        let reason = refusal(Memory::of(&path), &limited(limits)).await;
        assert_eq!(reason, Reason::Memory { limit: memory });
    }
}

#[tokio::test]
async fn senseless_options() {
    let senseless = [
        Options {
            every: Duration::ZERO,
            ..Options::default()
        },
        Options {
            quality: 1,
            ..Options::default()
        },
        Options {
            width: Some(3),
            ..Options::default()
        },
        Options {
            to: Some(Duration::ZERO),
            ..Options::default()
        },
    ];
    for options in senseless {
        let done = run(Memory::new(&b"x"[..]), &options).await.0;
        assert!(matches!(done, Err(ExtractError::Options(_))), "{done:?}");
    }
}

#[test]
fn every_reason_has_its_word() {
    let reason = Reason::TooManyFrames { limit: 4 };
    let json = serde_json::to_value(&reason).expect("plain data");
    assert_eq!(json["code"], reason.code());
}
