//! An SNS event: turns a notice into a mail to the user.
//!
//! The same notice may come twice; the record knows which have been mailed. The mail goes
//! before it is noted: a crash between the two repeats a mail and never loses one.

use aws_lambda_events::sns::SnsEvent;

use super::records::update;
use super::video_download::zip_filename;
use crate::domain::mail::{Link, compose};
use crate::domain::{Notice, Status, Video};
use crate::{App, Error, Result};

/// Mails each notice that has an address.
///
/// # Errors
/// When a message is no notice, or a port fails; the event should come again.
pub async fn handle(app: &App, event: SnsEvent) -> Result<()> {
    for record in &event.records {
        let notice = serde_json::from_str(&record.sns.message)
            .map_err(|error| Error::Gone(format!("the message is not a notice: {error}")))?;
        mail(app, &notice).await?;
    }
    Ok(())
}

async fn mail(app: &App, notice: &Notice) -> Result<()> {
    let Some(to) = &notice.email else {
        return Ok(());
    };
    let video = app.videos.get(&notice.video_id).await?;
    // Nobody wants to hear of a video that they have deleted.
    if video
        .as_ref()
        .is_some_and(|v| v.is_deleted() || v.mailed.contains(&notice.notice_id))
    {
        return Ok(());
    }
    let link = match &video {
        Some(video) if notice.status == Status::Done && video.status == Status::Done => {
            Some(link(app, video).await?)
        }
        _ => None,
    };
    app.mailer
        .send(&compose(notice, to, link.as_ref(), &app.settings.page_url))
        .await?;
    if let Some(video) = video {
        update(app, &video.video_id, |v| {
            Ok(v.mailed(&notice.notice_id, app.clock.now()))
        })
        .await?;
    }
    Ok(())
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
