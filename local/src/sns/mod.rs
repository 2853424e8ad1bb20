//! SNS: topics whose messages go to SQS queues.
//!
//! Publishing writes one delivery for each subscription, in one transaction; a loop carries them out
//! and tries again what failed. What was published is therefore delivered even if the process ends in
//! between. Envelopes carry no signature: there is no certificate to check it against, and queues are
//! private.

mod deliver;
mod publish;
mod subscription;
mod topic;

use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use rusqlite::Connection;
use tokio::sync::Notify;

use crate::context::Context;
use crate::error::ServiceError;
use crate::form::Form;
use crate::service::{Call, Input, Reply, Service, ServiceName};
use crate::sqs::Sqs;

/// A delivery keeps all it needs, so that it does not depend on what is unsubscribed meanwhile.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS sns_topic (
    arn TEXT PRIMARY KEY,
    attributes TEXT NOT NULL,
    tags TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sns_subscription (
    arn TEXT PRIMARY KEY,
    topic TEXT NOT NULL REFERENCES sns_topic(arn) ON DELETE CASCADE,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    attributes TEXT NOT NULL,
    token TEXT,
    UNIQUE (topic, protocol, endpoint)
) STRICT;
CREATE TABLE IF NOT EXISTS sns_delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    protocol TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    dead_letters TEXT,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    attributes TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sns_delivery_due ON sns_delivery (due_ms);
";

/// Topics and subscriptions on one page of a list.
const MAX_PAGE: usize = 100;

/// The service.
pub(crate) struct Sns {
    context: Arc<Context>,
    sqs: Arc<Sqs>,
    /// Tells the delivering loop that there is something to deliver.
    published: Arc<Notify>,
}

impl Sns {
    pub(crate) fn new(context: &Arc<Context>, sqs: &Arc<Sqs>) -> Self {
        Self {
            context: Arc::clone(context),
            sqs: Arc::clone(sqs),
            published: Arc::default(),
        }
    }
}

/// An operation inside a transaction: its form, and now. The result is the inside of `<…Result>`.
type Operation = fn(&Connection, &Context, &Form, i64) -> Result<String, ServiceError>;

#[async_trait]
impl Service for Sns {
    fn name(&self) -> ServiceName {
        ServiceName::Sns
    }

    /// Whoever has a subscription's ARN may end it, as no subscription here is made with
    /// `AuthenticateOnUnsubscribe`: each envelope has the link.
    fn is_public(&self, operation: &str) -> bool {
        operation == "Unsubscribe"
    }

    fn start_tasks(self: Arc<Self>) {
        let deliver = deliver::deliver_until_stopped(Arc::clone(&self));
        self.context.tasks.spawn(deliver);
    }

    async fn run_operation(self: Arc<Self>, call: Call) -> Result<Reply, ServiceError> {
        let not_served = || {
            let operation = &call.operation;
            let message =
                format!("The operation {operation} of SNS is not served by this local AWS.");
            ServiceError::bad_request("InvalidAction", message)
        };
        let run: Operation = match call.operation.as_str() {
            "CreateTopic" => topic::create,
            "DeleteTopic" => topic::delete,
            "ListTopics" => topic::list,
            "GetTopicAttributes" => topic::get_attributes,
            "Subscribe" => subscription::subscribe,
            "Unsubscribe" => subscription::unsubscribe,
            "ListSubscriptionsByTopic" => subscription::list_by_topic,
            "GetSubscriptionAttributes" => subscription::get_attributes,
            "SetSubscriptionAttributes" => subscription::set_attributes,
            "Publish" => publish::publish,
            _ => return Err(not_served()),
        };
        let Input::Form { fields, .. } = call.input else {
            return Err(not_served());
        };
        let (context, now_ms) = (Arc::clone(&self.context), self.context.clock.now_ms());
        let published = Arc::clone(&self.published);
        let run = move |conn: &Connection| run(conn, &context, &fields, now_ms);
        let written = self
            .context
            .db
            .write_then(run, move |_| published.notify_one());
        Ok(Reply::Xml(written.await?))
    }
}

fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, ServiceError> {
    let value = form.get(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| invalid(format!("{name} Reason: no value for required parameter")))
}

/// `Invalid parameter: <what>`.
fn invalid(what: impl std::fmt::Display) -> ServiceError {
    ServiceError::bad_request("InvalidParameter", format!("Invalid parameter: {what}"))
}

fn not_served(what: impl std::fmt::Display) -> ServiceError {
    invalid(format!("{what} is not served by this local AWS"))
}

fn not_found(what: &str) -> ServiceError {
    ServiceError::new(
        StatusCode::NOT_FOUND,
        "NotFound",
        format!("{what} does not exist"),
    )
}
