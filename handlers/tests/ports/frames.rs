use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use fotograma::aws::Aws;
use fotograma::frames::EngineFrames;
use fotograma_core::domain::{ExtractionRequest, Progress};
use fotograma_core::ports::{ExtractionError, FrameExtractor, ProgressListener};
use fotograma_core::{Error, Result};
use fotograma_engine::Options;

use super::world::World;

const KEY: &str = "uploads/u1/v1";
const ZIP: &str = "frames/u1/v1.zip";

/// Answers every progress in the same way.
struct Says(Result<()>);

#[async_trait]
impl ProgressListener for Says {
    async fn progress(&self, _: Progress) -> Result<()> {
        self.0.clone()
    }
}

fn extractor(aws: &Arc<Aws>) -> EngineFrames {
    EngineFrames::new(Arc::clone(aws), None, Options::default())
}

fn request(etag: &str) -> ExtractionRequest {
    ExtractionRequest {
        key: KEY.to_owned(),
        etag: etag.to_owned(),
        zip_key: ZIP.to_owned(),
        options: fotograma_core::domain::ExtractionOptions::default(),
        modified: DateTime::from_timestamp(1_700_000_000, 0).expect("a time"),
    }
}

/// Three seconds of moving picture.
async fn clip() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clip.mp4");
    make(&path).await;
    tokio::fs::read(&path).await.expect("a clip")
}

async fn make(path: &Path) {
    let made = tokio::process::Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=d=3:s=64x48:r=10",
        ])
        .args(["-pix_fmt", "yuv420p"])
        .arg(path)
        .status()
        .await;
    assert!(made.expect("ffmpeg runs").success());
}

#[tokio::test]
async fn a_video_becomes_a_zip_and_the_same_one_again() {
    let world = World::new().await;
    let etag = world.put(KEY, clip().await).await;
    let frames = extractor(&world.aws);
    let done = frames
        .extract(&request(&etag), &Says(Ok(())))
        .await
        .expect("frames");
    assert_eq!(done.frames, 3);
    let (zip, kind) = world.object(ZIP).await.expect("a zip");
    assert_eq!(
        (zip.len() as u64, kind.as_str()),
        (done.zip_bytes, "application/zip")
    );
    assert!(zip.starts_with(b"PK\x03\x04"));
    assert!(done.previews);
    for (name, kind, start) in [
        ("poster.jpg", "image/jpeg", &b"\xff\xd8"[..]),
        ("storyboard.jpg", "image/jpeg", b"\xff\xd8"),
        (
            "storyboard.vtt",
            "text/vtt",
            b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nstoryboard.jpg#xywh=0,0,160,120\n",
        ),
    ] {
        let key = format!("frames/u1/v1/{name}");
        let (bytes, found) = world.object(&key).await.expect(name);
        assert!(bytes.starts_with(start) && found == kind, "{name}: {found}");
    }
    frames
        .extract(&request(&etag), &Says(Ok(())))
        .await
        .expect("frames");
    assert!(
        world.object(ZIP).await.expect("a zip").0 == zip,
        "byte for byte"
    );
}

#[tokio::test]
async fn what_is_no_video_is_the_users_fault_and_leaves_nothing() {
    let world = World::new().await;
    let frames = extractor(&world.aws);
    let etag = world.put(KEY, "not a video").await;
    let error = frames
        .extract(&request(&etag), &Says(Ok(())))
        .await
        .expect_err("no video");
    assert!(matches!(error, ExtractionError::Video(_)), "{error}");
    world.put(KEY, "another").await;
    let error = frames
        .extract(&request(&etag), &Says(Ok(())))
        .await
        .expect_err("replaced");
    assert_eq!(
        error,
        ExtractionError::Video("The file was replaced while it was being processed.".to_owned())
    );
    let missing = ExtractionRequest {
        key: "uploads/u1/v2".to_owned(),
        ..request(&etag)
    };
    let error = frames
        .extract(&missing, &Says(Ok(())))
        .await
        .expect_err("missing");
    assert!(matches!(error, ExtractionError::Video(_)), "{error}");
    assert!(world.object(ZIP).await.is_none());
    assert_eq!(world.open_uploads().await, 0);
}

#[tokio::test]
async fn the_listener_stops_it_with_its_own_error() {
    let world = World::new().await;
    let etag = world.put(KEY, clip().await).await;
    let lost = Error::conflict("the lease is lost");
    let frames = extractor(&world.aws);
    let outcome = frames
        .extract(&request(&etag), &Says(Err(lost.clone())))
        .await;
    assert_eq!(outcome, Err(lost.into()));
    assert!(world.object(ZIP).await.is_none());
}

#[tokio::test]
async fn a_broken_ffmpeg_is_not_the_videos_fault() {
    use std::os::unix::fs::PermissionsExt;

    let world = World::new().await;
    let etag = world.put(KEY, clip().await).await;
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("ffmpeg");
    // It tells its version, and then ends with 1 in silence.
    let script = "#!/bin/sh\n[ \"$1\" = -version ] && exec ffmpeg -version\nexit 1\n";
    std::fs::write(&broken, script).expect("a script");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&broken, executable).expect("a program");
    for path in [broken, folder.path().join("nothing")] {
        let frames = EngineFrames::new(Arc::clone(&world.aws), Some(path), Options::default());
        let error = frames.self_test().await.expect_err("no frames");
        assert!(matches!(error, Error::Operational(_)), "{error}");
        let error = frames
            .extract(&request(&etag), &Says(Ok(())))
            .await
            .expect_err("no frames");
        let ExtractionError::Other(error) = error else {
            panic!("the video is blamed: {error}");
        };
        assert!(matches!(error, Error::Operational(_)), "{error}");
    }
    let sound = extractor(&world.aws);
    assert_eq!(sound.self_test().await, Ok(()));
}
