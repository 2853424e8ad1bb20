//! What becomes of the zip: written whole, not at all, or to a sink that fails or takes its time.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_engine::{
    Cancelled, ExtractError, FileSink, FileSource, IgnoreProgress, Options, Progress,
    ProgressListener, Sink, SinkError, extract,
};
use support::{Memory, clip, ffmpeg, folder, run};
use tokio::sync::Notify;

/// A sink that takes a few bytes and no more.
struct Full(usize);

#[async_trait]
impl Sink for Full {
    async fn write(&mut self, bytes: Bytes) -> Result<(), SinkError> {
        let left = self.0.checked_sub(bytes.len());
        self.0 = left.ok_or_else(|| SinkError("no space left".into()))?;
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<(), SinkError> {
        panic!("there is nothing to finish")
    }

    async fn abort(self: Box<Self>) {}
}

/// A sink that ends only when it is told to.
struct Slow(Arc<Notify>);

#[async_trait]
impl Sink for Slow {
    async fn write(&mut self, _: Bytes) -> Result<(), SinkError> {
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<(), SinkError> {
        self.0.notified().await;
        Ok(())
    }

    async fn abort(self: Box<Self>) {
        panic!("it is complete")
    }
}

/// A watch that is happy until the zip is complete, then says stop, then lets the sink end.
struct TooLate {
    complete: u64,
    late: AtomicU64,
    sink: Arc<Notify>,
}

#[async_trait]
impl ProgressListener for TooLate {
    async fn on_progress(&self, progress: Progress) -> Result<(), Cancelled> {
        if progress.bytes_written < self.complete {
            return Ok(());
        }
        if self.late.fetch_add(1, SeqCst) == 1 {
            self.sink.notify_one();
        }
        Err(Cancelled("too late".into()))
    }
}

#[tokio::test]
async fn a_complete_zip_is_not_stopped_but_the_lease_is_kept() {
    let folder = folder();
    let path = clip(&folder, "a.avi", 2, "-c:v mpeg4");
    let (done, _) = run(Memory::of(&path), &Options::default()).await;
    let complete = done.expect("frames").bytes_written;
    let sink = Arc::new(Notify::new());
    let watch = TooLate {
        complete,
        late: AtomicU64::new(0),
        sink: Arc::clone(&sink),
    };
    let (ffmpeg, options) = (ffmpeg().await, Options::default());
    let slow = Box::new(Slow(sink));
    let done = extract(&ffmpeg, Memory::of(&path), slow, &options, &watch).await;
    assert_eq!(done.expect("it is complete").bytes_written, complete);
    assert!(watch.late.load(SeqCst) >= 2);
}

#[tokio::test]
async fn an_error_of_the_sink_is_said() {
    let folder = folder();
    let path = clip(&folder, "a.avi", 3, "-c:v mpeg4");
    let (ffmpeg, source, options) = (ffmpeg().await, Memory::of(&path), Options::default());
    let done = extract(
        &ffmpeg,
        source,
        Box::new(Full(9000)),
        &options,
        &IgnoreProgress,
    )
    .await;
    let expected = ExtractError::Sink(SinkError("no space left".into()));
    assert_eq!(done, Err(expected));
}

#[tokio::test]
async fn a_file_appears_whole_or_not_at_all() {
    let folder = folder();
    let good = clip(&folder, "a.avi", 2, "-c:v mpeg4");
    let bad = folder.path().join("bad.avi");
    std::fs::write(&bad, "RIFF....AVI nothing").expect("a file");
    let outputs = support::folder();
    let zip = outputs.path().join("frames.zip");
    let ffmpeg = ffmpeg().await;
    for (video, found) in [(&bad, 0), (&good, 1)] {
        let source = Arc::new(FileSource::open(video).await.expect("a file"));
        let sink = Box::new(FileSink::create(&zip, false).await.expect("a place"));
        let done = extract(&ffmpeg, source, sink, &Options::default(), &IgnoreProgress).await;
        assert_eq!(done.is_ok(), found == 1);
        assert_eq!(
            std::fs::read_dir(outputs.path()).expect("a folder").count(),
            found
        );
    }
    let taken = FileSink::create(&zip, false)
        .await
        .expect_err("it is there already");
    assert_eq!(taken.kind(), std::io::ErrorKind::AlreadyExists);
    drop(
        FileSink::create(&zip, true)
            .await
            .expect("it may be replaced"),
    );
    assert_eq!(
        std::fs::read_dir(outputs.path()).expect("a folder").count(),
        1
    );
}
