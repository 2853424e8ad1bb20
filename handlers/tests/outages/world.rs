//! The product over an embedded AWS, and the time of both, which passes when nobody works.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use clap::Parser;
use fotograma::aws::{AwsSettings, provision};
use fotograma::config::SystemArgs;
use fotograma::system::{self, System};
use fotograma_core::App;
use fotograma_core::domain::{Extraction, ExtractionRequest};
use fotograma_core::features::TABLE;
use fotograma_core::ports::{Clock, ExtractionError, FrameExtractor, ProgressListener};
use fotograma_local::Local;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The embedded AWS, the product, and their time.
pub(crate) struct World {
    pub(crate) local: Arc<Local>,
    pub(crate) system: System,
    pub(crate) ffmpeg: Arc<FfmpegPlace>,
    time: Time,
}

impl World {
    /// To be called on a runtime whose time is paused; `local` lives on that of `real`.
    pub(crate) async fn new(local: Local, real: Handle) -> Self {
        let local = Arc::new(local);
        let time = Time::new(&local, real);
        let (ffmpeg, system) = Box::pin(time.during(set_up(&local, &time))).await;
        Self {
            local,
            system,
            ffmpeg,
            time,
        }
    }

    /// What `work` gives, while time passes.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        self.time.during(work).await
    }

    /// Lets so much time pass, or less if `until` says that it is enough; looks at each half minute. Gives
    /// how much has passed.
    pub(crate) async fn pass(&self, most: Duration, until: impl AsyncFn() -> bool) -> Duration {
        let mut passed = Duration::ZERO;
        let mut looked = Duration::ZERO;
        while passed < most {
            if passed >= looked {
                looked += Duration::from_secs(30);
                if Box::pin(self.during(until())).await {
                    break;
                }
            }
            passed += self.time.pass_step().await;
        }
        passed
    }
}

async fn set_up(local: &Arc<Local>, time: &Time) -> (Arc<FfmpegPlace>, System) {
    let ffmpeg = Arc::new(FfmpegPlace::new().await);
    let settings = AwsSettings {
        endpoint_url: Some(local.url().to_owned()),
        region: Some("us-east-1".to_owned()),
        credentials: Some(("test".to_owned(), "test".to_owned())),
        ..AwsSettings::default()
    };
    let args = system_args(&ffmpeg.path());
    let mut system = system::build(&args, settings).await.expect("a system");
    provision::provision(&system.aws, TABLE, &[])
        .await
        .expect("all is made");
    let app = App::clone(&system.host.context);
    system.host = system.host.with_context(App {
        clock: Arc::new(MovedClock(Arc::clone(local))),
        frames: Arc::new(CountedFrames {
            inner: Arc::clone(&app.frames),
            ffmpeg: Arc::clone(&ffmpeg),
            extracting: Arc::clone(&time.extracting),
        }),
        ..app
    });
    (ffmpeg, system)
}

/// The time of the embedded AWS and of the product, which pass together.
struct Time {
    local: Arc<Local>,
    /// Extractions by a sound ffmpeg that are under way: they take real time.
    extracting: Arc<AtomicUsize>,
    /// Steps in which nothing was asked of the AWS.
    idle_steps: AtomicUsize,
    real: Handle,
    /// While a blocking task runs, the paused time does not pass by itself.
    _stands: oneshot::Sender<()>,
}

impl Time {
    fn new(local: &Arc<Local>, real: Handle) -> Self {
        let (stands, ended) = oneshot::channel::<()>();
        tokio::task::spawn_blocking(move || ended.blocking_recv());
        Self {
            local: Arc::clone(local),
            extracting: Arc::default(),
            idle_steps: AtomicUsize::new(0),
            real,
            _stands: stands,
        }
    }

