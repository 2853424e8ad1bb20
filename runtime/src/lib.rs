//! Handlers over AWS event types, written once and run unchanged as Lambda functions, as SQS
//! long-poll workers and as HTTP servers.
//!
//! A handler is a function over one of AWS's event types, context first. A [`Feature`] is a row
//! of a table: the handler, what sets it off and who may call it. The table is all that the
//! adapters know of an application.
//!
//! ```
//! use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
//! use lambda_anywhere::{CancelSignal, Context, Error, Feature, Result, each_message};
//!
//! /// What every handler gets.
//! #[derive(Clone)]
//! struct Shop {
//!     cancel: CancelSignal,
//! }
//!
//! impl Context for Shop {
//!     type Permission = ();
//!
//!     fn cancel_signal(&self) -> CancelSignal {
//!         self.cancel.clone()
//!     }
//!
//!     fn with_cancel_signal(&self, cancel: CancelSignal) -> Self {
//!         Self { cancel }
//!     }
//! }
//!
//! async fn handle(shop: &Shop, event: SqsEvent) -> Result<SqsBatchResponse> {
//!     each_message(shop, &event, take_order).await
//! }
//!
//! /// An error brings this message back, and no other.
//! async fn take_order(_shop: Shop, message: &SqsMessage) -> Result<()> {
//!     match message.body.as_deref() {
//!         Some("") | None => Err(Error::permanent("an order of nothing")),
//!         Some(_order) => Ok(()),
//!     }
//! }
//!
//! static TABLE: [Feature<Shop>; 1] = [Feature::on_queue("orders", "order-queue", |shop, event| {
//!     Box::pin(handle(shop, event))
//! })];
//! # assert_eq!(TABLE[0].queue(), Some("order-queue"));
//! ```
//!
//! Without cargo features this crate is types alone, light enough for a crate of pure handlers.
//! With them it runs a [`Host`] of a table: [`lambda`] serves Lambda's runtime API, a
//! [`worker::Worker`] long-polls queues, a [`server::Server`] answers HTTP, [`standalone`] is all
//! three in one program, and `conformance` is the suite that holds a table to its promise.

mod batch;
mod caller;
mod context;
mod dispatch;
pub mod envelope;
mod error;
mod feature;
pub mod fields;
pub mod json;
pub mod problem;
mod routing;
pub mod trace;

#[cfg(feature = "invoke")]
pub mod rate_limits;

#[cfg(feature = "invoke")]
pub mod claims;
#[cfg(feature = "invoke")]
mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "invoke")]
mod host;
#[cfg(feature = "invoke")]
mod http;
#[cfg(feature = "invoke")]
pub mod invoke;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "worker")]
pub mod schedule;
#[cfg(feature = "server")]
pub mod server;
#[cfg(all(feature = "lambda", feature = "server", feature = "worker"))]
pub mod standalone;
#[cfg(feature = "worker")]
pub mod worker;

pub use batch::each_message;
pub use caller::{Access, Caller, RequestId, require_caller};
#[cfg(feature = "invoke")]
pub use client::PeerAddress;
pub use context::{CancelSignal, Context};
pub use dispatch::{dispatch_http, dispatch_messages};
pub use envelope::s3_key;
pub use error::{Cause, Error, Result};
pub use feature::{Feature, FileForm, Limits, RateLimit, Reply, Request, Response, Route, Trigger};
#[cfg(feature = "invoke")]
pub use host::{Authenticator, FileStore, Host};
#[cfg(feature = "invoke")]
pub use http::FormLimits;
pub use json::{FormClaim, empty_response};
pub use routing::{PathEncoding, PathParams, RouteMatch, find_route};
pub use trace::LinkTraces;

#[cfg(all(doctest, feature = "conformance"))]
#[doc = include_str!("../README.md")]
struct Readme;
