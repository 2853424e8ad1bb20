//! One object, written from front to back: a multipart upload, or a single PUT while it is
//! smaller than a part. Nothing is visible before it is finished.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::config::Builder as ConfigBuilder;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use fotograma_core::{Error, Result};
use fotograma_engine::{Sink, SinkError};
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use super::Aws;
use super::error::{missing_from_answer, sdk_error};

/// Length of a part: S3 wants 5 MiB or more, and takes 10,000 of them.
const PART_BYTES: usize = 8 * 1024 * 1024;
/// How long an answer may be waited for.
#[derive(Clone, Copy, Debug)]
pub struct AnswerLimits {
    /// Of S3 to a part that is on its way; a slow line must have the time to send it.
    pub part: Duration,
    /// Of S3 to the completion, before it is looked up. S3 says minutes for the largest objects
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>).
    pub completion: Duration,
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self {
            part: Duration::from_mins(10),
            completion: Duration::from_mins(3),
        }
    }
}

/// The object's metadata that tells one write of it from another.
const WRITE_ID: &str = "write-id";
/// How many parts are on their way at once, and so held in memory.
const MAX_PARTS_IN_FLIGHT: usize = 4;

/// An object that is being written. Dropped unfinished, it is aborted in the background.
pub struct Upload {
    target: Target,
    buffer: BytesMut,
    /// Of the multipart upload, once it has begun.
    id: Option<String>,
    /// What the object is known by.
    write_id: String,
    sending: JoinSet<Result<CompletedPart>>,
    sent: Vec<CompletedPart>,
    parts: i32,
    length: u64,
    limits: AnswerLimits,
}

/// Where the object goes.
#[derive(Clone)]
struct Target {
    aws: Arc<Aws>,
    bucket: String,
    key: String,
    content_type: Option<String>,
}

impl Upload {
    /// An object of the bucket that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>, key: &str, content_type: Option<&str>) -> Self {
        let bucket = aws.settings().bucket();
        Self::to(aws, &bucket, key, content_type)
    }

    /// An object of any bucket.
    #[must_use]
    pub fn to(aws: Arc<Aws>, bucket: &str, key: &str, content_type: Option<&str>) -> Self {
        let target = Target {
            aws,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            content_type: content_type.map(str::to_owned),
        };
        Self {
            target,
            buffer: BytesMut::new(),
            id: None,
            write_id: Uuid::new_v4().to_string(),
            sending: JoinSet::new(),
            sent: Vec::new(),
            parts: 0,
            length: 0,
            limits: AnswerLimits::default(),
        }
    }

    /// Waits for answers no longer than this.
    #[must_use]
    pub fn with_limits(mut self, limits: AnswerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Appends bytes; waits while as many parts as may be are on their way.
    ///
    /// # Errors
    /// When a part could not be sent; the upload is then to be aborted.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        self.length += bytes.len() as u64;
        while self.buffer.len() + bytes.len() >= PART_BYTES {
            let rest = bytes.split_off(PART_BYTES - self.buffer.len());
            self.buffer.extend_from_slice(&bytes);
            bytes = rest;
            let part = self.buffer.split().freeze();
            self.send(part).await?;
        }
        self.buffer.extend_from_slice(&bytes);
        Ok(())
    }

    /// Makes the object visible, whole and at once; gives its length in bytes.
    ///
    /// # Errors
    /// When it could not be stored; nothing of it is left then.
    pub async fn finish(mut self) -> Result<u64> {
        let outcome = self.complete().await;
        if outcome.is_ok() {
            self.id = None;
        } else {
            self.clear().await;
        }
        outcome.map(|()| self.length)
    }

    /// Throws away what was written, so that the object can be written from its beginning.
    pub async fn restart(&mut self) {
        self.clear().await;
        self.buffer.clear();
        self.sent.clear();
        (self.parts, self.length) = (0, 0);
    }

    /// Throws away what was written.
    pub async fn abort(mut self) {
        self.clear().await;
    }

    async fn send(&mut self, part: Bytes) -> Result<()> {
        if self.id.is_none() {
            self.id = Some(self.target.create(&self.write_id).await?);
        }
        let Some(upload_id) = self.id.clone() else {
            return Ok(());
        };
        while self.sending.len() >= MAX_PARTS_IN_FLIGHT {
            self.collect().await?;
        }
        self.parts += 1;
        let (target, number, limit) = (self.target.clone(), self.parts, self.limits.part);
        self.sending.spawn(async move {
            let sent = timeout(limit, target.send(upload_id, number, part)).await;
            sent.unwrap_or_else(|_| Err(no_answer("UploadPart")))
        });
        Ok(())
    }

    /// Waits for one part; false when none is on its way.
    async fn collect(&mut self) -> Result<bool> {
        let Some(part) = self.sending.join_next().await else {
            return Ok(false);
        };
        self.sent
            .push(part.map_err(|error| Error::transient(format!("s3 UploadPart: {error}")))??);
        Ok(true)
    }

    async fn complete(&mut self) -> Result<()> {
        let rest = self.buffer.split().freeze();
        if self.id.is_none() {
            // The next attempt overwrites what may be there after all.
            return timeout(self.limits.completion, self.target.put(rest))
                .await
                .unwrap_or_else(|_| Err(no_answer("PutObject")));
        }
        if !rest.is_empty() {
            self.send(rest).await?;
        }
        while self.collect().await? {}
        let Some(upload_id) = &self.id else {
            return Ok(());
        };
        // A part that failed while another was written is missed here, and never left out.
        if self.sent.len() != usize::try_from(self.parts).unwrap_or(usize::MAX) {
            return Err(Error::transient(
                "s3 UploadPart: a part could not be sent".to_owned(),
            ));
        }
        self.sent.sort_by_key(|part| part.part_number);
        let parts = std::mem::take(&mut self.sent);
        let completion = self.target.complete(upload_id, parts);
        let error = match timeout(self.limits.completion, completion).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => no_answer("CompleteMultipartUpload"),
        };
        // It may have happened all the same; to ask for it again would then be refused.
        if self.target.holds(&self.write_id).await? {
            return Ok(());
        }
        Err(error)
    }

    async fn clear(&mut self) {
        // Parts that still arrive after an abort would be kept, and paid for.
        self.sending.shutdown().await;
        if let Some(upload_id) = self.id.take() {
            self.target.abort(&upload_id).await;
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(upload_id) = self.id.take() else {
            return;
        };
        let (target, mut sending) = (self.target.clone(), std::mem::take(&mut self.sending));
        // Without a runtime there is nobody left to ask; the bucket's lifecycle rule cleans up.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                sending.shutdown().await;
                target.abort(&upload_id).await;
            });
        }
    }
}

