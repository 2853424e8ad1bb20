//! The object store in S3, and the file of a form streamed into it as it comes.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use bytes::Bytes;
use chrono::Duration;
use fotograma_core::ports::{ObjectHead, Objects, SignedPut};
use fotograma_core::{Error, Result};
use futures::StreamExt;
use futures::stream::BoxStream;
use http::StatusCode;
use lambda_anywhere::FileStore;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::{missing_from_answer, sdk_error};
use super::{Aws, Upload};

/// All but the `attr-char` of RFC 8187, section 3.2.1.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// [`Objects`] over S3.
pub struct S3Objects(Arc<Aws>);

impl S3Objects {
    /// The bucket that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }

    fn bucket(&self) -> String {
        self.0.settings().bucket()
    }

    async fn check_bucket(&self) -> Result<()> {
        let head = self.0.s3().head_bucket().bucket(self.bucket());
        let outcome = head.send().await;
        outcome
            .map(drop)
            .map_err(|error| sdk_error("s3 HeadBucket", &error))
    }
}

#[async_trait]
impl Objects for S3Objects {
    fn is_bucket(&self, name: &str) -> bool {
        name == self.bucket()
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectHead>> {
        let output = self
            .0
            .s3()
            .head_object()
            .bucket(self.bucket())
            .key(key)
            .send()
            .await;
        let output = match output {
            Ok(output) => output,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                // It says the same where the whole bucket is not there, which no video is to blame for.
                return self.check_bucket().await.map(|()| None);
            }
            Err(error) => return Err(sdk_error("s3 HeadObject", &error)),
        };
        let size = output
            .content_length
            .and_then(|length| u64::try_from(length).ok());
        Ok(Some(ObjectHead {
            size: size.ok_or_else(|| missing_from_answer("s3 HeadObject", "length"))?,
            etag: output
                .e_tag
                .ok_or_else(|| missing_from_answer("s3 HeadObject", "entity tag"))?,
        }))
    }

    async fn presign_put(
        &self,
        key: &str,
        size: u64,
        content_type: &str,
        expires_in: Duration,
    ) -> Result<SignedPut> {
        let size = i64::try_from(size)
            .map_err(|_| Error::bad_request(format!("{size} bytes are too many")))?;
        let put = self.0.s3().put_object().bucket(self.bucket()).key(key);
        let signed = put
            .content_length(size)
            .content_type(content_type)
            .presigned(expiry(expires_in)?)
            .await
            .map_err(|error| sdk_error("s3 PutObject", &error))?;
        Ok(SignedPut {
            headers: headers(&signed),
            url: signed.uri().to_owned(),
        })
    }

    async fn presign_get(&self, key: &str, filename: &str, expires_in: Duration) -> Result<String> {
        let get = self.0.s3().get_object().bucket(self.bucket()).key(key);
        let signed = get
            .response_content_disposition(attachment(filename))
            .presigned(expiry(expires_in)?)
            .await
            .map_err(|error| sdk_error("s3 GetObject", &error))?;
        Ok(signed.uri().to_owned())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let list = self.0.s3().list_objects_v2();
        let mut pages = list
            .bucket(self.bucket())
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| sdk_error("s3 ListObjectsV2", &error))?;
            let objects = page.contents.unwrap_or_default();
            keys.extend(objects.into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    async fn remove(&self, key: &str) -> Result<()> {
        let remove = self.0.s3().delete_object().bucket(self.bucket()).key(key);
        remove
            .send()
            .await
            .map_err(|error| sdk_error("s3 DeleteObject", &error))?;
        Ok(())
    }
}

/// [`FileStore`] over S3.
pub struct S3Files {
    aws: Arc<Aws>,
    max_bytes: u64,
}

impl S3Files {
    /// The bucket that `aws` names, for files of up to `max_bytes`.
    #[must_use]
    pub fn new(aws: Arc<Aws>, max_bytes: u64) -> Self {
        Self { aws, max_bytes }
    }

    async fn copy_limited(
        &self,
        upload: &mut Upload,
        mut file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<()> {
        let mut length = 0;
        while let Some(bytes) = file.next().await {
            let bytes = bytes?;
            length += bytes.len() as u64;
            if length > self.max_bytes {
                let limit = self.max_bytes;
                return Err(Error::rejected(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("the file is larger than {limit} bytes, the most that is taken"),
                ));
            }
            upload.write(bytes).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl FileStore for S3Files {
    async fn store(
        &self,
        key: &str,
        content_type: Option<&str>,
        file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        let mut upload = Upload::new(Arc::clone(&self.aws), key, content_type);
        if let Err(error) = self.copy_limited(&mut upload, file).await {
            upload.abort().await;
            return Err(error);
        }
        upload.finish().await
    }

    async fn remove(&self, key: &str) -> Result<()> {
        S3Objects::new(Arc::clone(&self.aws)).remove(key).await
    }
}

/// The headers that a client has to send; its HTTP library sends `host` by itself.
pub(super) fn headers(signed: &PresignedRequest) -> Vec<(String, String)> {
    let mut headers: Vec<_> = signed
        .headers()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("host"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    headers.sort();
    headers
}

pub(super) fn expiry(expires_in: Duration) -> Result<PresigningConfig> {
    let expires_in = expires_in.to_std().unwrap_or_default();
    PresigningConfig::expires_in(expires_in).map_err(|error| {
        Error::operational(format!("an address cannot last {expires_in:?}: {error}"))
    })
}

/// `Content-Disposition` that saves as `filename`: in ASCII for old clients, and in full
/// (RFC 6266, section 4.3).
fn attachment(filename: &str) -> String {
    let ascii: String = filename
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let full = utf8_percent_encode(filename, NOT_ATTR_CHAR);
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_survives_as_a_header() {
        assert_eq!(
            attachment("férias 1.zip"),
            "attachment; filename=\"f_rias 1.zip\"; filename*=UTF-8''f%C3%A9rias%201.zip"
        );
        let hostile = attachment("a\"; x=\r\n\\%41.zip");
        assert_eq!(
            hostile,
            "attachment; filename=\"a_; x=____41.zip\"; \
             filename*=UTF-8''a%22%3B%20x%3D%0D%0A%5C%2541.zip"
        );
    }

    #[test]
    fn an_address_lasts_at_most_a_week() {
        assert!(expiry(Duration::hours(12)).is_ok());
        assert!(matches!(
            expiry(Duration::days(8)),
            Err(Error::Operational(_))
        ));
    }
}
