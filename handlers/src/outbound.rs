//! Plain HTTP calls that are no AWS API's: key sets, certificates, trace collectors. They go
//! through the SDK's own connector, so that there is one HTTP client and one TLS stack.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use bytes::Bytes;

/// A client for one peer.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    plain: bool,
    connector: Arc<OnceLock<Connector>>,
    timeout: Duration,
}

impl Outbound {
    /// A client for the peer at `url`, each of whose calls may take `timeout`; with TLS, and the
    /// system's root certificates, only where the address needs it.
    pub(crate) fn new(url: &str, timeout: Duration) -> Self {
        Self {
            plain: url.starts_with("http://"),
            connector: Arc::default(),
            timeout,
        }
    }

    /// Made when it is first needed: reading root certificates takes milliseconds.
    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| {
            let builder = Connector::builder();
            if self.plain {
                builder.build_http()
            } else {
                builder
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .build()
            }
        })
    }

    /// The body of what `url` answers.
    ///
    /// # Errors
    /// In words, when there is no answer in time or it is not a success.
    pub(crate) async fn get(&self, url: &str) -> Result<Bytes, String> {
        let request = http::Request::get(url)
            .body(Bytes::new())
            .map_err(|error| error.to_string())?;
        let response = self.send(request).await?;
        if !response.status().is_success() {
            return Err(format!("the answer is {}", response.status()));
        }
        Ok(response.into_body())
    }

    /// Sends a request; the answer's status and body.
    ///
    /// # Errors
    /// In words, when there is no answer in time.
    pub(crate) async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, String> {
        tokio::time::timeout(self.timeout, self.send_untimed(request))
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn send_untimed(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, String> {
        let request =
            HttpRequest::try_from(request.map(SdkBody::from)).map_err(|error| error.to_string())?;
        let response = self
            .connector()
            .call(request)
            .await
            .map_err(|error| format!("{error:?}"))?;
        let status = response.status().as_u16();
        let body = ByteStream::new(response.into_body()).collect().await;
        let body = body.map_err(|error| error.to_string())?.into_bytes();
        http::Response::builder()
            .status(status)
            .body(body)
            .map_err(|error| error.to_string())
    }
}
