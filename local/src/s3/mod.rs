//! S3: the protocol is `s3s`'s, the store is ours. Bodies are files in one folder, everything else
//! is in the state database.

mod access;
mod answer;
mod api;
mod assembly;
mod blobs;
mod buckets;
mod change;
mod checksums;
mod conditions;
mod copying;
mod cors;
mod declared;
mod error;
mod events;
mod landing;
mod listing;
mod multipart;
mod notifications;
mod objects;
mod reading;
mod refuse;
mod store;
mod subresource;
mod sweep;
mod upload;
mod upload_lists;

use std::sync::Arc;

use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode};

use crate::dispatch::Cut;
use crate::faults::Verdict;
use crate::http_types::{Request, Response};
use crate::lent::{Lent, lend};
use crate::state::State;

use access::Gate;
use cors::Question;
use error::S3Failure;

pub(crate) use blobs::Blobs;
pub(crate) use store::SCHEMA;
pub(crate) use sweep::start;

/// The store behind the protocol.
#[derive(Clone)]
struct Store {
    state: Arc<State>,
}

/// S3 as the dispatcher calls it.
#[derive(Clone)]
pub(crate) struct Service {
    protocol: S3Service,
    store: Store,
}

impl Service {
    pub(crate) fn new(state: &Arc<State>) -> Self {
        let store = Store {
            state: Arc::clone(state),
        };
        let mut builder = S3ServiceBuilder::new(store.clone());
        builder.set_auth(access::Keys::new(state));
        builder.set_access(Gate::new(state));
        Self {
            protocol: builder.build(),
            store,
        }
    }

    /// Answers one request; an error is told in S3's own form.
    pub(crate) async fn handle(&self, request: Request, request_id: &str) -> Result<Response, Cut> {
        let question = Question::read(&request);
        let rules = match &question {
            Some(_) => self.rules(request.uri().path()).await,
            None => None,
        };
        let allowed = question
            .as_ref()
            .and_then(|q| q.answer(rules.as_deref().unwrap_or_default()));
        let asked = answer::Asked::read(&request);
        let (head, body) = request.into_parts();
        let (body, returned) = lend(body);
        let request = http::Request::from_parts(head, body);
        let mut response = if question.as_ref().is_some_and(Question::is_preflight) {
            match &allowed {
                Some(_) => Response::new(s3s::Body::empty()),
                None => answer::of_error(cors::forbidden(rules.is_some())),
            }
        } else if let Err(refusal) = access::before(&self.store.state, &request) {
            drop(request);
            answer::of_error(refusal)
        } else {
            self.call(request).await?
        };
        returned.settle(&mut response).await;
        answer::finish(&mut response, &asked, request_id);
        if let Some(headers) = allowed {
            response.headers_mut().extend(headers);
        }
        Ok(response)
    }

    async fn call(&self, request: http::Request<Lent>) -> Result<Response, Cut> {
        let verdict = access::Sentence::default();
        let mut request = request.map(s3s::Body::http_body_unsync);
        request.extensions_mut().insert(verdict.clone());
        let response = match self.protocol.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(?error, "the S3 protocol failed");
                answer::of_error(S3Error::new(S3ErrorCode::InternalError))
            }
        };
        match verdict.get() {
            Verdict::Run => Ok(response),
            Verdict::Cut | Verdict::RunThenCut => Err(Cut),
        }
    }

    /// The CORS rules of the bucket that a path begins with.
    async fn rules(&self, path: &str) -> Option<Vec<cors::Rule>> {
        let bucket = path.trim_start_matches('/').split('/').next()?.to_owned();
        let stored = self
            .store
            .read(move |c| store::bucket_config(c, "cors", &bucket))
            .await;
        match stored {
            Ok(stored) => serde_json::from_str(&stored?).ok(),
            Err(S3Failure(_)) => None,
        }
    }
}
