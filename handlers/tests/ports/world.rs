//! An embedded AWS of one's own, with all that the system needs, and a plain HTTP client.

use std::sync::Arc;

use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use fotograma::aws::{Aws, AwsSettings, provision};
use fotograma_core::Error;
use fotograma_core::features::TABLE;
use fotograma_local::{Config, Local};
use serde_json::Value;

pub(crate) use super::http::http;

/// The page that may send files to the bucket.
pub(crate) const PAGE: &str = "http://127.0.0.1:8000";

/// A running AWS and what talks to it; gone when dropped.
pub(crate) struct World {
    pub(crate) local: Local,
    pub(crate) aws: Arc<Aws>,
}

impl World {
    /// One with everything in it.
    pub(crate) async fn new() -> Self {
        let world = Self::empty().await;
        provision::provision(&world.aws, TABLE, &[PAGE.to_owned()])
            .await
            .expect("all is made");
        world
    }

    /// One with nothing in it.
    pub(crate) async fn empty() -> Self {
        let local = Local::start(Config::default()).await.expect("a local AWS");
        let aws = Arc::new(Aws::new(settings(local.url())).await);
        Self { local, aws }
    }

    /// The mails to an address, newest first.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Value> {
        let url = format!("{}/_local/mail?to={to}", self.local.url());
        let answer = http("GET", &url, &[], "").await;
        let mails: Value = serde_json::from_slice(answer.body()).expect("json");
        let mails = mails.as_array().or_else(|| mails["mails"].as_array());
        mails.expect("a list of mails").clone()
    }

    /// Puts an object; gives its entity tag.
    pub(crate) async fn put(&self, key: &str, body: impl Into<Vec<u8>>) -> String {
        let put = self
            .aws
            .s3()
            .put_object()
            .bucket(self.aws.settings().bucket())
            .key(key);
        let output = put
            .body(ByteStream::from(body.into()))
            .send()
            .await
            .expect("it is put");
        output.e_tag.expect("a tag")
    }

    /// The object's bytes and type, if it is there.
    pub(crate) async fn object(&self, key: &str) -> Option<(Vec<u8>, String)> {
        let get = self
            .aws
            .s3()
            .get_object()
            .bucket(self.aws.settings().bucket())
            .key(key);
        let output = match get.send().await {
            Ok(output) => output,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetObjectError::is_no_such_key) =>
            {
                return None;
            }
            Err(error) => panic!("{error:?}"),
        };
        let kind = output.content_type.unwrap_or_default();
        let body = output.body.collect().await.expect("a body").into_bytes();
        Some((body.to_vec(), kind))
    }

    /// How many multipart uploads are neither finished nor aborted.
    pub(crate) async fn open_uploads(&self) -> usize {
        let list = self
            .aws
            .s3()
            .list_multipart_uploads()
            .bucket(self.aws.settings().bucket());
        list.send().await.expect("a list").uploads().len()
    }
}

pub(crate) fn settings(url: &str) -> AwsSettings {
    AwsSettings {
        endpoint_url: Some(url.to_owned()),
        region: Some("us-east-1".to_owned()),
        credentials: Some(("test".to_owned(), "test".to_owned())),
        ..AwsSettings::default()
    }
}

/// The HTTP status that a refusal carries.
pub(crate) fn status(error: &Error) -> u16 {
    match error {
        Error::Rejected { status, .. } => status.as_u16(),
        other => panic!("not the user's fault: {other:?}"),
    }
}
