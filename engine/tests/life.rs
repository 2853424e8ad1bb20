//! How an extraction ends before its time, and that nothing is left behind.

mod support;

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_engine::{
    Cancelled, ExtractError, FileSource, IgnoreProgress, Options, Progress, ProgressListener,
    Reason, Source, SourceError, extract,
};
use support::{Fate, Kept, clip, ffmpeg, folder, make, run};
use tokio::sync::Notify;

/// A source that gives the first bytes and then goes on as it is told.
struct Faulty {
    bytes: Bytes,
    /// Bytes from the beginning that can be read.
    good: u64,
    /// What a read beyond them ends with; without it, it never ends.
    error: Option<SourceError>,
    stuck: Notify,
}

impl Faulty {
    fn new(path: &Path, good: u64, error: Option<SourceError>) -> Arc<Self> {
        let bytes = std::fs::read(path).expect("the clip").into();
        Arc::new(Self {
            bytes,
            good,
            error,
            stuck: Notify::new(),
        })
    }
}

#[async_trait]
impl Source for Faulty {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        if range.end > self.good {
            if let Some(error) = &self.error {
                return Err(error.clone());
            }
            self.stuck.notify_one();
            std::future::pending::<()>().await;
        }
        let index = |at: u64| usize::try_from(at).expect("it fits");
        Ok(self.bytes.slice(index(range.start)..index(range.end)))
    }
}

/// A clip of more than one block, with its index in front.
fn large(folder: &tempfile::TempDir, name: &str) -> std::path::PathBuf {
    let path = folder.path().join(name);
    let noise = "-f lavfi -i nullsrc=size=640x360:rate=10:duration=8,geq=random(1)*255:128:128";
    make(
        &path,
        &format!("{noise} -c:v mpeg4 -q:v 2 -g 10 -movflags +faststart"),
    );
    assert!(std::fs::metadata(&path).expect("the clip").len() > 5 << 20);
    path
}

/// Waits until the kernel shows so many processes whose command line contains `word`; it does
/// not tell anyone when one comes or goes.
async fn until_there_are(count: usize, word: &str) {
    let contains = |path: std::path::PathBuf| {
        let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    };
    let counted = async {
        loop {
            let all = std::fs::read_dir("/proc").expect("proc").flatten();
            if all.filter(|entry| contains(entry.path())).count() == count {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_secs(20), counted).await;
    counted.unwrap_or_else(|_| panic!("there are not {count} of {word}"));
}

#[tokio::test]
async fn an_error_of_the_source_is_not_taken_for_damage() {
    let folder = folder();
    for name in ["a.avi", "a.mp4"] {
        let path = large(&folder, name);
        for (error, changed) in [
            (SourceError::Changed, true),
            (SourceError::Gone, false),
            (SourceError::Transient("503".into()), false),
        ] {
            let source = Faulty::new(&path, 3 << 20, Some(error.clone()));
            let (done, _) = run(source, &Options::default()).await;
            let expected = if changed {
                ExtractError::Video(Reason::Changed)
            } else {
                ExtractError::Source(error)
            };
            assert_eq!(done.expect_err("an error"), expected, "{name}");
        }
    }
}

#[tokio::test]
async fn dropping_kills_ffmpeg_and_aborts_the_sink() {
    let folder = folder();
    let path = large(&folder, "a.avi");
    let source = Faulty::new(&path, 3 << 20, None);
    let kept = Kept::default();
    // An ffmpeg of this test alone, to be found among all processes.
    let mut ffmpeg = ffmpeg().await;
    let own = folder.path().join("ffmpeg-to-be-dropped");
    std::os::unix::fs::symlink(&ffmpeg.path, &own).expect("a link");
    ffmpeg.path = own;
    let options = Options::default();
    {
        // Pinned here, so that it outlives the selection and is dropped with this block.
        let mut work = std::pin::pin!(extract(
            &ffmpeg,
            Arc::clone(&source) as Arc<_>,
            Box::new(kept.clone()),
            &options,
            &IgnoreProgress,
        ));
        tokio::select! {
            done = &mut work => panic!("it cannot end: {done:?}"),
            () = source.stuck.notified() => {}
        }
        until_there_are(1, "ffmpeg-to-be-dropped").await;
    }
    while kept.fate() == Fate::Open {
        kept.changed().await;
    }
    assert_eq!(kept.fate(), Fate::Aborted);
    until_there_are(0, "ffmpeg-to-be-dropped").await;
}

/// A watch that stops at its `last` call.
struct Patience {
    calls: AtomicU64,
    last: u64,
    seen: Mutex<Vec<Progress>>,
}

#[async_trait]
impl ProgressListener for Patience {
    async fn on_progress(&self, progress: Progress) -> Result<(), Cancelled> {
        self.seen.lock().expect("no panic").push(progress);
        if self.calls.fetch_add(1, SeqCst) + 1 == self.last {
            return Err(Cancelled("the lease is lost".into()));
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_watch_is_asked_while_no_frame_comes_and_can_stop() {
    let folder = folder();
    let path = large(&folder, "a.avi");
    let source = Faulty::new(&path, 3 << 20, None);
    let watch = Patience {
        calls: AtomicU64::new(0),
        last: 4,
        seen: Mutex::default(),
    };
    let kept = Kept::default();
    let sink = Box::new(kept.clone());
    let done = extract(&ffmpeg().await, source, sink, &Options::default(), &watch).await;
    assert_eq!(
        done,
        Err(ExtractError::Cancelled(Cancelled(
            "the lease is lost".into()
        )))
    );
    assert_eq!(kept.fate(), Fate::Aborted);
    let seen = watch.seen.lock().expect("no panic");
    assert_eq!(seen.len(), 4);
    assert!(
        seen[3].frames >= seen[0].frames && seen[3].percent <= Some(100),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_replaced_file_is_noticed() {
    let folder = folder();
    let path = clip(&folder, "a.avi", 2, "-c:v mpeg4");
    let source = FileSource::open(&path).await.expect("a file");
    let bytes = std::fs::read(&path).expect("the clip");
    std::fs::remove_file(&path).expect("it is ours");
    std::fs::write(&path, bytes).expect("it is ours");
    let done = run(Arc::new(source), &Options::default()).await.0;
    assert_eq!(done, Err(ExtractError::Video(Reason::Changed)));
}
