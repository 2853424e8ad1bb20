//! What a server needs of SNS to be subscribed to a topic by HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::{Error, Result};
use lambda_anywhere::server::TopicSubscriptions;

use crate::aws::Aws;
use crate::outbound::Outbound;

/// How long fetching a certificate may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// [`TopicSubscriptions`] over SNS.
pub(crate) struct SnsSubscriptions {
    aws: Arc<Aws>,
}

impl SnsSubscriptions {
    /// Subscriptions to the topic that `aws` names.
    #[must_use]
    pub(crate) fn new(aws: Arc<Aws>) -> Self {
        Self { aws }
    }
}

#[async_trait]
impl TopicSubscriptions for SnsSubscriptions {
    async fn topic_arn(&self, _topic: &str) -> Result<String> {
        // There is one.
        self.aws.topic_arn().await.map(str::to_owned)
    }

    async fn certificate(&self, url: &str) -> Result<Bytes> {
        let fetched = Outbound::new(url, TIMEOUT).get(url).await;
        fetched.map_err(|error| Error::transient(format!("the certificate at {url}: {error}")))
    }

    async fn confirm(&self, topic_arn: &str, token: &str) -> Result<()> {
        self.aws.confirm_subscription(topic_arn, token).await
    }
}
