//! A host for tests whose features are public and take no files.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fotograma_core::Result;
use fotograma_core::feature::{Caller, Feature};
use futures::stream::BoxStream;

use super::{Authenticate, Files, Host};

struct Nobody;

pub(super) fn host<C>(context: C, table: &'static [Feature<C>]) -> Host<C> {
    Host {
        context: Arc::new(context),
        table,
        authenticate: Arc::new(Nobody),
        files: Arc::new(Nobody),
    }
}

#[async_trait]
impl Authenticate for Nobody {
    async fn caller(&self, _: &str) -> Result<Caller> {
        unreachable!("all is public")
    }
}

#[async_trait]
impl Files for Nobody {
    async fn store(
        &self,
        _: &str,
        _: Option<&str>,
        _: BoxStream<'_, Result<Bytes>>,
    ) -> Result<u64> {
        unreachable!("there is no form")
    }

    async fn remove(&self, _: &str) -> Result<()> {
        unreachable!("there is no form")
    }
}
