//! What the features ask of the world, in the domain's words.
//!
//! Each port is small and knows nothing of an SDK. An implementation says [`Error::Transient`] for
//! what may pass (throttling, a peer that is down) and [`Error::Rejected`] for what is the
//! user's fault; what "not there" means is said by an `Option`.
//!
//! [`Error::Transient`]: crate::Error::Transient
//! [`Error::Rejected`]: crate::Error::Rejected

use async_trait::async_trait;
use chrono::{DateTime, Duration, Utc};

use crate::domain::parts::StoredPart;
use crate::domain::{
    Extraction, ExtractionRequest, Job, Mail, Notice, Progress, Status, Unfinished, Video,
};
use crate::{Error, Result};

/// The status table: one record a video, written only under a condition.
#[async_trait]
pub trait Videos: Send + Sync {
    /// The record of one video, read consistently.
    async fn get(&self, video_id: &str) -> Result<Option<Video>>;

    /// Writes the whole record if the stored one still has version `expected` (`None`: if there
    /// is none yet). The record's own `version` is the new one. False: somebody was faster.
    async fn put(&self, video: &Video, expected: Option<u64>) -> Result<bool>;

    /// A user's videos that pass `filter`, newest first; `after` is the `next` of the page before. A page
    /// may hold fewer than `limit`, and there may be another all the same.
    async fn list(
        &self,
        user_id: &str,
        limit: u32,
        after: Option<&str>,
        filter: &VideoFilter,
    ) -> Result<VideoPage>;

    /// Unfinished videos of a kind whose record last changed before `before`, those first that have
    /// not changed for the longest; `after` is the `next` of the page before.
    async fn unfinished(
        &self,
        kind: Unfinished,
        before: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<UnfinishedPage>;
}

/// Some of the unfinished videos.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnfinishedPage {
    /// Their ids; what is known of them may be old.
    pub video_ids: Vec<String>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// Which of a user's videos are wanted; all by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VideoFilter {
    /// Only those with one of these statuses; any, where there is none.
    pub statuses: Vec<Status>,
    /// Only those with this in their names, in small letters.
    pub name: Option<String>,
}

impl VideoFilter {
    /// Whether this video is wanted.
    #[must_use]
    pub fn passes(&self, video: &Video) -> bool {
        let named = |part: &String| video.title().to_lowercase().contains(part);
        (self.statuses.is_empty() || self.statuses.contains(&video.status))
            && self.name.as_ref().is_none_or(named)
    }
}

/// Some of a user's videos.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VideoPage {
    /// Newest first.
    pub videos: Vec<Video>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// The object store: uploads and zips.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Whether the store is the bucket of this name: events may tell of others.
    fn is_bucket(&self, name: &str) -> bool;

    /// What is known of an object without reading it.
    async fn head(&self, key: &str) -> Result<Option<ObjectHead>>;

    /// An address that takes one PUT of exactly `size` bytes of `content_type`.
    async fn presign_put(
        &self,
        key: &str,
        size: u64,
        content_type: &str,
        expires_in: Duration,
    ) -> Result<SignedPut>;

    /// An address that gives the object, to be saved as `filename`.
    async fn presign_get(&self, key: &str, filename: &str, expires_in: Duration) -> Result<String>;

    /// The keys of all objects whose keys begin so.
    async fn list(&self, prefix: &str) -> Result<Vec<String>>;

    /// Removes an object; no error if it is not there.
    async fn remove(&self, key: &str) -> Result<()>;
}

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectHead {
    /// Length in bytes.
    pub size: u64,
    /// The entity tag, quotes included as S3 gives it.
    pub etag: String,
}

/// A presigned PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPut {
    /// Where to send the file.
    pub url: String,
    /// The headers that were signed and must be sent as they are.
    pub headers: Vec<(String, String)>,
}

/// Uploads in parts, of which each may be sent again. They are no object before they are completed.
#[async_trait]
pub trait PartUploads: Send + Sync {
    /// Begins an upload; gives the store's name for it.
    async fn begin(&self, key: &str, content_type: &str) -> Result<String>;

    /// An address that takes one part.
    async fn sign(&self, address: &PartAddress<'_>, expires_in: Duration) -> Result<SignedPut>;

    /// The parts that are wholly there, in the order of their numbers. `None`: there is no such upload any
    /// more.
    async fn list(&self, key: &str, upload_id: &str) -> Result<Option<Vec<StoredPart>>>;

    /// Makes an object of the parts; no error if there is no such upload any more, as an earlier call may
    /// have done it: the object itself tells.
    ///
    /// # Errors
    /// [`Error::Rejected`] with 409 when a part is not as it is said to be.
    async fn complete(&self, key: &str, upload_id: &str, parts: &[StoredPart]) -> Result<()>;

    /// Throws the parts away; no error if there are none.
    async fn abort(&self, key: &str, upload_id: &str) -> Result<()>;
}

/// A part that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartAddress<'a> {
    /// The object's key.
    pub key: &'a str,
    /// The store's name for the upload.
    pub upload_id: &'a str,
    /// The part's number, from 1 on.
    pub part: u32,
    /// Its exact length, in bytes.
    pub size: u64,
    /// The MD5 sum that its bytes must have, in base64.
    pub content_md5: Option<&'a str>,
}

