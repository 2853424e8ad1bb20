//! What a server needs of SNS to be subscribed to a topic by HTTP.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::{Error, Result};
use lambda_anywhere::server::TopicSubscriptions;
use tokio::sync::Mutex;

use crate::aws::Aws;
use crate::outbound::Outbound;

/// How long fetching a certificate may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// [`TopicSubscriptions`] over SNS; certificates are kept once fetched.
pub(crate) struct SnsSubscriptions {
    aws: Arc<Aws>,
    certificates: Mutex<HashMap<String, Bytes>>,
}

impl SnsSubscriptions {
    /// Subscriptions to the topic that `aws` names.
    #[must_use]
    pub(crate) fn new(aws: Arc<Aws>) -> Self {
        Self {
            aws,
            certificates: Mutex::default(),
        }
    }
}

#[async_trait]
impl TopicSubscriptions for SnsSubscriptions {
    async fn topic_arn(&self, _topic: &str) -> Result<String> {
        // There is one.
        self.aws.topic_arn().await.map(str::to_owned)
    }

    async fn certificate(&self, url: &str) -> Result<Bytes> {
        let mut known = self.certificates.lock().await;
        if let Some(certificate) = known.get(url) {
            return Ok(certificate.clone());
        }
        let fetched = Outbound::new(url, TIMEOUT).get(url).await;
        let certificate = fetched
            .map_err(|error| Error::transient(format!("the certificate at {url}: {error}")))?;
        // A topic has one at a time, and a new one now and then.
        known.clear();
        known.insert(url.to_owned(), certificate.clone());
        Ok(certificate)
    }

    async fn confirm(&self, topic_arn: &str, token: &str) -> Result<()> {
        self.aws.confirm_subscription(topic_arn, token).await
    }
}
