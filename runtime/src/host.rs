//! A table of features with all that is needed to run them. What an adapter needs of the world
//! beyond a value in memory comes through the small traits here.

use std::sync::Arc;

use ::http::HeaderValue;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use tracing::Span;

use crate::rate_limits::RateLimits;
use crate::{Caller, Context, Error, Feature, FormLimits, LinkTraces, Result};

/// A table of features and all that is needed to run them.
pub struct Host<C: Context> {
    /// What every handler gets.
    pub context: Arc<C>,
    /// The rows.
    pub table: &'static [Feature<C>],
    /// Who a token belongs to.
    pub(crate) authenticate: Arc<dyn Authenticator>,
    /// Where the file of a form goes.
    pub(crate) files: Arc<dyn FileStore>,
    /// What forms may cost.
    pub(crate) form_limits: FormLimits,
    /// How often routes may be used, where that is limited.
    pub(crate) rate_limits: Option<Arc<RateLimits>>,
    /// The origins whose pages may read answers; any, where there is no list.
    pub(crate) allowed_origins: Option<Arc<[HeaderValue]>>,
    /// What a gateway puts before every route.
    pub(crate) base_path: Arc<str>,
    /// How spans become part of traces that began elsewhere, where there are traces.
    pub(crate) traces: Option<Arc<dyn LinkTraces>>,
}

impl<C: Context> Clone for Host<C> {
    fn clone(&self) -> Self {
        Self {
            context: Arc::clone(&self.context),
            table: self.table,
            authenticate: Arc::clone(&self.authenticate),
            files: Arc::clone(&self.files),
            form_limits: self.form_limits,
            rate_limits: self.rate_limits.clone(),
            allowed_origins: self.allowed_origins.clone(),
            base_path: Arc::clone(&self.base_path),
            traces: self.traces.clone(),
        }
    }
}

impl<C: Context> Host<C> {
    /// A host of these features. Until it is told otherwise, no token is anybody's and no file
    /// is taken.
    #[must_use]
    pub fn new(context: C, table: &'static [Feature<C>]) -> Self {
        Self {
            context: Arc::new(context),
            table,
            authenticate: Arc::new(Nothing),
            files: Arc::new(Nothing),
            form_limits: FormLimits::default(),
            rate_limits: None,
            allowed_origins: None,
            base_path: "".into(),
            traces: None,
        }
    }

    /// The same host, which asks `authenticate` who a token belongs to.
    #[must_use]
    pub fn with_authenticator(self, authenticate: Arc<dyn Authenticator>) -> Self {
        Self {
            authenticate,
            ..self
        }
    }

    /// The same host, which gives the files of forms to `files`.
    #[must_use]
    pub fn with_file_store(self, files: Arc<dyn FileStore>) -> Self {
        Self { files, ..self }
    }

    /// The same host, with other limits on what forms may cost.
    #[must_use]
    pub fn with_form_limits(self, form_limits: FormLimits) -> Self {
        Self {
            form_limits,
            ..self
        }
    }

    /// The same host, whose routes may be used so often.
    #[must_use]
    pub fn with_rate_limits(self, rate_limits: RateLimits) -> Self {
        Self {
            rate_limits: Some(Arc::new(rate_limits)),
            ..self
        }
    }

    /// The same host, whose answers only pages of these origins may read (CORS).
    #[must_use]
    pub fn with_allowed_origins(self, origins: Vec<HeaderValue>) -> Self {
        Self {
            allowed_origins: Some(origins.into()),
            ..self
        }
    }

    /// The same host, behind a gateway's custom domain that puts `base_path` before every route.
    #[must_use]
    pub fn with_base_path(self, base_path: &str) -> Self {
        Self {
            base_path: base_path.into(),
            ..self
        }
    }

    /// The same host, whose spans `traces` links to those of other processes.
    #[must_use]
    pub fn with_traces(self, traces: Arc<dyn LinkTraces>) -> Self {
        Self {
            traces: Some(traces),
            ..self
        }
    }

    /// The same host with another context.
    #[must_use]
    pub fn with_context(&self, context: C) -> Self {
        Self {
            context: Arc::new(context),
            ..self.clone()
        }
    }

    /// The features that `name` stands for: one of that name, or all of a service.
    pub fn features(&self, name: &str) -> impl Iterator<Item = &'static Feature<C>> {
        self.table
            .iter()
            .filter(move |feature| feature.name == name || feature.service == name)
    }

    /// Makes `span` part of the trace that `traceparent` finds, if spans go anywhere.
    pub(crate) fn follow(&self, span: &Span, traceparent: impl FnOnce() -> Option<String>) {
        if let Some(traces) = &self.traces
            && let Some(parent) = traceparent()
        {
            traces.set_parent(span, &parent);
        }
    }
}

/// Tells who a token belongs to.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// The caller that a bearer token stands for.
    ///
    /// # Errors
    /// 401 for a token that is not valid; [`Error::Transient`] when the keys cannot be fetched.
    async fn caller(&self, token: &str) -> Result<Caller>;
}

/// Takes the file of a form, which is no value in memory, and keeps it under a key.
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Streams a file into the object `key`; gives its length in bytes. Nothing stays if the
    /// stream breaks off.
    ///
    /// # Errors
    /// The caller's fault for a stream that breaks off or is too long.
    async fn store(
        &self,
        key: &str,
        content_type: Option<&str>,
        file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64>;

    /// Removes what was stored; no error if it is not there.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove(&self, key: &str) -> Result<()>;
}

/// What stands behind a host that was not told whom to ask.
struct Nothing;

#[async_trait]
impl Authenticator for Nothing {
    async fn caller(&self, _token: &str) -> Result<Caller> {
        let status = ::http::StatusCode::UNAUTHORIZED;
        Err(Error::rejected(status, "no tokens are taken here"))
    }
}

#[async_trait]
impl FileStore for Nothing {
    async fn store(
        &self,
        key: &str,
        _content_type: Option<&str>,
        _file: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        Err(Error::permanent(format!("there is no store for {key}")))
    }

    async fn remove(&self, _key: &str) -> Result<()> {
        Ok(())
    }
}
