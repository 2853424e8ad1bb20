//! SES version 2: `SendEmail`, into the mailbox.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, StatusCode};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::context::Context;
use crate::error::ServiceError;
use crate::mail::{self, Mail};
use crate::service::{Call, Reply, Service, ServiceName};

/// The operation's name, from its method and path.
pub(crate) fn operation(method: &Method, path: &str) -> String {
    match (method, path) {
        (&Method::POST, "/v2/email/outbound-emails") => "SendEmail".to_owned(),
        _ => format!("{method} {path}"),
    }
}

/// The service.
pub(crate) struct Ses {
    pub(crate) context: Arc<Context>,
}

#[async_trait]
impl Service for Ses {
    fn name(&self) -> ServiceName {
        ServiceName::Ses
    }

    async fn run_operation(self: Arc<Self>, call: Call) -> Result<Reply, ServiceError> {
        if call.operation != "SendEmail" {
            return Err(ServiceError::unknown_operation("ses", &call.operation));
        }
        let input = call.json()?;
        let request = SendEmail::deserialize(input).map_err(|error| bad(error.to_string()))?;
        let mails = request.mails()?;
        let now_ms = self.context.clock.now_ms();
        let put =
            move |conn: &Connection| mails.iter().try_for_each(|m| mail::put(conn, m, now_ms));
        self.context.db.write(put).await?;
        let id = format!("{now_ms:016x}-{}-000000", Uuid::new_v4());
        Ok(Reply::Json(json!({ "MessageId": id })))
    }
}

/// The request, as far as it is served; a member that would change what is sent is refused.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail {
    from_email_address: Option<String>,
    #[serde(default)]
    destination: Destination,
    content: Content,
    configuration_set_name: Option<String>,
    list_management_options: Option<Value>,
    tenant_name: Option<Value>,
    feedback_forwarding_email_address: Option<Value>,
    configuration_overrides: Option<Value>,
    /// Checked, and not shown in the mailbox.
    #[serde(default)]
    reply_to_addresses: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Destination {
    #[serde(default, rename = "ToAddresses")]
    to: Vec<String>,
    #[serde(default, rename = "CcAddresses")]
    cc: Vec<String>,
    #[serde(default, rename = "BccAddresses")]
    bcc: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Option<Simple>,
    raw: Option<Value>,
    template: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Part,
    body: Body,
    #[serde(default)]
    attachments: Vec<Value>,
    #[serde(default)]
    headers: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    text: Option<Part>,
    html: Option<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    data: String,
    charset: Option<String>,
}

impl Part {
    /// Its text, if it is to be sent in a character set that mails have.
    fn text(self) -> Result<String, ServiceError> {
        match &self.charset {
            Some(charset)
                if !CHARSETS
                    .iter()
                    .any(|known| charset.eq_ignore_ascii_case(known)) =>
            {
                Err(bad(format!("Unknown charset: {charset}")))
            }
            _ => Ok(self.data),
        }
    }
}

/// Those that the API reference names, and the one that is meant without any.
const CHARSETS: [&str; 5] = [
    "UTF-8",
    "ISO-8859-1",
    "Shift_JIS",
    "US-ASCII",
    "7-bit ASCII",
];

/// The most recipients of one mail.
const MAX_RECIPIENTS: usize = 50;

impl SendEmail {
    /// One mail for each recipient.
    fn mails(self) -> Result<Vec<Mail>, ServiceError> {
        if let Some(name) = self.configuration_set_name {
            return Err(ServiceError::new(
                StatusCode::NOT_FOUND,
                "NotFoundException",
                format!("Configuration set <{name}> does not exist."),
            ));
        }
        let Content {
            simple,
            raw,
            template,
        } = self.content;
        for (set, name) in [
            (
                self.list_management_options.is_some(),
                "ListManagementOptions",
            ),
            (self.tenant_name.is_some(), "TenantName"),
            (
                self.feedback_forwarding_email_address.is_some(),
                "FeedbackForwardingEmailAddress",
            ),
            (
                self.configuration_overrides.is_some(),
                "ConfigurationOverrides",
            ),
            (raw.is_some(), "Content.Raw"),
            (template.is_some(), "Content.Template"),
            (
                simple.as_ref().is_some_and(|s| !s.attachments.is_empty()),
                "Attachments",
            ),
            (
                simple.as_ref().is_some_and(|s| !s.headers.is_empty()),
                "Headers",
            ),
        ] {
            if set {
                return Err(bad(format!("{name} is not served by this local AWS.")));
            }
        }
        let Simple { subject, body, .. } = simple.ok_or_else(|| bad("Content is missing."))?;
        let subject = subject.text()?;
        let text = body.text.map(Part::text).transpose()?;
        let html = body.html.map(Part::text).transpose()?;
        if text.is_none() && html.is_none() {
            return Err(bad("The body has neither a text nor an HTML part."));
        }
        if subject.contains(['\r', '\n']) {
            return Err(bad("The subject has a line break."));
        }
        let from = self
            .from_email_address
            .ok_or_else(|| bad("FromEmailAddress is missing."))?;
        check_address(&from)?;
        let Destination { to, cc, bcc } = self.destination;
        let recipients = [to, cc, bcc].concat();
        if !(1..=MAX_RECIPIENTS).contains(&recipients.len()) {
            return Err(bad(format!(
                "A mail has 1 to {MAX_RECIPIENTS} recipients, not {}.",
                recipients.len()
            )));
        }
        recipients
            .iter()
            .chain(&self.reply_to_addresses)
            .try_for_each(|address| check_address(address))?;
        let mail = |address: &String| Mail {
            from: from.clone(),
            to: bare_address(address).to_owned(),
            subject: subject.clone(),
            text: text.clone(),
            html: html.clone(),
        };
        Ok(recipients.iter().map(mail).collect())
    }
}

/// The address alone of `Ana <ana@example.com>`.
fn bare_address(address: &str) -> &str {
    let inside = address
        .trim()
        .strip_suffix('>')
        .and_then(|text| text.rsplit_once('<'));
    inside.map_or(address.trim(), |(_, bare)| bare)
}

fn check_address(address: &str) -> Result<(), ServiceError> {
    let bare = bare_address(address);
    let plain = !bare
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || "<>,;".contains(c));
    let shaped = bare
        .rsplit_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    // A line break in a header would begin another header.
    let one_line = !address.contains(['\r', '\n']);
    if plain && shaped && one_line {
        return Ok(());
    }
    Err(bad(format!("Illegal address: {address:?}")))
}

fn bad(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("BadRequestException", message)
}
