//! S3: the protocol is `s3s`'s, the store is ours. Bodies are files in one folder, everything else
//! is in the state database.

mod access;
mod answer;
mod api;
mod blobs;
mod buckets;
mod checksums;
mod complete;
mod conditions;
mod copying;
mod cors;
mod defaults;
mod error;
mod ingest;
mod listing;
mod meta;
mod multipart;
mod notifications;
mod objects;
mod reading;
mod refuse;
mod rows;
mod store;
mod sweep;
mod upload_lists;

use std::path::Path;
use std::sync::Arc;

use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use crate::browsers;
use crate::context::Context;
use crate::drained_body::{DrainedBody, drain_when_dropped};
use crate::faults::Cut;
use crate::http_types::{Request, Response};
use crate::sqs::Sqs;

use access::{DecidedEffect, Gate};
use blobs::Blobs;
use cors::Question;
use error::S3Failure;
use rows::BucketConfig;
use store::Store;

pub(crate) use rows::SCHEMA;

/// Bytes of a file that comes in a form, which `s3s` holds in memory.
const MAX_FORM_FILE: u64 = 256 << 20;

/// S3 as the dispatcher calls it.
#[derive(Clone)]
pub(crate) struct S3 {
    protocol: S3Service,
    store: Store,
}

impl S3 {
    /// Serves the objects whose bodies are in `folder`, and sweeps it now and then.
    pub(crate) fn open(context: &Arc<Context>, sqs: &Arc<Sqs>, folder: &Path) -> Self {
        let store = Store {
            context: Arc::clone(context),
            sqs: Arc::clone(sqs),
            blobs: Blobs::new(folder),
        };
        let mut builder = S3ServiceBuilder::new(store.clone());
        builder.set_auth(access::Keys::new(context));
        builder.set_access(Gate::new(context));
        let mut config = S3Config::default();
        config.post_object_max_file_size = MAX_FORM_FILE;
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        context
            .tasks
            .spawn(sweep::sweep_until_stopped(store.clone()));
        Self {
            protocol: builder.build(),
            store,
        }
    }

    /// Answers one request; an error is told in S3's own form.
    pub(crate) async fn answer(&self, request: Request, request_id: &str) -> Result<Response, Cut> {
        let question = Question::from_request(&request);
        let rules = match &question {
            Some(_) => self.cors_rules(request.uri().path()).await,
            None => None,
        };
        let allowed = question
            .as_ref()
            .and_then(|q| q.answer(rules.as_deref().unwrap_or_default()));
        let asked = answer::Asked::from_request(&request);
        let (head, body) = request.into_parts();
        let (body, rest) = drain_when_dropped(body);
        let request = http::Request::from_parts(head, body);
        let is_write = !request.method().is_safe();
        let is_foreign = browsers::is_cross_origin(request.headers());
        let mut response = if question.as_ref().is_some_and(Question::is_preflight) {
            match &allowed {
                Some(_) => Response::new(s3s::Body::empty()),
                None => answer::from_error(cors::forbidden(rules.is_some())),
            }
        } else if is_write && is_foreign && allowed.is_none() {
            drop(request);
            answer::from_error(cors::forbidden(rules.is_some()))
        } else if let Err(refusal) = access::check_head(&self.store.context, &request) {
            drop(request);
            answer::from_error(refusal)
        } else {
            self.call(request).await?
        };
        rest.drain(&mut response).await;
        answer::finish(&mut response, &asked, request_id);
        if let Some(headers) = allowed {
            response.headers_mut().extend(headers);
        }
        Ok(response)
    }

    /// Calls the protocol, without a log: to `s3s` each refusal is an error of its own.
    async fn call(&self, request: http::Request<DrainedBody>) -> Result<Response, Cut> {
        let effect = DecidedEffect::default();
        let mut request = request.map(s3s::Body::http_body_unsync);
        request.extensions_mut().insert(effect.clone());
        let log = tracing::dispatcher::get_default(Dispatch::clone);
        request.extensions_mut().insert(log);
        let call = self.protocol.call(request);
        let response = match call.with_subscriber(NoSubscriber::new()).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(?error, "the S3 protocol failed");
                answer::from_error(S3Error::new(S3ErrorCode::InternalError))
            }
        };
        effect.get().after().await?;
        Ok(response)
    }

    /// The CORS rules of the bucket that a path begins with.
    async fn cors_rules(&self, path: &str) -> Option<Vec<cors::Rule>> {
        let bucket = path.trim_start_matches('/').split('/').next()?.to_owned();
        let stored = self.store.read(move |c| BucketConfig::Cors.get(c, &bucket));
        match stored.await {
            Ok(stored) => serde_json::from_str(&stored?).ok(),
            Err(S3Failure(_)) => None,
        }
    }
}
