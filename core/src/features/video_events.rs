//! What is new of a user's videos, as Server-Sent Events: what `GET` tells, and only what has changed since the
//! event that the client had last.
//!
//! Nothing is kept between two answers: an event's id says what its client knows. A server asks again and
//! again for as long as somebody listens, a gateway hands on one answer and the client comes back.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::records::{own_user, own_video, param};
use super::video_view::VideoView;
use crate::domain::{Status, Video};
use crate::ports::{VideoFilter, VideoPage};
use crate::{App, Error, Result};
use lambda_anywhere::{Request, Response};

/// How many of the newest videos are told of.
const NEWEST: u32 = 50;
/// In how many seconds something may be new: while a job is under way, while a file is awaited, and else.
const SOON: u64 = 1;
const LATER: u64 = 3;
const MUCH_LATER: u64 = 10;

/// `GET /videos/{user_id}/events`: what is new of a user's newest videos. Answers 200 with an event `video` for
/// each that has changed, and an event `videos` with all their ids when one has come or gone.
///
/// # Errors
/// 404 for another user.
pub async fn follow_videos(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let all = VideoFilter::default();
    let page = app.videos.list(&user_id, NEWEST, None, &all).await?;
    let news = news(&page, last_event(&request).as_ref())?;
    Ok(event_stream(&news, &page.videos))
}

/// `GET /videos/{user_id}/{video_id}/events`: what is new of one video. Answers 200 with an event `video` when it
/// has changed.
///
/// # Errors
/// 404 for a video that is not the caller's, also when it has been deleted meanwhile.
pub async fn follow_video(app: &App, request: Request) -> Result<Response> {
    let user_id = own_user(&request)?;
    let video = own_video(app, &user_id, param(&request, "video_id")).await?;
    let page = VideoPage {
        videos: vec![video],
        next: None,
    };
    let news = news(&page, last_event(&request).as_ref())?;
    Ok(event_stream(&news, &page.videos))
}

/// What a client knows: up to when, and a digest of records and of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    until_ms: i64,
    records: u64,
    ids: u64,
}

impl Known {
    /// What a client knows that has been told of these.
    fn of(page: &VideoPage) -> Self {
        let (mut records, mut ids) = (DefaultHasher::new(), DefaultHasher::new());
        for video in &page.videos {
            (&video.video_id, video.version).hash(&mut records);
            video.video_id.hash(&mut ids);
        }
        let changed = page.videos.iter().map(changed_ms);
        Self {
            until_ms: changed.max().unwrap_or_default(),
            records: records.finish(),
            ids: ids.finish(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut hex = || u64::from_str_radix(parts.next()?, 16).ok();
        let known = Self {
            until_ms: i64::try_from(hex()?).ok()?,
            records: hex()?,
            ids: hex()?,
        };
        parts.next().is_none().then_some(known)
    }

    fn id(self) -> String {
        format!("{:x}-{:x}-{:x}", self.until_ms, self.records, self.ids)
    }
}

fn changed_ms(video: &Video) -> i64 {
    video.updated_at.timestamp_millis()
}

/// What the client had last. One that cannot be read is none: all is told anew.
fn last_event(request: &Request) -> Option<Known> {
    let id = request.headers().get("last-event-id")?;
    Known::parse(id.to_str().ok()?)
}

/// Which videos there are now.
#[derive(Serialize)]
struct Ids<'a> {
    video_ids: Vec<&'a str>,
    next: Option<&'a str>,
}

/// The events that lead from what a client knows to what there is.
fn news(page: &VideoPage, known: Option<&Known>) -> Result<String> {
    let now = Known::of(page);
    let mut text = String::new();
    if known.is_some_and(|known| known.records == now.records) {
        return Ok(text);
    }
    let same_ids = known.filter(|known| known.ids == now.ids);
    // Several may have changed in one millisecond, of which the client knows some: it is told of all. Where
    // one has gone, another may have come onto the page that is not new.
    let since = same_ids.map_or(i64::MIN, |known| known.until_ms);
    for video in page
        .videos
        .iter()
        .filter(|video| changed_ms(video) >= since)
    {
        let data = json(&VideoView::from(video))?;
        let _ = writeln!(text, "event: video\ndata: {data}\n");
    }
    if same_ids.is_none() {
        let ids = Ids {
            video_ids: page.videos.iter().map(|video| &*video.video_id).collect(),
            next: page.next.as_deref(),
        };
        let _ = writeln!(text, "event: videos\ndata: {}\n", json(&ids)?);
    }
    // The last event says what is known with all of them: one that breaks off before is told again.
    let last = text.rfind("event: ").unwrap_or_default();
    text.insert_str(last, &format!("id: {}\n", now.id()));
    Ok(text)
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::permanent("an event is no JSON").with_source(error))
}

