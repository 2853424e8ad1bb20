//! An SNS event: turns a notice into a mail to the user.
//!
//! The same notice may come twice, also at the same time: the record knows who is at its
//! mailing, and whether the mail has gone. A crash between the two repeats a mail and never
//! loses one.

use aws_lambda_events::sns::SnsEvent;
use chrono::{DateTime, Utc};

use super::records::{TRIES, too_fast, update};
use super::video_download::zip_filename;
use crate::domain::mail::{Link, compose};
use crate::domain::mailing::LEASE;
use crate::domain::{Claim, Notice, Status, Video};
use crate::{App, Error, Result};

/// Mails each notice that has an address.
///
/// # Errors
/// When a message is no notice, or a port fails; the event should come again.
pub async fn handle(app: &App, event: SnsEvent) -> Result<()> {
    for record in &event.records {
        let notice = serde_json::from_str(&record.sns.message)
            .map_err(|error| Error::permanent(format!("the message is not a notice: {error}")))?;
        mail(app, &notice).await?;
    }
    Ok(())
}

async fn mail(app: &App, notice: &Notice) -> Result<()> {
    let Some(to) = &notice.email else {
        return Ok(());
    };
    let Some(video) = app.videos.get(&notice.video_id).await? else {
        // A notice by hand may be about anything: there is no record to claim it in.
        return send(app, notice, to, None).await;
    };
    let Some(video) = claim(app, notice, video).await? else {
        return Ok(());
    };
    if let Err(error) = send(app, notice, to, Some(&video)).await {
        change(app, notice, Video::unclaimed).await?;
        return Err(error);
    }
    // The mail has gone: whatever happens now, the message must not come back.
    match app.stop.or(change(app, notice, Video::mailed)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::warn!(%error, "a mail has gone that could not be noted"),
        None => tracing::warn!("a mail has gone, and there was no time left to note it"),
    }
    Ok(())
}

/// Takes the mailing of a notice on, on the record as it was read, or on a newer one when somebody
/// else was faster. `None`: there is nothing to do.
async fn claim(app: &App, notice: &Notice, mut video: Video) -> Result<Option<Video>> {
    let attempt = app.ids.next();
    for _ in 0..TRIES {
        // Nobody wants to hear of a video that they have deleted.
        if video.is_deleted() {
            return Ok(None);
        }
        let now = app.clock.now();
        let next = match video.claim_mail(&notice.notice_id, &attempt, now) {
            Claim::Go(next) => next,
            Claim::Over => return Ok(None),
            Claim::Held => return Err(Error::transient("the mail is being sent")),
        };
        let stored = app.videos.put(&next, Some(video.version)).await?;
        // Storing it may have taken longer than the claim holds.
        if stored && app.clock.now() < now + LEASE {
            return Ok(Some(*next));
        }
        match app.videos.get(&notice.video_id).await? {
            Some(newer) => video = newer,
            None => return Ok(None),
        }
    }
    Err(too_fast(&notice.video_id))
}

/// Notes how the mailing ended.
async fn change(
    app: &App,
    notice: &Notice,
    next: fn(&Video, &str, DateTime<Utc>) -> Video,
) -> Result<()> {
    update(app, &notice.video_id, |video| {
        Ok(Some(next(video, &notice.notice_id, app.clock.now())))
    })
    .await
    .map(drop)
}

async fn send(app: &App, notice: &Notice, to: &str, video: Option<&Video>) -> Result<()> {
    let link = match video {
        Some(video) if notice.status == Status::Done && video.status == Status::Done => {
            Some(link(app, video).await?)
        }
        _ => None,
    };
    let mail = compose(notice, to, link.as_ref(), &app.settings.page_url);
    app.mailer.send(&mail).await
}

async fn link(app: &App, video: &Video) -> Result<Link> {
    let expires_in = app.settings.download_expiry;
    let filename = zip_filename(video.title());
    Ok(Link {
        url: app
            .objects
            .presign_get(&video.zip_key(), &filename, expires_in)
            .await?,
        expires_at: app.clock.now() + expires_in,
    })
}
