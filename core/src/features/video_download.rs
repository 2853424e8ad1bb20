//! `GET /videos/{user_id}/{video_id}/download`: to the zip.

use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::records::{own_user, own_video, param};
use super::view::rfc3339;
use crate::domain::Status;
use crate::feature::call::{empty_response, json_response};
use crate::feature::{Request, Response};
use crate::{App, Error, Result};

/// Answers 302 to a presigned GET of the zip; to a client that asks for JSON, 200 with the `url`
/// and when it ends. A page needs the latter: it cannot read where a redirect leads, and when it
/// follows one to the store, its origin has become `null`, which the store's rules do not allow.
///
/// # Errors
/// 404 for a video that is not the caller's, 409 for one that is not done.
pub async fn handle(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let video = own_video(app, &user_id, param(&request, "video_id")).await?;
    if video.status != Status::Done {
        let status = video.status.word();
        return Err(Error::conflict(format!(
            "there is no zip: the video is {status}"
        )));
    }
    let filename = zip_filename(video.title());
    let expires_in = app.settings.download_expiry;
    let url = app
        .objects
        .presign_get(&video.zip_key(), &filename, expires_in)
        .await?;
    if asks_for_json(&request) {
        let expires_at = rfc3339(app.clock.now() + expires_in);
        return json_response(
            StatusCode::OK,
            &json!({ "url": url, "filename": filename, "expires_at": expires_at }),
        );
    }
    let mut response = empty_response(StatusCode::FOUND);
    let url = HeaderValue::from_str(&url).map_err(|error| Error::permanent(error.to_string()))?;
    response.headers_mut().insert(header::LOCATION, url);
    Ok(response)
}

/// Whether JSON is named: `*/*`, which everything sends, still gets the redirect.
fn asks_for_json(request: &Request) -> bool {
    request
        .headers()
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("application/json"))
}

/// What the zip is saved as: the video's name with another ending.
pub(super) fn zip_filename(title: &str) -> String {
    let stem = match title.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 5 => stem,
        _ => title,
    };
    format!("{stem}.zip")
}

#[cfg(test)]
mod tests {
    use super::zip_filename;

    #[test]
    fn a_zip_is_named_after_its_video() {
        assert_eq!(zip_filename("my.film.mp4"), "my.film.zip");
        assert_eq!(zip_filename("film"), "film.zip");
        assert_eq!(zip_filename(".mp4"), ".mp4.zip");
    }
}
