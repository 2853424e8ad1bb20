//! The *notice*, which is published when a video has ended, and the mail that is made from it, as
//! plain text and as HTML.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::foreign_text::{quoted, shortened, without_links};
use super::{Status, Video};

/// How much of a file's name and of a reason is repeated, in characters.
const MAX_TITLE: usize = 60;
const MAX_REASON: usize = 300;

/// The outcome of a video, as the topic carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Unique to the outcome: the attempt's id. The same notice twice is one mail.
    pub notice_id: String,
    /// The video.
    pub video_id: String,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Where to mail; nobody is told by mail without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What became of it.
    pub status: Status,
    /// The name that the user's file had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// How many frames are in the zip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is to be known of the frames: that the video is damaged, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl Notice {
    /// The notice of a video's end.
    #[must_use]
    pub fn from_video(video: &Video) -> Self {
        let attempt = video.attempt.as_ref().map(|attempt| attempt.id.clone());
        Self {
            // One that somebody publishes by hand need not have ended.
            notice_id: attempt.unwrap_or_else(|| format!("{}-{}", video.video_id, video.version)),
            video_id: video.video_id.clone(),
            user_id: Some(video.user_id.clone()),
            email: video.email.clone(),
            status: video.status,
            filename: video.filename.clone(),
            frames: (video.status == Status::Done).then_some(video.frames),
            reason: video.reason.clone(),
            warning: video.warning.clone(),
        }
    }

    /// What the user would call the video, as somebody's words.
    fn title(&self) -> String {
        quoted(
            self.filename.as_deref().unwrap_or(&self.video_id),
            MAX_TITLE,
        )
    }

    /// One line that says it all.
    #[must_use]
    pub fn subject(&self) -> String {
        // A subject is one line, and SNS takes at most 100 characters of printable ASCII.
        let title: String = self
            .title()
            .chars()
            .map(|c| {
                if c.is_ascii_graphic() || c == ' ' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        match self.status {
            Status::Done => format!("Your frames are ready: {title}"),
            Status::Failed => format!("No frames from {title}"),
            status => format!("{title} is {}", status.word().replace('_', " ")),
        }
    }
}

/// One mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// A link that downloads the zip, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// A presigned GET.
    pub url: String,
    /// When it stops working, at the latest.
    pub expires_at: DateTime<Utc>,
}

/// The mail for a notice.
#[must_use]
pub fn compose_mail(notice: &Notice, to: &str, link: Option<&Link>, page_url: &str) -> Mail {
    let title = without_links(&notice.title());
    let first = match (notice.status, notice.frames) {
        (Status::Done, Some(1)) => format!("1 frame of {title} is ready as a zip."),
        (Status::Done, Some(frames)) => format!("{frames} frames of {title} are ready as a zip."),
        (Status::Done, None) => format!("The frames of {title} are ready as a zip."),
        (Status::Failed, _) => format!("No frames could be made of {title}."),
        (status, _) => format!("{title} is now {}.", status.word().replace('_', " ")),
    };
    let mut paragraphs = vec![Paragraph::Text(first)];
    if let Some(reason) = &notice.reason {
        let reason = without_links(&shortened(reason, MAX_REASON));
        paragraphs.push(Paragraph::Text(format!("Why: {reason}")));
    }
    if let Some(warning) = &notice.warning {
        let warning = without_links(&shortened(warning, MAX_REASON));
        paragraphs.push(Paragraph::Text(format!("Warning: {warning}")));
    }
    if let Some(link) = link {
        paragraphs.push(Paragraph::Link("Download the zip:", link.url.clone()));
        let until = link.expires_at.format("%Y-%m-%d %H:%M UTC");
        paragraphs.push(Paragraph::Text(format!(
            "This link works until {until} at the latest."
        )));
    }
    paragraphs.push(Paragraph::Link(
        "Your videos, at any time:",
        page_url.to_owned(),
    ));
    Mail {
        to: to.to_owned(),
        subject: notice.subject(),
        text: paragraphs
            .iter()
            .map(Paragraph::text)
            .collect::<Vec<_>>()
            .join("\n\n")
            + "\n",
        html: paragraphs.iter().map(Paragraph::html).collect(),
    }
}

enum Paragraph {
    Text(String),
    Link(&'static str, String),
}

impl Paragraph {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Link(label, url) => format!("{label}\n{url}"),
        }
    }

    fn html(&self) -> String {
        match self {
            Self::Text(text) => format!("<p>{}</p>\n", escape(text)),
            Self::Link(label, url) => {
                let url = escape(url);
                format!("<p>{}<br><a href=\"{url}\">{url}</a></p>\n", escape(label))
            }
        }
    }
}

/// A file's name and a reason are somebody's words: in HTML they stay words.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(status: Status) -> Notice {
        serde_json::from_value(serde_json::json!({
            "notice_id": "n", "video_id": "v1", "status": status.word(),
            "filename": "<b>holiday</b>\r\nBcc: x@y", "frames": 2,
        }))
        .expect("a notice")
    }

    #[test]
    fn a_done_mail_has_the_link_and_its_end() {
        let expires_at = DateTime::from_timestamp(86_400, 0).expect("a time");
        let link = Link {
            url: "http://s3/x?a=1&b=2".into(),
            expires_at,
        };
        let mail = compose_mail(&notice(Status::Done), "a@b.c", Some(&link), "http://page");
        assert!(
            mail.text.starts_with("2 frames of \"<b>holiday"),
            "{}",
            mail.text
        );
        assert!(mail.text.contains("http://s3/x?a=1&b=2\n"));
        assert!(mail.text.contains("1970-01-02 00:00 UTC"));
        assert!(mail.html.contains("a=1&amp;b=2"));
    }

    #[test]
    fn a_file_name_is_told_as_data_and_nothing_in_it_becomes_a_link() {
        let mut notice = notice(Status::Done);
        let words =
            "Your account is locked, go to evil.example\u{202e}4pm \"and log in again at once\"";
        notice.filename = Some(words.to_owned());
        notice.reason = Some("see https://evil.example\u{202e}".to_owned());
        let mail = compose_mail(&notice, "a@b.c", None, "http://page");
        let quoted = "\"Your account is locked, go to evil.\u{2060}example4pm 'and log in ag…\"";
        assert!(
            mail.text
                .starts_with(&format!("2 frames of {quoted} are ready")),
            "{}",
            mail.text
        );
        assert_eq!(mail.html.matches("<a ").count(), 1, "the page's own");
        for part in [&mail.text, &mail.html] {
            assert!(
                !part.contains("evil.example") && !part.contains('\u{202e}'),
                "{part}"
            );
        }
        assert!(
            mail.subject
                .starts_with("Your frames are ready: \"Your account")
        );
        assert!(
            mail.subject.ends_with('"') && mail.subject.len() <= 100,
            "{}",
            mail.subject
        );
    }

    #[test]
    fn a_warning_stands_in_the_mail_of_frames_that_there_are() {
        let notice = Notice {
            warning: Some("the video is damaged (<b>)".to_owned()),
            ..notice(Status::Done)
        };
        let mail = compose_mail(&notice, "a@b.c", None, "http://page");
        assert!(
            mail.text
                .contains("\n\nWarning: the video is damaged (<b>)\n")
        );
        assert!(mail.html.contains("damaged (&lt;b&gt;)"));
    }

    #[test]
    fn a_file_name_is_neither_html_nor_a_header() {
        let mail = compose_mail(&notice(Status::Failed), "a@b.c", None, "http://page");
        assert!(!mail.html.contains("<b>"));
        assert!(!mail.subject.contains(['\r', '\n']));
    }
}