/// A zip on its way into S3.
pub struct S3Sink(Upload);

impl S3Sink {
    /// The object `key` of the bucket that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>, key: &str) -> Self {
        Self(Upload::new(aws, key, Some("application/zip")))
    }

    /// The object `key` of any bucket.
    #[must_use]
    pub fn to(aws: Arc<Aws>, bucket: &str, key: &str) -> Self {
        Self(Upload::to(aws, bucket, key, Some("application/zip")))
    }
}

#[async_trait]
impl Sink for S3Sink {
    async fn write(&mut self, bytes: Bytes) -> std::result::Result<(), SinkError> {
        self.0
            .write(bytes)
            .await
            .map_err(|error| SinkError(error.to_string()))
    }

    async fn restart(&mut self) -> std::result::Result<bool, SinkError> {
        self.0.restart().await;
        Ok(true)
    }

    async fn finish(self: Box<Self>) -> std::result::Result<(), SinkError> {
        self.0
            .finish()
            .await
            .map(drop)
            .map_err(|error| SinkError(error.to_string()))
    }

    async fn abort(self: Box<Self>) {
        self.0.abort().await;
    }
}

impl Target {
    async fn put(&self, body: Bytes) -> Result<()> {
        let put = self
            .aws
            .s3()
            .put_object()
            .bucket(&self.bucket)
            .key(&self.key);
        put.set_content_type(self.content_type.clone())
            .body(ByteStream::from(body))
            .customize()
            .config_override(no_attempt_timeout())
            .send()
            .await
            .map_err(|error| sdk_error("s3 PutObject", &error))?;
        Ok(())
    }

    async fn create(&self, write_id: &str) -> Result<String> {
        let create = self
            .aws
            .s3()
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(&self.key);
        let output = create
            .set_content_type(self.content_type.clone())
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .metadata(WRITE_ID, write_id)
            .send()
            .await
            .map_err(|error| sdk_error("s3 CreateMultipartUpload", &error))?;
        output
            .upload_id
            .ok_or_else(|| missing_from_answer("s3 CreateMultipartUpload", "upload id"))
    }

    async fn send(self, upload_id: String, number: i32, part: Bytes) -> Result<CompletedPart> {
        let upload = self
            .aws
            .s3()
            .upload_part()
            .bucket(&self.bucket)
            .key(&self.key);
        let output = upload
            .upload_id(upload_id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(part))
            .customize()
            .config_override(no_attempt_timeout())
            .send()
            .await
            .map_err(|error| sdk_error("s3 UploadPart", &error))?;
        let etag = output
            .e_tag
            .ok_or_else(|| missing_from_answer("s3 UploadPart", "entity tag"))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .e_tag(etag)
            .set_checksum_crc32(output.checksum_crc32)
            .build())
    }

    async fn complete(&self, upload_id: &str, parts: Vec<CompletedPart>) -> Result<()> {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let complete = self
            .aws
            .s3()
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(&self.key);
        complete
            .upload_id(upload_id)
            .multipart_upload(parts)
            .customize()
            .config_override(no_attempt_timeout())
            .send()
            .await
            .map_err(|error| sdk_error("s3 CompleteMultipartUpload", &error))?;
        Ok(())
    }

    /// Whether the object that is there now is the one that was written under this id.
    async fn holds(&self, write_id: &str) -> Result<bool> {
        let head = self.aws.s3().head_object().bucket(&self.bucket);
        match head.key(&self.key).send().await {
            Ok(output) => Ok(output
                .metadata
                .is_some_and(|all| all.get(WRITE_ID).is_some_and(|id| id == write_id))),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                Ok(false)
            }
            Err(error) => Err(sdk_error("s3 HeadObject", &error)),
        }
    }

    async fn abort(&self, upload_id: &str) {
        let abort = self
            .aws
            .s3()
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(&self.key);
        if let Err(error) = abort.upload_id(upload_id).send().await {
            let error = sdk_error("s3 AbortMultipartUpload", &error);
            tracing::warn!(key = self.key, upload_id, %error, "parts may be left in the bucket");
        }
    }
}

fn no_answer(operation: &str) -> Error {
    Error::transient(format!("s3 {operation}: no answer"))
}

/// A slow line may take its time with a part, within its limit; a stalled one the SDK sees by itself.
fn no_attempt_timeout() -> ConfigBuilder {
    let timeouts = TimeoutConfig::builder()
        .disable_operation_attempt_timeout()
        .build();
    aws_sdk_s3::Config::builder().timeout_config(timeouts)
}
