//! A local AWS in this process, and clients of the AWS SDK for Rust that talk to it.
//!
//! A package of its own, because the SDK takes longer to build than all the rest: who only wants
//! the local AWS does not wait for it.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use fotograma_local::{Config, Local};

/// A local AWS with a folder that outlives it.
pub struct Aws {
    /// The folder of its state.
    pub folder: tempfile::TempDir,
    /// The local AWS itself.
    pub local: Local,
    sdk: SdkConfig,
}

impl Aws {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When it does not start, as a test would.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let local = start(&folder, 0).await;
        let sdk = sdk(local.url()).await;
        Self { folder, local, sdk }
    }

    /// Ends it and starts it again on the same folder and port.
    #[must_use]
    pub async fn restart(self) -> Self {
        let port = self.local.addr().port();
        self.local.stop().await;
        let local = start(&self.folder, port).await;
        let sdk = sdk(local.url()).await;
        Self {
            local,
            sdk,
            folder: self.folder,
        }
    }

    /// A client.
    #[must_use]
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.sdk).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A client.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk)
    }

    /// A client.
    #[must_use]
    pub fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.sdk)
    }

    /// A client.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk)
    }

    /// A client.
    #[must_use]
    pub fn cognito(&self) -> aws_sdk_cognitoidentityprovider::Client {
        aws_sdk_cognitoidentityprovider::Client::new(&self.sdk)
    }

    /// A client.
    #[must_use]
    pub fn ses(&self) -> aws_sdk_sesv2::Client {
        aws_sdk_sesv2::Client::new(&self.sdk)
    }
}

async fn start(folder: &tempfile::TempDir, port: u16) -> Local {
    let config = Config {
        data_dir: Some(folder.path().to_owned()),
        port,
        ..Config::default()
    };
    Local::start(config).await.expect("a start")
}

/// What clients are made from, for a local AWS at an address.
pub async fn sdk(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .load()
        .await
}
