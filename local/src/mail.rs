//! The mailbox: where every mail ends that the local AWS would send. Nothing leaves this machine.
//!
//! | path | method | does |
//! |---|---|---|
//! | `/_local/mail` | GET | the mails as JSON, newest first; `?to=` one address's, `?limit=` so many |
//! | `/_local/mail` | DELETE | empties the mailbox |
//! | `/_local/mailbox` | GET | the same as a page for people |

mod page;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use http::{Method, StatusCode};
use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::json;

use crate::context::Context;
use crate::error::ServiceError;
use crate::http_types::{Response, respond};

/// One row a recipient, as each has a mailbox of its own.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT,
    html TEXT,
    sent_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS mail_recipient ON mail (recipient);
";

/// A mail to be put into the mailbox.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
}

impl Mail {
    /// A mail of AWS itself, in plain text.
    pub(crate) fn new(to: &str, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            from: "no-reply@aws.localhost".to_owned(),
            to: to.to_owned(),
            subject: subject.into(),
            text: Some(text.into()),
            html: None,
        }
    }
}

/// Delivers inside the caller's transaction: the mail is there if and only if what it tells of is.
pub(crate) fn put(conn: &Connection, mail: &Mail, now_ms: i64) -> Result<(), ServiceError> {
    conn.prepare_cached(
        "INSERT INTO mail (sender, recipient, subject, text, html, sent_ms)
         VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        mail.from,
        mail.to,
        mail.subject,
        mail.text,
        mail.html,
        now_ms
    ])?;
    Ok(())
}

/// A mail as it is told.
#[derive(Debug, Serialize)]
struct Received {
    id: i64,
    to: String,
    from: String,
    subject: String,
    text: Option<String>,
    html: Option<String>,
    sent_at: String,
}

/// Answers `/_local/mail…`; `place` is what follows `/_local/`.
pub(crate) async fn answer(
    context: &Context,
    method: &Method,
    place: &str,
    query: &str,
) -> Response {
    let query: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let answer = match (method, place) {
        (&Method::GET, "mail") => list(context, &query).await.map(|mails| json_answer(&mails)),
        (&Method::DELETE, "mail") => empty(context).await,
        (&Method::GET, "mailbox") => list(context, &query)
            .await
            .map(|mails| page::render(&mails)),
        _ => Err(ServiceError::new(
            StatusCode::NOT_FOUND,
            "NotFound",
            format!("There is no {method} /_local/{place}."),
        )),
    };
    answer.unwrap_or_else(|error| error.into_json("application/json", "-"))
}

fn json_answer(value: &impl Serialize) -> Response {
    respond(StatusCode::OK, "application/json", json!(value).to_string())
}

async fn list(
    context: &Context,
    query: &BTreeMap<String, String>,
) -> Result<Vec<Received>, ServiceError> {
    // An address has no spaces: what reads as one was a plus sign that nobody encoded.
    let to = query.get("to").map(|to| to.replace(' ', "+"));
    let limit = query
        .get("limit")
        .map(|limit| limit.parse::<i64>())
        .transpose();
    let limit = limit.map_err(|_| ServiceError::bad_request("BadRequest", "limit is a number."))?;
    context
        .db
        .read(move |conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, recipient, sender, subject, text, html, sent_ms FROM mail
                 WHERE ?1 IS NULL OR recipient = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let mails = statement.query_map(params![to, limit.unwrap_or(1_000)], |row| {
                let sent = DateTime::from_timestamp_millis(row.get(6)?).unwrap_or_default();
                Ok(Received {
                    id: row.get(0)?,
                    to: row.get(1)?,
                    from: row.get(2)?,
                    subject: row.get(3)?,
                    text: row.get(4)?,
                    html: row.get(5)?,
                    sent_at: sent.to_rfc3339_opts(SecondsFormat::Millis, true),
                })
            })?;
            Ok(mails.collect::<Result<_, _>>()?)
        })
        .await
}

async fn empty(context: &Context) -> Result<Response, ServiceError> {
    let deleted = context
        .db
        .write(|conn| Ok::<_, ServiceError>(conn.execute("DELETE FROM mail", [])?));
    Ok(json_answer(&json!({ "deleted": deleted.await? })))
}
