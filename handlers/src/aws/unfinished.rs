//! The index of the status table that holds only what is unfinished, and so stays small:
//! `open-index` over `open`, which finished records do not have, and `updated_at`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use fotograma_core::domain::Video;
use fotograma_core::ports::UnfinishedPage;
use fotograma_core::{Error, Result};

use super::Aws;
use super::cursor::ordered;
use super::error::fault;
use super::item::Item;

/// The name of the index.
pub(super) const INDEX: &str = "open-index";
/// The attribute that unfinished records have.
pub(super) const OPEN: &str = "open";
/// Its one value.
const YES: &str = "yes";

/// What the index goes by, for a record that is about to be written.
pub(super) fn mark(item: &mut Item, video: &Video) {
    let updated_at = AttributeValue::S(ordered(video.updated_at));
    item.insert("updated_at".to_owned(), updated_at);
    if video.is_unfinished() {
        item.insert(OPEN.to_owned(), AttributeValue::S(YES.to_owned()));
    }
}

/// A page of what has not changed since `before`.
pub(super) async fn page(
    aws: &Aws,
    before: DateTime<Utc>,
    after: Option<&str>,
) -> Result<UnfinishedPage> {
    let query = aws
        .dynamodb()
        .query()
        .table_name(aws.settings().table())
        .index_name(INDEX)
        .key_condition_expression("#open = :yes AND updated_at < :before")
        .expression_attribute_names("#open", OPEN)
        .expression_attribute_values(":yes", AttributeValue::S(YES.to_owned()))
        .expression_attribute_values(":before", AttributeValue::S(ordered(before)))
        .set_exclusive_start_key(after.map(start).transpose()?)
        .send();
    let output = query
        .await
        .map_err(|error| fault("dynamodb Query", &error))?;
    let ids = output.items.unwrap_or_default();
    let video_ids = ids.iter().filter_map(|item| text(item, "video_id"));
    let last = output.last_evaluated_key.filter(|key| !key.is_empty());
    Ok(UnfinishedPage {
        video_ids: video_ids.collect(),
        next: last.as_ref().and_then(next),
    })
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

/// A key of the index as text, and back: a time holds no space.
fn next(key: &Item) -> Option<String> {
    Some(format!(
        "{} {}",
        text(key, "updated_at")?,
        text(key, "video_id")?
    ))
}

fn start(after: &str) -> Result<HashMap<String, AttributeValue>> {
    let (updated_at, video_id) = after
        .split_once(' ')
        .ok_or_else(|| Error::permanent(format!("{after:?} is no place in the index")))?;
    let key = [
        (OPEN, YES),
        ("updated_at", updated_at),
        ("video_id", video_id),
    ];
    Ok(key
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
        .into())
}
