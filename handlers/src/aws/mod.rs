//! The ports over the AWS SDKs: real AWS, the embedded one, or any other that speaks its
//! protocols. Each port is one file; what they share is here.

mod cursor;
mod error;
mod identity;
mod item;
mod jobs;
mod lookup;
mod mailer;
mod objects;
mod part_uploads;
pub mod provision;
mod queue;
pub mod redrive;
mod s3_source;
mod settings;
mod topic;
mod upload;
mod videos;

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_cognitoidentityprovider::Client as Cognito;
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_s3::Client as S3;
use aws_sdk_sesv2::Client as Ses;
use aws_sdk_sns::Client as Sns;
use aws_sdk_sqs::Client as Sqs;
use aws_smithy_http_client::pool::{self, ConnectionPool, DriverSpawner, Partition, PartitionId};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

pub(crate) use error::UNREACHABLE;
pub use identity::CognitoIdentity;
pub use jobs::SqsJobs;
pub use mailer::SesMailer;
pub use objects::{S3Files, S3Objects};
pub use part_uploads::S3PartUploads;
pub use queue::SqsQueue;
pub use s3_source::S3Source;
pub use settings::AwsSettings;
pub use topic::SnsTopic;
pub use upload::{AnswerLimits, S3Sink, Upload};
pub use videos::DynamoVideos;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one try of a call may take; a long poll (20 s) must fit.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How often a call is tried when what stops it may pass.
const ATTEMPTS: u32 = 3;
/// The region of an AWS that has none of its own.
const ANY_REGION: &str = "us-east-1";

/// The AWS that the ports talk to: one configuration, and a client for each service that is
/// made when it is first used, so that a feature pays only for what it touches.
#[derive(Debug)]
pub struct Aws {
    settings: AwsSettings,
    sdk: SdkConfig,
    found: lookup::Found,
    cognito: OnceLock<Cognito>,
    dynamodb: OnceLock<DynamoDb>,
    s3: OnceLock<S3>,
    ses: OnceLock<Ses>,
    sns: OnceLock<Sns>,
    sqs: OnceLock<Sqs>,
}

impl Aws {
    /// Reads what the settings leave open (region, credentials) from the SDK's usual places;
    /// talks to no service yet.
    pub async fn new(settings: AwsSettings) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client(settings.endpoint_url.as_deref()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .operation_attempt_timeout(ATTEMPT)
                    .build(),
            );
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        match (&settings.region, &settings.endpoint_url) {
            (Some(region), _) => loader = loader.region(Region::new(region.clone())),
            // Where it is not AWS itself, any region will do, and the machine's metadata service,
            // which is asked last, is not there to tell one.
            (None, Some(_)) => {
                let region =
                    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
                        .or_else(ProfileFileRegionProvider::new())
                        .or_else(ANY_REGION);
                loader = loader.region(region);
            }
            (None, None) => {}
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some((key, secret)) = &settings.credentials {
            let credentials = Credentials::new(key, secret, None, None, "settings");
            loader = loader.credentials_provider(credentials);
        }
        Self {
            settings,
            sdk: loader.load().await,
            found: lookup::Found::default(),
            cognito: OnceLock::new(),
            dynamodb: OnceLock::new(),
            s3: OnceLock::new(),
            ses: OnceLock::new(),
            sns: OnceLock::new(),
            sqs: OnceLock::new(),
        }
    }

    /// What it was made from.
    #[must_use]
    pub fn settings(&self) -> &AwsSettings {
        &self.settings
    }

    /// The region; empty where none is configured, which every call then reports.
    #[must_use]
    pub fn region(&self) -> &str {
        self.sdk.region().map_or("", Region::as_ref)
    }

    /// The identity provider's client.
    pub fn cognito(&self) -> &Cognito {
        self.cognito.get_or_init(|| Cognito::new(&self.sdk))
    }

    /// The status table's client.
    pub fn dynamodb(&self) -> &DynamoDb {
        self.dynamodb.get_or_init(|| DynamoDb::new(&self.sdk))
    }

    /// The object store's client.
    pub fn s3(&self) -> &S3 {
        self.s3.get_or_init(|| {
            // Buckets as host names need a DNS that only AWS has.
            let path_style = self.settings.endpoint_url.is_some();
            let config = aws_sdk_s3::config::Builder::from(&self.sdk)
                .force_path_style(path_style)
                .build();
            S3::from_conf(config)
        })
    }

    /// The mailer's client.
    pub fn ses(&self) -> &Ses {
        self.ses.get_or_init(|| Ses::new(&self.sdk))
    }

    /// The topic's client.
    pub fn sns(&self) -> &Sns {
        self.sns.get_or_init(|| Sns::new(&self.sdk))
    }

    /// The queues' client.
    pub fn sqs(&self) -> &Sqs {
        self.sqs.get_or_init(|| Sqs::new(&self.sdk))
    }
}

/// After how long without a word a connection is tried: a peer that has vanished is noticed, and what
/// stands between does not forget the connection while a long answer is waited for.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(20);

/// An HTTP client; TLS, with the system's root certificates, only where the endpoint needs it,
/// so that an image without certificates can still use a plain one.
fn http_client(endpoint_url: Option<&str>) -> SharedHttpClient {
    // Connections belong to the runtime that makes them.
    let here = DriverSpawner::from_fn(|connection| drop(tokio::spawn(connection)));
    let only = PartitionId::from_index(0);
    let builder = ConnectionPool::builder()
        .tcp_keepalive(TCP_KEEP_ALIVE)
        .partitions([Partition::new(only, here)]);
    let pool = if is_plain(endpoint_url) {
        builder.build_http()
    } else {
        let tls = builder.tls_provider(Provider::Rustls(CryptoMode::Ring));
        tls.build_https()
    };
    let pool = pool.expect("a pool of one partition without limits");
    let client = pool::Client::from_partition(&pool, only).expect("the partition of this pool");
    SharedHttpClient::new(Unprepared(client))
}

/// A client that is not asked to prepare itself when an SDK's client is made: it would read all
/// root certificates, which takes milliseconds of a function's start and may never be needed. It
/// does so at its first call.
#[derive(Debug)]
struct Unprepared(pool::Client);

impl HttpClient for Unprepared {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }
}

/// Whether an endpoint is reached without TLS.
fn is_plain(endpoint_url: Option<&str>) -> bool {
    endpoint_url.is_some_and(|url| url.starts_with("http://"))
}
