//! The product's ports over the world in memory.

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};
use fotograma_core::domain::parts::StoredPart;
use fotograma_core::domain::{Job, Mail, Notice, Unfinished, Video};
use fotograma_core::ports::{
    Clock, Identity, Ids, Jobs, Login, MailSent, Mailer, ObjectHead, Objects, PartAddress,
    PartUploads, SignedPut, Tokens, Topic, UnfinishedPage, VideoFilter, VideoPage, Videos,
};
use fotograma_core::{Error, Result};

use crate::host::{Call, Port, Role, error};
use crate::plan::{Kind, Service};
use crate::queue::QueueName;
use crate::rules::Rules;
use crate::world::{World, date};

#[async_trait]
impl Videos for Port {
    async fn get(&self, video_id: &str) -> Result<Option<Video>> {
        let call = Call::new(Service::Table, "get", video_id);
        let found = self
            .call(call, |world| world.records.get(video_id).cloned())
            .await?;
        Ok(found.map(|mut video| {
            match (self.rules(), self.role) {
                (Rules::NoLeaseCheck, Role::Processor) => {
                    if let Some(attempt) = &mut video.attempt {
                        attempt.lease_until = date(0);
                    }
                }
                (Rules::NoClaim, Role::Mailer) => video.deliveries.clear(),
                (Rules::NoRounds, Role::Processor) => video.round = 0,
                (Rules::NoClockMargin, Role::Processor) => {
                    if let Some(attempt) = &mut video.attempt {
                        attempt.lease_until -= CLOCK_MARGIN;
                    }
                }
                (Rules::ShortMailClaim, Role::Mailer) => {
                    let claims = video.deliveries.iter_mut();
                    for claim in claims.filter_map(|delivery| delivery.attempt.as_mut()) {
                        claim.lease_until -= CLOCK_MARGIN + SHORTER_CLAIM;
                    }
                }
                _ => {}
            }
            video
        }))
    }

    async fn put(&self, video: &Video, expected: Option<u64>) -> Result<bool> {
        if self.rules() == Rules::NoClaim && self.role == Role::Mailer {
            return Ok(true);
        }
        if self.rules() == Rules::PublishBeforeTheWrite
            && video.unpublished
            && video.status.is_terminal()
        {
            self.publish(&Notice::from_video(video)).await?;
        }
        let id = self.world.lock().next_id();
        let call = Call::new(Service::Table, "put", &video.video_id);
        let stored = self
            .call(call, |world| self.put_now(world, video, expected, id))
            .await?;
        if stored && self.role == Role::Processor {
            self.look(|world| world.judge.lease_answered(video, id));
        }
        Ok(stored)
    }

    async fn list(&self, _: &str, _: u32, _: Option<&str>, _: &VideoFilter) -> Result<VideoPage> {
        Ok(VideoPage::default())
    }

    async fn unfinished(
        &self,
        kind: Unfinished,
        before: DateTime<Utc>,
        _after: Option<&str>,
    ) -> Result<UnfinishedPage> {
        match (self.rules(), kind) {
            (Rules::DeletedOnce, Unfinished::Removal)
            | (Rules::NoMailSweep, Unfinished::Delivery) => return Ok(UnfinishedPage::default()),
            _ => {}
        }
        let call = Call::new(Service::Table, "query", "open");
        let ids = self.call(call, |world| world.unfinished(kind, before));
        let video_ids = ids.await?;
        Ok(UnfinishedPage {
            video_ids,
            next: None,
        })
    }
}

/// For how long after its time a lease or a claim still holds, by the product's rules.
const CLOCK_MARGIN: Duration = Duration::minutes(1);
/// What is taken from a minute's claim to make it one of five seconds.
const SHORTER_CLAIM: Duration = Duration::seconds(55);

impl Port {
    /// Ends a video as what SQS gave up on once was.
    pub(crate) async fn end(&self, video_id: &str) -> Result<()> {
        let Some(video) = self.get(video_id).await? else {
            return Ok(());
        };
        let reason = "it was tried several times and could not be finished";
        let ended = video.failed(reason, self.now());
        self.put(&ended, Some(video.version)).await.map(drop)
    }

    pub(crate) fn rules(&self) -> Rules {
        self.world.lock().rules
    }

