//! What fotograma does, apart from where it runs.
//!
//! Each feature is one free function over an AWS event type ([`features`]), listed as one row
//! of one table ([`features::TABLE`]). A feature asks the world for things only through the
//! [`ports`], held by the [`App`] it is given; time, ids and randomness come the same way, so
//! that the same event always gives the same story. What feeds the handlers (Lambda, a queue
//! worker, an HTTP server) and what implements the ports lives in other crates.
//!
//! The parts that know nothing of videos are in [`feature`]; adapters depend on these alone.

pub mod app;
pub mod domain;
pub mod error;
pub mod feature;
pub mod features;
pub mod ports;
#[cfg(feature = "story")]
pub mod story;

pub use app::App;
pub use error::{Error, Result};
