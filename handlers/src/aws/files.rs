//! The file of a form, streamed into S3 as it comes.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::ports::Objects;
use fotograma_core::{Error, Result};
use futures::StreamExt;
use futures::stream::BoxStream;
use http::StatusCode;

use super::{Aws, S3Objects, Upload};
use lambda_anywhere::Files;

/// [`Files`] over S3.
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

    async fn copy(
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
impl Files for S3Files {
    async fn store(
        &self,
        key: &str,
        content_type: Option<&str>,
        file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        let mut upload = Upload::new(Arc::clone(&self.aws), key, content_type);
        if let Err(error) = self.copy(&mut upload, file).await {
            upload.abort().await;
            return Err(error);
        }
        upload.finish().await
    }

    async fn remove(&self, key: &str) -> Result<()> {
        S3Objects::new(Arc::clone(&self.aws)).remove(key).await
    }
}