    fn put_now(&self, world: &mut World, video: &Video, expected: Option<u64>, id: u64) -> bool {
        let (stored, before) = if world.rules == Rules::NoVersion {
            let before = world.records.get(&video.video_id).cloned();
            world.store_record(video, id);
            (true, before)
        } else {
            let known = world.records.get(&video.video_id).map(|v| v.version);
            let (stored, before) = world.put_record(video, expected, id);
            if known == Some(video.version) {
                // Its own write, met again.
                return stored;
            }
            (stored, before)
        };
        if stored {
            let attempt = video.attempt.as_ref().map(|a| a.id.clone());
            world.tell(|| {
                format!(
                    "{:?} {}.{} writes {} v{}: {}{}{} attempt {attempt:?} {:?} {}",
                    self.role,
                    self.host.slot,
                    self.host.life,
                    video.video_id,
                    video.version,
                    video.status.word(),
                    if video.unpublished {
                        ", unpublished"
                    } else {
                        ""
                    },
                    if video.is_deleted() { ", deleted" } else { "" },
                    video.unreleased_attempts,
                    video.reason.as_deref().unwrap_or_default(),
                )
            });
            let now = world.now();
            let zip = world.object(&video.zip_key()).cloned();
            world
                .judge
                .written(now, before.as_ref(), video, self, zip.as_ref());
            if before.and_then(|before| before.attempt) != video.attempt {
                world.judge.lease_written(&video.video_id, id);
            }
        }
        stored
    }
}

#[async_trait]
impl Objects for Port {
    fn is_bucket(&self, _name: &str) -> bool {
        true
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>> {
        let call = Call::new(Service::Store, "head", key);
        self.call(call, |world| {
            world.object(key).map(|object| ObjectHead {
                size: object.size,
                etag: object.etag(),
            })
        })
        .await
    }

    async fn presign_put(
        &self,
        key: &str,
        _size: u64,
        _content_type: &str,
        _expires_in: Duration,
    ) -> Result<SignedPut> {
        Ok(SignedPut {
            url: key.to_owned(),
            headers: Vec::new(),
        })
    }

    async fn presign_get(&self, key: &str, _: &str, _: Duration) -> Result<String> {
        Ok(key.to_owned())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let call = Call::new(Service::Store, "list", prefix);
        self.call(call, |world| {
            let keys = world.objects.keys();
            keys.filter(|key| key.starts_with(prefix))
                .cloned()
                .collect()
        })
        .await
    }

    async fn remove(&self, key: &str) -> Result<()> {
        let call = Call::new(Service::Store, "remove", key);
        self.call(call, |world| {
            world.tell(|| format!("{:?} {} removes {key}", self.role, self.host.slot));
            world.remove_object(key);
        })
        .await
    }
}

#[async_trait]
impl PartUploads for Port {
    async fn begin(&self, _: &str, _: &str) -> Result<String> {
        Err(no_long_files())
    }

    async fn sign(&self, _: &PartAddress<'_>, _: Duration) -> Result<SignedPut> {
        Err(no_long_files())
    }

    async fn list(&self, _: &str, _: &str) -> Result<Option<Vec<StoredPart>>> {
        Err(no_long_files())
    }

    async fn complete(&self, _: &str, _: &str, _: &[StoredPart]) -> Result<()> {
        Err(no_long_files())
    }

