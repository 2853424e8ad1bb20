//! What effects look like in a story.

use chrono::{DateTime, Utc};

use crate::domain::Video;

/// When every story plays.
pub(super) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_268_800, 0).expect("2026-01-01T12:00:00Z")
}

/// What a write to a record means, in a line.
pub(super) fn written(before: Option<&Video>, after: &Video) -> String {
    let id = &after.video_id;
    let Some(before) = before else {
        return format!("record {id} {}", after.status.word());
    };
    if before.status != after.status {
        let (from, to) = (before.status.word(), after.status.word());
        let reason = after
            .reason
            .as_ref()
            .map_or(String::new(), |r| format!(": {r}"));
        return format!("status {id} {from} -> {to}{reason}");
    }
    if !before.is_deleted() && after.is_deleted() {
        return format!("delete {id}");
    }
    if before.mailings != after.mailings {
        let gone = after.mailings.last().map(|last| last.attempt.is_none());
        return match gone {
            Some(true) => format!("note {id} mailed"),
            Some(false) => format!("claim the mail of {id}"),
            None => format!("release the mail of {id}"),
        };
    }
    if before.unpublished != after.unpublished {
        return format!("note {id} published");
    }
    if before.swept != after.swept {
        return format!("note {id} swept");
    }
    if before.attempt.is_some() && after.attempt.is_none() {
        return format!("release {id}");
    }
    format!("progress {id} {} %", after.progress)
}
