//! The status table in `DynamoDB`: key `video_id`, index `user_id-index` over `user_id` and
//! `created_at`, index `open-index` of what is unfinished, time to live on `deleted_until`.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use chrono::{DateTime, Utc};
use fotograma_core::domain::{Unfinished, Video};
use fotograma_core::features::resources::{OPEN_INDEX, USER_INDEX};
use fotograma_core::ports::{UnfinishedPage, VideoFilter, VideoPage, Videos};
use fotograma_core::{Error, Result};
use uuid::Uuid;

use super::error::sdk_error;
use super::item::{Item, from_item, to_item};
use super::{Aws, cursor};

/// The attribute that only unfinished records have, so that their index stays small.
pub(super) const OPEN: &str = "open";

/// Its value: each kind is a partition of its own.
fn open_word(kind: Unfinished) -> &'static str {
    match kind {
        Unfinished::Job => "yes",
        Unfinished::Upload => "upload",
        Unfinished::Delivery => "delivery",
        Unfinished::Removal => "removal",
    }
}

/// The longest key of a table, in bytes:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>.
const LONGEST_KEY: usize = 2048;
/// Marks one write, so that it is known again when it meets itself.
const WRITE_ID: &str = "write_id";

/// How many records one query reads at least: marks of deleted videos are read and not shown.
const MIN_PAGE: usize = 25;
/// How many records one query reads where only some are wanted.
const FILTERED_PAGE: usize = 200;
/// After so many queries that did not find enough of them, the page is given as it is.
const MAX_FILTERED_QUERIES: usize = 5;

/// [`Videos`] over `DynamoDB`.
pub struct DynamoVideos(Arc<Aws>);

impl DynamoVideos {
    /// The table that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }

    fn table(&self) -> String {
        self.0.settings().table()
    }
}

#[async_trait]
impl Videos for DynamoVideos {
    async fn get(&self, video_id: &str) -> Result<Option<Video>> {
        // The table has no such key, and would refuse the question each time.
        if !(1..=LONGEST_KEY).contains(&video_id.len()) {
            return Ok(None);
        }
        let get = self.0.dynamodb().get_item().table_name(self.table());
        let output = get
            .key("video_id", AttributeValue::S(video_id.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| sdk_error("dynamodb GetItem", &error))?;
        output.item.map(from_item).transpose()
    }

    async fn put(&self, video: &Video, expected: Option<u64>) -> Result<bool> {
        let write_id = Uuid::new_v4().to_string();
        let mut item = to_item(video)?;
        // The index sorts by this text.
        let created_at = cursor::ordered(video.created_at);
        item.insert("created_at".to_owned(), AttributeValue::S(created_at));
        mark_unfinished(&mut item, video);
        item.insert(WRITE_ID.to_owned(), AttributeValue::S(write_id.clone()));
        let put = self
            .0
            .dynamodb()
            .put_item()
            .table_name(self.table())
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match expected {
            None => put.condition_expression("attribute_not_exists(video_id)"),
            Some(version) => put
                .condition_expression("#version = :expected")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":expected", AttributeValue::N(version.to_string())),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => Ok(failed
                    .item()
                    .is_some_and(|item| is_written_by(item, &write_id))),
                _ => Err(sdk_error("dynamodb PutItem", &error)),
            },
        }
    }

    async fn list(
        &self,
        user_id: &str,
        limit: u32,
        after: Option<&str>,
        filter: &VideoFilter,
    ) -> Result<VideoPage> {
        let limit = usize::try_from(limit.max(1)).unwrap_or(usize::MAX);
        let is_filtered = *filter != VideoFilter::default();
        let at_once = if is_filtered {
            FILTERED_PAGE
        } else {
            limit + 1
        };
        let mut start = after
            .map(|cursor| cursor::start_key(cursor, user_id))
            .transpose()?;
        let mut videos: Vec<Video> = Vec::new();
        // One more than wanted tells whether there is another page.
        for query in 1.. {
            let output = self
                .0
                .dynamodb()
                .query()
                .table_name(self.table())
                .index_name(USER_INDEX)
                .key_condition_expression("user_id = :user_id")
                .filter_expression("attribute_not_exists(deleted_until)")
                .expression_attribute_values(":user_id", AttributeValue::S(user_id.to_owned()))
                .scan_index_forward(false)
                .limit(i32::try_from(at_once.clamp(MIN_PAGE, 1_000)).unwrap_or(1_000))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| sdk_error("dynamodb Query", &error))?;
            for item in output.items.unwrap_or_default() {
                let video = from_item(item)?;
                if filter.passes(&video) {
                    videos.push(video);
                }
            }
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            let Some(last_read) = &start else {
                break;
            };
            if videos.len() > limit {
                break;
            }
            if is_filtered && query >= MAX_FILTERED_QUERIES {
                let next = cursor::cursor_of_key(last_read);
                return Ok(VideoPage { videos, next });
            }
        }
        let next = (videos.len() > limit).then(|| cursor::cursor_after(&videos[limit - 1]));
        videos.truncate(limit);
        Ok(VideoPage { videos, next })
    }

    async fn unfinished(
        &self,
        kind: Unfinished,
        before: DateTime<Utc>,
        after: Option<&str>,
    ) -> Result<UnfinishedPage> {
        unfinished_page(&self.0, kind, before, after).await
    }
}