    async fn abort(&self, _: &str, _: &str) -> Result<()> {
        Err(no_long_files())
    }
}

/// No file of this world is long enough to come in parts.
fn no_long_files() -> Error {
    Error::permanent("no file comes in parts here")
}

#[async_trait]
impl Jobs for Port {
    async fn send(&self, job: &Job, delay: Duration) -> Result<()> {
        match (self.rules(), self.role) {
            (Rules::DeadLettersEndVideos | Rules::StopsUseUpReceives, Role::DeadLetters) => {
                return self.end(&job.video_id).await;
            }
            (Rules::StopsUseUpReceives, Role::Processor)
                if job.postponements == 0 && !job.released_attempts.is_empty() =>
            {
                return Err(Error::transient("the message comes back by itself"));
            }
            _ => {}
        }
        let body = serde_json::to_string(job).map_err(|e| Error::permanent(e.to_string()))?;
        let call = Call::new(Service::Sqs, "send", &job.video_id).careful();
        self.call(call, |world| {
            world.tell(|| {
                let from = self.role;
                format!(
                    "{from:?} {} sends {body} in {} s",
                    self.host.slot,
                    delay.num_seconds()
                )
            });
            world.judge.released(job);
            world.send(QueueName::Jobs, &body, None, delay.num_milliseconds());
        })
        .await
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> Result<()> {
        let call = Call::new(Service::Sqs, "dead letter", "");
        self.call(call, |world| {
            world.tell(|| format!("{:?} dead-letters {body}: {reason}", self.role));
            world.send(QueueName::JobsDead, body, Some(reason), 0);
        })
        .await
    }
}

#[async_trait]
impl Topic for Port {
    async fn publish(&self, notice: &Notice) -> Result<String> {
        if self.rules() == Rules::RetryBeforePublication && self.role == Role::Server {
            return Ok(String::new());
        }
        let call = Call::new(Service::Topic, "publish", &notice.video_id);
        self.call(call, |world| {
            let id = &notice.notice_id;
            world.tell(|| format!("{:?} {} publishes {id}", self.role, self.host.slot));
            world.judge.published(notice);
            world.publish(notice)
        })
        .await
    }
}

#[async_trait]
impl Mailer for Port {
    async fn send(&self, mail: &Mail) -> Result<MailSent> {
        let call = Call::new(Service::Ses, "mail", &self.notice);
        let call = match self.rules() {
            Rules::MailClientRetries => call,
            _ => call.once(),
        };
        self.look(|world| world.judge.mail_begins(&self.notice));
        let sent = self.ask(call, |world| {
            world.tell(|| format!("{:?} {} MAILS {}", self.role, self.host.slot, self.notice));
            let known = world.records.values().flat_map(|video| &video.deliveries);
            let known = known.filter(|delivery| *delivery.notice_id == *self.notice);
            let uncertain = known.map(|delivery| delivery.uncertain).sum();
            world.judge.mailed(&self.notice, &mail.to, uncertain);
        });
        let sent = match sent.await {
            Ok(()) => Ok(MailSent::Accepted),
            // As the product's mailer has it: no answer is no word, and a refusal is one.
            Err(Kind::Deaf | Kind::Hangs) => Ok(MailSent::Unknown),
            Err(kind) => Err(error(call, kind)),
        };
        let is_known = sent != Ok(MailSent::Unknown);
        self.look(|world| world.judge.mail_answered(&self.notice, is_known));
        sent
    }

    async fn check(&self) -> Result<()> {
        let call = Call::new(Service::Ses, "mail", &self.notice);
        self.call(call, |_| ()).await
    }
}

#[async_trait]
impl Identity for Port {
    async fn sign_up(&self, _: &str, _: &str, _: &str) -> Result<String> {
        Err(nobody())
    }

    async fn confirm(&self, _: &str, _: &str) -> Result<()> {
        Err(nobody())
    }

    async fn resend_code(&self, _: &str) -> Result<()> {
        Err(nobody())
    }

    async fn forgot_password(&self, _: &str) -> Result<()> {
        Err(nobody())
    }

    async fn reset_password(&self, _: &str, _: &str, _: &str) -> Result<()> {
        Err(nobody())
    }

    async fn login(&self, _: &str, _: &str) -> Result<Login> {
        Err(nobody())
    }

    async fn choose_password(&self, _: &str, _: &str, _: &str) -> Result<Tokens> {
        Err(nobody())
    }

    async fn refresh(&self, _: &str) -> Result<Tokens> {
        Err(nobody())
    }

    async fn logout(&self, _: &str) -> Result<()> {
        Err(nobody())
    }

    async fn email(&self, username: &str) -> Result<Option<String>> {
        Ok(Some(format!("{username}@users.example")))
    }
}

/// No user of this world signs up or logs in.
fn nobody() -> Error {
    Error::permanent("nobody logs in here")
}

impl Clock for Port {
    fn now(&self) -> DateTime<Utc> {
        date(self.look(|world| world.now()) + self.host.skew)
    }
}

impl Ids for Port {
    fn next(&self) -> String {
        match &self.step {
            Some(step) => step.next_id(),
            None => format!("id{}", self.world.lock().next_id()),
        }
    }
}
