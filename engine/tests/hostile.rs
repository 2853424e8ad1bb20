//! Files made to do harm: refused, or bounded, and nothing is touched but the file itself.

mod support;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use fotograma_engine::{ExtractError, Limits, OnDamage, Options, Reason};
use support::{Memory, clip, folder, make, refusal, run};

/// A port of ours that nobody may talk to.
struct Trap(TcpListener);

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        Self(listener)
    }

    fn address(&self) -> String {
        self.0.local_addr().expect("it is bound").to_string()
    }

    fn assert_untouched(&self, by: &str) {
        let caught = self.0.accept();
        assert!(caught.is_err(), "{by} made a connection: {caught:?}");
    }
}

/// Playlists and scripts, bare and behind the first bytes of real containers.
#[tokio::test]
async fn playlists_open_nothing() {
    let folder = folder();
    let secret = clip(&folder, "secret.mp4", 1, "-c:v libx264 -preset veryfast");
    let (secret, trap) = (secret.display(), Trap::set());
    let http = format!("http://{}/x.ts", trap.address());
    let texts = [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"),
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"),
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{http}\n#EXT-X-ENDLIST\n"),
        format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{http}\n"),
        format!("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"{http}\"\n#EXTINF:1,\n{http}\n"),
        format!("ffconcat version 1.0\nfile '{secret}'\n"),
        "ffconcat version 1.0\nfile a.mp4\n".to_owned(),
        format!(
            "<?xml version=\"1.0\"?><MPD type=\"static\" mediaPresentationDuration=\"PT1S\"><Period>\
             <AdaptationSet><Representation id=\"1\"><BaseURL>{http}</BaseURL><SegmentList>\
             <SegmentURL media=\"{http}\"/></SegmentList></Representation></AdaptationSet></Period></MPD>"
        ),
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
            .to_owned(),
    ];
    let fronts: [&[u8]; 3] = [
        b"",
        b"\0\0\0\x18ftypisom\0\0\0\0isommp41\n",
        b"\0\0\0\x01\x09\xf0\n",
    ];
    for text in &texts {
        for front in fronts {
            let bytes = [front, text.as_bytes()].concat();
            let reason = refusal(Memory::new(bytes), &Options::default()).await;
            let nothing = matches!(
                reason,
                Reason::NotVideo
                    | Reason::NoVideoStream
                    | Reason::NoFrames
                    | Reason::Damaged { frames: 0, .. }
            );
            assert!(nothing, "{text}: {reason:?}");
            trap.assert_untouched(text);
        }
    }
}