fn event_stream(news: &str, videos: &[Video]) -> Response {
    let seconds = videos.iter().map(|video| match video.status {
        Status::Queued | Status::Processing => SOON,
        Status::AwaitingUpload => LATER,
        Status::Done | Status::Failed => MUCH_LATER,
    });
    let seconds = seconds.min().unwrap_or(MUCH_LATER);
    let mut response = Response::new(format!("retry: {}\n\n{news}", seconds * 1_000).into());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration, Utc};

    use super::*;
    use crate::domain::Job;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::milliseconds(ms)
    }

    fn video(id: &str, ms: i64, version: u64) -> Video {
        let json = format!(r#"{{"video_id":"{id}","user_id":"u1"}}"#);
        let job = Job::from_json(&json).expect("a job");
        Video {
            version,
            updated_at: at(ms),
            ..Video::new(&job, at(0))
        }
    }

    fn page(videos: &[Video]) -> VideoPage {
        VideoPage {
            videos: videos.to_vec(),
            next: None,
        }
    }

    /// The names of the events with the videos that they are about, and what is known then.
    fn told(page: &VideoPage, known: Option<&Known>) -> (Vec<String>, Option<Known>) {
        let text = news(page, known).expect("events");
        let mut events = Vec::new();
        for event in text.split_terminator("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            let data: serde_json::Value =
                serde_json::from_str(field("data: ").expect("data")).expect("JSON");
            let about = match &data["video_id"] {
                serde_json::Value::String(id) => id.clone(),
                _ => data["video_ids"].to_string(),
            };
            events.push(format!("{} {about}", field("event: ").expect("a name")));
        }
        let id = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("id: "));
        (events, id.and_then(Known::parse))
    }

    #[test]
    fn only_what_has_changed_is_told() {
        let first = page(&[video("b", 20, 1), video("a", 10, 1)]);
        let (events, known) = told(&first, None);
        assert_eq!(events, ["video b", "video a", r#"videos ["b","a"]"#]);
        assert_eq!(told(&first, known.as_ref()), (Vec::new(), None));

        let changed = page(&[video("b", 20, 1), video("a", 30, 2)]);
        let (events, known) = told(&changed, known.as_ref());
        assert_eq!(
            events,
            ["video b", "video a"],
            "b may have changed in its last millisecond"
        );

        // In the same millisecond as what is known.
        let again = page(&[video("c", 5, 1), video("b", 30, 2), video("a", 30, 2)]);
        let earlier = page(&[video("c", 5, 1), video("b", 20, 1), video("a", 30, 2)]);
        let (events, known_then) = told(&again, told(&earlier, known.as_ref()).1.as_ref());
        assert_eq!(events, ["video b", "video a"], "and not c");
        let known = known_then;

        let (events, _) = told(&page(&[video("a", 30, 2)]), known.as_ref());
        assert_eq!(events, ["video a", r#"videos ["a"]"#], "one has gone");
        let older = page(&[video("b", 30, 2), video("0", 5, 1)]);
        let (events, _) = told(&older, known.as_ref());
        assert_eq!(
            events,
            ["video b", "video 0", r#"videos ["b","0"]"#],
            "and an older one has come"
        );
    }

    #[test]
    fn an_id_that_cannot_be_read_has_all_told_anew() {
        for id in ["", "x", "1-2", "1-2-3-4", "-1-2-3"] {
            assert_eq!(Known::parse(id), None, "{id:?}");
        }
        let known = Known::of(&page(&[video("a", 10, 1)]));
        assert_eq!(Known::parse(&known.id()), Some(known));
    }
}
