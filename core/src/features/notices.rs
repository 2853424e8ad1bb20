//! Notices of what became of a video: published by hand, and mailed to users.

use aws_lambda_events::sns::SnsEvent;
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::records::{MAX_TRIES, changes_too_fast, update};
use super::videos::zip_filename;
use crate::domain::delivery::CLAIM_LEASE;
use crate::domain::notice::{Link, compose_mail};
use crate::domain::{DeliveryClaim, Notice, Status, Video};
use crate::ports::MailSent;
use crate::{App, Error, Result};
use lambda_anywhere::fields::Fields;
use lambda_anywhere::json::json_response;
use lambda_anywhere::{Request, Response};

/// The longest id that a record can have, in bytes: it is a table's key.
const MAX_ID: usize = 2048;

/// A notice by hand.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Notify {
    /// Where it is mailed to.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "email")))]
    email: String,
    status: Status,
    /// What it is about; it need not be there.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 2048)))]
    video_id: String,
    /// Why a video failed.
    reason: Option<String>,
}

/// What was published.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Published {
    /// The topic's id of the message.
    message_id: String,
}

/// `POST /notify`: publishes a notice by hand. Answers 202 with the id of the published message.
///
/// # Errors
/// 400 for an address that is none or a status that the design does not know.
pub async fn publish_notice(app: &App, request: Request) -> Result<Response> {
    let notify: Notify = Fields::of_body(&request)?.read()?;
    if !notify.email.contains('@') || notify.email.chars().any(char::is_whitespace) {
        return Err(Error::bad_field("email", "email is not a mail address"));
    }
    if notify.video_id.is_empty() || notify.video_id.len() > MAX_ID {
        let detail = format!("video_id has from 1 to {MAX_ID} bytes");
        return Err(Error::bad_field("video_id", detail));
    }
    let video = app
        .videos
        .get(&notify.video_id)
        .await?
        .filter(|video| !video.is_deleted());
    let notice = Notice {
        notice_id: app.ids.next(),
        video_id: notify.video_id,
        user_id: video.as_ref().map(|video| video.user_id.clone()),
        email: Some(notify.email),
        status: notify.status,
        filename: video.as_ref().and_then(|video| video.filename.clone()),
        frames: video
            .filter(|video| video.status == Status::Done)
            .map(|video| video.frames),
        reason: notify.reason,
        warning: None,
    };
    let message_id = app.topic.publish(&notice).await?;
    json_response(StatusCode::ACCEPTED, &Published { message_id })
}

/// An SNS event: turns each notice that has an address into a mail to the user.
///
/// The same notice may come twice, also at the same time: the record knows who is sending its mail,
/// and whether it has gone.
///
/// # Errors
/// When a message is no notice, or a port fails; the event should come again.
pub async fn mail_notices(app: &App, event: SnsEvent) -> Result<()> {
    for record in &event.records {
        let notice = serde_json::from_str(&record.sns.message)
            .map_err(|error| Error::permanent(format!("the message is not a notice: {error}")))?;
        deliver_notice(app, &notice).await?;
    }
    Ok(())
}

async fn deliver_notice(app: &App, notice: &Notice) -> Result<()> {
    let Some(to) = &notice.email else {
        return Ok(());
    };
    let Some(video) = app.videos.get(&notice.video_id).await? else {
        // A notice by hand may be about anything: there is no record to claim it in.
        return send_mail(app, notice, to, None).await.map(|_| ());
    };
    let sender = app.ids.next();
    let Some(video) = claim_delivery(app, notice, &sender, video).await? else {
        return Ok(());
    };
    match send_mail(app, notice, to, Some(&video)).await {
        Ok(MailSent::Accepted) => app.health.worked(),
        Ok(MailSent::Unknown) => {
            let unknown = Error::transient("nobody knows whether the mail has gone");
            app.health.failed(&unknown);
            update(app, &notice.video_id, |video| {
                Ok(video.delivery_uncertain(&notice.notice_id, &sender, app.clock.now()))
            })
            .await?;
            return Err(unknown);
        }
        Err(error) => {
            if matches!(error, Error::Transient(_) | Error::Operational(_)) {
                app.health.failed(&error);
            }
            update(app, &notice.video_id, |video| {
                Ok(video.delivery_released(&notice.notice_id, &sender, app.clock.now()))
            })
            .await?;
            return Err(error);
        }
    }
    // The mail has gone: whatever happens now, the message must not come back.
    let noted = update(app, &notice.video_id, |video| {
        Ok(Some(video.delivered(&notice.notice_id, app.clock.now())))
    });
    match app.cancel.run_until_cancelled(noted).await {
        Some(Ok(_)) => {}
        Some(Err(error)) => tracing::warn!(%error, "a mail has gone that could not be noted"),
        None => tracing::warn!("a mail has gone, and there was no time left to note it"),
    }
    Ok(())
}

