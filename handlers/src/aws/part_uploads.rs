//! Uploads in parts, which are S3's multipart uploads.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{Builder as ConfigBuilder, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use chrono::Duration;
use fotograma_core::domain::parts::StoredPart;
use fotograma_core::ports::{PartAddress, PartUploads, SignedPut};
use fotograma_core::{Error, Result};

use super::Aws;
use super::error::{missing_from_answer, sdk_error};
use super::objects::{expiry, headers};

/// [`PartUploads`] over S3.
pub struct S3PartUploads(Arc<Aws>);

impl S3PartUploads {
    /// The bucket that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }

    fn bucket(&self) -> String {
        self.0.settings().bucket()
    }
}

#[async_trait]
impl PartUploads for S3PartUploads {
    async fn begin(&self, key: &str, content_type: &str) -> Result<String> {
        let create = self.0.s3().create_multipart_upload();
        let output = create
            .bucket(self.bucket())
            .key(key)
            .content_type(content_type)
            .customize()
            .config_override(without_checksums())
            .send()
            .await
            .map_err(|error| sdk_error("s3 CreateMultipartUpload", &error))?;
        output
            .upload_id
            .ok_or_else(|| missing_from_answer("s3 CreateMultipartUpload", "upload id"))
    }

    async fn sign(&self, address: &PartAddress<'_>, expires_in: Duration) -> Result<SignedPut> {
        let upload = self.0.s3().upload_part();
        let signed = upload
            .bucket(self.bucket())
            .key(address.key)
            .upload_id(address.upload_id)
            .part_number(number(address.part)?)
            .content_length(length(address.size)?)
            .set_content_md5(address.content_md5.map(str::to_owned))
            .customize()
            .config_override(without_checksums())
            .presigned(expiry(expires_in)?)
            .await
            .map_err(|error| sdk_error("s3 UploadPart", &error))?;
        Ok(SignedPut {
            headers: headers(&signed),
            url: signed.uri().to_owned(),
        })
    }

    async fn list(&self, key: &str, upload_id: &str) -> Result<Option<Vec<StoredPart>>> {
        let list = self.0.s3().list_parts();
        let mut pages = list
            .bucket(self.bucket())
            .key(key)
            .upload_id(upload_id)
            .into_paginator()
            .send();
        let mut stored = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(error) if is_gone(&error) => return Ok(None),
                Err(error) => return Err(sdk_error("s3 ListParts", &error)),
            };
            for part in page.parts.unwrap_or_default() {
                let missing = || missing_from_answer("s3 ListParts", "number, length or tag");
                let number = part.part_number.and_then(|n| u32::try_from(n).ok());
                let size = part.size.and_then(|size| u64::try_from(size).ok());
                stored.push(StoredPart {
                    part: number.ok_or_else(missing)?,
                    size: size.ok_or_else(missing)?,
                    etag: part.e_tag.ok_or_else(missing)?,
                });
            }
        }
        Ok(Some(stored))
    }

    async fn complete(&self, key: &str, upload_id: &str, parts: &[StoredPart]) -> Result<()> {
        let completed = parts.iter().map(|part| {
            let completed = CompletedPart::builder().e_tag(&part.etag);
            Ok(completed.part_number(number(part.part)?).build())
        });
        let completed = CompletedMultipartUpload::builder()
            .set_parts(Some(completed.collect::<Result<_>>()?))
            .build();
        let complete = self.0.s3().complete_multipart_upload();
        let outcome = complete
            .bucket(self.bucket())
            .key(key)
            .upload_id(upload_id)
            .multipart_upload(completed)
            .customize()
            .config_override(without_checksums())
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(()),
            // A try whose answer was lost has done it, or somebody else has.
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) if code(&error) == Some("InvalidPart") => {
                Err(Error::conflict("a part has changed meanwhile").of_kind("other-part"))
            }
            Err(error) => Err(sdk_error("s3 CompleteMultipartUpload", &error)),
        }
    }

    async fn abort(&self, key: &str, upload_id: &str) -> Result<()> {
        let abort = self.0.s3().abort_multipart_upload();
        let outcome = abort
            .bucket(self.bucket())
            .key(key)
            .upload_id(upload_id)
            .send()
            .await;
        match outcome {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(sdk_error("s3 AbortMultipartUpload", &error)),
        }
    }
}

/// Whether S3 knows no such upload: it was put together, thrown away, or never begun.
fn is_gone<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    code(error) == Some("NoSuchUpload")
}

fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

fn number(part: u32) -> Result<i32> {
    i32::try_from(part).map_err(|_| Error::bad_request(format!("{part} is no part")))
}

fn length(size: u64) -> Result<i64> {
    i64::try_from(size).map_err(|_| Error::bad_request(format!("{size} bytes are too many")))
}

/// Where an upload names an algorithm, S3 wants a checksum of each part, which not every client can make.
/// What is signed instead, if a client wants it, is the part's MD5 sum.
fn without_checksums() -> ConfigBuilder {
    aws_sdk_s3::Config::builder()
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
}
