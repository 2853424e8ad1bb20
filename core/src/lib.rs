//! What fotograma does, apart from where it runs.
//!
//! Each feature is one free function over an AWS event type ([`features`]), listed as one row
//! of one table ([`features::TABLE`]). A feature asks the world for things only through the
//! [`ports`], held by the [`App`] it is given; time, ids and randomness come the same way, so
//! that the same event always gives the same story. What feeds the handlers (Lambda, a queue
//! worker, an HTTP server) and what implements the ports lives in other crates.
//!
//! What a feature is, apart from what it does, are the types of [`lambda_anywhere`].

pub mod app;
pub mod domain;
pub mod features;
pub mod health;
#[cfg(feature = "schema")]
pub mod openapi;
pub mod ports;
#[cfg(feature = "story")]
pub mod story;
pub mod untold;

pub use app::App;
pub use health::Health;
pub use lambda_anywhere::{Error, Result};
pub use untold::UntoldEnds;
