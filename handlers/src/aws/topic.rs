//! The topic of outcomes in SNS.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sns::types::MessageAttributeValue;
use fotograma_core::domain::Notice;
use fotograma_core::ports::Topic;
use fotograma_core::{Error, Result};
use lambda_anywhere::trace::TRACEPARENT;

use super::Aws;
use super::error::{missing_from_answer, sdk_error};
use crate::telemetry::trace;

/// [`Topic`] over SNS. The message is the notice as JSON; its status is an attribute too, so
/// that a subscription can filter by it.
pub struct SnsTopic(Arc<Aws>);

impl SnsTopic {
    /// The topic that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }
}

fn text(value: &str) -> Result<MessageAttributeValue> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .map_err(|error| Error::operational(error.to_string()))
}

#[async_trait]
impl Topic for SnsTopic {
    async fn publish(&self, notice: &Notice) -> Result<String> {
        let message =
            serde_json::to_string(notice).map_err(|e| Error::operational(e.to_string()))?;
        let mut publish = self.0.sns().publish();
        if let Some(parent) = trace::current() {
            publish = publish.message_attributes(TRACEPARENT, text(&parent)?);
        }
        let output = publish
            .topic_arn(self.0.topic_arn().await?)
            .subject(notice.subject())
            .message(message)
            .message_attributes("status", text(notice.status.word())?)
            .send()
            .await
            .map_err(|error| sdk_error("sns Publish", &error))?;
        output
            .message_id
            .ok_or_else(|| missing_from_answer("sns Publish", "message id"))
    }
}

impl Aws {
    /// Confirms a subscription to a topic by the token that SNS sent to its endpoint.
    ///
    /// # Errors
    /// When SNS cannot be asked or does not take the token.
    pub async fn confirm_subscription(&self, topic_arn: &str, token: &str) -> Result<()> {
        let confirm = self.sns().confirm_subscription().topic_arn(topic_arn);
        confirm
            .token(token)
            // So that nobody but the topic's owner can end it.
            .authenticate_on_unsubscribe("true")
            .send()
            .await
            .map_err(|error| sdk_error("sns ConfirmSubscription", &error))?;
        Ok(())
    }
}
