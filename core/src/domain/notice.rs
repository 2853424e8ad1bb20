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

/// The mail for a notice: in English, and below in Portuguese, as nobody has told which of them the user reads.
#[must_use]
pub fn compose_mail(notice: &Notice, to: &str, link: Option<&Link>, page_url: &str) -> Mail {
    let said = [ENGLISH, PORTUGUESE].map(|words| paragraphs(&words, notice, link, page_url));
    let text = said.each_ref().map(|paragraphs| {
        let texts = paragraphs.iter().map(Paragraph::text);
        texts.collect::<Vec<_>>().join("\n\n") + "\n"
    });
    let html = said.each_ref().map(|paragraphs| {
        let parts: String = paragraphs.iter().map(Paragraph::html).collect();
        parts
    });
    Mail {
        to: to.to_owned(),
        subject: notice.subject(),
        text: text.join("\n--------\n\n"),
        html: format!(
            "<div lang=\"en\">\n{}</div>\n<hr>\n<div lang=\"pt-BR\">\n{}</div>\n",
            html[0], html[1]
        ),
    }
}

/// What a mail says in a language. `{}` stands for the number of frames, and `"` for the video's name.
struct MailWords {
    one_frame: &'static str,
    frames: &'static str,
    some_frames: &'static str,
    no_frames: &'static str,
    is_now: &'static str,
    status: fn(Status) -> &'static str,
    why: &'static str,
    warning: &'static str,
    download: &'static str,
    works_until: [&'static str; 2],
    page: &'static str,
}

const ENGLISH: MailWords = MailWords {
    one_frame: "1 frame of \" is ready as a zip.",
    frames: "{} frames of \" are ready as a zip.",
    some_frames: "The frames of \" are ready as a zip.",
    no_frames: "No frames could be made of \".",
    is_now: "\" is now {}.",
    status: |status| match status {
        Status::AwaitingUpload => "awaiting upload",
        status => status.word(),
    },
    why: "Why:",
    warning: "Warning:",
    download: "Download the zip",
    works_until: ["This link works until", "at the latest."],
    page: "Your videos, at any time",
};

const PORTUGUESE: MailWords = MailWords {
    one_frame: "1 quadro de \" está pronto em um zip.",
    frames: "{} quadros de \" estão prontos em um zip.",
    some_frames: "Os quadros de \" estão prontos em um zip.",
    no_frames: "Não foi possível obter quadros de \".",
    is_now: "\" agora está {}.",
    status: |status| match status {
        Status::AwaitingUpload => "à espera do arquivo",
        Status::Queued => "na fila",
        Status::Processing => "em processamento",
        Status::Done => "pronto",
        Status::Failed => "sem resultado",
    },
    why: "Motivo (em inglês):",
    warning: "Aviso (em inglês):",
    download: "Baixar o zip",
    works_until: ["Este link funciona no máximo até", ""],
    page: "Seus vídeos, a qualquer momento",
};

fn paragraphs(
    words: &MailWords,
    notice: &Notice,
    link: Option<&Link>,
    page_url: &str,
) -> Vec<Paragraph> {
    let title = without_links(&notice.title());
    // The name last: there may be anything in it.
    let about = |sentence: &str, what: &str| sentence.replace("{}", what).replacen('"', &title, 1);
    let first = match (notice.status, notice.frames) {
        (Status::Done, Some(1)) => about(words.one_frame, ""),
        (Status::Done, Some(frames)) => about(words.frames, &frames.to_string()),
        (Status::Done, None) => about(words.some_frames, ""),
        (Status::Failed, _) => about(words.no_frames, ""),
        (status, _) => about(words.is_now, (words.status)(status)),
    };
    let mut said = vec![Paragraph::Text(first)];
    for (label, text) in [
        (words.why, &notice.reason),
        (words.warning, &notice.warning),
    ] {
        if let Some(text) = text {
            let text = without_links(&shortened(text, MAX_REASON));
            said.push(Paragraph::Text(format!("{label} {text}")));
        }
    }
    if let Some(link) = link {
        said.push(Paragraph::Button(words.download, link.url.clone()));
        let until = link.expires_at.format("%Y-%m-%d %H:%M UTC");
        let [before, after] = words.works_until;
        let sentence = format!("{before} {until} {after}");
        said.push(Paragraph::Text(format!(
            "{}.",
            sentence.trim_end().trim_end_matches('.')
        )));
    }
    said.push(Paragraph::Link(words.page, page_url.to_owned()));
    said
}

enum Paragraph {
    Text(String),
    Link(&'static str, String),
    /// What the mail is for. Its address is long and signed: nobody needs to see it where it can be pressed.
    Button(&'static str, String),
}

/// Mail programs know no style sheets.
const BUTTON_STYLE: &str = "display:inline-block;padding:12px 20px;border-radius:8px;background:#a83a1b;\
    color:#ffffff;font-weight:600;text-decoration:none";

impl Paragraph {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Link(label, url) | Self::Button(label, url) => format!("{label}:\n{url}"),
        }
    }

    fn html(&self) -> String {
        match self {
            Self::Text(text) => format!("<p>{}</p>\n", escape(text)),
            Self::Link(label, url) => {
                let url = escape(url);
                format!("<p>{}:<br><a href=\"{url}\">{url}</a></p>\n", escape(label))
            }
            Self::Button(label, url) => format!(
                "<p><a href=\"{}\" style=\"{BUTTON_STYLE}\">{}</a></p>\n",
                escape(url),
                escape(label)
            ),
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
        // The address is behind the button, and nowhere to be read.
        assert_eq!(mail.html.matches("http://s3/x").count(), 2, "{}", mail.html);
        assert!(mail.html.contains(">Download the zip</a>"));
    }

    #[test]
    fn a_mail_says_the_same_in_english_and_in_portuguese() {
        let mut notice = notice(Status::Done);
        notice.filename = Some("{} \"férias\".mp4".to_owned());
        let mail = compose_mail(&notice, "a@b.c", None, "http://page");
        let (english, portuguese) = mail.text.split_once("\n--------\n\n").expect("both");
        assert!(
            english.starts_with("2 frames of \"{} 'férias'.\u{2060}mp4\" are ready"),
            "{english}"
        );
        assert!(
            portuguese.starts_with("2 quadros de \"{} 'férias'.\u{2060}mp4\" estão prontos"),
            "{portuguese}"
        );
        assert_eq!(
            english.matches("\n\n").count(),
            portuguese.matches("\n\n").count()
        );
        assert!(mail.html.contains("<div lang=\"pt-BR\">"));
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
        assert_eq!(mail.html.matches("<a ").count(), 2, "the page's own");
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
