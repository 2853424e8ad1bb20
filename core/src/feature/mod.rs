//! What a feature is, apart from what it does: a row of a table that adapters can run.
//!
//! Nothing here knows of videos. The table is generic over its context `C`, so that the
//! adapters could run another team's handlers unchanged.

pub mod call;
pub mod caller;
pub mod lift;
pub mod problem;
pub mod route;
pub mod stop;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use aws_lambda_events::encodings::Body;
use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::s3::S3Event;
use aws_lambda_events::sns::SnsEvent;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use serde::Serialize;

pub use call::{empty_response, http as call_http, sqs as call_sqs};
pub use caller::{Access, Caller, RequestId};
pub use lift::s3_key;
pub use route::{Params, Routed, route};
pub use stop::{Context, Stop};

use crate::Result;

/// An HTTP request as `lambda_http` knows it.
pub type Request = http::Request<Body>;
/// The answer to a [`Request`].
pub type Response = http::Response<Body>;
/// What a handler in the table gives: boxed, so that rows of different handlers have one type.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// One row of the table: a handler, where it belongs and what sets it off.
pub struct Feature<C: 'static> {
    /// Unique; also the name of its Lambda function and of its folder of sample events.
    pub name: &'static str,
    /// The service that it is deployed with.
    pub service: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What sets it off, and the handler.
    pub trigger: Trigger<C>,
    /// What it may touch; permissions derive from this.
    pub touches: &'static [Touch],
}

/// What sets a feature off, and the handler over that event type.
pub enum Trigger<C: 'static> {
    /// An HTTP request.
    Http(Route<C>),
    /// Messages of a queue.
    Sqs {
        /// The queue, without the stage's prefix.
        queue: &'static str,
        /// For a queue that people look into: a message that fails is given back at once, and
        /// a poller then rests this long. Zero: failed messages wait before they come again.
        pause: Duration,
        /// The handler.
        handle: for<'a> fn(&'a C, SqsEvent) -> Reply<'a, SqsBatchResponse>,
    },
    /// Notifications of a topic, directly or through a queue.
    Sns {
        /// The topic, without the stage's prefix.
        topic: &'static str,
        /// The queue that is subscribed to it where something polls.
        queue: &'static str,
        /// The handler.
        handle: for<'a> fn(&'a C, SnsEvent) -> Reply<'a, ()>,
    },
    /// Events of a bucket, directly or through a queue.
    S3 {
        /// The keys that it is told of.
        prefix: &'static str,
        /// The queue that the bucket notifies where something polls.
        queue: &'static str,
        /// The handler.
        handle: for<'a> fn(&'a C, S3Event) -> Reply<'a, ()>,
    },
    /// The clock: `EventBridge` for a function, a `CronJob` for a cluster, a timer elsewhere.
    Schedule {
        /// The time from one run to the next.
        every: Duration,
        /// The handler.
        handle: for<'a> fn(&'a C, EventBridgeEvent) -> Reply<'a, ()>,
    },
}

/// A route and its handler.
pub struct Route<C: 'static> {
    /// `GET`, `POST`, …
    pub method: http::Method,
    /// The path, with `{name}` for a segment that is a parameter.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// For a form with a file: names the object that an adapter streams the file into before
    /// the handler is called with the form's claim check ([`call::Form`]) as its JSON body.
    pub form: Option<fn(&C, &Caller) -> String>,
    /// The handler.
    pub handle: for<'a> fn(&'a C, Request) -> Reply<'a, Response>,
}

impl<C> Feature<C> {
    /// The route, for a feature that HTTP sets off.
    #[must_use]
    pub fn route(&self) -> Option<&Route<C>> {
        match &self.trigger {
            Trigger::Http(route) => Some(route),
            _ => None,
        }
    }

    /// The queue that a worker polls for this feature, without the stage's prefix.
    #[must_use]
    pub fn queue(&self) -> Option<&'static str> {
        match self.trigger {
            Trigger::Http(_) | Trigger::Schedule { .. } => None,
            Trigger::Sqs { queue, .. } | Trigger::Sns { queue, .. } | Trigger::S3 { queue, .. } => {
                Some(queue)
            }
        }
    }
}

/// A thing that a feature may touch, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Touch {
    /// Reads records of the status table.
    ReadVideos,
    /// Writes records of the status table.
    WriteVideos,
    /// Reads uploads.
    ReadUploads,
    /// Writes uploads.
    WriteUploads,
    /// Reads zips of frames.
    ReadFrames,
    /// Writes zips of frames.
    WriteFrames,
    /// Sends to the processor's queue or its dead-letter queue.
    SendJobs,
    /// Publishes to the topic.
    Publish,
    /// Sends mail.
    SendMail,
    /// Asks the identity provider.
    Identity,
}
