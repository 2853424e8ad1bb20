//! What writes to a record look like in a story: the fields that changed, each with its new value.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::domain::Video;

/// When every story begins.
pub(super) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_268_800, 0).expect("2026-01-01T12:00:00Z")
}

/// Fields that every write changes.
const ALWAYS: [&str; 2] = ["updated_at", "version"];

/// A write to a record, in a line: `insert v1: status awaiting_upload`, or `update v1: status queued
/// -> processing, attempt …`. The fields stand in the order of the record's JSON, without those that
/// every write changes.
pub(super) fn written(before: Option<&Video>, after: &Video) -> String {
    let id = &after.video_id;
    let new = fields(after);
    let Some(before) = before else {
        let status = after.status.word();
        return format!("insert {id}: status {status}");
    };
    let old = fields(before);
    let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let changes = names.into_iter().filter_map(|name| {
        let (old, new) = (old.get(name), new.get(name));
        (old != new).then(|| match (old, new) {
            (_, None) => format!("{name} removed"),
            (Some(old), Some(new)) if is_short(old) && is_short(new) => {
                format!("{name} {} -> {}", text(old), text(new))
            }
            (_, Some(new)) => format!("{name} {}", text(new)),
        })
    });
    let changes: Vec<_> = changes.collect();
    if changes.is_empty() {
        return format!("update {id}: nothing new");
    }
    format!("update {id}: {}", changes.join(", "))
}

/// The names of the fields that a line says have changed.
pub(super) fn changed(line: &str) -> impl Iterator<Item = &str> {
    let changes = line
        .strip_prefix("update ")
        .and_then(|rest| rest.split_once(": "));
    let changes = changes.map_or("", |(_, changes)| changes);
    changes
        .split(", ")
        .filter_map(|change| change.split(' ').next())
}

fn fields(video: &Video) -> Map<String, Value> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(video) else {
        panic!("a record is a JSON object");
    };
    for name in ALWAYS {
        fields.remove(name);
    }
    fields
}

fn is_short(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let fields = fields.values().map(text);
            format!("({})", fields.collect::<Vec<_>>().join(" "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(text).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Job;

    #[test]
    fn a_line_tells_each_field_that_changed() {
        let job = Job::from_json(r#"{"video_id":"v1","user_id":"u1"}"#).expect("a job");
        let new = Video::new(&job, noon());
        assert_eq!(written(None, &new), "insert v1: status awaiting_upload");
        let queued = new.uploaded(5, "\"e\"", noon()).expect("uploaded");
        let line = written(Some(&new), &queued);
        assert_eq!(
            line,
            "update v1: etag \"e\", size 5, status awaiting_upload -> queued, unsent true"
        );
        assert_eq!(
            changed(&line).collect::<Vec<_>>(),
            ["etag", "size", "status", "unsent"]
        );
        let gone = Video {
            size: None,
            ..queued.clone()
        };
        assert_eq!(written(Some(&queued), &gone), "update v1: size removed");
    }
}
