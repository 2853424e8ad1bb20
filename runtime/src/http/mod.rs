//! HTTP requests through the table: one stack, in a pod's server and in Lambda.

mod answer;
mod form_stream;
mod forms;
#[cfg(feature = "server")]
mod places;
mod representation;
mod request;
mod stack;

#[cfg(feature = "server")]
pub(crate) use answer::Again;
#[cfg(feature = "server")]
pub(crate) use answer::{MAX_BODY, handler_in_time};
pub(crate) use answer::{RoutePath, answer};
pub use form_stream::FormLimits;
#[cfg(feature = "server")]
pub(crate) use places::{Places, with_places};
#[cfg(feature = "server")]
pub(crate) use request::{RouteLabel, request_id, whole_body};
#[cfg(feature = "server")]
pub(crate) use stack::cors;
pub(crate) use stack::http_stack;
