//! Handlers over AWS event types, written once and run unchanged as Lambda functions, as SQS
//! long-poll workers and as HTTP servers.
//!
//! A handler is a free function, context first: `async fn handle(context: &C, event: SqsEvent) ->
//! Result<SqsBatchResponse>`. A [`Feature`] is a row of a table: the handler, what sets it off
//! and who may call it. The table is all that the adapters know of an application.
//!
//! Without cargo features this crate is types alone, light enough for a crate of pure handlers.
//! `lambda`, `worker` and `server` are the adapters.

pub mod call;
pub mod caller;
pub mod error;
mod feature;
pub mod lift;
pub mod problem;
pub mod route;
pub mod stop;

#[cfg(feature = "invoke")]
mod answer;
#[cfg(feature = "invoke")]
pub mod claims;
#[cfg(feature = "invoke")]
mod forms;
#[cfg(feature = "invoke")]
mod host;
#[cfg(feature = "invoke")]
pub mod invoke;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "server")]
pub mod openapi;
#[cfg(feature = "invoke")]
mod request;
#[cfg(feature = "worker")]
pub mod schedule;
#[cfg(feature = "server")]
pub mod server;
pub mod trace;
#[cfg(feature = "worker")]
pub mod worker;

pub use call::{FormClaim, empty_response, http as call_http, sqs as call_sqs};
pub use caller::{Access, Caller, RequestId};
pub use error::{Cause, Error, Result};
pub use feature::{Feature, FileForm, Reply, Request, Response, Route, Trigger};
#[cfg(feature = "invoke")]
pub use host::{Authenticate, Files, Host};
pub use lift::s3_key;
pub use route::{Params, Routed, route};
pub use stop::{Context, Stop};
#[cfg(feature = "invoke")]
pub use trace::LinkTraces;
