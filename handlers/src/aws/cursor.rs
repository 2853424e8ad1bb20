//! Where a page of a user's videos ended, as text that means nothing to who carries it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
use fotograma_core::domain::Video;
use fotograma_core::domain::keys::check_id;
use fotograma_core::{Error, Result};

/// RFC 3339 in UTC with three decimals always: text in the order of time.
pub(super) fn ordered(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The cursor after `video`.
pub(super) fn cursor_after(video: &Video) -> String {
    cursor(&video.user_id, &ordered(video.created_at), &video.video_id)
}

/// The cursor after the record with this index key. `None`: it is no key of the index.
pub(super) fn cursor_of_key(key: &HashMap<String, AttributeValue>) -> Option<String> {
    let text = |name| key.get(name).and_then(|value| value.as_s().ok());
    Some(cursor(
        text("user_id")?,
        text("created_at")?,
        text("video_id")?,
    ))
}

fn cursor(user_id: &str, created_at: &str, video_id: &str) -> String {
    // Three texts are always JSON; an empty cursor would be refused when it comes back.
    let place = serde_json::to_vec(&(user_id, created_at, video_id));
    URL_SAFE_NO_PAD.encode(place.unwrap_or_default())
}

/// The index key that a cursor stands for, if it is one and this user's.
pub(super) fn start_key(cursor: &str, user_id: &str) -> Result<HashMap<String, AttributeValue>> {
    index_key(cursor, user_id).ok_or_else(|| {
        Error::bad_field(
            "after",
            "after must be the next that an earlier page of the same user gave",
        )
    })
}

fn index_key(cursor: &str, user_id: &str) -> Option<HashMap<String, AttributeValue>> {
    let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (owner, created_at, video_id): (String, String, String) =
        serde_json::from_slice(&json).ok()?;
    let time = DateTime::parse_from_rfc3339(&created_at)
        .ok()?
        .with_timezone(&Utc);
    check_id("video_id", &video_id).ok()?;
    (owner == user_id && ordered(time) == created_at).then(|| {
        [
            ("user_id", owner),
            ("created_at", created_at),
            ("video_id", video_id),
        ]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
        .into()
    })
}

#[cfg(test)]
mod tests {
    use fotograma_core::domain::Job;

    use super::*;

    fn video() -> Video {
        let job = Job::from_json(r#"{"video_id":"v1","user_id":"ü"}"#).expect("a job");
        Video::new(
            &job,
            DateTime::from_timestamp(1, 500_000_000).expect("a time"),
        )
    }

    #[test]
    fn times_as_text_are_in_the_order_of_time() {
        let at = |ms| DateTime::from_timestamp_millis(ms).expect("a time");
        assert_eq!(ordered(at(1_000)), "1970-01-01T00:00:01.000Z");
        assert!(ordered(at(1_000)) < ordered(at(1_001)) && ordered(at(1_999)) < ordered(at(2_000)));
    }

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let key = start_key(&cursor_after(&video()), "ü").expect("a key");
        assert_eq!(key["video_id"], AttributeValue::S("v1".to_owned()));
        assert_eq!(
            key["created_at"],
            AttributeValue::S("1970-01-01T00:00:01.500Z".to_owned())
        );
        assert_eq!(key["user_id"], AttributeValue::S("ü".to_owned()));
        assert_eq!(cursor_of_key(&key), Some(cursor_after(&video())));
    }

    #[test]
    fn a_bad_or_foreign_cursor_is_the_users_fault() {
        let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
        for cursor in [
            String::new(),
            "%".to_owned(),
            "AAAA".to_owned(),
            cursor_after(&video()) + "A",
            encoded("[]"),
            encoded(r#"["ü","yesterday","v1"]"#),
            encoded(r#"["ü","1970-01-01T00:00:01Z","v1"]"#),
            encoded(r#"["ü","1970-01-01T00:00:01.500Z","../v1"]"#),
            encoded(r#"["u2","1970-01-01T00:00:01.500Z","v1"]"#),
        ] {
            let error = start_key(&cursor, "ü").expect_err(&cursor);
            assert!(matches!(error, Error::Rejected { status, .. } if status.as_u16() == 400));
        }
    }
}