/// A `QuickTime` file whose samples are said to be in another file.
#[tokio::test]
async fn data_in_another_file_is_not_fetched() {
    let folder = folder();
    let path = clip(&folder, "a.mov", 2, "-c:v libx264 -preset veryfast");
    let mut bytes = std::fs::read(&path).expect("the clip");
    let mut found = 0;
    for at in 0..bytes.len() - 12 {
        if &bytes[at..at + 4] == b"url " || &bytes[at..at + 4] == b"alis" {
            bytes[at..at + 8].copy_from_slice(b"alis\0\0\0\0");
            found += 1;
        }
    }
    assert!(found > 0, "the clip has a data reference");
    // Its own frames, or none.
    let expected = support::reference(&path, Duration::from_secs(1));
    let (done, kept) = run(Memory::new(bytes), &Options::default()).await;
    match done {
        Ok(_) => {
            let mut found = support::entries(kept.bytes());
            found.pop();
            let images: Vec<u8> = found.into_iter().flat_map(|(_, image)| image).collect();
            assert!(images == expected);
        }
        Err(ExtractError::Video(_)) => {}
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn huge_pictures_are_refused_at_once() {
    let folder = folder();
    let path = clip(&folder, "a.ivf", 1, "-c:v libvpx -deadline realtime");
    let mut bytes = std::fs::read(&path).expect("the clip");
    // The frame header of VP8 (RFC 6386, 9.1): 14 bits each, after the start code.
    let start = bytes
        .windows(3)
        .position(|w| w == [0x9d, 0x01, 0x2a])
        .expect("a start code")
        + 3;
    bytes[start..start + 4].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    bytes[12..16].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    let mut gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    gif.extend(b"\x2c\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\x01\0\x3b");
    for bytes in [bytes, gif] {
        let begun = Instant::now();
        let reason = refusal(Memory::new(bytes), &Options::default()).await;
        assert!(matches!(reason, Reason::TooManyPixels { .. }), "{reason:?}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn more_frames_than_can_be_are_counted_to_the_limit_only() {
    let folder = folder();
    let path = folder.path().join("a.avi");
    make(
        &path,
        "-f lavfi -i color=size=16x16:rate=1:duration=100000 -c:v mpeg4 -g 600",
    );
    let limits = Limits {
        frames: 300,
        ..Limits::default()
    };
    let reason = refusal(
        Memory::of(&path),
        &Options {
            limits,
            ..Options::default()
        },
    )
    .await;
    assert_eq!(reason, Reason::TooManyFrames { limit: 300 });
}

#[tokio::test]
async fn a_gap_is_not_filled() {
    let folder = folder();
    let path = folder.path().join("a.mkv");
    let gap = "-f lavfi -i color=size=16x16:rate=1:duration=2 -vf setpts=N*100000/TB";
    make(&path, &format!("{gap} -fps_mode passthrough -c:v libx264"));
    let (done, kept) = run(Memory::of(&path), &Options::default()).await;
    assert_eq!(done.expect("two frames").frames, 2);
    let table = support::entries(kept.bytes()).pop().expect("the table").1;
    assert!(table.ends_with(b"frame_00002.jpg,100000.000,100000.000\n"));
    let limits = Limits {
        duration: Duration::from_hours(1),
        ..Limits::default()
    };
    let reason = refusal(
        Memory::of(&path),
        &Options {
            limits,
            ..Options::default()
        },
    )
    .await;
    assert_eq!(reason, Reason::TooLong { limit: 3600 });
}

/// Numbers that look random and are the same in every run (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).expect("it fits")
    }
}

/// Changes some bytes of `bytes`, or repeats or removes a part, mostly near the beginning.
fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    const TELLING: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    for _ in 0..=dice.below(12) {
        let reach = if dice.below(2) == 0 {
            bytes.len().min(2000)
        } else {
            bytes.len()
        };
        let at = dice.below(reach);
        match dice.below(8) {
            0 => {
                let end = (at + dice.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            1 => {
                let end = (at + dice.below(64)).min(bytes.len() - 1);
                bytes.drain(at..end);
            }
            _ => bytes[at] = TELLING[dice.below(TELLING.len())],
        }
    }
}

#[tokio::test]
async fn mutants_end_with_frames_or_a_reason() {
    let folder = folder();
    let limits = Limits {
        wall: Duration::from_secs(30),
        ..Limits::default()
    };
    let options = Options {
        damaged: OnDamage::Keep,
        limits,
        ..Options::default()
    };
    let mut ends = std::collections::BTreeMap::<&str, u32>::new();
    for (name, words) in [
        (
            "a.mp4",
            "-c:v libx264 -preset veryfast -movflags +faststart",
        ),
        (
            "b.mp4",
            "-c:v libx264 -preset veryfast -movflags +frag_keyframe+empty_moov",
        ),
        ("a.mkv", "-c:v libx264 -preset veryfast"),
        ("a.avi", "-c:v mpeg4"),
        ("a.ts", "-c:v mpeg2video"),
    ] {
        let original = std::fs::read(clip(&folder, name, 1, words)).expect("the clip");
        let mut dice = Dice(0x5eed);
        for round in 0..5 {
            let mut bytes = original.clone();
            mutate(&mut bytes, &mut dice);
            let end = match run(Memory::new(bytes), &options).await.0 {
                Ok(_) => "frames",
                Err(ExtractError::Video(reason)) => reason.code(),
                Err(other) => panic!("{name}, round {round}: {other:?}"),
            };
            assert_ne!(end, "took_too_long", "{name}, round {round}");
            *ends.entry(end).or_default() += 1;
        }
    }
    assert!(ends.len() > 1 && ends.contains_key("frames"), "{ends:?}");
}
