//! The engine's sink into S3.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_engine::{Sink, SinkError};

use super::{Aws, Upload};

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
    async fn write(&mut self, bytes: Bytes) -> Result<(), SinkError> {
        self.0
            .write(bytes)
            .await
            .map_err(|error| SinkError(error.to_string()))
    }

    async fn finish(self: Box<Self>) -> Result<(), SinkError> {
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
