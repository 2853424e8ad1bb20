//! The frame extractor: reads the file, tells how far it is, and completes the zip. What cannot
//! be taken back is the completion: once asked for, it may come whoever still waits for it.

use std::time::Duration;

use async_trait::async_trait;
use fotograma_core::domain::{Extraction, ExtractionRequest, Progress};
use fotograma_core::ports::{ExtractionError, FrameExtractor, ProgressListener};
use fotograma_core::{Error, Result};
use tokio::time::{interval, sleep, timeout};

use crate::host::{Call, Port, milliseconds};
use crate::plan::{Content, Quality, Service};
use crate::rules::Rules;
use crate::world::{Object, World, video_id_of};

/// How often it is told how far an extraction is. The engine tells more often; more often is not
/// more to see here.
const TOLD_EVERY: Duration = Duration::from_secs(8);
/// How long the completion may take before it is looked up: as the sink has it.
const COMPLETION_LIMIT: Duration = Duration::from_mins(3);

#[async_trait]
impl FrameExtractor for Port {
    async fn extract(
        &self,
        request: &ExtractionRequest,
        listener: &dyn ProgressListener,
    ) -> Result<Extraction, ExtractionError> {
        if self.step.is_some() {
            let half = Progress {
                percent: Some(50),
                frames: 0,
            };
            listener.progress(half).await?;
            return Ok(self.complete(request).await?);
        }
        let attempt = {
            let video_id = video_id_of(&request.key);
            let world = self.world.lock();
            world.judge.attempt_of(video_id, &self.host)
        };
        let ffmpeg = Call::new(Service::Ffmpeg, "ffmpeg", &request.key).once();
        self.call(ffmpeg, |_| ()).await?;
        let content = self.open(request).await?;
        if content.quality == Quality::Broken {
            sleep(Duration::from_millis(300)).await;
            return Err(unfit("it is not a video"));
        }
        let steps = content.work / 8_000 + 1;
        for step in 1..=steps {
            sleep(milliseconds(content.work / steps)).await;
            self.alive().await;
            if content.quality == Quality::Deadly {
                self.die();
            }
            self.check(request).await?;
            let percent = u8::try_from(step * 100 / steps).unwrap_or(100);
            self.tell_listener(request, listener, percent, attempt.as_deref())
                .await?;
        }
        let mut told = interval(TOLD_EVERY);
        let mut completion = std::pin::pin!(self.complete(request));
        loop {
            tokio::select! {
                biased;
                completed = &mut completion => return Ok(completed?),
                _ = told.tick() => {
                    self.tell_listener(request, listener, 100, attempt.as_deref()).await?;
                }
            }
        }
    }
}

/// The video's own fault.
fn unfit(reason: &str) -> ExtractionError {
    ExtractionError::Video(reason.to_owned())
}

impl Port {
    /// Tells how far it is. An attempt whose lease still holds is not to end because of one word that
    /// did not get through.
    async fn tell_listener(
        &self,
        request: &ExtractionRequest,
        listener: &dyn ProgressListener,
        percent: u8,
        attempt: Option<&str>,
    ) -> Result<()> {
        let video_id = video_id_of(&request.key);
        let before = self.world.lock().failed_at_table(video_id);
        let progress = Progress {
            percent: Some(percent),
            frames: 0,
        };
        let mut told = listener.progress(progress).await;
        let mut world = self.world.lock();
        if world.rules == Rules::OneFailedRenewal && world.failed_at_table(video_id) > before {
            told = told.and(Err(Error::transient("a renewal failed")));
        }
        if told.is_err() {
            let now = world.now();
            let is_wanted = world.records.get(video_id);
            if is_wanted.is_some_and(|video| !video.is_deleted()) {
                world.judge.gave_up(now, video_id, attempt);
            }
        }
        told
    }

    async fn open(&self, request: &ExtractionRequest) -> Result<Content, ExtractionError> {
        let call = Call::new(Service::Store, "open", &request.key);
        self.call(call, |world| {
            let object = world.objects.get(&request.key);
            let object = object.ok_or_else(|| unfit("the file is gone"))?;
            if object.etag() != request.etag {
                return Err(unfit("the file was replaced"));
            }
            Ok(world.files[&object.file])
        })
        .await?
    }

    /// Each range that is read must be of the same file.
    async fn check(&self, request: &ExtractionRequest) -> Result<(), ExtractionError> {
        self.open(request).await.map(drop)
    }

    /// Tells the judge; gives how often the user had asked for another try.
    fn begin_completion(&self, request: &ExtractionRequest) -> u32 {
        self.look(|world| {
            let now = world.now();
            world
                .judge
                .completing(now, video_id_of(&request.key), &self.host)
        })
    }

    /// Whether the store says nothing and completes the zip later, whoever is still there.
    fn completes_late(
        &self,
        request: &ExtractionRequest,
        store: impl FnOnce(&mut World) + Send + 'static,
    ) -> bool {
        if self.step.is_some() {
            return false;
        }
        let mut world = self.world.lock();
        let now = world.now();
        let place = world
            .faults
            .place(Service::Store, "late completion", &request.zip_key);
        let Some(after) = world.faults.late_completion(now, place) else {
            return false;
        };
        let shared = self.world.clone();
        tokio::spawn(async move {
            sleep(milliseconds(after)).await;
            store(&mut shared.lock());
        });
        true
    }

    async fn complete(&self, request: &ExtractionRequest) -> Result<Extraction> {
        let file = request.etag.trim_matches('"').trim_start_matches('e');
        let file: u64 = file.parse().unwrap_or(0);
        let call = Call::new(Service::Store, "complete", &request.zip_key).patient();
        let retries = self.begin_completion(request);
        let zip_key = request.zip_key.clone();
        let store = move |world: &mut World| {
            world.tell(|| format!("{zip_key} has the zip of e{file}"));
            let object = Object {
                file,
                size: 20,
                retries,
            };
            world.put_object(&zip_key, object);
        };
        let extraction = Extraction {
            frames: file,
            zip_bytes: 20,
            // Previews are a few small objects beside the zip, and go with it; this world has none.
            ..Extraction::default()
        };
        if self.completes_late(request, store.clone()) {
            return Err(Error::transient("the zip could not be completed"));
        }
        let completed = self.call(call, store);
        if self.rules() == Rules::NoCompletionLimit {
            completed.await?;
            return Ok(extraction);
        }
        let completed = match self.step {
            Some(_) => completed.await.is_ok(),
            None => matches!(timeout(COMPLETION_LIMIT, completed).await, Ok(Ok(()))),
        };
        if completed {
            return Ok(extraction);
        }
        // It may have happened.
        let call = Call::new(Service::Store, "head", &request.zip_key);
        let there = self
            .call(call, |world| {
                let zip = world.object(&request.zip_key);
                zip.is_some_and(|zip| zip.file == file)
            })
            .await?;
        if there {
            return Ok(extraction);
        }
        Err(Error::transient("the zip could not be completed"))
    }
}
