//! The recorder: every port, written down.

mod identity;
mod part_uploads;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};

use serde_json::Value;

use super::Given;
use super::lines::{changed, noon, written};
use crate::domain::{
    Extraction, ExtractionRequest, Job, Mail, Mode, Notice, Progress, Unfinished, Video,
};
use crate::features::Permission;
use crate::features::resources::UPLOADS_PREFIX;
use crate::ports::{
    Clock, ExtractionError, FrameExtractor, Ids, Jobs, MailSent, Mailer, ObjectHead, Objects,
    ProgressListener, SignedPut, Topic, UnfinishedPage, VideoFilter, VideoPage, Videos,
};
use crate::{Error, Result};

/// Every port over a small world in memory; each effect is a line, and each call is known by the
/// permission that it would need.
pub struct Recorder {
    given: Given,
    world: Mutex<World>,
}

struct World {
    lines: Vec<String>,
    permissions: BTreeSet<Permission>,
    videos: BTreeMap<String, Video>,
    objects: BTreeMap<String, u64>,
    /// The parts of uploads that are not complete, by the key.
    parts: BTreeMap<String, BTreeMap<u32, u64>>,
    ids: u32,
    now: DateTime<Utc>,
    conflicts: u32,
    /// How many calls of each kind that is told to fail there were.
    calls: BTreeMap<String, u32>,
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
        let world = World {
            lines: Vec::new(),
            permissions: BTreeSet::new(),
            videos,
            objects: given.objects.clone(),
            parts: given.parts.clone(),
            ids: 0,
            now: noon(),
            conflicts: given.conflicts,
            calls: BTreeMap::new(),
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

    /// The permissions that the calls so far need.
    #[must_use]
    pub fn permissions(&self) -> BTreeSet<Permission> {
        self.world().permissions.clone()
    }

    /// What an adapter does with the file of a form.
    ///
    /// # Errors
    /// When the case says that it fails.
    pub fn upload(&self, key: &str, bytes: u64) -> Result<()> {
        self.need(&[Permission::PUT_UPLOAD, Permission::ABORT_UPLOAD]);
        self.write(format!("upload {key} {bytes} bytes"))?;
        self.world().objects.insert(key.to_owned(), bytes);
        Ok(())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn need(&self, permissions: &[Permission]) {
        self.world().permissions.extend(permissions);
    }

    /// An effect, which writes a line; fails if the case says that its like fails.
    fn write(&self, line: String) -> Result<()> {
        let outcome = self.call(&line);
        self.world().lines.push(match &outcome {
            Ok(()) => line,
            Err(error) => format!("{line} !! {error}"),
        });
        outcome
    }

    /// A read, which writes a line only when the case says that its like fails.
    fn read(&self, line: &str) -> Result<()> {
        let outcome = self.call(line);
        if let Err(error) = &outcome {
            self.world().lines.push(format!("{line} !! {error}"));
        }
        outcome
    }

    /// Lets the time pass that the call takes, and fails it if the case says so.
    fn call(&self, line: &str) -> Result<()> {
        let takes = self.given.takes_s.iter().filter(|(kind, _)| is(line, kind));
        let seconds = takes.map(|(_, seconds)| seconds).sum();
        let mut world = self.world();
        world.now += Duration::seconds(seconds);
        let Some((kind, failure)) = self.given.fail.iter().find(|(kind, _)| is(line, kind)) else {
            return Ok(());
        };
        let count = world.calls.entry(kind.clone()).or_default();
        *count += 1;
        let fails = *count > failure.after
            && failure
                .times
                .is_none_or(|times| *count <= failure.after + times);
        if fails {
            return Err(Error::from(&failure.error));
        }
        Ok(())
    }

    /// The user deletes every video.
    fn delete_all(&self) {
        let mut world = self.world();
        let now = world.now;
        for video in world.videos.values_mut() {
            *video = video.deleted(Duration::days(15), now);
        }
    }

    fn next_id(&self) -> u32 {
        let mut world = self.world();
        world.ids += 1;
        world.ids
    }
}

/// Whether a line is of a kind: it begins with the same word and, for a write to a record, changes
/// the fields that the kind names.
fn is(line: &str, kind: &str) -> bool {
    let mut kind = kind.split(' ');
    line.split(' ').next() == kind.next()
        && kind.all(|field| changed(line).any(|changed| changed == field))
}

/// A record with these fields in the place of its own.
fn with_fields(video: &Video, fields: &serde_json::Map<String, serde_json::Value>) -> Video {
    let mut record = serde_json::to_value(video).expect("a record is JSON");
    for (field, value) in fields {
        record[field] = value.clone();
    }
    serde_json::from_value(record).expect("conflict_leaves has fields of a record")
}

#[async_trait]
impl Videos for Recorder {
    async fn get(&self, video_id: &str) -> Result<Option<Video>> {
        self.need(&[Permission::GET_VIDEO]);
        self.read(&format!("get {video_id}"))?;
        Ok(self.world().videos.get(video_id).cloned())
    }

    async fn put(&self, video: &Video, expected: Option<u64>) -> Result<bool> {
        self.need(&[Permission::PUT_VIDEO]);
        let id = &video.video_id;
        let before = {
            let mut world = self.world();
            if world.conflicts > 0 {
                world.conflicts -= 1;
                world.lines.push(format!("conflict {id}"));
                if let Some(stored) = world.videos.get_mut(id) {
                    *stored = with_fields(stored, &self.given.conflict_leaves);
                    stored.version += 1;
                }
                return Ok(false);
            }
            world.videos.get(id).cloned()
        };
        if before.as_ref().map(|before| before.version) != expected {
            return Ok(false);
        }
        let line = written(before.as_ref(), video);
        let mut told = self.given.fail.iter();
        let is_done = told.any(|(kind, failure)| failure.done && is(&line, kind));
        let outcome = self.write(line);
        if is_done || outcome.is_ok() {
            self.world().videos.insert(id.clone(), video.clone());
        }
        outcome.map(|()| true)
    }

    async fn list(
        &self,
        user_id: &str,
        limit: u32,
        after: Option<&str>,
        filter: &VideoFilter,
    ) -> Result<VideoPage> {
        self.need(&[Permission::LIST_VIDEOS]);
        self.read(&format!("list {user_id}"))?;
        let world = self.world();
        let own = world
            .videos
            .values()
            .rev()
            .filter(|v| v.user_id == user_id && !v.is_deleted() && filter.passes(v));
        let rest = own.filter(|v| after.is_none_or(|after| v.video_id.as_str() < after));
        let mut videos: Vec<_> = rest.take(limit as usize + 1).cloned().collect();
        let more = videos.len() > limit as usize;
        videos.truncate(limit as usize);
        let next = videos.last().filter(|_| more).map(|v| v.video_id.clone());
        Ok(VideoPage { videos, next })
    }

    async fn unfinished(
        &self,
        kind: Unfinished,
        before: DateTime<Utc>,
        _after: Option<&str>,
    ) -> Result<UnfinishedPage> {
        self.need(&[Permission::LIST_UNFINISHED]);
        self.read("list-unfinished")?;
        let world = self.world();
        let unfinished = world.videos.values();
        let unfinished =
            unfinished.filter(|v| v.unfinished() == Some(kind) && v.updated_at < before);
        Ok(UnfinishedPage {
            video_ids: unfinished.map(|v| v.video_id.clone()).collect(),
            next: None,
        })
    }
}

/// The permission for an object, by whether it is an upload or a zip.
fn by_prefix(key: &str, upload: Permission, zip: Permission) -> Permission {
    if key.starts_with(UPLOADS_PREFIX) {
        upload
    } else {
        zip
    }
}

#[async_trait]
impl Objects for Recorder {
    fn is_bucket(&self, name: &str) -> bool {
        name == "tech5-dev-videos"
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>> {
        let get = by_prefix(key, Permission::GET_UPLOAD, Permission::GET_ZIP);
        self.need(&[get, Permission::LIST_BUCKET]);
        self.read(&format!("head {key}"))?;
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
        self.need(&[by_prefix(key, Permission::PUT_UPLOAD, Permission::PUT_ZIP)]);
        let seconds = expires_in.num_seconds();
        self.write(format!(
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
        self.need(&[by_prefix(key, Permission::GET_UPLOAD, Permission::GET_ZIP)]);
        self.write(format!(
            "sign-get {key} as {filename} for {} s",
            expires_in.num_seconds()
        ))?;
        Ok(format!("https://s3.example/{key}?signed"))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.need(&[Permission::LIST_BUCKET]);
        self.read(&format!("list-objects {prefix}"))?;
        let world = self.world();
        let keys = world.objects.keys();
        Ok(keys
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect())
    }

    async fn remove(&self, key: &str) -> Result<()> {
        let delete = by_prefix(key, Permission::DELETE_UPLOAD, Permission::DELETE_ZIP);
        self.need(&[delete]);
        self.write(format!("remove {key}"))?;
        self.world().objects.remove(key);
        Ok(())
    }
}

#[async_trait]
impl Jobs for Recorder {
    async fn send(&self, job: &Job, delay: Duration) -> Result<()> {
        self.need(&[Permission::SEND_JOB]);
        let json = serde_json::to_string(job).map_err(|e| Error::permanent(e.to_string()))?;
        let delay = match delay.num_seconds() {
            0 => String::new(),
            seconds => format!(" in {seconds} s"),
        };
        self.write(format!("send {json}{delay}"))
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> Result<()> {
        self.need(&[Permission::SEND_DEAD_LETTER]);
        let body: String = body.chars().take(60).collect();
        self.write(format!("dead-letter {body:?}: {reason}"))
    }
}

#[async_trait]
impl Topic for Recorder {
    async fn publish(&self, notice: &Notice) -> Result<String> {
        self.need(&[Permission::PUBLISH_NOTICE]);
        let status = notice.status.word();
        self.write(format!("publish {} {status}", notice.video_id))?;
        Ok(format!("message-{}", self.next_id()))
    }
}

#[async_trait]
impl Mailer for Recorder {
    async fn send(&self, mail: &Mail) -> Result<MailSent> {
        self.need(&[Permission::SEND_MAIL]);
        let Mail {
            to, subject, text, ..
        } = mail;
        self.write(format!("mail {to} {subject:?} {text:?}"))?;
        Ok(if self.given.mail_unanswered {
            MailSent::Unknown
        } else {
            MailSent::Accepted
        })
    }

    async fn check(&self) -> Result<()> {
        self.need(&[Permission::SEND_MAIL]);
        self.write("ask whether mails are taken".to_owned())
    }
}

#[async_trait]
impl FrameExtractor for Recorder {
    async fn extract(
        &self,
        request: &ExtractionRequest,
        listener: &dyn ProgressListener,
    ) -> Result<Extraction, ExtractionError> {
        self.need(&[Permission::GET_UPLOAD]);
        let mode = match request.options.mode {
            Mode::Exact => "",
            Mode::Keyframe => ", keyframes",
        };
        let Ok(Value::Object(mut others)) = serde_json::to_value(&request.options) else {
            panic!("options are a JSON object");
        };
        others.retain(|name, _| name != "every_ms" && name != "mode");
        let others = if others.is_empty() {
            String::new()
        } else {
            format!(", {}", Value::Object(others))
        };
        self.write(format!(
            "fetch {} every {} ms{mode}{others}",
            request.key, request.options.every_ms
        ))?;
        let no_video = || ExtractionError::Video("the file is not a video".to_owned());
        let extracted = self.given.extraction.clone().ok_or_else(no_video)?;
        let step = Duration::seconds(extracted.step_s);
        for percent in extracted.percents {
            self.world().now += step;
            let progress = Progress {
                percent: Some(percent),
                frames: 0,
            };
            listener.progress(progress).await?;
        }
        self.world().now += step;
        if let Some(fault) = extracted.too_much {
            return Err(ExtractionError::TooMuch(fault));
        }
        if extracted.deleted {
            self.delete_all();
        }
        self.need(&[
            Permission::PUT_ZIP,
            Permission::ABORT_ZIP,
            // A completion without an answer is looked up.
            Permission::GET_ZIP,
        ]);
        self.write(format!(
            "store {} {} frames",
            request.zip_key, extracted.frames
        ))?;
        Ok(Extraction {
            frames: extracted.frames,
            moments: extracted.frames,
            duration: None,
            bytes_read: 1_000_000,
            zip_bytes: 1_000,
            warning: extracted.warning,
            previews: true,
        })
    }
}

impl Clock for Recorder {
    fn now(&self) -> DateTime<Utc> {
        self.world().now
    }
}

impl Ids for Recorder {
    fn next(&self) -> String {
        format!("id-{}", self.next_id())
    }
}
