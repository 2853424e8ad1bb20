//! Where a video comes from and where its zip goes.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::ports::Objects;
use fotograma_engine::{FileSink, FileSource, Sink, SinkError, Source};
use tokio::io::{AsyncWriteExt, Stdout};
use tokio::sync::OnceCell;

use super::super::failure::{Usage, hinted};
use super::super::which_aws;
use crate::aws::{Aws, AwsSettings, S3Objects, S3Source};
use crate::config::AwsArgs;

/// Where the videos of a command come from. Which AWS that is, is found and said once, and only where one
/// of them is an object.
pub(in crate::cli) struct Sources<'a> {
    aws: &'a AwsArgs,
    settings: OnceCell<AwsSettings>,
}

impl<'a> Sources<'a> {
    pub(in crate::cli) fn new(aws: &'a AwsArgs) -> Self {
        Self {
            aws,
            settings: OnceCell::new(),
        }
    }

    /// A video: a file, or an address such as `s3://bucket/key`.
    ///
    /// # Errors
    /// A sentence that says why it cannot be read.
    pub(in crate::cli) async fn open(&self, video: &str) -> Result<Arc<dyn Source>> {
        match video.strip_prefix("s3://") {
            Some(address) => self.open_object(video, address).await,
            None => open_file(video).await,
        }
    }

    async fn open_object(&self, video: &str, address: &str) -> Result<Arc<dyn Source>> {
        let (bucket, key) = address
            .split_once('/')
            .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
            .ok_or_else(|| Usage(format!("{video} is not s3://bucket/key")))?;
        let settings = self
            .settings
            .get_or_try_init(|| which_aws::for_a_person(self.aws))
            .await?;
        let settings = AwsSettings {
            bucket: Some(bucket.to_owned()),
            ..settings.clone()
        };
        let aws = Arc::new(Aws::new(settings).await);
        let head = S3Objects::new(Arc::clone(&aws)).head(key).await?;
        let head = head.ok_or_else(|| anyhow!("{video} is not there"))?;
        Ok(Arc::new(S3Source::open(aws, key, &head.etag).await?))
    }
}

async fn open_file(video: &str) -> Result<Arc<dyn Source>> {
    if let Some((scheme, _)) = video.split_once("://") {
        let sentence = format!("{video} cannot be read: {scheme} is not fetched");
        let hint = "download it first, or give s3://bucket/key";
        return Err(hinted(sentence, hint));
    }
    if !Path::new(video).exists() {
        bail!("{video} cannot be read: there is no such file");
    }
    if Path::new(video).is_dir() {
        bail!("{video} is a folder, not a video");
    }
    let file = FileSource::open(video).await;
    Ok(Arc::new(
        file.with_context(|| format!("{video} cannot be read"))?,
    ))
}

/// Where the zip of each video goes: into `output` if that is a folder, under the video's own name.
///
/// # Errors
/// When two videos would have the same zip.
pub(super) fn outputs(videos: &[String], output: &Path) -> Result<Vec<PathBuf>, Usage> {
    if is_stdout(output) || !output.is_dir() {
        return match videos {
            [_] => Ok(vec![output.to_owned()]),
            _ => Err(Usage(format!(
                "several videos want a folder: {} is none",
                output.display()
            ))),
        };
    }
    let mut outputs: Vec<PathBuf> = Vec::new();
    for video in videos {
        let stem = Path::new(video).file_stem().unwrap_or(OsStr::new("frames"));
        let mut name = stem.to_owned();
        name.push(".zip");
        let path = output.join(name);
        if outputs.contains(&path) {
            return Err(Usage(format!(
                "two of the videos would be {}: give each a run of its own",
                path.display()
            )));
        }
        outputs.push(path);
    }
    Ok(outputs)
}

pub(super) fn is_stdout(output: &Path) -> bool {
    output == "-"
}

pub(super) async fn sink(output: &Path, force: bool) -> Result<Box<dyn Sink>> {
    if is_stdout(output) {
        return Ok(Box::new(StdoutSink(tokio::io::stdout())));
    }
    let sink = FileSink::create(output, force).await.map_err(|error| {
        let folder = output
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        match error.kind() {
            ErrorKind::AlreadyExists => {
                let sentence = format!("{} is there already", output.display());
                hinted(sentence, "--force overwrites it")
            }
            ErrorKind::NotFound => anyhow!(
                "{} cannot be written: there is no folder {}",
                output.display(),
                folder.unwrap_or(output).display()
            ),
            kind => anyhow!("{} cannot be written: {kind}", output.display()),
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
