//! Names of things in the object store. Keys derive from the job, never from a user's words,
//! so that doing a job twice overwrites and nobody can name somebody else's object.

use crate::{Error, Result};

const UPLOADS: &str = "uploads/";
const MAX_ID_BYTES: usize = 200;

/// Where a video is uploaded to: `uploads/<user_id>/<video_id>`.
#[must_use]
pub fn upload(user_id: &str, video_id: &str) -> String {
    format!("{UPLOADS}{user_id}/{video_id}")
}

/// Where a video's frames go: `frames/<user_id>/<video_id>.zip`, and
/// `frames/<user_id>/<video_id>/<round>.zip` in each later round: what an attempt of an earlier round
/// completes late does not overwrite a newer zip.
#[must_use]
pub fn zip(user_id: &str, video_id: &str, round: u32) -> String {
    if round == 0 {
        format!("frames/{user_id}/{video_id}.zip")
    } else {
        format!("frames/{user_id}/{video_id}/{round}.zip")
    }
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
    fn each_round_has_a_zip_of_its_own() {
        assert_eq!(zip("u1", "v1", 0), "frames/u1/v1.zip");
        assert_eq!(zip("u1", "v1", 1), "frames/u1/v1/1.zip");
        // An id has no slash: no video's first zip is another's later one.
        assert!(parse_upload("uploads/u1/v1/1").is_err());
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
