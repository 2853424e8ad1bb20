//! Which AWS, and what things are called there.

use std::collections::BTreeMap;

use fotograma_core::features::resources::VIDEO_TOPIC;

/// Which AWS, and what things are called there. Names that are not given derive from the stage:
/// `tech5-<stage>-…`.
#[derive(Clone)]
pub struct AwsSettings {
    /// Where AWS is, if not in its own place: `http://127.0.0.1:4566`.
    pub endpoint_url: Option<String>,
    /// The region; the SDK's usual places say it otherwise.
    pub region: Option<String>,
    /// The profile of AWS's own files whose account is used; what the SDK finds otherwise.
    pub profile: Option<String>,
    /// Access key and secret; the SDK's usual places say them otherwise.
    pub credentials: Option<(String, String)>,
    /// The stage that names derive from.
    pub stage: String,
    /// The bucket of uploads and zips.
    pub bucket: Option<String>,
    /// The status table.
    pub table: Option<String>,
    /// The topic of outcomes; found by its name otherwise.
    pub topic_arn: Option<String>,
    /// Addresses of queues by their resource names; found by their names otherwise.
    pub queue_urls: BTreeMap<String, String>,
    /// The user pool; found by its name otherwise.
    pub user_pool_id: Option<String>,
    /// The pool's app client; found by its name otherwise.
    pub client_id: Option<String>,
    /// The issuer that tokens must name; derived from pool, region and endpoint otherwise.
    pub issuer: Option<String>,
    /// Who mails are from; a real SES wants it verified.
    pub mail_from: Option<String>,
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            endpoint_url: None,
            region: None,
            profile: None,
            credentials: None,
            stage: "dev".to_owned(),
            bucket: None,
            table: None,
            topic_arn: None,
            queue_urls: BTreeMap::new(),
            user_pool_id: None,
            client_id: None,
            issuer: None,
            mail_from: None,
        }
    }
}

impl std::fmt::Debug for AwsSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Settings are logged; the secret is not.
        f.debug_struct("AwsSettings")
            .field("endpoint_url", &self.endpoint_url)
            .field("region", &self.region)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl AwsSettings {
    /// The full name of a resource: `tech5-<stage>-<resource>`.
    #[must_use]
    pub fn name(&self, resource: &str) -> String {
        format!("tech5-{}-{resource}", self.stage)
    }

    /// The bucket of uploads and zips.
    #[must_use]
    pub fn bucket(&self) -> String {
        self.bucket.clone().unwrap_or_else(|| self.name("videos"))
    }

    /// The status table.
    #[must_use]
    pub fn table(&self) -> String {
        self.table
            .clone()
            .unwrap_or_else(|| self.name("video-status"))
    }

    /// The topic's name, by which its ARN is found.
    #[must_use]
    pub fn topic_name(&self) -> String {
        self.name(VIDEO_TOPIC)
    }

    /// The user pool's name, by which its id is found.
    #[must_use]
    pub fn user_pool_name(&self) -> String {
        self.name("users")
    }

    /// The app client's name, by which its id is found.
    #[must_use]
    pub fn client_name(&self) -> String {
        self.name("app")
    }

    /// Who mails are from.
    #[must_use]
    pub fn mail_from(&self) -> &str {
        self.mail_from.as_deref().unwrap_or("fotograma@example.com")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_derive_from_the_stage_unless_given() {
        let mut settings = AwsSettings::default();
        assert_eq!(settings.bucket(), "tech5-dev-videos");
        assert_eq!(settings.table(), "tech5-dev-video-status");
        assert_eq!(settings.name("video-dlq"), "tech5-dev-video-dlq");
        assert_eq!(settings.topic_name(), "tech5-dev-video-topic");
        settings.stage = "prod".to_owned();
        settings.bucket = Some("mine".to_owned());
        assert_eq!(settings.bucket(), "mine");
        assert_eq!(settings.table(), "tech5-prod-video-status");
    }

    #[test]
    fn the_secret_is_not_shown() {
        let credentials = Some(("key".to_owned(), "hush".to_owned()));
        let settings = AwsSettings {
            credentials,
            ..AwsSettings::default()
        };
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
