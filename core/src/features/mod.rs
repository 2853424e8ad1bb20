//! The table of all features, and one file for each.
//!
//! The command line, the server's routes, the worker's queues, Lambda's dispatch, permissions
//! and documentation derive from [`TABLE`]. A new feature is one file, one row, one event.

use std::time::Duration;

use http::Method;

use crate::App;
use lambda_anywhere::{Access, Feature, FileForm, RateLimit, Route, Trigger};

pub mod auth;
pub mod dead_letter;
pub mod job_messages;
pub mod notices;
pub mod process_video;
pub mod sweep;
pub mod upload_parts;
pub mod uploads;
pub mod video_events;
pub mod videos;

pub mod problems;
pub mod resources;

mod limits;
mod permission;
mod records;
mod table;
pub(crate) mod video_view;

pub use permission::{Permission, Resource};
pub use table::TABLE;

/// The group that may notify by hand and change a video's status.
pub const OPERATORS: &str = "operators";

/// What is deployed: a name for some features, and where it listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Service {
    /// As in the table.
    pub name: &'static str,
    /// Its TCP port when nothing else is said.
    pub port: u16,
}

/// The services, in the order of their ports.
pub const SERVICES: [Service; 5] = [
    Service {
        name: "auth-service",
        port: 8001,
    },
    Service {
        name: "video-uploader",
        port: 8002,
    },
    Service {
        name: "status-service",
        port: 8003,
    },
    Service {
        name: "notification-service",
        port: 8004,
    },
    Service {
        name: "video-processor",
        port: 8005,
    },
];

/// The feature of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Feature<App>> {
    TABLE.iter().find(|feature| feature.name == name)
}

type HandleRequest = for<'a> fn(
    &'a App,
    lambda_anywhere::Request,
) -> lambda_anywhere::Reply<'a, lambda_anywhere::Response>;

/// A route that takes and gives JSON, whoever asks how often.
const fn json_route(
    method: Method,
    path: &'static str,
    access: Access,
    handle: HandleRequest,
) -> Route<App> {
    Route {
        method,
        path,
        access,
        form: None,
        rate_limit: None,
        follow: false,
        takes_query: false,
        handle,
    }
}

/// A row for such a route.
const fn http_route(
    method: Method,
    path: &'static str,
    access: Access,
    handle: HandleRequest,
) -> Trigger<App> {
    Trigger::Http(json_route(method, path, access, handle))
}

/// The same, for a route whose handler looks at the query.
const fn query_route(path: &'static str, handle: HandleRequest) -> Trigger<App> {
    let mut route = json_route(Method::GET, path, Access::User, handle);
    route.takes_query = true;
    Trigger::Http(route)
}

/// The same, for a route that is listened to.
const fn followed_route(path: &'static str, handle: HandleRequest) -> Trigger<App> {
    let mut route = json_route(Method::GET, path, Access::User, handle);
    route.follow = true;
    Trigger::Http(route)
}

/// The same, for a route that may only be used so often.
const fn limited_route(
    limit: RateLimit,
    path: &'static str,
    access: Access,
    handle: HandleRequest,
) -> Trigger<App> {
    let mut route = json_route(Method::POST, path, access, handle);
    route.rate_limit = Some(limit);
    Trigger::Http(route)
}

/// New users, by the address that a code is mailed to.
const SIGN_UPS: RateLimit = RateLimit {
    kind: "signup",
    subject: Some(|request| auth::text_of(request, "email")),
};
/// Guesses at passwords and codes, by the name that they are for.
const LOG_INS: RateLimit = RateLimit {
    kind: "login",
    subject: Some(|request| auth::text_of(request, "username")),
};
/// Uploads that are registered or sent as a form.
const UPLOADS: RateLimit = RateLimit {
    kind: "upload",
    subject: None,
};
/// Word that a file is there, and retries.
const RETRIES: RateLimit = RateLimit {
    kind: "retry",
    subject: None,
};

/// How often stale videos are looked for.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// How long a poller leaves the dead-letter queue alone once it found what it cannot settle, so
/// that people can look at it there.
const DEAD_LETTER_PAUSE: Duration = Duration::from_mins(1);
