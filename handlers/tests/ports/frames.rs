use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;
use fotograma::aws::Aws;
use fotograma::frames::EngineFrames;
use fotograma_core::ports::{FrameExtractor, Order, Progress, Watch};
use fotograma_core::{Error, Result};
use fotograma_engine::Options;

use super::world::{World, status};

const KEY: &str = "uploads/u1/v1";
const ZIP: &str = "frames/u1/v1.zip";

/// Answers every progress in the same way.
struct Says(Result<()>);

#[async_trait]
impl Watch for Says {
    async fn progress(&self, _: Progress) -> Result<()> {
        self.0.clone()
    }
}

fn extractor(aws: &Arc<Aws>) -> EngineFrames {
    EngineFrames::new(Arc::clone(aws), None, Options::default())
}

fn order(etag: &str) -> Order {
    Order {
        key: KEY.to_owned(),
        etag: etag.to_owned(),
        zip_key: ZIP.to_owned(),
        every_ms: 1_000,
        mode: fotograma_core::domain::Mode::Exact,
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
        .extract(&order(&etag), &Says(Ok(())))
        .await
        .expect("frames");
    assert_eq!(done.frames, 3);
    let (zip, kind) = world.object(ZIP).await.expect("a zip");
    assert_eq!(
        (zip.len() as u64, kind.as_str()),
        (done.zip_bytes, "application/zip")
    );
    assert!(zip.starts_with(b"PK\x03\x04"));
    frames
        .extract(&order(&etag), &Says(Ok(())))
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
        .extract(&order(&etag), &Says(Ok(())))
        .await
        .expect_err("no video");
    assert_eq!(status(&error), 422);
    world.put(KEY, "another").await;
    let error = frames
        .extract(&order(&etag), &Says(Ok(())))
        .await
        .expect_err("replaced");
    assert_eq!(
        error,
        Error::unprocessable("The file was replaced while it was being processed.")
    );
    let missing = Order {
        key: "uploads/u1/v2".to_owned(),
        ..order(&etag)
    };
    let error = frames
        .extract(&missing, &Says(Ok(())))
        .await
        .expect_err("missing");
    assert_eq!(status(&error), 422);
    assert!(world.object(ZIP).await.is_none());
    assert_eq!(world.open_uploads().await, 0);
}

#[tokio::test]
async fn the_watch_stops_it_with_its_own_error() {
    let world = World::new().await;
    let etag = world.put(KEY, clip().await).await;
    let lost = Error::conflict("the lease is lost");
    let frames = extractor(&world.aws);
    let outcome = frames
        .extract(&order(&etag), &Says(Err(lost.clone())))
        .await;
    assert_eq!(outcome, Err(lost));
    assert!(world.object(ZIP).await.is_none());
}
