//! The signature of what SNS posts:
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html>.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY as SHA1, RSA_PKCS1_2048_8192_SHA256 as SHA256,
    UnparsedPublicKey,
};
use x509_cert::Certificate;
use x509_cert::der::DecodePem;

use super::Posted;

/// Whether an address is that of a certificate of SNS: on its own host in the topic's region, by HTTPS,
/// under the name that it gives them. Anybody can sign with a certificate from somewhere else.
pub(super) fn is_of_sns(url: &str, topic_arn: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    let authority = uri.authority().map(http::uri::Authority::as_str);
    let region = authority
        .and_then(|host| host.strip_prefix("sns."))
        .and_then(|rest| {
            rest.strip_suffix(".amazonaws.com")
                .or_else(|| rest.strip_suffix(".amazonaws.com.cn"))
        });
    let name = uri.path().strip_prefix("/SimpleNotificationService-");
    let name = name.and_then(|name| name.strip_suffix(".pem"));
    uri.scheme() == Some(&http::uri::Scheme::HTTPS)
        && region.is_some_and(|region| !region.is_empty())
        && region == topic_arn.split(':').nth(3)
        && name.is_some_and(|name| !name.contains('/'))
        && uri.query().is_none()
}

/// Checks that the message was signed by the key of this certificate (PEM).
pub(super) fn verify(posted: &Posted, certificate: &[u8]) -> Result<(), &'static str> {
    let algorithm = match posted.signature_version.as_str() {
        "1" => &SHA1,
        "2" => &SHA256,
        _ => return Err("the signature's version is not known"),
    };
    let certificate =
        Certificate::from_pem(certificate).map_err(|_| "the certificate cannot be read")?;
    let key = certificate.tbs_certificate.subject_public_key_info;
    let signature = STANDARD
        .decode(&posted.signature)
        .map_err(|_| "the signature is not base64")?;
    UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes())
        .verify(text(posted).as_bytes(), &signature)
        .map_err(|_| "the signature does not fit")
}

/// What is signed: some of the fields, by name.
fn text(posted: &Posted) -> String {
    let subscribes = posted.r#type != "Notification";
    let only = |wanted: bool, value: &Option<String>| value.clone().filter(|_| wanted);
    let fields = [
        ("Message", Some(posted.message.clone())),
        ("MessageId", Some(posted.message_id.clone())),
        ("Subject", only(!subscribes, &posted.subject)),
        ("SubscribeURL", only(subscribes, &posted.subscribe_url)),
        ("Timestamp", Some(posted.timestamp.clone())),
        ("Token", only(subscribes, &posted.token)),
        ("TopicArn", Some(posted.topic_arn.clone())),
        ("Type", Some(posted.r#type.clone())),
    ];
    let mut text = String::new();
    for (name, value) in fields {
        if let Some(value) = value {
            // Writing to a string does not fail.
            let _ = write!(text, "{name}\n{value}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_must_be_from_aws() {
        let file = "SimpleNotificationService-0.pem";
        for (host, region) in [
            ("sns.us-east-1.amazonaws.com", "us-east-1"),
            ("sns.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ] {
            let topic = format!("arn:aws:sns:{region}:000000000000:t");
            assert!(is_of_sns(&format!("https://{host}/{file}"), &topic));
        }
        let topic = "arn:aws:sns:us-east-1:000000000000:t";
        for other in [
            format!("http://sns.us-east-1.amazonaws.com/{file}"),
            format!("https://sns.us-east-1.amazonaws.com.evil.example/{file}"),
            format!("https://evil.example/sns.us-east-1.amazonaws.com/{file}"),
            format!("https://sns.us-east-1.amazonaws.com@evil.example/{file}"),
            format!("https://sns.us-east-1.amazonaws.com:8443/{file}"),
            format!("https://sns.evil.example/.amazonaws.com/{file}"),
            format!("https://sns.a.b.amazonaws.com/{file}"),
            format!("https://sns.eu-west-1.amazonaws.com/{file}"),
            format!("https://s3.amazonaws.com/{file}"),
            format!("https://sns.us-east-1.amazonaws.com/{file}?x=.pem"),
            format!("https://sns.us-east-1.amazonaws.com/x/{file}"),
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-/x/.pem".to_owned(),
            "https://sns.us-east-1.amazonaws.com/a.pem".to_owned(),
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0".to_owned(),
            String::new(),
        ] {
            assert!(!is_of_sns(&other, topic), "{other}");
        }
        assert!(!is_of_sns(
            &format!("https://sns..amazonaws.com/{file}"),
            "arn:aws:sns::0:t"
        ));
    }
}
