//! SNS: topics whose messages go to SQS queues and, for people, to the mailbox.
//!
//! Publishing writes one delivery for each subscription that wants the message, in one
//! transaction; a loop carries them out and tries again what failed. What was published is
//! therefore delivered even if the process ends in between. Envelopes carry no signature: there is
//! no certificate to check it against, and queues are private.

mod deliver;
mod error;
mod filter;
mod form;
mod publish;
mod subscription;
mod subscriptions;
mod topic;

use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::Notify;

use crate::error::ServiceError;
use crate::form::Form;
use crate::state::State;

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
CREATE TABLE IF NOT EXISTS sns_deleted (
    topic TEXT PRIMARY KEY REFERENCES sns_topic(arn) ON DELETE CASCADE,
    subscriptions INTEGER NOT NULL
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

/// The namespace of its answers.
pub(crate) const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// Tells the delivering loop that there is something to deliver.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiters(Arc<Notify>);

/// Starts the loop that delivers.
pub(crate) fn start(state: &Arc<State>) {
    state.tasks.spawn(deliver::run(Arc::clone(state)));
}

/// Whether AWS takes the operation without a signature: whoever has the token, or the
/// subscription's ARN, may call it, as no subscription here is made with
/// `AuthenticateOnUnsubscribe`.
pub(crate) fn is_public(operation: &str) -> bool {
    matches!(operation, "ConfirmSubscription" | "Unsubscribe")
}

/// Runs an operation; the result is the inside of `<…Result>`.
pub(crate) async fn handle(
    state: &Arc<State>,
    operation: &str,
    form: Form,
    signed: bool,
) -> Result<String, ServiceError> {
    let run: Operation = match operation {
        "CreateTopic" => topic::create,
        "DeleteTopic" => topic::delete,
        "ListTopics" => topic::list,
        "GetTopicAttributes" => topic::get_attributes,
        "SetTopicAttributes" => topic::set_attributes,
        "TagResource" => topic::tag,
        "UntagResource" => topic::untag,
        "ListTagsForResource" => topic::list_tags,
        "Subscribe" => subscriptions::subscribe,
        "ConfirmSubscription" if signed => subscriptions::confirm,
        "ConfirmSubscription" => subscriptions::confirm_unsigned,
        "Unsubscribe" => subscriptions::unsubscribe,
        "ListSubscriptions" => subscriptions::list,
        "ListSubscriptionsByTopic" => subscriptions::list_by_topic,
        "GetSubscriptionAttributes" => subscriptions::get_attributes,
        "SetSubscriptionAttributes" => subscriptions::set_attributes,
        "Publish" => publish::publish,
        "PublishBatch" => publish::publish_batch,
        _ => {
            let message =
                format!("The operation {operation} of SNS is not served by this local AWS.");
            return Err(ServiceError::bad_request("InvalidAction", message));
        }
    };
    execute(state, run, form).await
}

/// An operation inside a transaction: its form, and now.
type Operation = fn(&Connection, &State, &Form, i64) -> Result<String, ServiceError>;

async fn execute(state: &Arc<State>, run: Operation, form: Form) -> Result<String, ServiceError> {
    let (shared, now_ms) = (Arc::clone(state), state.clock.now_ms());
    let waiters = state.sns.clone();
    let run = move |conn: &Connection| run(conn, &shared, &form, now_ms);
    state
        .db
        .write_then(run, move |_| waiters.0.notify_one())
        .await
}

/// Answers the link in the mail that asks to confirm a subscription.
pub(crate) async fn confirm_by_link(
    state: &Arc<State>,
    query: Form,
) -> Result<String, ServiceError> {
    execute(state, subscriptions::confirm_unsigned, query).await?;
    Ok("You are subscribed.\n".to_owned())
}

/// Answers the link in each notification that ends its subscription.
pub(crate) async fn unsubscribe_by_link(
    state: &Arc<State>,
    query: Form,
) -> Result<String, ServiceError> {
    execute(state, subscriptions::unsubscribe, query).await?;
    Ok("You are no longer subscribed.\n".to_owned())
}
