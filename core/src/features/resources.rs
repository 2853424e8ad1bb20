//! What the features need to be there: queues, topics, prefixes and groups, as the rows of a table say.
//! Names are without the stage's prefix.

use std::time::Duration;

use serde::Serialize;

use lambda_anywhere::{Access, Context, Feature, Trigger};

/// The processor's jobs.
pub const VIDEO_QUEUE: &str = "video-queue";
/// Jobs that SQS gave up on, and messages that hold none.
pub const VIDEO_DEAD_LETTERS: &str = "video-dlq";
/// The bucket's events of uploads.
pub const UPLOAD_QUEUE: &str = "upload-queue";
/// The topic's notices, on their way to mails.
pub const NOTIFICATION_QUEUE: &str = "notification-queue";
/// The topic of outcomes.
pub const VIDEO_TOPIC: &str = "video-topic";
/// What the keys of uploads begin with.
pub const UPLOADS_PREFIX: &str = "uploads/";
/// What the keys of zips begin with.
pub const FRAMES_PREFIX: &str = "frames/";
/// The status table's index of a user's videos by time.
pub const USER_INDEX: &str = "user_id-index";
/// The status table's index of unfinished videos.
pub const OPEN_INDEX: &str = "open-index";

/// How often a message is tried before it is put aside. High, because an outage of a peer fails a
/// message again and again through no fault of its own: with the waits between the tries, this is a day.
pub const MAX_RECEIVES: u32 = 100;
/// How many times as long as its function may take a message is hidden, as Lambda asks: a batch may be
/// refused and tried again within that time.
const VISIBILITY_FACTOR: u32 = 6;
/// How long the news of an object waits: mostly the client says first that it is there, and then
/// nothing is left to do.
const OBJECT_NEWS_DELAY: Duration = Duration::from_secs(15);

/// A queue that features are fed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueSpec {
    /// Its name.
    pub name: &'static str,
    /// The queue for what it gives up.
    pub dead_letters: String,
    /// How often a message is received before that.
    pub max_receives: u32,
    /// How long a message waits before it is seen first, in seconds.
    #[serde(rename = "delay_s", serialize_with = "seconds")]
    pub delay: Duration,
    /// How long a message that was received is hidden, where the receiver does not say, in seconds.
    #[serde(rename = "visibility_s", serialize_with = "seconds")]
    pub visibility: Duration,
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_secs())
}

/// The queue for what `queue` gives up: `video-dlq` for `video-queue`.
#[must_use]
pub fn dead_letters_of(queue: &str) -> String {
    format!("{}-dlq", queue.strip_suffix("-queue").unwrap_or(queue))
}

/// The queues that feed the features of a table. A queue of dead letters is not among them, also
/// where a feature reads it: it is part of the queue that fills it.
pub fn queues<C: Context>(table: &[Feature<C>]) -> Vec<QueueSpec> {
    let names: Vec<_> = table.iter().filter_map(Feature::queue).collect();
    let fills = |name: &str| names.iter().any(|queue| dead_letters_of(queue) == name);
    let own = table
        .iter()
        .filter_map(|feature| Some((feature, feature.queue()?)))
        .filter(|(_, name)| !fills(name));
    own.map(|(feature, name)| QueueSpec {
        name,
        dead_letters: dead_letters_of(name),
        max_receives: MAX_RECEIVES,
        delay: match feature.trigger {
            Trigger::S3 { .. } => OBJECT_NEWS_DELAY,
            _ => Duration::ZERO,
        },
        visibility: feature.limits.timeout * VISIBILITY_FACTOR,
    })
    .collect()
}

/// The topics that set features off, each with the queue that is subscribed to it.
#[must_use]
pub fn subscriptions<C: Context>(table: &[Feature<C>]) -> Vec<(&'static str, &'static str)> {
    let sns = |feature: &Feature<C>| match feature.trigger {
        Trigger::Sns { topic, queue, .. } => Some((topic, queue)),
        _ => None,
    };
    table.iter().filter_map(sns).collect()
}

/// The prefixes whose objects set features off, each with the queue that the bucket tells.
#[must_use]
pub fn bucket_notifications<C: Context>(table: &[Feature<C>]) -> Vec<(&'static str, &'static str)> {
    let s3 = |feature: &Feature<C>| match feature.trigger {
        Trigger::S3 { prefix, queue, .. } => Some((prefix, queue)),
        _ => None,
    };
    table.iter().filter_map(s3).collect()
}

/// The groups of users that routes are kept for.
#[must_use]
pub fn groups<C: Context>(table: &[Feature<C>]) -> Vec<&'static str> {
    let mut groups: Vec<_> = table
        .iter()
        .filter_map(|feature| match feature.route()?.access {
            Access::Group(group) => Some(group),
            Access::Public | Access::User => None,
        })
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::TABLE;

    #[test]
    fn the_table_says_which_queues_there_are() {
        let queues = queues(TABLE);
        let names: Vec<_> = queues.iter().map(|q| (q.name, &*q.dead_letters)).collect();
        assert_eq!(
            names,
            [
                ("upload-queue", "upload-dlq"),
                ("video-queue", "video-dlq"),
                ("notification-queue", "notification-dlq"),
            ]
        );
        assert_eq!(queues[0].delay, OBJECT_NEWS_DELAY);
        assert_eq!(queues[1].delay, Duration::ZERO);
        // Six times what a function may take at most.
        assert_eq!(queues[1].visibility, Duration::from_mins(90));
        assert_eq!(dead_letters_of(VIDEO_QUEUE), VIDEO_DEAD_LETTERS);
        assert_eq!(subscriptions(TABLE), [(VIDEO_TOPIC, NOTIFICATION_QUEUE)]);
        assert_eq!(
            bucket_notifications(TABLE),
            [(UPLOADS_PREFIX, UPLOAD_QUEUE)]
        );
        assert_eq!(groups(TABLE), ["operators"]);
    }
}
