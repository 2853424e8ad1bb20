//! The one binary of fotograma, as a library: `lambda-anywhere` feeds the handlers of
//! `fotograma-core`; here are the ports over the AWS SDKs and the engine, configuration, command line.

pub mod api_documents;
pub mod aws;
pub mod cli;
pub mod config;
pub mod frames;
mod outbound;
mod paced_queue;
#[cfg(feature = "local")]
pub mod page;
mod self_test;
mod subscriptions;
pub mod system;
pub mod telemetry;
pub mod tokens;