/// Claims the delivery of a notice, on the record as it was read, or on a newer one when somebody
/// else was faster. `None`: there is nothing to do.
async fn claim_delivery(
    app: &App,
    notice: &Notice,
    sender: &str,
    mut video: Video,
) -> Result<Option<Video>> {
    let mut mailer_answers = false;
    for _ in 0..MAX_TRIES {
        // Nobody wants to hear of a video that they have deleted.
        if video.is_deleted() {
            return Ok(None);
        }
        let now = app.clock.now();
        let next = match video.claim_delivery(&notice.notice_id, sender, now) {
            // The last mail that may be sent is not sent into the same silence as the one before. Asked
            // before the claim: who is cut off while it waits for the answer has sent nothing.
            DeliveryClaim::Send(next)
                if !mailer_answers && next.is_delivery_uncertain(&notice.notice_id) =>
            {
                let checked = app.mailer.check().await;
                checked.inspect_err(|error| app.health.failed(error))?;
                mailer_answers = true;
                continue;
            }
            DeliveryClaim::Send(next) => next,
            DeliveryClaim::Over => return Ok(None),
            DeliveryClaim::GiveUp(next) => {
                if app.videos.put(&next, Some(video.version)).await? {
                    let id = &notice.notice_id;
                    tracing::error!(
                        notice_id = id,
                        "a mail may have gone, or not; it is left at that"
                    );
                    return Ok(None);
                }
                match app.videos.get(&notice.video_id).await? {
                    Some(newer) => video = newer,
                    None => return Ok(None),
                }
                continue;
            }
            DeliveryClaim::InProgress => {
                return Err(Error::transient("the mail is being sent"));
            }
        };
        let deadline = now + CLAIM_LEASE;
        let stored = match app.videos.put(&next, Some(video.version)).await {
            Ok(stored) => stored,
            Err(error) => is_claim_stored(app, notice, sender, deadline)
                .await
                .ok_or(error)?,
        };
        // Storing it may have taken longer than the claim holds.
        if stored && app.clock.now() < deadline {
            return Ok(Some(*next));
        }
        match app.videos.get(&notice.video_id).await? {
            Some(newer) => video = newer,
            None => return Ok(None),
        }
    }
    Err(changes_too_fast(&notice.video_id))
}

/// Looks up a claim that may have been stored without an answer: left alone it would run out, as if its
/// sender had died at the mail. `None`: that cannot be known before `deadline`.
async fn is_claim_stored(
    app: &App,
    notice: &Notice,
    sender: &str,
    deadline: DateTime<Utc>,
) -> Option<bool> {
    for _ in 0..MAX_TRIES {
        if app.clock.now() >= deadline {
            break;
        }
        if let Ok(video) = app.videos.get(&notice.video_id).await {
            return Some(
                video.is_some_and(|video| video.is_delivery_claimed_by(&notice.notice_id, sender)),
            );
        }
    }
    None
}

async fn send_mail(
    app: &App,
    notice: &Notice,
    to: &str,
    video: Option<&Video>,
) -> Result<MailSent> {
    let link = match video {
        Some(video) if notice.status == Status::Done && video.status == Status::Done => {
            Some(download_link(app, video).await?)
        }
        _ => None,
    };
    let mail = compose_mail(notice, to, link.as_ref(), &app.settings.page_url);
    app.mailer.send(&mail).await
}

async fn download_link(app: &App, video: &Video) -> Result<Link> {
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