/// The processor's queue.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Queues a job, to be seen after `delay`, in whole seconds up to fifteen minutes; durable
    /// when it returns.
    async fn send(&self, job: &Job, delay: Duration) -> Result<()>;

    /// Puts a message that no retry can help onto the dead-letter queue, with the reason.
    async fn dead_letter(&self, body: &str, reason: &str) -> Result<()>;
}

/// Where outcomes are told.
#[async_trait]
pub trait Topic: Send + Sync {
    /// Publishes a notice; gives the message's id.
    async fn publish(&self, notice: &Notice) -> Result<String>;
}

/// The identity provider. What it refuses (a wrong password, a taken name) is
/// [`Error::Rejected`] with the fitting status.
#[async_trait]
pub trait Identity: Send + Sync {
    /// Registers a user, who gets a code by mail; gives the user's id.
    async fn sign_up(&self, username: &str, password: &str, email: &str) -> Result<String>;

    /// Confirms a registration with the mailed code.
    async fn confirm(&self, username: &str, code: &str) -> Result<()>;

    /// Mails the code of a registration once more. An unknown name, and one that needs no code, is no error:
    /// nobody learns here who is registered.
    async fn resend_code(&self, username: &str) -> Result<()>;

    /// Mails a code by which the password can be reset; no error for an unknown name either.
    async fn forgot_password(&self, username: &str) -> Result<()>;

    /// Sets a password with the mailed code.
    async fn reset_password(&self, username: &str, code: &str, password: &str) -> Result<()>;

    /// Tokens for a name and a password, or what is wanted first.
    async fn login(&self, username: &str, password: &str) -> Result<Login>;

    /// Sets a password in the place of a temporary one, in the session that the login gave.
    async fn choose_password(
        &self,
        username: &str,
        session: &str,
        password: &str,
    ) -> Result<Tokens>;

    /// New tokens for a refresh token.
    async fn refresh(&self, refresh_token: &str) -> Result<Tokens>;

    /// Ends every session of the user that this access token belongs to.
    async fn logout(&self, access_token: &str) -> Result<()>;

    /// The mail address of a user, if there is one that is known to be theirs.
    async fn email(&self, username: &str) -> Result<Option<String>>;
}

/// What came of a login.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "LoginOutcome")
)]
#[serde(untagged)]
pub enum Login {
    /// The user is logged in.
    Done(Tokens),
    /// The password was a temporary one: another has to be chosen.
    PasswordWanted(PasswordWanted),
}

/// What has to be done before tokens are given.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PasswordWanted {
    /// Always `NEW_PASSWORD_REQUIRED`.
    pub challenge: String,
    /// To be sent with the new password.
    pub session: String,
}

/// What a login gives.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Tokens {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// Says who the user is.
    pub id_token: String,
    /// Gets new tokens; absent where the provider keeps the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Always `Bearer`.
    pub token_type: String,
    /// Life of the access token, in seconds.
    pub expires_in: i64,
}

/// How mail leaves.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends one mail, once. An error says that it has surely not gone.
    async fn send(&self, mail: &Mail) -> Result<MailSent>;

    /// Whether mails are taken just now, found out without sending one. An error says why not.
    async fn check(&self) -> Result<()>;
}

/// What is known of a mail that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSent {
    /// The mail server has taken it.
    Accepted,
    /// There was no answer: it may have gone, or not.
    Unknown,
}

/// Video in, zip of frames out; both in the object store.
#[async_trait]
pub trait FrameExtractor: Send + Sync {
    /// Extracts frames as `request` says and stores the zip. `listener` is told how far it is; when
    /// it answers an error, the extraction ends with that error and stores nothing.
    async fn extract(
        &self,
        request: &ExtractionRequest,
        listener: &dyn ProgressListener,
    ) -> Result<Extraction, ExtractionError>;
}

/// Why an extraction gave no zip. Only the first is an end of the video.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractionError {
    /// The video's own fault; the reason, for its user.
    #[error("{0}")]
    Video(String),
    /// The machine is sound, and the video was too much for it. That may be chance, so other attempts
    /// follow, but only a few.
    #[error("{0}")]
    TooMuch(String),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] Error),
}

/// Who wants to know how far an extraction is.
#[async_trait]
pub trait ProgressListener: Send + Sync {
    /// Told at least once a second; an error stops the extraction.
    async fn progress(&self, progress: Progress) -> Result<()>;
}

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}

/// New, unique ids.
pub trait Ids: Send + Sync {
    /// A `UUIDv7` (RFC 9562) in its usual text form.
    fn next(&self) -> String;
}
