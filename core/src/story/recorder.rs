//! The recorder: every port, written down.

mod identity;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};

use super::Given;
use super::lines::{noon, written};
use crate::domain::{Job, Mail, Mode, Notice, Video};
use crate::ports::{
    Clock, Extraction, FrameExtractor, Ids, Jobs, Mailer, ObjectHead, Objects, Order, Progress,
    SignedPut, Topic, UnfinishedPage, VideoPage, Videos, Watch,
};
use crate::{Error, Result};

/// Every port over a small world in memory; each effect is a line.
pub struct Recorder {
    given: Given,
    world: Mutex<World>,
}

struct World {
    lines: Vec<String>,
    videos: BTreeMap<String, Video>,
    objects: BTreeMap<String, u64>,
    ids: u32,
}

impl Recorder {
    /// A recorder in the given world.
    #[must_use]
    pub fn new(given: Given) -> Self {
        let videos = given
            .records(noon())
            .into_iter()
            .map(|v| (v.video_id.clone(), v))
            .collect();
        let objects = given.objects.clone();
        let world = World {
            lines: Vec::new(),
            videos,
            objects,
            ids: 0,
        };
        Self {
            given,
            world: Mutex::new(world),
        }
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.world().lines.clone()
    }

    /// What an adapter does with the file of a form.
    ///
    /// # Errors
    /// When the case says that it fails.
    pub fn upload(&self, key: &str, bytes: u64) -> Result<()> {
        self.note(format!("upload {key} {bytes} bytes"))?;
        self.world().objects.insert(key.to_owned(), bytes);
        Ok(())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line; fails if the case says that what it begins with fails.
    fn note(&self, line: String) -> Result<()> {
        let verb = line.split(' ').next().unwrap_or_default();
        let failure = self.given.fail.get(verb).map(Error::from);
        match failure {
            None => self.world().lines.push(line),
            Some(error) => {
                self.world().lines.push(format!("{line} !! {error}"));
                return Err(error);
            }
        }
        Ok(())
    }

    fn next_id(&self) -> u32 {
        let mut world = self.world();
        world.ids += 1;
        world.ids
    }
}

#[async_trait]
impl Videos for Recorder {
    async fn get(&self, video_id: &str) -> Result<Option<Video>> {
        Ok(self.world().videos.get(video_id).cloned())
    }

    async fn put(&self, video: &Video, expected: Option<u64>) -> Result<bool> {
        let before = self.world().videos.get(&video.video_id).cloned();
        if before.as_ref().map(|before| before.version) != expected {
            return Ok(false);
        }
        self.note(written(before.as_ref(), video))?;
        self.world()
            .videos
            .insert(video.video_id.clone(), video.clone());
        Ok(true)
    }

    async fn list(&self, user_id: &str, limit: u32, after: Option<&str>) -> Result<VideoPage> {
        let world = self.world();
        let own = world
            .videos
            .values()
            .rev()
            .filter(|v| v.user_id == user_id && !v.is_deleted());
        let rest = own.filter(|v| after.is_none_or(|after| v.video_id.as_str() < after));
        let mut videos: Vec<_> = rest.take(limit as usize + 1).cloned().collect();
        let more = videos.len() > limit as usize;
        videos.truncate(limit as usize);
        let next = videos.last().filter(|_| more).map(|v| v.video_id.clone());
        Ok(VideoPage { videos, next })
    }

    async fn unfinished(
        &self,
        before: DateTime<Utc>,
        _after: Option<&str>,
    ) -> Result<UnfinishedPage> {
        let world = self.world();
        let still = world.videos.values();
        let still = still.filter(|v| v.is_unfinished() && v.updated_at < before);
        Ok(UnfinishedPage {
            video_ids: still.map(|v| v.video_id.clone()).collect(),
            next: None,
        })
    }
}

#[async_trait]
impl Objects for Recorder {
    async fn head(&self, key: &str) -> Result<Option<ObjectHead>> {
        let size = self.world().objects.get(key).copied();
        Ok(size.map(|size| ObjectHead {
            size,
            etag: "\"etag\"".to_owned(),
        }))
    }

    async fn presign_put(
        &self,
        key: &str,
        size: u64,
        content_type: &str,
        expires_in: Duration,
    ) -> Result<SignedPut> {
        let seconds = expires_in.num_seconds();
        self.note(format!(
            "sign-put {key} {size} bytes of {content_type} for {seconds} s"
        ))?;
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Ok(SignedPut {
            url: format!("https://s3.example/{key}?signed"),
            headers: vec![
                header("content-length", &size.to_string()),
                header("content-type", content_type),
            ],
        })
    }

    async fn presign_get(&self, key: &str, filename: &str, expires_in: Duration) -> Result<String> {
        self.note(format!(
            "sign-get {key} as {filename} for {} s",
            expires_in.num_seconds()
        ))?;
        Ok(format!("https://s3.example/{key}?signed"))
    }

    async fn remove(&self, key: &str) -> Result<()> {
        self.note(format!("remove {key}"))?;
        self.world().objects.remove(key);
        Ok(())
    }
}

#[async_trait]
impl Jobs for Recorder {
    async fn send(&self, job: &Job, delay: Duration) -> Result<()> {
        let json =
            serde_json::to_string(job).map_err(|error| Error::permanent(error.to_string()))?;
        let delay = match delay.num_seconds() {
            0 => String::new(),
            seconds => format!(" in {seconds} s"),
        };
        self.note(format!("send {json}{delay}"))
    }

    async fn bury(&self, body: &str, reason: &str) -> Result<()> {
        let body: String = body.chars().take(60).collect();
        self.note(format!("bury {body:?}: {reason}"))
    }
}

#[async_trait]
impl Topic for Recorder {
    async fn publish(&self, notice: &Notice) -> Result<String> {
        self.note(format!(
            "publish {} {}",
            notice.video_id,
            notice.status.word()
        ))?;
        Ok(format!("message-{}", self.next_id()))
    }
}

#[async_trait]
impl Mailer for Recorder {
    async fn send(&self, mail: &Mail) -> Result<()> {
        self.note(format!(
            "mail {} {:?} {:?}",
            mail.to, mail.subject, mail.text
        ))
    }
}

#[async_trait]
impl FrameExtractor for Recorder {
    async fn extract(&self, order: &Order, watch: &dyn Watch) -> Result<Extraction> {
        let mode = match order.mode {
            Mode::Exact => "",
            Mode::Keyframe => ", keyframes",
        };
        self.note(format!(
            "fetch {} every {} ms{mode}",
            order.key, order.every_ms
        ))?;
        let extracted = self.given.extraction.clone();
        let extracted = extracted.ok_or_else(|| Error::unprocessable("the file is not a video"))?;
        for percent in extracted.percents {
            watch
                .progress(Progress {
                    percent: Some(percent),
                    frames: 0,
                })
                .await?;
        }
        self.note(format!(
            "store {} {} frames",
            order.zip_key, extracted.frames
        ))?;
        Ok(Extraction {
            frames: extracted.frames,
            zip_bytes: 1_000,
        })
    }
}

impl Clock for Recorder {
    fn now(&self) -> DateTime<Utc> {
        noon()
    }
}

impl Ids for Recorder {
    fn next(&self) -> String {
        format!("id-{}", self.next_id())
    }
}
