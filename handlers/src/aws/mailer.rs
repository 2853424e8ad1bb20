//! Mail by SES.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use fotograma_core::domain::Mail;
use fotograma_core::ports::Mailer;
use fotograma_core::{Error, Result};

use super::Aws;
use super::error::fault;

/// [`Mailer`] over SES (version 2 of its API).
pub struct SesMailer(Arc<Aws>);

impl SesMailer {
    /// Mails from the address that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<()> {
        let body = Body::builder()
            .text(utf8(&mail.text)?)
            .html(utf8(&mail.html)?)
            .build();
        let message = Message::builder()
            .subject(utf8(&mail.subject)?)
            .body(body)
            .build();
        self.0
            .ses()
            .send_email()
            .from_email_address(self.0.settings().mail_from())
            .destination(Destination::builder().to_addresses(&mail.to).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await
            .map_err(|error| hide(fault("sesv2 SendEmail", &error), &mail.to))?;
        Ok(())
    }
}

/// An error without the address that SES repeats in it: errors are logged.
fn hide(error: Error, address: &str) -> Error {
    let without = |text: &str| text.replace(address, "(the address)");
    match error {
        Error::Rejected { status, detail } => Error::rejected(status, without(&detail)),
        Error::Permanent(cause) => Error::permanent(without(cause.message())),
        Error::Transient(cause) => Error::transient(without(cause.message())),
    }
}

fn utf8(text: &str) -> Result<Content> {
    let content = Content::builder().data(text).charset("UTF-8").build();
    content.map_err(|error| Error::permanent(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_repeat_the_address() {
        let said = "Email address is not verified: ana@example.com";
        for error in [
            Error::permanent(said.to_owned()),
            Error::transient(said.to_owned()),
        ] {
            assert!(!hide(error, "ana@example.com").to_string().contains("ana@"));
        }
    }
}
