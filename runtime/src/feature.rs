//! What a feature is, apart from what it does: a row of a table that adapters can run.
//!
//! The table is generic over its context `C`: what the application hands to its handlers, and the
//! permissions that it tells of.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use aws_lambda_events::encodings::Body;
use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::s3::S3Event;
use aws_lambda_events::sns::SnsEvent;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};

use crate::{Access, Caller, Context, Result};

/// An HTTP request as `lambda_http` knows it.
pub type Request = http::Request<Body>;
/// The answer to a [`Request`].
pub type Response = http::Response<Body>;
/// What a handler in the table gives: boxed, so that rows of different handlers have one type.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// One row of the table: a handler, where it belongs and what sets it off.
pub struct Feature<C: Context> {
    /// Unique; also the name of its Lambda function and of its folder of sample events.
    pub name: &'static str,
    /// The service that it is deployed with.
    pub service: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What sets it off, and the handler.
    pub trigger: Trigger<C>,
    /// What its deployment gives it.
    pub limits: Limits,
    /// What it may touch, in the application's own words.
    pub permissions: &'static [C::Permission],
}

/// What a feature's deployment gives it: its function, or the pods of its service. Nothing here enforces
/// it: Lambda and Kubernetes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory in MiB. Lambda gives processors along with it: a whole one at 1,769 MiB.
    pub memory_mib: u32,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// How many invocations there may be at a time, over all functions or pods; `None`: as many as are
    /// asked for.
    pub concurrency: Option<u32>,
}

impl Limits {
    /// What Lambda gives a function of which nothing is said: 128 MiB and 3 s.
    pub const DEFAULT: Self = Self {
        memory_mib: 128,
        timeout: Duration::from_secs(3),
        concurrency: None,
    };
}

/// What sets a feature off, and the handler over that event type.
pub enum Trigger<C: Context> {
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
pub struct Route<C: Context> {
    /// `GET`, `POST`, …
    pub method: http::Method,
    /// The path, with `{name}` for a segment that is a parameter.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// For a form with a file: the handler is called with the form's claim check
    /// ([`FormClaim`](crate::FormClaim)) as its JSON body.
    pub form: Option<FileForm<C>>,
    /// How often it may be used, where that is limited.
    pub rate_limit: Option<RateLimit>,
    /// Whether it answers with Server-Sent Events: what is new since `Last-Event-ID`. A server then keeps the
    /// connection, and asks the handler again for as long as the client listens.
    pub follow: bool,
    /// Whether the handler looks at the query; elsewhere a query is refused, and not passed over.
    pub takes_query: bool,
    /// The handler.
    pub handle: for<'a> fn(&'a C, Request) -> Reply<'a, Response>,
}

/// Names how often a route may be used by one user and from one address.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    /// The kind of the limit, which a setting puts into figures. Routes of one kind count together.
    pub kind: &'static str,
    /// For a route without a token: whom a request is about, such as who is to be logged in.
    pub subject: Option<fn(&Request) -> Option<String>>,
}

/// A form with a file, which an adapter streams into the object store before the handler is
/// called.
pub struct FileForm<C> {
    /// Names the object that the file is streamed into.
    pub key: fn(&C, &Caller) -> String,
}

type HandleMessages<C> = for<'a> fn(&'a C, SqsEvent) -> Reply<'a, SqsBatchResponse>;
type HandleNotices<C> = for<'a> fn(&'a C, SnsEvent) -> Reply<'a, ()>;
type HandleTime<C> = for<'a> fn(&'a C, EventBridgeEvent) -> Reply<'a, ()>;
type HandleRequest<C> = for<'a> fn(&'a C, Request) -> Reply<'a, Response>;

impl<C: Context> Feature<C> {
    const fn new(name: &'static str, trigger: Trigger<C>) -> Self {
        Self {
            name,
            service: name,
            about: "",
            trigger,
            limits: Limits::DEFAULT,
            permissions: &[],
        }
    }

    /// A row for a handler of a queue's messages; its service is itself.
    #[must_use]
    pub const fn on_queue(
        name: &'static str,
        queue: &'static str,
        handle: HandleMessages<C>,
    ) -> Self {
        let pause = Duration::ZERO;
        Self::new(
            name,
            Trigger::Sqs {
                queue,
                pause,
                handle,
            },
        )
    }

    /// A row for a handler of a topic's notifications; its service is itself.
    #[must_use]
    pub const fn on_topic(
        name: &'static str,
        topic: &'static str,
        queue: &'static str,
        handle: HandleNotices<C>,
    ) -> Self {
        Self::new(
            name,
            Trigger::Sns {
                topic,
                queue,
                handle,
            },
        )
    }

    /// A row for a handler that the clock sets off every so many seconds; its service is itself.
    #[must_use]
    pub const fn on_schedule(name: &'static str, seconds: u64, handle: HandleTime<C>) -> Self {
        let every = Duration::from_secs(seconds);
        Self::new(name, Trigger::Schedule { every, handle })
    }

    /// A row for a handler of requests that anybody may make; its service is itself.
    #[must_use]
    pub const fn on_request(
        name: &'static str,
        method: http::Method,
        path: &'static str,
        handle: HandleRequest<C>,
    ) -> Self {
        let route = Route {
            method,
            path,
            access: Access::Public,
            form: None,
            rate_limit: None,
            follow: false,
            takes_query: true,
            handle,
        };
        Self::new(name, Trigger::Http(route))
    }

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
