//! Notifications of a topic that is subscribed by HTTP: `POST /` takes them, once their
//! signature and topic have been checked, and confirms the subscription.
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html>

mod certificates;
mod signature;

use std::sync::Arc;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsMessage;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;

use certificates::Certificates;

use crate::{
    Context, Error, Feature, Host, Response, Result, Trigger, empty_response, envelope, problem,
};

/// What the adapter needs of SNS.
#[async_trait]
pub trait TopicSubscriptions: Send + Sync {
    /// The ARN of the topic with this short name.
    ///
    /// # Errors
    /// When there is none, or SNS cannot be asked.
    async fn topic_arn(&self, topic: &str) -> Result<String>;

    /// What is at the address of a certificate, which is one of SNS's own.
    ///
    /// # Errors
    /// Try again, when it cannot be fetched.
    async fn certificate(&self, url: &str) -> Result<Bytes>;

    /// Confirms a subscription by its token: the address that comes with it is not called.
    ///
    /// # Errors
    /// When SNS does not take the token, or cannot be asked.
    async fn confirm(&self, topic_arn: &str, token: &str) -> Result<()>;
}

/// A message as SNS posts it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Posted {
    r#type: String,
    message_id: String,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    timestamp: String,
    token: Option<String>,
    #[serde(rename = "SubscribeURL")]
    subscribe_url: Option<String>,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    signing_cert_url: String,
}

/// A topic that is subscribed by HTTP.
pub(super) struct Subscribed {
    subscriptions: Arc<dyn TopicSubscriptions>,
    certificates: Certificates,
}

impl Subscribed {
    pub(super) fn new(subscriptions: Arc<dyn TopicSubscriptions>) -> Self {
        Self {
            subscriptions,
            certificates: Certificates::default(),
        }
    }
}

/// The feature of a service that a topic sets off, if one does, and the topic's short name.
pub(super) fn subscribed<C: Context>(
    features: impl Iterator<Item = &'static Feature<C>>,
) -> Option<(&'static Feature<C>, &'static str)> {
    let mut of_topics = features.filter_map(|feature| match feature.trigger {
        Trigger::Sns { topic, .. } => Some((feature, topic)),
        _ => None,
    });
    of_topics.next()
}

/// Answers what was posted. SNS tries again after a 5xx, and gives up after a 4xx.
pub(super) async fn answer<C: Context>(
    host: &Host<C>,
    (feature, topic): (&'static Feature<C>, &'static str),
    subscribed: &Subscribed,
    body: &[u8],
    request_id: &str,
) -> Response {
    match take_message(host, feature, topic, subscribed, body).await {
        Ok(()) => empty_response(StatusCode::OK),
        Err(error) => {
            tracing::warn!(feature = feature.name, %error, "what SNS posted could not be taken");
            let error = match error {
                Error::Permanent(_) => Error::unprocessable("this cannot be taken, now or later"),
                error => error,
            };
            problem::response(&error, request_id)
        }
    }
}

async fn take_message<C: Context>(
    host: &Host<C>,
    feature: &'static Feature<C>,
    topic: &str,
    subscribed: &Subscribed,
    body: &[u8],
) -> Result<()> {
    let subscriptions = &subscribed.subscriptions;
    let posted: Posted = serde_json::from_slice(body)
        .map_err(|error| Error::bad_request(format!("not a message of SNS: {error}")))?;
    // The topic first: nothing is fetched for strangers.
    if posted.topic_arn != subscriptions.topic_arn(topic).await? {
        return Err(forbidden("messages of this topic are not taken"));
    }
    if !signature::is_of_sns(&posted.signing_cert_url, &posted.topic_arn) {
        return Err(forbidden("the certificate is not one of SNS's"));
    }
    let certificates = &subscribed.certificates;
    let certificate = certificates.get(subscriptions, &posted.signing_cert_url);
    let certificate = certificate.await?;
    signature::verify(&posted, &certificate).map_err(forbidden)?;
    match posted.r#type.as_str() {
        "Notification" => notify_feature(host, feature, body).await,
        "SubscriptionConfirmation" => {
            let token = posted.token.as_deref().unwrap_or_default();
            subscriptions.confirm(&posted.topic_arn, token).await?;
            tracing::info!(topic = posted.topic_arn, "the subscription is confirmed");
            Ok(())
        }
        "UnsubscribeConfirmation" => {
            tracing::warn!(topic = posted.topic_arn, "the subscription was ended");
            Ok(())
        }
        other => Err(Error::bad_request(format!("{other:?} is not taken"))),
    }
}

/// What is posted is what a queue that is subscribed would hold.
async fn notify_feature<C: Context>(
    host: &Host<C>,
    feature: &'static Feature<C>,
    body: &[u8],
) -> Result<()> {
    let Trigger::Sns { handle, .. } = feature.trigger else {
        return Err(Error::permanent(format!(
            "{} takes no notices",
            feature.name
        )));
    };
    let mut message = SqsMessage::default();
    message.body = Some(String::from_utf8_lossy(body).into_owned());
    handle(&host.context, envelope::sns_event(&message)).await
}

fn forbidden(why: &str) -> Error {
    Error::rejected(StatusCode::FORBIDDEN, why)
}
