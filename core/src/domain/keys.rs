//! Names of things in the object store. Keys derive from the job and the attempt at it, never from a
//! user's words: nobody can name somebody else's object, and no attempt overwrites what another has made.

use crate::{Error, Result};

const UPLOADS: &str = "uploads/";
const FRAMES: &str = "frames/";
const MAX_ID_BYTES: usize = 200;

/// Where a video is uploaded to: `uploads/<user_id>/<video_id>`.
#[must_use]
pub fn upload(user_id: &str, video_id: &str) -> String {
    format!("{UPLOADS}{user_id}/{video_id}")
}

/// Where an attempt puts a video's frames: `frames/<user_id>/<video_id>/<attempt>.zip`. What an attempt
/// completes late overwrites no other's zip.
#[must_use]
pub fn zip(user_id: &str, video_id: &str, attempt: &str) -> String {
    format!("{}/{attempt}.zip", zips(user_id, video_id))
}

/// Where the frames of a video are whose record does not say: an older program had one key for all
/// attempts.
#[must_use]
pub(super) fn only_zip(user_id: &str, video_id: &str) -> String {
    format!("{}.zip", zips(user_id, video_id))
}

/// What the keys of all zips of a video begin with. Those of others may, too: see [`is_zip_of`].
#[must_use]
pub(super) fn zips(user_id: &str, video_id: &str) -> String {
    format!("{FRAMES}{user_id}/{video_id}")
}

/// Whether `key` is that of a zip of this video, or of a preview beside one.
#[must_use]
pub(super) fn is_zip_of(key: &str, user_id: &str, video_id: &str) -> bool {
    let rest = key.strip_prefix(&zips(user_id, video_id));
    rest.is_some_and(|rest| rest == ".zip" || rest.starts_with('/'))
}

/// The name of the poster beside a zip.
pub const POSTER: &str = "poster.jpg";
/// The name of the storyboard's picture.
pub const STORYBOARD: &str = "storyboard.jpg";
/// The name of its cues, by which players find a moment's picture in it.
pub const STORYBOARD_CUES: &str = "storyboard.vtt";

/// Where the previews made with a zip are, by their name: that of an attempt's zip with a folder's
/// ending.
#[must_use]
pub fn beside_zip(zip_key: &str, name: &str) -> String {
    format!("{}/{name}", zip_key.strip_suffix(".zip").unwrap_or(zip_key))
}

/// The user and the video that an upload's key names.
///
/// # Errors
/// [`Error::Permanent`] when the key is not of that form.
pub fn parse_upload(key: &str) -> Result<(&str, &str)> {
    let (user_id, video_id) = key
        .strip_prefix(UPLOADS)
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(|| {
            Error::permanent(format!("the key {key:?} is not uploads/<user>/<video>"))
        })?;
    check_id("user_id", user_id)?;
    check_id("video_id", video_id)?;
    Ok((user_id, video_id))
}

/// Checks that `id` can stand as one segment of a key.
///
/// # Errors
/// [`Error::Permanent`] when it is empty, too long, or holds a slash or a control character.
pub fn check_id(field: &str, id: &str) -> Result<()> {
    let bad = id.is_empty()
        || id.len() > MAX_ID_BYTES
        || id == "."
        || id == ".."
        || id.chars().any(|c| c == '/' || c == '\\' || c.is_control());
    if bad {
        return Err(Error::permanent(format!(
            "{field} {id:?} cannot be part of a key"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_key_names_user_and_video() {
        assert_eq!(parse_upload("uploads/u1/v1"), Ok(("u1", "v1")));
        assert_eq!(
            parse_upload(&upload("ü", "my video.mp4")),
            Ok(("ü", "my video.mp4"))
        );
    }

    #[test]
    fn each_attempt_has_a_zip_of_its_own() {
        assert_eq!(zip("u1", "v1", "a1"), "frames/u1/v1/a1.zip");
        assert_eq!(only_zip("u1", "v1"), "frames/u1/v1.zip");
        for own in [zip("u1", "v1", "a1"), only_zip("u1", "v1")] {
            assert!(own.starts_with(&zips("u1", "v1")));
            assert!(is_zip_of(&own, "u1", "v1"), "{own}");
        }
        // An id has no slash, so that no other video's zip is taken for this one's.
        for other in [
            zip("u1", "v10", "a1"),
            only_zip("u1", "v10"),
            upload("u1", "v1"),
        ] {
            assert!(!is_zip_of(&other, "u1", "v1"), "{other}");
        }
        assert!(parse_upload("uploads/u1/v1/1").is_err());
    }

    #[test]
    fn previews_lie_beside_their_zip() {
        let poster = beside_zip(&zip("u1", "v1", "a1"), POSTER);
        assert_eq!(poster, "frames/u1/v1/a1/poster.jpg");
        assert!(is_zip_of(&poster, "u1", "v1"), "it goes with the zips");
    }

    #[test]
    fn other_keys_are_refused() {
        for key in [
            "",
            "uploads/",
            "uploads/u1",
            "uploads/u1/",
            "uploads//v1",
            "frames/u1/v1.zip",
            "uploads/../v1",
            "uploads/u1/..",
            "uploads/u1/a/b",
            "uploads/u1/a\u{0}b",
        ] {
            assert!(parse_upload(key).is_err(), "{key:?}");
        }
        assert!(parse_upload(&upload("u1", &"v".repeat(201))).is_err());
    }
}
