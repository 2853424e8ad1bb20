//! Where a video comes from and where its zip goes.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::ports::Objects;
use fotograma_engine::{FileSink, FileSource, Sink, SinkError, Source};
use tokio::io::{AsyncWriteExt, Stdout};

use crate::aws::{Aws, AwsSettings, S3Objects, S3Source};
use crate::config::AwsArgs;

pub(in crate::cli) async fn source(video: &str, aws: &AwsArgs) -> Result<Arc<dyn Source>> {
    let Some(address) = video.strip_prefix("s3://") else {
        let file = FileSource::open(video).await;
        return Ok(Arc::new(
            file.with_context(|| format!("{video} cannot be read"))?,
        ));
    };
    let (bucket, key) = address
        .split_once('/')
        .ok_or_else(|| anyhow!("{video} is not s3://bucket/key"))?;
    let settings = AwsSettings {
        bucket: Some(bucket.to_owned()),
        ..aws.settings()
    };
    let aws = Arc::new(Aws::new(settings).await);
    let head = S3Objects::new(Arc::clone(&aws)).head(key).await?;
    let head = head.ok_or_else(|| anyhow!("{video} is not there"))?;
    Ok(Arc::new(S3Source::open(aws, key, &head.etag).await?))
}

pub(super) fn is_stdout(output: &Path) -> bool {
    output == "-"
}

pub(super) async fn sink(output: &Path, force: bool) -> Result<Box<dyn Sink>> {
    if is_stdout(output) {
        return Ok(Box::new(StdoutSink(tokio::io::stdout())));
    }
    let sink = FileSink::create(output, force).await.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            anyhow!(
                "{} is there already; --force overwrites it",
                output.display()
            )
        } else {
            anyhow!("{} cannot be written: {error}", output.display())
        }
    })?;
    Ok(Box::new(sink))
}

/// A zip down a pipe: what has been written cannot be taken back, so a failure shows by the
/// exit status and a zip without its directory.
struct StdoutSink(Stdout);

#[async_trait]
impl Sink for StdoutSink {
    async fn write(&mut self, bytes: Bytes) -> Result<(), SinkError> {
        self.0
            .write_all(&bytes)
            .await
            .map_err(|error| SinkError(error.to_string()))
    }

    async fn finish(mut self: Box<Self>) -> Result<(), SinkError> {
        self.0
            .flush()
            .await
            .map_err(|error| SinkError(error.to_string()))
    }

    async fn abort(self: Box<Self>) {}
}