    async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                _ = self.pass_step() => {}
            }
        }
    }

    /// Waits until nobody works, and lets some time pass then: less where a child is at work.
    async fn pass_step(&self) -> Duration {
        let mut quiet = 0;
        let mut last = self.local.activity();
        let before = last.begun;
        let step = loop {
            self.real_millisecond().await;
            let now = self.local.activity();
            quiet = if now.begun == last.begun && now.working == 0 {
                quiet + 1
            } else {
                0
            };
            last = now;
            let extracting = self.extracting.load(Ordering::Acquire) > 0 && now.hanging == 0;
            let (needed, step) = if extracting {
                (10, Duration::from_millis(100))
            } else if now.begun == before && self.idle_steps.load(Ordering::Relaxed) >= 3 {
                (1, Duration::from_secs(5))
            } else {
                (2, Duration::from_secs(1))
            };
            if quiet >= needed {
                break step;
            }
        };
        if last.begun == before {
            self.idle_steps.fetch_add(1, Ordering::Relaxed);
        } else {
            self.idle_steps.store(0, Ordering::Relaxed);
        }
        self.local.clock().advance(step);
        tokio::time::advance(step).await;
        step
    }

    async fn real_millisecond(&self) {
        let slept = self
            .real
            .spawn(async { tokio::time::sleep(Duration::from_millis(1)).await });
        slept.await.expect("the real time passes");
    }
}

fn system_args(ffmpeg: &Path) -> SystemArgs {
    #[derive(Parser)]
    struct Args {
        #[command(flatten)]
        system: SystemArgs,
    }
    let ffmpeg = ffmpeg.to_string_lossy();
    let args = [
        "outages",
        "--ffmpeg",
        &ffmpeg,
        // Of a child that hangs. The default is longer than the outage.
        "--max-time",
        "10m",
        // Presigned addresses have the real time in them.
        "--upload-expiry",
        "12h",
    ];
    Args::parse_from(args).system
}

/// The embedded AWS's time.
struct MovedClock(Arc<Local>);

impl Clock for MovedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0.clock().now_ms()).expect("a time")
    }
}

/// The engine, with word of when it is at work.
struct CountedFrames {
    inner: Arc<dyn FrameExtractor>,
    ffmpeg: Arc<FfmpegPlace>,
    extracting: Arc<AtomicUsize>,
}

#[async_trait]
impl FrameExtractor for CountedFrames {
    async fn extract(
        &self,
        request: &ExtractionRequest,
        listener: &dyn ProgressListener,
    ) -> Result<Extraction, ExtractionError> {
        let _counted = self
            .ffmpeg
            .is_sound
            .load(Ordering::Acquire)
            .then(|| Counted::new(&self.extracting));
        self.inner.extract(request, listener).await
    }
}

/// One more in a count while it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What is where the product looks for ffmpeg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Sound,
    EndsInSilence,
    NotExecutable,
    Killed,
    Hangs,
}

/// The place where the product looks for ffmpeg: a link to a program.
pub(crate) struct FfmpegPlace {
    folder: tempfile::TempDir,
    sound: PathBuf,
    is_sound: AtomicBool,
}

impl FfmpegPlace {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let sound = fotograma_engine::Ffmpeg::find(None)
            .await
            .expect("ffmpeg is installed");
        // All are written before any runs: a file that is open for writing cannot be run.
        for (program, script, mode) in [
            (Program::EndsInSilence, "exit 1", 0o755),
            (Program::NotExecutable, "exit 1", 0o644),
            (Program::Killed, "kill -9 $$", 0o755),
            (Program::Hangs, "exec sleep 100000", 0o755),
        ] {
            let path = folder.path().join(format!("{program:?}"));
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
                .expect("its mode");
        }
        let place = Self {
            folder,
            sound: sound.path,
            is_sound: AtomicBool::new(false),
        };
        place.become_program(Program::Sound);
        place
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ffmpeg")
    }

    pub(crate) fn become_program(&self, program: Program) {
        let target = match program {
            Program::Sound => self.sound.clone(),
            other => self.folder.path().join(format!("{other:?}")),
        };
        let next = self.folder.path().join("next");
        symlink(target, &next).expect("a link");
        std::fs::rename(next, self.path()).expect("its place");
        let is_sound = program == Program::Sound;
        self.is_sound.store(is_sound, Ordering::Release);
    }
}