/// Whether the stored record is the one that this very call wrote: the SDK tries again when an
/// answer is lost, and then meets its own write.
fn is_written_by(stored: &Item, write_id: &str) -> bool {
    stored
        .get(WRITE_ID)
        .and_then(|id| id.as_s().ok())
        .is_some_and(|id| id == write_id)
}

/// Puts what the index goes by into a record that is about to be written.
fn mark_unfinished(item: &mut Item, video: &Video) {
    let updated_at = AttributeValue::S(cursor::ordered(video.updated_at));
    item.insert("updated_at".to_owned(), updated_at);
    if let Some(kind) = video.unfinished() {
        let word = open_word(kind).to_owned();
        item.insert(OPEN.to_owned(), AttributeValue::S(word));
    }
}

/// A page of what has not changed since `before`.
async fn unfinished_page(
    aws: &Aws,
    kind: Unfinished,
    before: DateTime<Utc>,
    after: Option<&str>,
) -> Result<UnfinishedPage> {
    let query = aws
        .dynamodb()
        .query()
        .table_name(aws.settings().table())
        .index_name(OPEN_INDEX)
        .key_condition_expression("#open = :kind AND updated_at < :before")
        .expression_attribute_names("#open", OPEN)
        .expression_attribute_values(":kind", AttributeValue::S(open_word(kind).to_owned()))
        .expression_attribute_values(":before", AttributeValue::S(cursor::ordered(before)))
        .set_exclusive_start_key(after.map(|after| index_start(kind, after)).transpose()?)
        .send();
    let output = query
        .await
        .map_err(|error| sdk_error("dynamodb Query", &error))?;
    let ids = output.items.unwrap_or_default();
    let video_ids = ids.iter().filter_map(|item| text(item, "video_id"));
    let last = output.last_evaluated_key.filter(|key| !key.is_empty());
    Ok(UnfinishedPage {
        video_ids: video_ids.collect(),
        next: last.as_ref().and_then(index_cursor),
    })
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

/// A key of the index as text, and back: a time holds no space.
fn index_cursor(key: &Item) -> Option<String> {
    Some(format!(
        "{} {}",
        text(key, "updated_at")?,
        text(key, "video_id")?
    ))
}

fn index_start(kind: Unfinished, after: &str) -> Result<HashMap<String, AttributeValue>> {
    let (updated_at, video_id) = after
        .split_once(' ')
        .ok_or_else(|| Error::operational(format!("{after:?} is no cursor of the index")))?;
    let key = [
        (OPEN, open_word(kind)),
        ("updated_at", updated_at),
        ("video_id", video_id),
    ];
    Ok(key
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
        .into())
}
