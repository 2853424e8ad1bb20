//! The engine's source in S3: ranges of one object, pinned by its entity tag.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use bytes::Bytes;
use fotograma_engine::{Source, SourceError};

use super::Aws;
use super::error::sdk_error;

/// How often a range is asked for when its bytes break off: the SDK tries a request again, but
/// not a body that it has begun to give.
const ATTEMPTS: u32 = 3;
/// The wait before the second try; doubled before each further one.
const BACKOFF: Duration = Duration::from_millis(100);

/// A video in S3.
pub struct S3Source {
    aws: Arc<Aws>,
    bucket: String,
    key: String,
    etag: String,
    len: u64,
}

impl S3Source {
    /// The object `key` of the bucket that `aws` names, with this entity tag.
    ///
    /// # Errors
    /// [`SourceError::Gone`] when it is not there, [`SourceError::Changed`] with another tag.
    pub async fn open(aws: Arc<Aws>, key: &str, etag: &str) -> Result<Self, SourceError> {
        let bucket = aws.settings().bucket();
        Self::open_in(aws, &bucket, key, Some(etag)).await
    }

    /// The object `key` of any bucket, pinned to `etag` or to the tag that it has now.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_in(
        aws: Arc<Aws>,
        bucket: &str,
        key: &str,
        etag: Option<&str>,
    ) -> Result<Self, SourceError> {
        let head = aws.s3().head_object().bucket(bucket).key(key);
        let output = head
            .set_if_match(etag.map(quoted))
            .send()
            .await
            .map_err(|error| source_error("s3 HeadObject", &error))?;
        let len = output
            .content_length
            .and_then(|len| u64::try_from(len).ok());
        let (Some(len), Some(etag)) = (len, output.e_tag) else {
            return Err(SourceError::Transient(
                "s3 HeadObject: no length or entity tag".to_owned(),
            ));
        };
        Ok(Self {
            aws,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            etag,
            len,
        })
    }

    async fn read_once(&self, range: &Range<u64>) -> Result<Bytes, SourceError> {
        let get = self
            .aws
            .s3()
            .get_object()
            .bucket(&self.bucket)
            .key(&self.key);
        let output = get
            .if_match(&self.etag)
            .range(format!("bytes={}-{}", range.start, range.end - 1))
            .send()
            .await
            .map_err(|error| source_error("s3 GetObject", &error))?;
        let body = output.body.collect().await;
        let bytes = body
            .map_err(|error| SourceError::Transient(format!("s3 GetObject: {error}")))?
            .into_bytes();
        if bytes.len() as u64 == range.end - range.start {
            Ok(bytes)
        } else {
            Err(SourceError::Transient(format!(
                "s3 GetObject: {} bytes for {range:?}",
                bytes.len()
            )))
        }
    }
}

#[async_trait]
impl Source for S3Source {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let mut backoff = BACKOFF;
        for _ in 1..ATTEMPTS {
            match self.read_once(&range).await {
                Err(SourceError::Transient(error)) => {
                    tracing::debug!(key = self.key, error, "a range is read again");
                }
                outcome => return outcome,
            }
            tokio::time::sleep(backoff).await;
            backoff *= 2;
        }
        self.read_once(&range).await
    }
}

/// An entity tag as HTTP writes it (RFC 9110, section 8.8.3); by hand it is often given bare.
fn quoted(etag: &str) -> String {
    if etag.contains('"') {
        etag.to_owned()
    } else {
        format!("\"{etag}\"")
    }
}

fn source_error<E>(call: &str, error: &SdkError<E, HttpResponse>) -> SourceError
where
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    match error
        .raw_response()
        .map(|response| response.status().as_u16())
    {
        // A missing bucket is a setting's sdk_error, and not the video's.
        Some(404) if error.as_service_error().and_then(|e| e.code()) != Some("NoSuchBucket") => {
            SourceError::Gone
        }
        Some(412) => SourceError::Changed,
        _ => SourceError::Transient(sdk_error(call, error).to_string()),
    }
}
