//! Reading and changing records: what several features share.

use super::upload_parts::abort_parts;
use crate::domain::{Notice, Video};
use crate::{App, Error, Result};
use lambda_anywhere::{PathParams, Request, require_caller};

/// How often a change is decided anew because somebody else was faster.
pub(super) const MAX_TRIES: u32 = 8;

/// The user that a path names: `me` is the caller. Somebody else's things are not there.
pub(super) fn own_user(request: &Request) -> Result<String> {
    let caller = require_caller(request)?;
    let named = param(request, "user_id");
    if named == "me" || named == caller.user_id {
        return Ok(caller.user_id.clone());
    }
    Err(not_there())
}

/// A parameter of the request's path.
pub(super) fn param<'a>(request: &'a Request, name: &str) -> &'a str {
    request
        .extensions()
        .get::<PathParams>()
        .map_or("", |params| params.get(name))
}

/// The video that the path names, if it is this user's and not deleted.
pub(super) async fn own_video(app: &App, user_id: &str, video_id: &str) -> Result<Video> {
    match app.videos.get(video_id).await? {
        Some(video) if video.user_id == user_id && !video.is_deleted() => Ok(video),
        _ => Err(not_there()),
    }
}

/// 404, the same for what is not there and for what is somebody else's.
pub(super) fn not_there() -> Error {
    Error::not_found("there is no such video")
}

/// Changes a record as `decide` says, on the newest version of it; `decide` is asked again when
/// somebody else was faster. It answers `None` when there is nothing to change; the record as
/// it is then comes back.
pub(super) async fn update(
    app: &App,
    video_id: &str,
    decide: impl Fn(&Video) -> Result<Option<Video>> + Send + Sync,
) -> Result<Video> {
    for _ in 0..MAX_TRIES {
        let Some(video) = app.videos.get(video_id).await? else {
            return Err(not_there());
        };
        let Some(next) = decide(&video)? else {
            return Ok(video);
        };
        if app.videos.put(&next, Some(video.version)).await? {
            return Ok(next);
        }
    }
    Err(changes_too_fast(video_id))
}

/// Others were faster, each time.
pub(super) fn changes_too_fast(video_id: &str) -> Error {
    Error::transient(format!("the record of {video_id} changes too fast"))
}

/// Publishes a video's outcome if that is still to be done, and notes that it is.
pub(super) async fn publish(app: &App, video: &Video) -> Result<()> {
    if !video.unpublished {
        return Ok(());
    }
    let notice = Notice::from_video(video);
    app.topic.publish(&notice).await?;
    update(app, &video.video_id, |now| {
        let same = now.unpublished && Notice::from_video(now).notice_id == notice.notice_id;
        Ok(same.then(|| now.published(app.clock.now())))
    })
    .await?;
    Ok(())
}

/// Removes what is of no use any more: all of a video that was deleted, and the zips of others that are
/// not wanted. A video that is not deleted and that somebody has changed meanwhile is left alone.
pub(super) async fn remove_unwanted_objects(app: &App, video: &Video) -> Result<()> {
    let listed = app.objects.list(&video.zips_prefix()).await?;
    if !video.is_deleted() {
        let newest = app.videos.get(&video.video_id).await?;
        if newest.is_none_or(|newest| newest.version != video.version) {
            return Ok(());
        }
    }
    if video.is_deleted() {
        abort_parts(app, video).await?;
    }
    for key in video.unwanted_objects(listed) {
        app.objects.remove(&key).await?;
    }
    Ok(())
}
