//! What feeds the handlers: Lambda, a queue worker and an HTTP server.
//!
//! They know no feature and no video: they run any table of [`Feature`]s over any context, and
//! what they need of the world beyond a value in memory comes through the small traits here.

pub mod claims;
pub mod forms;
pub mod http;
pub mod invoke;
pub mod lambda;
#[cfg(test)]
mod nobody;
pub mod openapi;
mod request;
pub mod schedule;
pub mod server;
pub mod worker;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::feature::{Caller, Feature};
use futures::stream::BoxStream;

/// A table of features and all that is needed to run them.
pub struct Host<C: 'static> {
    /// What every handler gets.
    pub context: Arc<C>,
    /// The rows.
    pub table: &'static [Feature<C>],
    /// Who a token belongs to.
    pub authenticate: Arc<dyn Authenticate>,
    /// Where the file of a form goes.
    pub files: Arc<dyn Files>,
}

impl<C> Clone for Host<C> {
    fn clone(&self) -> Self {
        Self {
            context: Arc::clone(&self.context),
            table: self.table,
            authenticate: Arc::clone(&self.authenticate),
            files: Arc::clone(&self.files),
        }
    }
}

impl<C> Host<C> {
    /// The features that `name` stands for: one of that name, or all of a service.
    pub fn features(&self, name: &str) -> impl Iterator<Item = &'static Feature<C>> {
        self.table
            .iter()
            .filter(move |feature| feature.name == name || feature.service == name)
    }
}

/// Tells who a token belongs to.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// The caller that a bearer token stands for.
    ///
    /// # Errors
    /// 401 for a token that is not valid; try again when the keys cannot be fetched.
    async fn caller(&self, token: &str) -> fotograma_core::Result<Caller>;
}

/// Takes the file of a form, which is no value in memory, and keeps it under a key.
#[async_trait]
pub trait Files: Send + Sync {
    /// Streams a file into the object `key`; gives its length in bytes. Nothing stays if the
    /// stream breaks off.
    ///
    /// # Errors
    /// The user's fault for a stream that breaks off or is too long.
    async fn store(
        &self,
        key: &str,
        content_type: Option<&str>,
        file: BoxStream<'_, fotograma_core::Result<Bytes>>,
    ) -> fotograma_core::Result<u64>;

    /// Removes what was stored; no error if it is not there.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove(&self, key: &str) -> fotograma_core::Result<()>;
}
