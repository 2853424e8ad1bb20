//! Mail by SES.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_sesv2::config::Builder as ConfigBuilder;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::{SendEmailError, SendEmailOutput};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use fotograma_core::domain::Mail;
use fotograma_core::ports::{MailSent, Mailer};
use fotograma_core::{Error, Result};

use super::Aws;
use super::error::{may_have_been_done, sdk_error};

/// [`Mailer`] over SES (version 2 of its API).
pub struct SesMailer(Arc<Aws>);

impl SesMailer {
    /// Mails from the address that `aws` names.
    #[must_use]
    pub fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }
}

impl SesMailer {
    async fn send_email(
        &self,
        to: Destination,
        content: EmailContent,
    ) -> std::result::Result<SendEmailOutput, SdkError<SendEmailError, HttpResponse>> {
        self.0
            .ses()
            .send_email()
            .from_email_address(self.0.settings().mail_from())
            .destination(to)
            .content(content)
            .customize()
            .config_override(send_once())
            .send()
            .await
    }
}

fn content(mail: &Mail) -> Result<EmailContent> {
    let body = Body::builder()
        .text(utf8(&mail.text)?)
        .html(utf8(&mail.html)?)
        .build();
    let message = Message::builder()
        .subject(utf8(&mail.subject)?)
        .body(body)
        .build();
    Ok(EmailContent::builder().simple(message).build())
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<MailSent> {
        let to = Destination::builder().to_addresses(&mail.to).build();
        match self.send_email(to, content(mail)?).await {
            Ok(_) => Ok(MailSent::Accepted),
            Err(error) => {
                let told = mail_error(&error, &mail.to);
                if may_have_been_done(&error) {
                    tracing::warn!(error = %told, "nobody knows whether a mail has gone");
                    return Ok(MailSent::Unknown);
                }
                Err(told)
            }
        }
    }

    async fn check(&self) -> Result<()> {
        // A mail to nobody goes to nobody; the same call by the same permission tells the most.
        let mail = Mail {
            to: String::new(),
            subject: "nothing".to_owned(),
            text: "nothing".to_owned(),
            html: "nothing".to_owned(),
        };
        let nobody = Destination::builder().build();
        match self.send_email(nobody, content(&mail)?).await {
            Err(error) if !is_bad_mail(&error) => Err(sdk_error("sesv2 SendEmail", &error)),
            _ => Ok(()),
        }
    }
}

/// Codes by which SES refuses the mail itself: another try is refused as well.
const BAD_MAIL: [&str; 2] = ["BadRequestException", "InvalidParameterValue"];

/// What a refusal of SES means, without the address that SES repeats in it: errors are logged.
fn mail_error(error: &SdkError<SendEmailError, HttpResponse>, address: &str) -> Error {
    match without_address(&sdk_error("sesv2 SendEmail", error), address) {
        Error::Operational(cause) if is_bad_mail(error) => Error::Permanent(cause),
        told => told,
    }
}

fn is_bad_mail(error: &SdkError<SendEmailError, HttpResponse>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| BAD_MAIL.contains(&code))
}

fn without_address(error: &Error, address: &str) -> Error {
    let text = error.to_string().replace(address, "(the address)");
    match error {
        Error::Rejected { status, .. } => Error::rejected(*status, text),
        Error::Permanent(_) => Error::permanent(text),
        Error::Transient(_) => Error::transient(text),
        Error::Operational(_) => Error::operational(text),
    }
}

/// SES has no token that would make a second try the same mail: what comes of a lost answer is left to
/// the claim in the video's record.
fn send_once() -> ConfigBuilder {
    aws_sdk_sesv2::Config::builder().retry_config(RetryConfig::disabled())
}

fn utf8(text: &str) -> Result<Content> {
    let content = Content::builder().data(text).charset("UTF-8").build();
    content.map_err(|error| Error::operational(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_repeat_the_address() {
        let said = "Email address is not verified: ana@example.com";
        for error in [Error::operational(said), Error::transient(said)] {
            let told = without_address(&error, "ana@example.com");
            assert!(!told.to_string().contains("ana@"));
            assert_eq!(
                std::mem::discriminant(&told),
                std::mem::discriminant(&error)
            );
        }
    }
}
